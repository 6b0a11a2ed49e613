import { quoteForSh, withinSingleQuotes } from '../model/sh.ts';
import {
  type EscapedValue,
  type Escaper,
  type PrintedValue,
  refuseControls,
  refused,
  toWord,
  withText,
} from './escaped-value.ts';

type State = 'outside' | 'double' | 'single' | 'comment' | 'here' | 'arithmetic' | 'unknown';

/**
 * Escapes for sh(1) (POSIX, 2.2 Quoting) and bash(1): a word outside quotes, the inside of one
 * within them.
 *
 * From the first `$(`, `${`, backquote, `$'`, `<<`, `=(`, `[[` or `[` of a subscript on it is not
 * known where a value stands. From the first `((` or `$[` on bash may compute what it reads, and
 * runs commands in the subscripts of that; so a value must be a number there.
 */
export function createShellEscaper(): Escaper {
  let state: State = 'outside';
  let before = '\n';
  let escaping = false;
  const take = (char: string): void => {
    if (escaping) {
      escaping = false;
      // A shell takes a backslash and a line break away (2.2.1), as if neither was there.
      if (char !== '\n') before = 'x';
      return;
    }
    escaping = char === '\\' && state !== 'single' && state !== 'comment';
    if (escaping) return;
    state = nextState(state, before, char);
    before = char;
  };
  return {
    literal: (text) => {
      for (const char of text) take(char);
      return undefined;
    },
    value: (value) => {
      if (state === 'outside' && before === '[') state = 'unknown';
      const escaped =
        escaping && state !== 'arithmetic' ? toWord(value) : escapeAfter(before, state, value);
      escaping = false;
      // Whatever the value ends with, what follows does not begin with it.
      before = 'x';
      return escaped;
    },
    end: () => undefined,
  };
}

function nextState(state: State, before: string, char: string): State {
  switch (state) {
    case 'outside':
      return nextOutside(before, char);
    case 'double':
      if (char === '"') return 'outside';
      return afterDollar(before, char) ?? 'double';
    case 'single':
      return char === "'" ? 'outside' : 'single';
    case 'comment':
      return char === '\n' ? 'outside' : 'comment';
    case 'arithmetic':
      return 'arithmetic';
    case 'here':
    case 'unknown':
      return isArithmetic(before, char) ? 'arithmetic' : state;
  }
}

function nextOutside(before: string, char: string): State {
  if (isArithmetic(before, char)) return 'arithmetic';
  if (before === '<' && char === '<') return 'here';
  if (char === '#') {
    if (/[<>]/.test(before)) return 'unknown';
    return /[ \t\n;&|()]/.test(before) ? 'comment' : 'outside';
  }
  // In a list of bash, even a `[` with blanks around it begins a subscript.
  if (before === '=' && char === '(') return 'unknown';
  // A `[` is a command where blanks are around it; else it may begin a subscript, or be of `[[`.
  if (char === '[' && !/[ \t\n;&|(]/.test(before)) return 'unknown';
  if (before === '[' && !/[ \t\n]/.test(char)) return 'unknown';
  if (char === '"' || char === "'") {
    if (before === '$') return 'unknown';
    return char === '"' ? 'double' : 'single';
  }
  return afterDollar(before, char) ?? 'outside';
}

function isArithmetic(before: string, char: string): boolean {
  return (before === '(' && char === '(') || (before === '$' && char === '[');
}

function afterDollar(before: string, char: string): State | undefined {
  if (before === '$' && char === '[') return 'arithmetic';
  const isExpansion = char === '`' || (before === '$' && (char === '(' || char === '{'));
  return isExpansion ? 'unknown' : undefined;
}

function escapeAfter(before: string, state: State, value: PrintedValue): EscapedValue {
  if (before === '$' && state !== 'single' && state !== 'comment') {
    return refused('a value may not name a variable');
  }
  // The word that ends a here-document does so alone on its line, perhaps after tabs.
  const mayBeHere = state === 'here' || state === 'unknown' || state === 'arithmetic';
  if (mayBeHere && /[\n\t]/.test(before)) {
    return refused('a line of a here-document may not begin with a value');
  }
  return escapers[state](value);
}

const escapers: Readonly<Record<State, (value: PrintedValue) => EscapedValue>> = {
  outside: toShellWord,
  double: (value) => withoutNul(value, (text) => text.replace(/[\\"$`]/g, '\\$&')),
  single: (value) => withoutNul(value, withinSingleQuotes),
  comment: refuseControls,
  here: toWord,
  arithmetic: (value) =>
    withText(value, (text) =>
      /^\d+$/.test(text) ? text : refused('only digits may stand where a shell may compute'),
    ),
  unknown: toWord,
};

/** Quotes a value for sh(1), where it needs it; a comma does, which bash has between braces. */
export function toShellWord(value: PrintedValue): EscapedValue {
  return withoutNul(value, (text) =>
    /^[A-Za-z0-9._:/@%+-]+$/.test(text) ? text : quoteForSh(text),
  );
}

function withoutNul(value: PrintedValue, into: (text: string) => string): EscapedValue {
  return withText(value, (text) =>
    text.includes('\0') ? refused('a shell has no text with a NUL in it') : into(text),
  );
}
