/** Text in the language of sh(1). Source: POSIX.1-2017, Shell Command Language, 2.2.2. */

/** Writes a text as one word; it must have no NUL, which no word can have. */
export function quoteForSh(text: string): string {
  return `'${withinSingleQuotes(text)}'`;
}

/** Writes a text so that it can stand between two single quotes. */
export function withinSingleQuotes(text: string): string {
  return text.replaceAll("'", "'\\''");
}
