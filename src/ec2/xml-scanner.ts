/**
 * Reads XML as its bytes arrive, and gives out the values that a reader asked for.
 *
 * The reader says what it wants as a tree of elements, by name. Whatever else is in the document
 * is passed over, but not unread: a document that is not well-formed to its last byte is refused.
 * Nothing is recursive in the document, and no more of it is kept than its longest token.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { MalformedAnswer } from './malformed-answer.ts';
import { createXmlLayouts } from './xml-layouts.ts';
import { createXmlNames } from './xml-names.ts';
import { refuse } from './xml-syntax.ts';
import { depthMax, readToken, type XmlNode, type XmlState } from './xml-tokens.ts';
import { createXmlValues } from './xml-values.ts';

/** An element whose text is wanted. A document where it holds elements is refused. */
export interface XmlText {
  /** Told of the text when the element ends; of nothing but blanks and line feeds as empty. */
  readonly text: (value: string) => void;
}

/** An element whose children are wanted. A document where it holds text is refused. */
export interface XmlParent {
  /** By name, in any order; others are passed over. */
  readonly children: Readonly<Record<string, XmlElement>>;
  readonly begin?: () => void;
  readonly end?: () => void;
}

/** An element that its parent may hold any number of. */
export interface XmlParents {
  readonly each: XmlParent;
  /** Whether there are many and most are laid out alike, so that it pays to learn how. */
  readonly isAlike?: boolean;
}

/** An element that is wanted; but for {@link XmlParents}, its parent is not to hold two. */
export type XmlElement = XmlText | XmlParent | XmlParents;

/** Takes one document in chunks, which may end anywhere. */
export interface XmlScanner {
  /** @throws MalformedAnswer when what came is not the beginning of a document. */
  feed(chunk: Buffer): void;
  /** @throws MalformedAnswer when what came is not all of a document. */
  end(): void;
}

/** How long a text, a tag or a comment may be; EC2's longest is a tag's value, 1 KB. */
const tokenLengthMax = 65_536;

/** Makes a scanner of documents, one after the other, whose root is one of these elements. */
export function createXmlScanner(roots: XmlParent['children']): XmlScanner {
  const known = [...collectNames(roots, new Set())];
  const state: XmlState = {
    names: createXmlNames(known),
    values: createXmlValues(),
    // Room for a part and, with the character that it may end in, what is left of the one before.
    bytes: Buffer.allocUnsafeSlow(2 * tokenLengthMax + 4),
    filled: 0,
    source: '',
    end: 0,
    offset: 0,
    isLast: false,
    depth: 0,
    openNames: new Int32Array(depthMax + 1),
    openNodes: [toNode('', { children: roots }, 0, known)],
    seenBits: new Int32Array(depthMax + 1),
    text: '',
    isAfterRoot: false,
    learning: undefined,
  };
  return {
    feed(chunk) {
      // Strings over some 128 KB are not freed until the runtime cleans up everything.
      for (let start = 0; start < chunk.length; start += tokenLengthMax) {
        feed(state, chunk.subarray(start, start + tokenLengthMax));
      }
    },
    end() {
      state.isLast = true;
      feed(state, Buffer.alloc(0));
      const { bytes, filled, offset, isAfterRoot } = state;
      const isBlank = /^[ \t\r\n]*$/.test(bytes.toString('latin1', 0, filled));
      if (!isAfterRoot || !isBlank) refuse('it breaks off', offset + filled);
      Object.assign(state, { filled: 0, end: 0, offset: 0, isLast: false });
      state.isAfterRoot = false;
      state.seenBits[0] = 0;
    },
  };
}

function collectNames(children: XmlParent['children'], names: Set<string>): Set<string> {
  for (const [name, element] of Object.entries(children)) {
    names.add(name);
    const inner = 'each' in element ? element.each : element;
    if ('children' in inner) collectNames(inner.children, names);
  }
  return names;
}

function toNode(name: string, element: XmlElement, bit: number, names: readonly string[]): XmlNode {
  if ('text' in element) {
    const none = { children: undefined, begin: undefined, end: undefined, layouts: undefined };
    return { name, text: element.text, bit, ...none };
  }
  const { children, begin, end } = 'each' in element ? element.each : element;
  const wanted = Object.keys(children);
  const isAlike = 'each' in element && element.isAlike === true;
  return {
    name,
    children: names.map((childName) => {
      const child = children[childName];
      return child && toNode(childName, child, 1 << wanted.indexOf(childName), names);
    }),
    text: undefined,
    begin,
    end,
    bit: 'each' in element ? 0 : bit,
    layouts: isAlike ? createXmlLayouts(begin, end) : undefined,
  };
}

/** Reads on with a part that fits behind what is left of the one before. */
function feed(state: XmlState, part: Buffer): void {
  const { bytes } = state;
  const checked = state.end;
  part.copy(bytes, state.filled);
  state.filled += part.length;
  state.end = wholeCharacters(bytes, state.filled);
  checkEncoding(bytes.subarray(checked, state.end), state.offset + checked);
  state.source = bytes.toString('latin1', 0, state.end);
  let at = 0;
  while (at < state.end) {
    const next = readToken(state, at);
    if (next < 0) break;
    at = next;
  }
  if (state.end - at > tokenLengthMax) {
    throw new MalformedAnswer(`a part of it is over ${tokenLengthMax} bytes long`);
  }
  state.source = '';
  bytes.copyWithin(0, at, state.filled);
  state.filled -= at;
  state.end -= at;
  state.offset += at;
}

/** Where the last character ends that is there whole; one has at most four bytes. */
function wholeCharacters(bytes: Buffer, filled: number): number {
  for (let back = 1; back <= Math.min(3, filled); back += 1) {
    const byte = bytes[filled - back] ?? 0;
    if (byte < 0x80) break;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 0;
    if (length > back) return filled - back;
    if (length > 0) break;
  }
  return filled;
}

function checkEncoding(bytes: Buffer, byte: number): void {
  if (isAscii(bytes)) return;
  if (!isUtf8(bytes)) refuse('there are bytes that are not UTF-8', byte);
  if (bytes.includes('\ufffe') || bytes.includes('\uffff')) {
    refuse('there is a character that XML does not allow', byte);
  }
}
