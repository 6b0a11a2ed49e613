import {
  type EscapedValue,
  type Escaper,
  type PrintedValue,
  refused,
  toWord,
  withText,
} from './escaped-value.ts';

type State =
  /** Where a value may begin: after indentation, `- `, `: `, and `[`, `{` or `,` of a flow. */
  | 'start'
  /** The same, after an anchor or a tag on its line. */
  | 'tagged'
  /** After a `-`, `?` or `:` there, which stands for an entry if a space follows. */
  | 'dash'
  /** In an anchor or a tag of YAML's own. */
  | 'property'
  /** In a line that begins with `%`. */
  | 'directive'
  | 'plain'
  /** On the next line after a plain scalar, which goes on if that is indented more. */
  | 'wrapped'
  | 'double'
  | 'escaped'
  | 'single'
  /** After what was in quotes or brackets. */
  | 'closed'
  /** After a value that was put in quotes. */
  | 'written'
  | 'comment'
  /** A block scalar, or what parsers disagree about: to the end of the file. */
  | 'unknown';

/** Where a file stands. */
interface Place {
  state: State;
  /** What a comment ends in. */
  resumed: State;
  /** How many brackets of flows are open. */
  depth: number;
  before: string;
  /** What the line begins with, as much as shows a `---`. */
  line: string;
  column: number;
  /** Whether something other than blanks is before it on its line. */
  isAfterToken: boolean;
  /** The column where the last key, scalar or flow outside a flow began. */
  token: number;
  /** That of the key or the dash which it belongs to, -1 for none: what wraps is to its right. */
  parent: number;
}

/**
 * Escapes for YAML 1.1 and 1.2: a whole scalar where one may begin, the inside of one in quotes.
 *
 * Within a plain scalar a value must be a word.
 */
export function createYamlEscaper(): Escaper {
  const place: Place = {
    ...{ state: 'start', resumed: 'start', depth: 0, before: '\n', line: '', column: 0 },
    ...{ isAfterToken: false, token: 0, parent: -1 },
  };
  return {
    literal: (text) => {
      for (const char of text) {
        if (!take(place, char)) {
          return 'text follows a value that needs quotes; put both between double quotes';
        }
      }
      return undefined;
    },
    value: (value) => {
      const state = placeOfValue(place);
      const escaped = escapers[state](value);
      if ('refused' in escaped) return escaped;
      if (state === 'start') {
        begin(place);
        place.state = escaped.text.startsWith('"') ? 'written' : 'plain';
      } else if (state === 'dash') place.state = 'plain';
      place.column += escaped.text.length;
      place.line += escaped.text.slice(0, 3);
      // Whatever the value ends with, what follows does not begin with it.
      place.before = 'x';
      return escaped;
    },
    end: () => undefined,
  };
}

function placeOfValue(place: Place): State {
  if (place.state === 'wrapped') place.state = isWrapping(place) ? 'plain' : 'start';
  return place.state === 'tagged' ? 'start' : place.state;
}

function isWrapping({ column, parent }: Place): boolean {
  return column > parent;
}

function isBreak(char: string): boolean {
  return char === '\n' || char === '\r';
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t' || isBreak(char);
}

/** Goes on by one character; tells whether it may stand there after a value. */
function take(place: Place, char: string): boolean {
  // YAML 1.1 ends a line at these, YAML 1.2 does not.
  if (/[\u0085\u2028\u2029]/.test(char)) place.state = 'unknown';
  const wasWritten = place.state === 'written';
  next(place, char);
  if (isBreak(char)) {
    Object.assign(place, { column: 0, line: '', isAfterToken: false });
  } else {
    place.column += 1;
    if (place.line.length < 4) place.line += char;
  }
  place.before = char;
  return !(wasWritten && place.state === 'unknown');
}

function next(place: Place, char: string): void {
  if (isBlank(char) && place.depth === 0 && /^(?:---|\.\.\.)$/.test(place.line)) {
    if (place.state === 'plain') Object.assign(place, { state: 'start', parent: -1 });
  }
  switch (place.state) {
    case 'unknown':
      return;
    case 'escaped':
      place.state = 'double';
      return;
    case 'double':
      if (char === '\\') place.state = 'escaped';
      else if (char === '"') place.state = 'closed';
      return;
    case 'single':
      if (char === "'") place.state = 'closed';
      return;
    case 'comment':
      if (isBreak(char)) place.state = place.resumed;
      return;
    case 'directive':
      if (isBreak(char)) place.state = 'start';
      return;
    case 'property':
      inProperty(place, char);
      return;
    case 'start':
    case 'tagged':
      atStart(place, char);
      return;
    case 'dash':
      if (!isBlank(char)) {
        place.state = 'plain';
        inPlain(place, char);
      } else enter(place);
      return;
    case 'wrapped':
      if (isBlank(char)) return;
      if (isWrapping(place) && char !== '#') place.state = 'plain';
      else {
        place.state = 'start';
        atStart(place, char);
      }
      return;
    case 'plain':
      inPlain(place, char);
      return;
    case 'closed':
    case 'written':
      inClosed(place, char);
  }
}

/** A key, a scalar or a flow begins. */
function begin(place: Place): void {
  if (place.depth > 0) return;
  // It is to the left of what was before it, and so belongs to something further out.
  if (!place.isAfterToken) place.parent = Math.min(place.parent, place.column - 1);
  if (place.state !== 'tagged') place.token = place.column;
  place.isAfterToken = true;
}

