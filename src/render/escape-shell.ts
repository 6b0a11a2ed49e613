import {
  type EscapedValue,
  type Escaper,
  type PrintedValue,
  refuseControls,
  refused,
  toWord,
  withText,
} from './escaped-value.ts';

type State = 'outside' | 'double' | 'single' | 'comment' | 'here' | 'unknown';

/**
 * Escapes for sh(1) (POSIX, 2.2 Quoting): a word outside quotes, the inside of one within them.
 *
 * From the first `$(`, `${`, backquote, `$'` or `<<` on it is not known where a value stands.
 */
export function createShellEscaper(): Escaper {
  let state: State = 'outside';
  let before = '\n';
  let escaping = false;
  const take = (char: string): void => {
    if (escaping) {
      escaping = false;
      before = 'x';
      return;
    }
    escaping = char === '\\' && (state === 'outside' || state === 'double');
    state = nextState(state, before, char);
    before = char;
  };
  return {
    literal: (text) => {
      for (const char of text) take(char);
      return undefined;
    },
    value: (value) => {
      const escaped = escaping ? toWord(value) : escapeAfter(before, state, value);
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
      if (before === '<' && char === '<') return 'here';
      if (char === '#' && /[\s;&|()]/.test(before)) return 'comment';
      if (char === '"' || char === "'") {
        if (before === '$') return 'unknown';
        return char === '"' ? 'double' : 'single';
      }
      return isExpansion(before, char) ? 'unknown' : 'outside';
    case 'double':
      if (char === '"') return 'outside';
      return isExpansion(before, char) ? 'unknown' : 'double';
    case 'single':
      return char === "'" ? 'outside' : 'single';
    case 'comment':
      return char === '\n' ? 'outside' : 'comment';
    case 'here':
    case 'unknown':
      return state;
  }
}

function isExpansion(before: string, char: string): boolean {
  return char === '`' || (before === '$' && (char === '(' || char === '{'));
}

function escapeAfter(before: string, state: State, value: PrintedValue): EscapedValue {
  if (before === '$' && state !== 'single' && state !== 'comment') {
    return refused('a value may not name a variable');
  }
  // The word that ends a here-document does so alone on its line, perhaps after tabs.
  if (state === 'here' && /[\n\t]/.test(before)) {
    return refused('a line of a here-document may not begin with a value');
  }
  return escapers[state](value);
}

const escapers: Readonly<Record<State, (value: PrintedValue) => EscapedValue>> = {
  outside: toShellWord,
  double: (value) => withoutNul(value, (text) => text.replace(/[\\"$`]/g, '\\$&')),
  single: (value) => withoutNul(value, (text) => text.replaceAll("'", "'\\''")),
  comment: refuseControls,
  here: toWord,
  unknown: toWord,
};

/** Quotes a value for sh(1), where it needs it. */
export function toShellWord(value: PrintedValue): EscapedValue {
  return withoutNul(value, (text) =>
    /^[A-Za-z0-9._:/@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`,
  );
}

function withoutNul(value: PrintedValue, into: (text: string) => string): EscapedValue {
  return withText(value, (text) =>
    text.includes('\0') ? refused('a shell has no text with a NUL in it') : into(text),
  );
}
