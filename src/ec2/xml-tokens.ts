/**
 * The tokens of XML: each is read where it begins, and the place after it is told, or -1 when its
 * end has not arrived.
 *
 * The loops go over bytes, look each up in one table, and make no object; what is rare in an answer
 * is checked as strings.
 */

import { MalformedAnswer } from './malformed-answer.ts';
import type { XmlLayouts } from './xml-layouts.ts';
import { addToHash, type XmlNames } from './xml-names.ts';
import {
  byteKinds,
  checkAttributes,
  checkCharacters,
  checkComment,
  checkInstruction,
  decodeText,
  isBlank,
  isInName,
  isNameStart,
  refuse,
  stopsText,
  withoutLayout,
} from './xml-syntax.ts';
import type { XmlValues } from './xml-values.ts';

/** An element that is wanted; one that is not has no node. */
export interface XmlNode {
  readonly name: string;
  /** By the number of their name; `undefined` where text is wanted. */
  readonly children: readonly (XmlNode | undefined)[] | undefined;
  readonly text: ((value: string) => void) | undefined;
  readonly begin: (() => void) | undefined;
  readonly end: (() => void) | undefined;
  /** Its bit among its siblings, to see that it comes once; 0 where it may come often. */
  readonly bit: number;
  /** How elements of this kind were laid out, where they are many and much alike. */
  readonly layouts: XmlLayouts | undefined;
}

/** How far a document was read. */
export interface XmlState {
  readonly names: XmlNames;
  /** What is being read: the token that the last part broke off in, and this part. */
  readonly bytes: Buffer;
  /** How many bytes there are of it. */
  filled: number;
  /** The same, a character a byte. */
  source: string;
  /** Where what can be read ends: a part may end within a character. */
  end: number;
  /** Where `bytes` begins in the document. */
  offset: number;
  /** Whether nothing will follow. */
  isLast: boolean;
  /** How many elements are open; place 0 of the following three is the document itself. */
  depth: number;
  readonly openNames: Int32Array;
  readonly openNodes: (XmlNode | undefined)[];
  readonly seenBits: Int32Array;
  readonly values: XmlValues;
  /** What there is so far of the wanted text that is open. */
  text: string;
  isAfterRoot: boolean;
  /** The layouts that learn how the element is laid out that is being read. */
  learning: XmlLayouts | undefined;
}

/** How deep elements may be in each other; EC2's have a dozen levels. */
export const depthMax = 64;

const lessThan = 0x3c;
const greaterThan = 0x3e;
const slash = 0x2f;

/** Reads the token at `at`. */
export function readToken(state: XmlState, at: number): number {
  const { bytes, end } = state;
  if (bytes[at] !== lessThan) return readText(state, at);
  if (at + 1 >= end) return -1;
  const second = bytes[at + 1] ?? 0;
  if (second === slash) return readEndTag(state, at);
  if (((byteKinds[second] ?? 0) & isNameStart) !== 0) return readTag(state, at);
  return readOther(state, at);
}

function readText(state: XmlState, at: number): number {
  const { bytes, end } = state;
  let next = at;
  while (next < end && ((byteKinds[bytes[next] ?? 0] ?? 0) & isBlank) !== 0) next += 1;
  const isAllBlank = next < end && bytes[next] === lessThan;
  let isPlain = true;
  for (; next < end && bytes[next] !== lessThan; next += 1) {
    if (((byteKinds[bytes[next] ?? 0] ?? 0) & stopsText) !== 0) isPlain = false;
  }
  if (next === end) return -1;
  const node = state.openNodes[state.depth];
  if (node?.text !== undefined) {
    state.text += checkedText(bytes.toString('utf8', at, next), state.offset + at);
    return next;
  }
  if (isAllBlank) return next;
  if (state.depth === 0) refuse('there is text outside of the root element', state.offset + at);
  if (node !== undefined) throw new MalformedAnswer(`\`${node.name}\` holds text`);
  if (!isPlain) checkedText(bytes.toString('utf8', at, next), state.offset + at);
  return next;
}

function checkedText(text: string, byte: number): string {
  if (text.includes(']]>')) refuse('"]]>" stands in text', byte);
  return decodeText(text, byte);
}

