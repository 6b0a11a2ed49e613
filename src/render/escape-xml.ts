import {
  type EscapedValue,
  type Escaper,
  type PrintedValue,
  refused,
  toWord,
  withText,
} from './escaped-value.ts';

/** Where a file stands, and what ends that. */
type Place =
  | { readonly kind: 'text' }
  | Tag
  | { readonly kind: 'attribute'; readonly end: string; readonly of: Tag }
  /** A comment, CDATA, a declaration, an instruction or a script: nothing in it is escaped. */
  | Verbatim
  /** In an element that HTML reads as text to its end, and XML does not. */
  | { readonly kind: 'title'; readonly end: string; readonly seen: string }
  /** Where XML and HTML, or two parsers of it, are not of one mind: to the end of the file. */
  | { readonly kind: 'unknown' };

interface Tag {
  readonly kind: 'tag';
  /** As much as has been seen. */
  readonly name: string;
  readonly at: 'name' | 'between' | 'attribute' | 'after-attribute' | 'equals' | 'unquoted';
}

interface Verbatim {
  readonly kind: 'verbatim';
  readonly end: string;
  readonly seen: string;
  /** The end of that, as long as `end`. */
  readonly tail: string;
  /** What in it some parser takes for its end, or for the beginning of another of it. */
  readonly doubt: RegExp;
}

const inText: Place = { kind: 'text' };
const unknown: Place = { kind: 'unknown' };

/** Escapes for XML 1.0 and HTML: in text and in quoted values of attributes. */
export function createXmlEscaper(): Escaper {
  let place: Place = inText;
  const take = (text: string): undefined => {
    for (const char of text) place = nextPlace(place, char);
  };
  return {
    literal: take,
    value: (value) => {
      const isText = place.kind === 'text' || place.kind === 'title';
      if (isText || place.kind === 'attribute') return toXml(value);
      const escaped = toWord(value);
      if ('refused' in escaped) return escaped;
      // XML has no two hyphens in a comment (2.5).
      if (place.kind !== 'tag' && escaped.text.includes('-')) {
        return refused('a value with a hyphen may not stand there');
      }
      take(escaped.text);
      return escaped;
    },
    end: () => undefined,
  };
}

function nextPlace(place: Place, char: string): Place {
  switch (place.kind) {
    case 'text':
      return char === '<' ? { kind: 'tag', name: '', at: 'name' } : place;
    case 'tag':
      return nextInTag(place, char);
    case 'attribute':
      return char === place.end ? { ...place.of, at: 'between' } : place;
    case 'verbatim':
      return nextVerbatim(place, char);
    case 'title': {
      const seen = (place.seen + char.toLowerCase()).slice(-place.end.length);
      if (seen === place.end) return { kind: 'tag', name: place.end.slice(1), at: 'name' };
      // XML has elements in it.
      const from = seen.lastIndexOf('<');
      return from >= 0 && !place.end.startsWith(seen.slice(from)) ? unknown : { ...place, seen };
    }
    case 'unknown':
      return unknown;
  }
}

function nextVerbatim(place: Verbatim, char: string): Place {
  const seen = place.seen + char.toLowerCase();
  // All that was seen is looked at once, at the end: a script may be as long as the file.
  const tail = (place.tail + char.toLowerCase()).slice(-place.end.length);
  if (tail !== place.end) return { ...place, seen, tail };
  if (place.doubt.test(seen.slice(0, -place.end.length))) return unknown;
  // The end of an element may have blanks in it.
  return place.end.startsWith('</')
    ? { kind: 'tag', name: place.end.slice(1), at: 'name' }
    : inText;
}

