/** The tags of an instance that was read from a file. */

/** What is the same for all instances of a file: its texts, and numbers that are places in them. */
export interface StoredTexts {
  /** By their places. */
  readonly texts: readonly (string | undefined)[];
  readonly cells: Uint32Array;
}

/**
 * Tags that are looked up in what was read, as a `Map` would have them.
 *
 * Most of a file is tags, and most of them nobody asks for. Of a fleet whose instances have ten
 * each, `Map`s were three quarters of the memory that it took to read it. A class, so that all of
 * them share their methods. As long as one of them is there, so is what was read.
 */
export class StoredTags implements ReadonlyMap<string, string> {
  readonly #file: StoredTexts;
  readonly #keys: readonly string[];
  readonly #start: number;

  /**
   * @param keys - each once
   * @param start - of the cells, the one that has the place of the first value
   * @param file - in which the values are, as was looked at
   */
  constructor(keys: readonly string[], start: number, file: StoredTexts) {
    this.#file = file;
    this.#keys = keys;
    this.#start = start;
  }

  get size(): number {
    return this.#keys.length;
  }

  get(key: string): string | undefined {
    const index = this.#keys.indexOf(key);
    return index === -1 ? undefined : this.#valueAt(index);
  }

  has(key: string): boolean {
    return this.#keys.includes(key);
  }

  keys(): MapIterator<string> {
    return this.#toMap().keys();
  }

  values(): MapIterator<string> {
    return this.#toMap().values();
  }

  entries(): MapIterator<[string, string]> {
    return this.#toMap().entries();
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries();
  }

  forEach(
    callback: (value: string, key: string, map: ReadonlyMap<string, string>) => void,
    self?: unknown,
  ): void {
    this.#toMap().forEach(callback, self);
  }

  #toMap(): Map<string, string> {
    return new Map(this.#keys.map((key, index) => [key, this.#valueAt(index)]));
  }

  #valueAt(index: number): string {
    const { cells, texts } = this.#file;
    return texts[cells[this.#start + index] ?? 0] ?? '';
  }
}