/** Reads a comment, a section of character data, or a processing instruction. */
function readOther(state: XmlState, at: number): number {
  const { bytes, end, offset } = state;
  const beginning = bytes.toString('latin1', at, Math.min(end, at + 9));
  const kind = others.find(
    ({ opening }) => beginning.startsWith(opening) || opening.startsWith(beginning),
  );
  if (kind === undefined) refuse('there is markup that is not read here', offset + at);
  const inside = at + kind.opening.length;
  const close = bytes.subarray(0, end).indexOf(kind.closing, inside, 'latin1');
  if (close < 0) return -1;
  kind.take(state, bytes.toString('utf8', inside, close), offset + at);
  return close + kind.closing.length;
}

interface Other {
  readonly opening: string;
  readonly closing: string;
  readonly take: (state: XmlState, inside: string, byte: number) => void;
}

const others: readonly Other[] = [
  { opening: '<!--', closing: '-->', take: (_, inside, byte) => checkComment(inside, byte) },
  { opening: '<?', closing: '?>', take: (_, inside, byte) => checkInstruction(inside, byte) },
  { opening: '<![CDATA[', closing: ']]>', take: takeSection },
];

function takeSection(state: XmlState, inside: string, byte: number): void {
  checkCharacters(inside, byte);
  const node = state.openNodes[state.depth];
  if (state.depth === 0) refuse('there is text outside of the root element', byte);
  if (node === undefined) return;
  if (node.text === undefined) throw new MalformedAnswer(`\`${node.name}\` holds text`);
  state.text += inside.replace(/\r\n?/g, '\n');
}

function readTag(state: XmlState, at: number): number {
  const { bytes, end } = state;
  let next = at + 1;
  let hash = 0;
  while (next < end && ((byteKinds[bytes[next] ?? 0] ?? 0) & isInName) !== 0) {
    hash = addToHash(hash, bytes[next] ?? 0);
    next += 1;
  }
  if (next + 1 >= end) return -1;
  const isEmpty = bytes[next] === slash && bytes[next + 1] === greaterThan;
  if (bytes[next] !== greaterThan && !isEmpty) return readAttributes(state, at, next, hash);
  const name = state.names.numberOf(bytes, at + 1, next, hash);
  const layouts = isEmpty ? undefined : layoutsOf(state, name);
  if (layouts !== undefined && !isWithinLearnt(state)) {
    const after = layouts.read(state, at);
    if (after !== 0) return after;
  }
  const node = open(state, name, at);
  if (isEmpty) {
    close(state, next + 2);
    return next + 2;
  }
  return node?.children === undefined ? readSimple(state, name, node, next + 1) : next + 1;
}

/**
 * Whether an element that is alike is read as a part of the one around it, which is being learnt.
 * That one ends to be learnt where a second begins in it: how many it has would differ.
 */
function isWithinLearnt(state: XmlState): boolean {
  if (state.learning?.learnInner() === false) state.learning = undefined;
  return state.learning !== undefined;
}

function layoutsOf({ openNodes, depth }: XmlState, name: number): XmlLayouts | undefined {
  return openNodes[depth]?.children?.[name]?.layouts;
}

/** Reads the text and the end tag of an element where they are all there is, as they mostly are. */
function readSimple(
  state: XmlState,
  number: number,
  node: XmlNode | undefined,
  at: number,
): number {
  const { bytes, end } = state;
  let next = at;
  while (next < end && ((byteKinds[bytes[next] ?? 0] ?? 0) & stopsText) === 0) next += 1;
  if (next + 1 >= end || bytes[next] !== lessThan) return at;
  if (bytes[next + 1] !== slash) return node === undefined ? next : at;
  const name = state.names.bytesOf(number);
  const afterName = next + 2 + name.length;
  if (afterName >= end || bytes[afterName] !== greaterThan) return at;
  if (!isNameAt(name, bytes, next + 2)) return at;
  const { learning } = state;
  learning?.learnText(state.offset + at, state.offset + next, node?.text);
  state.depth -= 1;
  if (node?.text !== undefined) {
    node.text(shared(state.values, withoutLayout(bytes.toString('utf8', at, next))));
  }
  return afterName + 1;
}