/** The tags of HTML (13.2.5.6 to 13.2.5.40 of its standard), of which those of XML are some. */
function nextInTag(tag: Tag, char: string): Place {
  if (tag.name === '') return atTag(tag, char);
  if (/^[!?]/.test(tag.name)) return inDeclaration(tag, char);
  // HTML ends an unfinished tag somewhere else than a reader would.
  if (char === '<') return unknown;
  const isBlank = /[\t\n\f\r ]/.test(char);
  if (char === '>') return afterTag(tag.name);
  switch (tag.at) {
    case 'name':
      if (tag.name === '/' && !/[a-z]/i.test(char)) return unknown;
      if (isBlank || char === '/') return betweenAttributes(tag, char);
      return { ...tag, name: tag.name + char.toLowerCase() };
    case 'equals':
      if (isBlank) return tag;
      if (char === '"' || char === "'") return { kind: 'attribute', end: char, of: tag };
      return { ...tag, at: 'unquoted' };
    case 'unquoted':
      return isBlank ? { ...tag, at: 'between' } : tag;
    case 'between':
    case 'attribute':
    case 'after-attribute':
      if (char === '/') return betweenAttributes(tag, char);
      if (isBlank) return tag.at === 'attribute' ? { ...tag, at: 'after-attribute' } : tag;
      // It is of a name that begins, unless one has.
      return { ...tag, at: char === '=' && tag.at !== 'between' ? 'equals' : 'attribute' };
  }
}

function betweenAttributes(tag: Tag, char: string): Place {
  // HTML has no empty element of these names, and XML has.
  if (char === '/' && (isTitle(tag.name) || isVerbatim(tag.name))) return unknown;
  return { ...tag, at: 'between' };
}

function atTag(tag: Tag, char: string): Place {
  if (char === '<') return tag;
  if (/[a-z/!?]/i.test(char)) return { ...tag, name: char.toLowerCase() };
  // A name in XML, text in HTML.
  return /[_:\u0080-\uffff]/.test(char) ? unknown : inText;
}

function inDeclaration(tag: Tag, char: string): Place {
  const name = tag.name + char.toLowerCase();
  if (name === '!--') {
    return { kind: 'verbatim', end: '-->', seen: '', tail: '', doubt: /^-?>|--!>/ };
  }
  if (name === '![cdata[') {
    return { kind: 'verbatim', end: ']]>', seen: '', tail: '', doubt: />[\s\S]*</ };
  }
  if (name.startsWith('?')) {
    if (char === '>') return unknown;
    return { kind: 'verbatim', end: '?>', seen: '', tail: '', doubt: />[\s\S]*</ };
  }
  if (char === '>') return inText;
  // A document type's own declarations.
  const isUnknown = char === '[' && !'![cdata['.startsWith(name);
  return isUnknown ? unknown : { ...tag, name };
}

function afterTag(name: string): Place {
  if (isVerbatim(name)) {
    const doubt = name === 'script' ? /<!--/ : /</;
    return { kind: 'verbatim', end: `</${name}`, seen: '', tail: '', doubt };
  }
  return isTitle(name) ? { kind: 'title', end: `</${name}`, seen: '' } : inText;
}

/** Tells whether HTML reads what is in an element as it stands. */
function isVerbatim(name: string): boolean {
  return /^(?:script|style|xmp|iframe|noembed|noframes|noscript|plaintext)$/.test(name);
}

/** Tells whether HTML reads what is in an element as text with references. */
function isTitle(name: string): boolean {
  return name === 'title' || name === 'textarea';
}

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  // As they are, a parser takes them for a space or for another line break.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Escapes for text and for quoted values of attributes (XML 1.0, 2.4 and 3.3.3). */
export function toXml(value: PrintedValue): EscapedValue {
  return withText(value, (text) =>
    // What is no Char of XML 1.0 (2.2) cannot be written in any way; C1 only could, and is no text.
    /(?![\t\n\r])\p{Cc}|[\ufffe\uffff]/u.test(text)
      ? refused('XML has no such control characters')
      : text.replace(/[&<>"'\t\n\r]/g, (char) => references[char] ?? ''),
  );
}
