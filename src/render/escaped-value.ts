/** A value that a template prints; a list or an object where a language has a form for them. */
export type PrintedValue = string | number | boolean | null | readonly unknown[] | object;

/** A value as it can be written, or why it cannot. */
export type EscapedValue = { readonly text: string } | { readonly refused: string };

/** Follows one file from its beginning to its end. */
export interface Escaper {
  /** Takes text of the template's own; gives what is wrong with it, if something is. */
  literal(text: string): string | undefined;
  /** Escapes a value for where it stands now. */
  value(value: PrintedValue): EscapedValue;
  /** Takes all that was written; gives what is wrong with it, if something is. */
  end(whole: string): string | undefined;
}

/** Refuses a value. */
export function refused(why: string): EscapedValue {
  return { refused: why };
}

/** Turns a value into text; what has no text is refused. */
export function toPlainText(value: PrintedValue): EscapedValue {
  if (value === null) return refused('it has no value; ask with `if`, or say `| default: "…"`');
  if (Array.isArray(value)) return refused('it is a list; print its items, or say `| join: " "`');
  if (typeof value === 'object') return refused('it is not text; print one of its fields');
  if (typeof value === 'number' && !Number.isFinite(value)) return refused('it is not a number');
  const text = String(value);
  // A file is written in UTF-8, which has no half of a pair.
  return /\p{Surrogate}/u.test(text) ? refused('it is not Unicode text') : { text };
}

/** Applies a language's own escape to what has text. */
export function withText(
  value: PrintedValue,
  into: (text: string) => EscapedValue | string,
): EscapedValue {
  const plain = toPlainText(value);
  if ('refused' in plain) return plain;
  const escaped = into(plain.text);
  return typeof escaped === 'string' ? { text: escaped } : escaped;
}

// Neither a separator, a quote, a comment, an option nor an expansion in any of the languages.
const word = /^[\p{L}\p{N}](?:[\p{L}\p{N}._:/-]*[\p{L}\p{N}])?$/u;

/** Lets a value through that is one word wherever it stands: letters, digits, inner `._:/-`. */
export function toWord(value: PrintedValue): EscapedValue {
  return withText(value, (text) =>
    word.test(text)
      ? text
      : refused('only letters and digits, with ._:/- between them, may stand there'),
  );
}

// C0 and C1, which hold every line break of ASCII and NEL, and the two of Unicode.
const controls = /[\p{Cc}\u2028\u2029]/u;

/** Lets a value through that cannot begin another line. */
export function refuseControls(value: PrintedValue): EscapedValue {
  return withText(value, (text) =>
    controls.test(text) ? refused('control characters and line breaks may not stand there') : text,
  );
}