/** Gives the value that came lately, if an equal one did. */
function shared(values: XmlValues, value: string): string {
  const known = values.find(value);
  if (known === undefined) values.remember(value);
  return known ?? value;
}

function isNameAt(name: Uint8Array, bytes: Buffer, at: number): boolean {
  for (let place = 0; place < name.length; place += 1) {
    if (name[place] !== bytes[at + place]) return false;
  }
  return true;
}

/** Reads a tag that does not end with its name. */
function readAttributes(state: XmlState, at: number, afterName: number, hash: number): number {
  const { bytes, end } = state;
  let quote = 0;
  let next = afterName;
  for (; next < end; next += 1) {
    const byte = bytes[next] ?? 0;
    if (quote !== 0) quote = byte === quote ? 0 : quote;
    else if (byte === greaterThan) break;
    else if (byte === 0x22 /* " */ || byte === 0x27 /* ' */) quote = byte;
  }
  if (next === end) return -1;
  const isEmpty = bytes[next - 1] === slash;
  const attributes = bytes.toString('utf8', afterName, isEmpty ? next - 1 : next);
  checkAttributes(attributes, state.offset + at);
  open(state, state.names.numberOf(bytes, at + 1, afterName, hash), at);
  if (isEmpty) close(state, next + 1);
  return next + 1;
}

function open(state: XmlState, name: number, at: number): XmlNode | undefined {
  const { depth } = state;
  if (depth === depthMax) throw new MalformedAnswer(`it is over ${depthMax} elements deep`);
  const node = wantedNode(state, name, at);
  if (node !== undefined) {
    const seen = state.seenBits[depth] ?? 0;
    if ((seen & node.bit) !== 0) throw new MalformedAnswer(`a \`${node.name}\` is there twice`);
    state.seenBits[depth] = seen | node.bit;
    state.text = '';
    node.begin?.();
    if (node.layouts !== undefined && state.learning === undefined) {
      state.learning = node.layouts.learn(state.offset + at) ? node.layouts : undefined;
    } else if (node.children !== undefined) state.learning?.learnCall(node.begin);
  }
  state.depth = depth + 1;
  state.openNames[depth + 1] = name;
  state.openNodes[depth + 1] = node;
  state.seenBits[depth + 1] = 0;
  return node;
}

function wantedNode(state: XmlState, name: number, at: number): XmlNode | undefined {
  const { depth } = state;
  const parent = state.openNodes[depth];
  if (parent === undefined) return undefined;
  if (parent.children === undefined) throw new MalformedAnswer(`\`${parent.name}\` holds elements`);
  const node = parent.children[name];
  if (depth > 0) return node;
  if (state.isAfterRoot) refuse('there is a second root element', state.offset + at);
  if (node === undefined) {
    const root = Buffer.from(state.names.bytesOf(name)).toString('latin1');
    throw new MalformedAnswer(`its root element is \`${root}\``);
  }
  return node;
}

/** Ends the element that is open; `after` is where its end tag ends. */
function close(state: XmlState, after: number): void {
  const node = state.openNodes[state.depth];
  state.depth -= 1;
  if (state.depth === 0) state.isAfterRoot = true;
  if (node === undefined) return;
  if (node.text !== undefined) {
    const value = shared(state.values, withoutLayout(state.text));
    state.learning?.learnValue(node.text, value);
    node.text(value);
  }
  node.end?.();
  if (node.layouts !== undefined && node.layouts === state.learning) {
    state.learning.keep(state, after);
    state.learning = undefined;
  } else if (node.children !== undefined) state.learning?.learnCall(node.end);
}

function readEndTag(state: XmlState, at: number): number {
  const { bytes, end, depth } = state;
  if (depth === 0) refuse('an end tag has no beginning', state.offset + at);
  const name = state.names.bytesOf(state.openNames[depth] ?? 0);
  let next = at + 2 + name.length;
  while (next < end && ((byteKinds[bytes[next] ?? 0] ?? 0) & isBlank) !== 0) next += 1;
  if (next >= end) return -1;
  if (bytes[next] !== greaterThan || !isNameAt(name, bytes, at + 2)) {
    const open = Buffer.from(name).toString('latin1');
    refuse(`\`${open}\` is open where another element ends`, state.offset + at);
  }
  close(state, next + 1);
  return next + 1;
}
