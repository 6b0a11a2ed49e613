/** How texts stand in a snapshot's file: in Latin-1, each behind a mark. */
import { malformed } from './unusable-snapshot.ts';

/** No answer of EC2's has it, since XML cannot. */
const textMark = '\0';
/** Begins a text that is escaped, for it has characters that Latin-1 has not, or marks. */
const oddMark = '\u00ff';
const odd = /[\0\u00ff-\uffff]/;
const toEscape = /[\0\\\u00ff-\uffff]/g;
const escaped = /\\([0-9a-f]{4})/g;

/** Makes bytes of some texts; what several calls make may stand one behind the other. */
export function joinTexts(texts: readonly string[]): Buffer {
  const all = odd.test(texts.join('')) ? texts.map(escapeText) : texts;
  // In front of the first one too, so that its place is 1.
  return Buffer.from(textMark + all.join(textMark), 'latin1');
}

/**
 * Makes texts of their bytes; the first is in front of all marks, and none.
 *
 * @param countMax - of texts; each takes memory, however short it is
 * @throws {@link UnusableSnapshot} when there are more.
 */
export function splitTexts(bytes: Buffer, countMax: number): (string | undefined)[] {
  const all = bytes.toString('latin1');
  const texts = all.split(textMark, countMax + 2);
  if (texts.length > countMax + 1) throw malformed('it has more texts than places for them');
  const whole: (string | undefined)[] = all.includes(oddMark) ? texts.map(unescapeText) : texts;
  whole[0] = undefined;
  return whole;
}

function escapeText(text: string): string {
  if (!odd.test(text)) return text;
  const code = (character: string): string => character.charCodeAt(0).toString(16).padStart(4, '0');
  return oddMark + text.replace(toEscape, (character) => `\\${code(character)}`);
}

function unescapeText(text: string): string {
  if (!text.startsWith(oddMark)) return text;
  const toCharacter = (_: string, code: string): string =>
    String.fromCharCode(Number.parseInt(code, 16));
  return text.slice(oddMark.length).replace(escaped, toCharacter);
}
