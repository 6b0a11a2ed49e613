/**
 * What XML says of characters, of references, and of the markup that is rare in an answer.
 *
 * Read is what EC2 could write, and all of it must be well-formed. Refused beside what is not are
 * a document type, which may define entities within entities, any encoding but UTF-8, and names
 * beyond ASCII. Source: Extensible Markup Language (XML) 1.0, fifth edition.
 */
import { MalformedAnswer } from './malformed-answer.ts';

/** Refuses a document; `byte` is counted from 0 over the whole of it. */
export function refuse(fact: string, byte: number): never {
  throw new MalformedAnswer(`it is not well-formed XML: ${fact} at byte ${byte}`);
}

// What a byte is, in bits, so that one look into the table says what a loop wants to know.
/** Space, tab, line feed or carriage return. */
export const isBlank = 1;
/** May be in a name. */
export const isInName = 2;
/** May begin a name. */
export const isNameStart = 4;
/** Is more than itself in text: markup, a reference, the end of a line, or not allowed at all. */
export const stopsText = 8;

/** The bits of each byte. */
export const byteKinds: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  let kind = 0;
  if (' \t\n\r'.includes(character)) kind |= isBlank;
  if (/[\w:.-]/.test(character)) kind |= isInName;
  if (/[A-Za-z_:]/.test(character)) kind |= isNameStart;
  if (/[<&>\r]/.test(character) || (byte < 0x20 && kind === 0)) kind |= stopsText;
  return kind;
});

/** Tells whether a document may hold the character, written out or as a reference. */
function isCharacter(codePoint: number): boolean {
  if (codePoint < 0x20) return codePoint === 0x9 || codePoint === 0xa || codePoint === 0xd;
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return false;
  return codePoint <= 0x10ffff && codePoint !== 0xfffe && codePoint !== 0xffff;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const notCharacters = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** Refuses text that holds what no document may. */
export function checkCharacters(text: string, byte: number): void {
  if (notCharacters.test(text)) refuse('there is a character that XML does not allow', byte);
}

const predefined: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);

/**
 * Reads the references of a text, after the ends of its lines, as an XML processor must.
 *
 * @param byte - Where the text begins, for telling of a reference that is none.
 */
export function decodeText(text: string, byte: number): string {
  checkCharacters(text, byte);
  const lines = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
  if (!lines.includes('&')) return lines;
  return lines.replace(/&(?:(#x([\da-fA-F]{1,8})|#(\d{1,8})|(\w{1,4}));)?/g, (...found) => {
    const [, reference, hex, decimal, name]: readonly (string | undefined)[] = found;
    if (reference === undefined) return refuse('an "&" begins no reference', byte);
    if (name !== undefined) {
      return predefined.get(name) ?? refuse(`the entity "${name}" is not defined`, byte);
    }
    const codePoint = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    if (!isCharacter(codePoint)) return refuse('a reference is to no character', byte);
    return String.fromCodePoint(codePoint);
  });
}

const attribute = /[ \t\r\n]+([A-Za-z_:][\w:.-]*)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y;

/** Checks what stands in a tag after its name: attributes, each once, none of which is kept. */
export function checkAttributes(text: string, byte: number): void {
  const names = new Set<string>();
  let end = 0;
  for (;;) {
    attribute.lastIndex = end;
    const found = attribute.exec(text);
    if (found === null) break;
    const [whole, name = '', quoted, apostrophed] = found;
    if (names.has(name)) refuse(`the attribute "${name}" is there twice`, byte);
    names.add(name);
    decodeText(quoted ?? apostrophed ?? '', byte);
    end += whole.length;
  }
  if (!/^[ \t\r\n]*$/.test(text.slice(end))) refuse('a tag has something after its name', byte);
}

/** Checks a comment, given without `<!--` and `-->`. */
export function checkComment(text: string, byte: number): void {
  checkCharacters(text, byte);
  if (/--|-$/.test(text)) refuse('a comment holds "--"', byte);
}

/** `name = "value"`, after white space. */
function pseudoAttribute(name: string, value: string): string {
  return String.raw`[ \t\r\n]+${name}[ \t\r\n]*=[ \t\r\n]*(?:"(?:${value})"|'(?:${value})')`;
}

const declaration = new RegExp(
  `^xml${pseudoAttribute('version', String.raw`1\.\d+`)}` +
    `(?:${pseudoAttribute('encoding', '(?:utf-8|us-ascii)')})?` +
    `(?:${pseudoAttribute('standalone', 'yes|no')})?[ \\t\\r\\n]*$`,
  'i',
);

/** Checks a processing instruction, given without `<?` and `?>`; none means anything here. */
export function checkInstruction(text: string, byte: number): void {
  checkCharacters(text, byte);
  const [target] =
    /^[A-Za-z_:][\w:.-]*(?=[ \t\r\n]|$)/.exec(text) ??
    refuse('a processing instruction has no name', byte);
  if (target.toLowerCase() !== 'xml') return;
  if (byte !== 0) refuse('an XML declaration is not at the beginning but', byte);
  if (!declaration.test(text)) refuse('the XML declaration is not one of UTF-8', byte);
}

/** White space with a line feed and nothing else is how a document is laid out, and no value. */
export function withoutLayout(text: string): string {
  return text.includes('\n') && text.trim() === '' ? '' : text;
}
