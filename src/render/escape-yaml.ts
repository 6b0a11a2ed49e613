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
  /** After a `-` or `?` there, which stands for an entry if a space follows. */
  | 'dash'
  | 'plain'
  | 'double'
  | 'escaped'
  | 'single'
  /** After what was in quotes. */
  | 'closed'
  | 'comment'
  /** A block scalar, an anchor, a tag of YAML's own: to the end of the file. */
  | 'unknown';

/**
 * Escapes for YAML 1.1 and 1.2: a whole scalar where one may begin, the inside of one in quotes.
 *
 * Within a plain scalar a value must be a word.
 */
export function createYamlEscaper(): Escaper {
  let state: State = 'start';
  let depth = 0;
  let before = '\n';
  let isAfterScalar = false;
  const take = (char: string): void => {
    // Brackets are of a flow where a scalar may begin or has ended, and text within one.
    const isFlow = state !== 'double' && state !== 'single' && state !== 'comment';
    const isFree = isFlow && state !== 'unknown' && (state !== 'plain' || depth > 0);
    if (isFree && (char === '[' || char === '{') && state !== 'plain') depth += 1;
    state = nextState(state, before, char, depth > 0);
    if (isFree && (char === ']' || char === '}')) depth = Math.max(0, depth - 1);
    before = char;
  };
  return {
    literal: (text) => {
      const isBroken = isAfterScalar && !/^(?:[\s,\]}]|:(?:\s|$))/.test(text) && text !== '';
      if (text !== '') isAfterScalar = false;
      for (const char of text) take(char);
      return isBroken
        ? 'a value that needs quotes is followed by other text; put both between double quotes'
        : undefined;
    },
    value: (value) => {
      const escaped = escapers[isAfterScalar ? 'plain' : state](value);
      if ('refused' in escaped) return escaped;
      if (state === 'start') {
        const isQuoted = escaped.text.startsWith('"');
        isAfterScalar = isQuoted;
        state = isQuoted ? 'closed' : 'plain';
      } else if (state === 'dash' || state === 'closed') state = 'plain';
      else if (state === 'escaped') state = 'double';
      before = 'x';
      return escaped;
    },
    end: () => undefined,
  };
}

function nextState(state: State, before: string, char: string, inFlow: boolean): State {
  switch (state) {
    case 'unknown':
      return 'unknown';
    case 'escaped':
      return 'double';
    case 'double':
      if (char === '\\') return 'escaped';
      return char === '"' ? 'closed' : 'double';
    case 'single':
      return char === "'" ? 'closed' : 'single';
    case 'comment':
      return char === '\n' ? 'start' : 'comment';
    case 'dash':
    case 'start':
      if (/\s/.test(char)) return 'start';
      if (state === 'dash') return 'plain';
      return atStart(before, char);
    case 'plain':
    case 'closed':
      // In quotes a quote is written twice.
      if (state === 'closed' && before === "'" && char === "'") return 'single';
      if (char === '\n' || (before === ':' && /\s/.test(char))) return 'start';
      if (inFlow && char === ',') return 'start';
      if (char === '#' && /\s/.test(before)) return 'comment';
      return /\s/.test(char) || state === 'closed' ? state : 'plain';
  }
}

function atStart(before: string, char: string): State {
  if (char === '"') return 'double';
  if (char === "'") return 'single';
  if (char === '#') return /\s/.test(before) ? 'comment' : 'plain';
  if (char === '-' || char === '?') return 'dash';
  if (char === '[' || char === '{' || char === ',') return 'start';
  return /[|>&*!%@`]/.test(char) ? 'unknown' : 'plain';
}

const escapers: Readonly<Record<State, (value: PrintedValue) => EscapedValue>> = {
  start: toYaml,
  dash: toPlainWord,
  plain: toPlainWord,
  double: (value) => withText(value, insideDouble),
  escaped: toPlainWord,
  single: (value) =>
    withText(value, (text) =>
      unprintable.test(text)
        ? refused('single quotes have no way to write its control characters; use double ones')
        : text.replaceAll("'", "''"),
    ),
  closed: toPlainWord,
  comment: toPlainWord,
  unknown: toPlainWord,
};

/** A colon at the end could make a key of what is before it. */
function toPlainWord(value: PrintedValue): EscapedValue {
  const word = toWord(value);
  return 'text' in word && word.text.endsWith(':')
    ? refused('a value that ends with a colon may not stand there')
    : word;
}

// A name that no resolver of YAML 1.1 or 1.2 takes for another type, nor an address for a number.
const plainName = /^[A-Za-z][A-Za-z0-9_-]*[0-9_-][A-Za-z0-9_-]*$|^\d{1,3}(?:\.\d{1,3}){3}$/;

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
