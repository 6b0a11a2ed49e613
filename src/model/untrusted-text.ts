/**
 * Text of somebody else's, such as a tag's value or what a program said, in a message: it must not
 * begin a line of its own, nor be obeyed by a terminal.
 */

/** Gives the text with `?` for all but the printable characters of ASCII. */
export function toPrintable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

/** Gives the text so, and in double quotes, so that it is seen where it begins and ends. */
export function toQuoted(text: string): string {
  return toPrintable(JSON.stringify(text));
}
