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
  /** With as much of what begins it as may be its name. */
  | { readonly kind: 'tag'; readonly name: string; readonly isNamed: boolean }
  | { readonly kind: 'attribute'; readonly end: string; readonly of: Place }
  /** A comment, CDATA, an instruction or a script: nothing in it is escaped. */
  | { readonly kind: 'verbatim'; readonly end: string; readonly seen: string };

const inText: Place = { kind: 'text' };

/** Escapes for XML 1.0 and HTML: in text and in quoted values of attributes. */
export function createXmlEscaper(): Escaper {
  let place: Place = inText;
  const take = (text: string): undefined => {
    for (const char of text) place = nextPlace(place, char);
  };
  return {
    literal: take,
    value: (value) => {
      if (place.kind === 'text' || place.kind === 'attribute') return toXml(value);
      const escaped = toWord(value);
      if ('refused' in escaped) return escaped;
      // XML has no two hyphens in a comment (2.5).
      if (place.kind === 'verbatim' && escaped.text.includes('-')) {
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
      return char === '<' ? { kind: 'tag', name: '', isNamed: false } : place;
    case 'tag':
      return nextInTag(place, char);
    case 'attribute':
      return char === place.end ? place.of : place;
    case 'verbatim': {
      const { end } = place;
      const seen = (place.seen + char.toLowerCase()).slice(-end.length);
      return seen === end ? inText : { ...place, seen };
    }
  }
}

function nextInTag(tag: Extract<Place, { kind: 'tag' }>, char: string): Place {
  const name = tag.isNamed ? tag.name : tag.name + char.toLowerCase();
  if (!tag.isNamed) {
    if (name === '!--') return { kind: 'verbatim', end: '-->', seen: '' };
    if (name === '![cdata[') return { kind: 'verbatim', end: ']]>', seen: '' };
    if (name === '?') return { kind: 'verbatim', end: '?>', seen: '' };
  }
  if (char === '>') {
    // HTML reads what is in these two as it stands.
    const isVerbatim = tag.name === 'script' || tag.name === 'style';
    return isVerbatim ? { kind: 'verbatim', end: `</${tag.name}>`, seen: '' } : inText;
  }
  if (char === '"' || char === "'") {
    return { kind: 'attribute', end: char, of: { ...tag, isNamed: true } };
  }
  if (tag.isNamed || /[\s/]/.test(name.slice(1))) return { ...tag, isNamed: true };
  return { ...tag, name };
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
