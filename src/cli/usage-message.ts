/** What is wrong with a command line, said in sentences as everything else is. */
import { closest } from '../model/suggest.ts';

/**
 * Turns what commander says, `error: unknown option '--grup'\n(Did you mean --group?)`, into
 * sentences with code in backticks.
 */
export function toSentences(message: string): string {
  const text = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/'([^'\n]*)'/g, '`$1`')
    .replace(/\(Did you mean (.*?)\?\)/, 'Did you mean $1?');
  const [first = '', ...rest] = text.split(/(?= Did you mean )/);
  const sentence = first.charAt(0).toUpperCase() + first.slice(1);
  return [/[.?]$/.test(sentence) ? sentence : `${sentence}.`, ...rest].join('');
}

/** Says that there is no such command, and which one was probably meant. */
export function unknownCommand(word: string, names: readonly string[]): string {
  const longer = names.find((name) => word.length > 2 && name.startsWith(word));
  const meant = longer ?? closest(word, names, Math.max(1, Math.floor(word.length / 3)));
  const remedy = meant === undefined ? '`nametag help` lists them' : `Did you mean ${meant}?`;
  return `Unknown command \`${word}\`. ${remedy.replace(/[^?]$/, '$&.')}`;
}
