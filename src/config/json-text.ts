/**
 * JSON as RFC 8259 has it, read with the place of everything in it, so that what is wrong with a
 * file can be told by its line.
 */
import { toQuoted } from '../model/untrusted-text.ts';

/** A place in a text, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The keys and numbers that lead to a value. */
export type JsonPath = readonly (string | number)[];

/** A key that an object has once more. */
export interface RepeatedKey {
  readonly path: JsonPath;
  readonly first: Place;
  readonly again: Place;
}

/** What a text says, or the first place where it is not JSON. */
export type ReadJson =
  | {
      readonly kind: 'json';
      /** Of keys that are repeated, the last one's value, as with `JSON.parse`. */
      readonly value: unknown;
      readonly repeated: readonly RepeatedKey[];
      /** Where that key or element is; without such a path, where the next outer one is. */
      placeOf(path: JsonPath): Place;
    }
  /** `fact` reads on from "line 3, column 7:". */
  | { readonly kind: 'broken'; readonly fact: string; readonly place: Place };

interface Reader {
  readonly text: string;
  at: number;
  readonly path: (string | number)[];
  /** By the JSON of a path, where it begins. */
  readonly offsets: Map<string, number>;
  readonly repeated: { readonly path: JsonPath; readonly first: number; readonly again: number }[];
}

/** Thrown in this file alone, where a text is given up. */
class Broken extends TypeError {
  readonly at: number;

  constructor(fact: string, at: number) {
    super(fact);
    this.at = at;
  }
}

// What people write by hand is flat; this is far from what the stack bears.
const depthMax = 64;

/** Reads a JSON text. A byte order mark in front is let pass, as RFC 8259 section 8.1 allows. */
export function readJson(text: string): ReadJson {
  const at = text.startsWith('\ufeff') ? 1 : 0;
  const reader: Reader = { text, at, path: [], offsets: new Map([['[]', at]]), repeated: [] };
  const place = createPlacer(text);
  try {
    const value = readValue(reader);
    skipSpace(reader);
    if (reader.at < text.length) throw broken(reader, 'nothing more');
    const repeated = reader.repeated.map(({ path, first, again }) => ({
      path,
      first: place(first),
      again: place(again),
    }));
    return { kind: 'json', value, repeated, placeOf: (path) => place(offsetOf(reader, path)) };
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { kind: 'broken', fact: error.message, place: place(error.at) };
  }
}

function offsetOf(reader: Reader, path: JsonPath): number {
  const offset = reader.offsets.get(JSON.stringify(path));
  return offset ?? offsetOf(reader, path.slice(0, -1));
}

/** Makes what tells the place of an offset. */
function createPlacer(text: string): (offset: number) => Place {
  const starts = [0, ...[...text.matchAll(/\r\n|\n|\r/g)].map((m) => m.index + m[0].length)];
  return (offset) => {
    let line = 0;
    for (let after = starts.length; after - line > 1; ) {
      const middle = (line + after) >> 1;
      if ((starts[middle] ?? 0) <= offset) line = middle;
      else after = middle;
    }
    // A byte order mark is not seen, and so not counted.
    const mark = line === 0 && text.startsWith('\ufeff') ? 1 : 0;
    return { line: line + 1, column: offset - (starts[line] ?? 0) - mark + 1 };
  };
}

function readValue(reader: Reader): unknown {
  skipSpace(reader);
  const { text, at, path } = reader;
  if (path.length > depthMax) throw new Broken(`it is more than ${depthMax} levels deep`, at);
  if (text[at] === '{') return readObject(reader);
  if (text[at] === '[') return readArray(reader);
  if (text[at] === '"') return readString(reader);
  return readWord(reader);
}

const numberText = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[-+]?\d+)?$/i;
const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

function readWord(reader: Reader): unknown {
  const { text, at } = reader;
  let end = at;
  while (/[-+.\w]/.test(text[end] ?? '')) end += 1;
  const word = text.slice(at, end);
  if (!words.has(word) && !numberText.test(word)) throw broken(reader, 'a value');
  reader.at = end;
  return words.has(word) ? words.get(word) : Number(word);
}

function readObject(reader: Reader): object {
  const object = {};
  const seen = new Map<string, number>();
  reader.at += 1;
  for (let more = !take(reader, '}'); more; more = hasNext(reader, '}')) {
    skipSpace(reader);
    const keyAt = reader.at;
    if (reader.text[keyAt] !== '"') throw broken(reader, 'a key in double quotes');
    const key = readString(reader);
    if (!take(reader, ':')) throw broken(reader, '":" behind the key');
    reader.path.push(key);
    const first = seen.get(key);
    if (first !== undefined) reader.repeated.push({ path: [...reader.path], first, again: keyAt });
    seen.set(key, keyAt);
    reader.offsets.set(JSON.stringify(reader.path), keyAt);
    const value = readValue(reader);
    // A plain assignment would set the prototype where the key is `__proto__`.
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    reader.path.pop();
  }
  return object;
}

function readArray(reader: Reader): readonly unknown[] {
  const array: unknown[] = [];
  reader.at += 1;
  for (let more = !take(reader, ']'); more; more = hasNext(reader, ']')) {
    skipSpace(reader);
    reader.path.push(array.length);
    reader.offsets.set(JSON.stringify(reader.path), reader.at);
    array.push(readValue(reader));
    reader.path.pop();
  }
  return array;
}

function hasNext(reader: Reader, end: '}' | ']'): boolean {
  if (take(reader, end)) return false;
  if (!take(reader, ',')) throw broken(reader, `"," or "${end}"`);
  const commaAt = reader.at - 1;
  skipSpace(reader);
  if (reader.text[reader.at] === end) throw new Broken(`"," has nothing behind it`, commaAt);
  return true;
}

function readString(reader: Reader): string {
  const { text, at } = reader;
  let end = at + 1;
  while (end < text.length && text[end] !== '"') {
    const code = text.charCodeAt(end);
    if (code === 0x0a || code === 0x0d) break;
    // RFC 8259 section 7: control characters are there as escapes only.
    if (code < 0x20) throw new Broken('a control character is not written as an escape', end);
    end += text[end] === '\\' ? 2 : 1;
  }
  if (text[end] !== '"') throw new Broken('a text has no closing quote', at);
  reader.at = end + 1;
  try {
    return String(JSON.parse(text.slice(at, end + 1)));
  } catch {
    throw new Broken('a text has an escape that JSON does not have', at);
  }
}

function take(reader: Reader, character: string): boolean {
  skipSpace(reader);
  if (reader.text[reader.at] !== character) return false;
  reader.at += 1;
  return true;
}

function skipSpace(reader: Reader): void {
  const { text } = reader;
  while (/[ \t\n\r]/.test(text[reader.at] ?? '')) reader.at += 1;
}

function broken({ text, at }: Reader, expected: string): Broken {
  return new Broken(`expected ${expected}, found ${showNext(text, at)}`, at);
}

function showNext(text: string, at: number): string {
  if (at >= text.length) return 'the end of the file';
  const next = text.slice(at, at + 20);
  if (/^(?:\/[/*]|#)/.test(next)) return 'a comment, which JSON does not have';
  const [word = ''] = /^(?:[-+.\w]+|[\s\S])/u.exec(next) ?? [];
  return toQuoted(word);
}
