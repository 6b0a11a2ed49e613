/** Element names as small numbers, so that names are read, and tags matched, without strings. */
import { MalformedAnswer } from './malformed-answer.ts';

/** The names met so far, after those that a reader looks for. */
export interface XmlNames {
  /** The number of the name in these bytes, from 0 in the order of being met. */
  numberOf(bytes: Uint8Array, start: number, end: number, hash: number): number;
  /** The bytes of a name. */
  bytesOf(number: number): Uint8Array;
}

/** Adds a byte to the hash of a text; the hash of none is 0. */
export function addToHash(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

// EC2 has some 150 names in a description of instances. The table is at most half full.
const namesMax = 2048;
const slotCount = 4096;

/** Makes the table, with the known names numbered in their order. */
export function createXmlNames(known: readonly string[]): XmlNames {
  // Numbers are kept one higher, since 0 is an empty slot.
  const slots = new Int32Array(slotCount);
  const hashes = new Int32Array(namesMax);
  const names: Uint8Array[] = [];

  function numberOf(bytes: Uint8Array, start: number, end: number, hash: number): number {
    let slot = hash & (slotCount - 1);
    for (;;) {
      const number = (slots[slot] ?? 0) - 1;
      if (number < 0) break;
      if (hashes[number] === hash && isSame(names[number], bytes, start, end)) return number;
      slot = (slot + 1) & (slotCount - 1);
    }
    if (names.length === namesMax) throw new MalformedAnswer(`it has over ${namesMax} names`);
    const number = names.length;
    // Copied, so that no name keeps the chunk that it was met in.
    names.push(new Uint8Array(bytes.subarray(start, end)));
    hashes[number] = hash;
    slots[slot] = number + 1;
    return number;
  }

  for (const name of known) {
    const bytes = new TextEncoder().encode(name);
    numberOf(bytes, 0, bytes.length, bytes.reduce(addToHash, 0));
  }
  return { numberOf, bytesOf: (number) => names[number] ?? new Uint8Array() };
}

function isSame(
  name: Uint8Array | undefined,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (name === undefined || name.length !== end - start) return false;
  for (let at = 0; at < name.length; at += 1) {
    if (name[at] !== bytes[start + at]) return false;
  }
  return true;
}
