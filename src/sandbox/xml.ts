/** What an element holds: text, elements in their order, or a list of `<item>`s. */
export type Xml =
  | string
  | number
  | boolean
  | undefined
  | readonly Xml[]
  | { readonly [name: string]: Xml };

const indent = '    ';

/**
 * Writes a document as EC2 does.
 *
 * `undefined` leaves the element out; the empty text, list and object give an empty element.
 */
export function writeXml(root: string, content: Xml, namespace?: string): string {
  const attribute = namespace === undefined ? '' : ` xmlns="${escapeXml(namespace)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, content, attribute, '')}\n`;
}

function element(name: string, content: Xml, attribute: string, margin: string): string {
  if (content === undefined) return '';
  const inner = innerXml(content, margin);
  return inner === ''
    ? `${margin}<${name}${attribute}/>`
    : `${margin}<${name}${attribute}>${inner}</${name}>`;
}

function innerXml(content: Exclude<Xml, undefined>, margin: string): string {
  if (typeof content !== 'object') return escapeXml(String(content));
  const children = isList(content)
    ? content.map((item): readonly [string, Xml] => ['item', item])
    : Object.entries(content);
  const lines = children
    .map(([name, child]) => element(name, child, '', margin + indent))
    .filter((line) => line !== '');
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n${margin}`;
}

function isList(content: object): content is readonly Xml[] {
  return Array.isArray(content);
}

const named: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
]);

/**
 * Escapes text so that a parser gives back the same text.
 *
 * White space other than a blank is written as a reference, since a parser may change it.
 * Characters that XML cannot hold at all (XML 1.0 section 2.2) become U+FFFD.
 */
export function escapeXml(text: string): string {
  return text
    .replace(/[&<>"']/g, (char) => named.get(char) ?? char)
    .replace(/[\t\n\r]/g, (char) => `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`)
    .replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, '\uFFFD');
}