/** What began last is a key or a dash, and what it stands for may begin. */
function enter(place: Place): void {
  if (place.depth === 0) place.parent = place.token;
  place.state = 'start';
}

function open(place: Place): void {
  place.depth += 1;
  place.state = 'start';
}

function close(place: Place): void {
  place.depth -= 1;
  place.state = 'closed';
}

function comment(place: Place, resumed: State): void {
  // Not all parsers need a blank before it.
  place.state = isBlank(place.before) ? 'comment' : 'unknown';
  place.resumed = place.depth > 0 ? resumed : 'start';
}

function atStart(place: Place, char: string): void {
  if (isBlank(char)) {
    if (isBreak(char)) place.state = 'start';
    return;
  }
  if (char === '#') {
    comment(place, 'start');
    return;
  }
  begin(place);
  const inFlow = place.depth > 0;
  if (char === '"') place.state = 'double';
  else if (char === "'") place.state = 'single';
  else if (/[-?:]/.test(char)) place.state = 'dash';
  else if (/[[{]/.test(char)) open(place);
  else if (/[\]}]/.test(char) && inFlow) close(place);
  else if (char === ',' && inFlow) place.state = 'start';
  else if (char === '&' || char === '!') place.state = 'property';
  else if (char === '%' && !inFlow && place.column === 0) place.state = 'directive';
  else place.state = /[\]},|>%@`]/.test(char) ? 'unknown' : 'plain';
}

function inProperty(place: Place, char: string): void {
  if (isBreak(char)) place.state = 'start';
  else if (isBlank(char)) place.state = 'tagged';
  // A tag between angle brackets has any characters.
  else if (/[<[{]/.test(char)) place.state = 'unknown';
  else if (place.depth > 0 && char === ',') place.state = 'start';
  else if (place.depth > 0 && /[\]}]/.test(char)) close(place);
}

function inPlain(place: Place, char: string): void {
  const inFlow = place.depth > 0;
  if (isBlank(char)) {
    if (place.before === ':') enter(place);
    else if (isBreak(char) && !inFlow) place.state = 'wrapped';
  } else if (char === '#' && isBlank(place.before)) comment(place, 'plain');
  else if (inFlow && char === ',') place.state = 'start';
  else if (inFlow && /[[{]/.test(char)) open(place);
  else if (inFlow && /[\]}]/.test(char)) close(place);
}

function inClosed(place: Place, char: string): void {
  const { state, before } = place;
  const inFlow = place.depth > 0;
  if (isBlank(char)) {
    if (before === ':') enter(place);
    else if (isBreak(char) && !inFlow) place.state = 'start';
  } else if (before === ':') place.state = 'unknown';
  // In quotes a quote is written twice.
  else if (state === 'closed' && before === "'" && char === "'") place.state = 'single';
  else if (char === '#') comment(place, state);
  else if (char === ':') {
    // A key in quotes needs no space before its value within a flow.
    if (inFlow) place.state = 'start';
  } else if (inFlow && char === ',') place.state = 'start';
  else if (inFlow && /[\]}]/.test(char)) close(place);
  else place.state = 'unknown';
}

function refusing(why: string): (value: PrintedValue) => EscapedValue {
  return () => refused(why);
}

const escapers: Readonly<Record<State, (value: PrintedValue) => EscapedValue>> = {
  start: toYaml,
  tagged: toYaml,
  dash: toWord,
  property: refusing('a value may not name an anchor or a tag'),
  directive: refusing('a value may not stand in a directive'),
  plain: toWord,
  wrapped: toWord,
  double: (value) => withText(value, insideDouble),
  escaped: refusing('a value may not follow a backslash'),
  single: (value) =>
    withText(value, (text) =>
      unprintable.test(text)
        ? refused('single quotes have no way to write its control characters; use double ones')
        : text.replaceAll("'", "''"),
    ),
  closed: refusing('a value may not follow what is in quotes or brackets; put both in quotes'),
  written: refusing('it follows a value that needs quotes; put both between double quotes'),
  comment: toWord,
  unknown: toText,
};

// A name that no resolver of YAML 1.1 or 1.2 takes for another type, nor an address for a number.
const plainName = /^[A-Za-z][A-Za-z0-9_-]*[0-9_-][A-Za-z0-9_-]*$|^\d{1,3}(?:\.\d{1,3}){3}$/;

// An address with a port is none of the numbers of YAML 1.1, which has 1:2 for 62.
const plainText = /^[\p{L}]|^\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?$/u;
const otherType = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

/** Lets a word through that would be text even if it were a whole scalar. */
function toText(value: PrintedValue): EscapedValue {
  const word = toWord(value);
  if (typeof value !== 'string' || 'refused' in word) return word;
  return plainText.test(word.text) && !otherType.test(word.text)
    ? word
    : refused('a value that YAML may take for other than text may not stand there');
}

/** Writes a whole scalar, which is read as exactly this. */
export function toYaml(value: PrintedValue): EscapedValue {
  return withText(value, (text) =>
    typeof value !== 'string' || plainName.test(text) ? text : `"${insideDouble(text)}"`,
  );
}

// YAML 1.2, 5.1: all that is no c-printable, and what some parser takes for a line break.
const unprintable = /[\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]/u;

function insideDouble(text: string): string {
  return text.replace(/["\\\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]/gu, (char) =>
    char === '"' || char === '\\'
      ? `\\${char}`
      : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
