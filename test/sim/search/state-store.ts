/**
 * Every state that a search has met, each once, packed: millions of them in one array of numbers.
 */

export interface StateStore {
  /** Adds a state reached from `parent`; the index it has now, or -1 if it was met before. */
  readonly add: (state: readonly number[], parent: number) => number;
  readonly get: (index: number) => number[];
  /** The state it was first reached from, or -1. */
  readonly parentOf: (index: number) => number;
  readonly size: () => number;
}

/** @param width how many numbers a state has. */
export function createStateStore(width: number): StateStore {
  const stride = width + 1;
  let arena = new Uint32Array(stride * 1024);
  let table = new Int32Array(4096).fill(-1);
  let size = 0;

  const slotOf = (words: ArrayLike<number>, from: number): number => {
    let hash = 0x811c9dc5;
    for (let i = 0; i < width; i += 1) {
      hash = Math.imul(hash ^ (words[from + i] ?? 0), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash & (table.length - 1);
  };
  const grow = (): void => {
    if ((size + 1) * stride > arena.length) {
      const larger = new Uint32Array(arena.length * 2);
      larger.set(arena);
      arena = larger;
    }
    if (size * 2 < table.length) return;
    table = new Int32Array(table.length * 2).fill(-1);
    for (let index = 0; index < size; index += 1) {
      let slot = slotOf(arena, index * stride);
      while (table[slot] !== -1) slot = (slot + 1) & (table.length - 1);
      table[slot] = index;
    }
  };
  const isAt = (index: number, state: readonly number[]): boolean => {
    const from = index * stride;
    for (let i = 0; i < width; i += 1) if (arena[from + i] !== state[i]) return false;
    return true;
  };

  return {
    add: (state, parent) => {
      grow();
      let slot = slotOf(state, 0);
      for (let index = table[slot]; index !== undefined && index !== -1; index = table[slot]) {
        if (isAt(index, state)) return -1;
        slot = (slot + 1) & (table.length - 1);
      }
      table[slot] = size;
      arena.set(state, size * stride);
      arena[size * stride + width] = parent + 1;
      size += 1;
      return size - 1;
    },
    get: (index) => Array.from(arena.subarray(index * stride, index * stride + width)),
    parentOf: (index) => (arena[index * stride + width] ?? 0) - 1,
    size: () => size,
  };
}

/** Gives equal things one number each, from 0 in the order they came. */
export interface Interner<Value> {
  readonly numberOf: (value: Value) => number;
  readonly valueOf: (number: number) => Value;
}

export function createInterner<Value>(keyOf: (value: Value) => string): Interner<Value> {
  const values: Value[] = [];
  const numbers = new Map<string, number>();
  // Most things that are asked for came out of here, and need no key.
  const numbersOfOwn = new Map<Value, number>();
  return {
    numberOf: (value) => {
      const own = numbersOfOwn.get(value);
      if (own !== undefined) return own;
      const key = keyOf(value);
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, values.length);
      numbersOfOwn.set(value, values.length);
      values.push(value);
      return values.length - 1;
    },
    valueOf: (number) => {
      const value = values[number];
      if (value === undefined) throw new TypeError(`Expected ${number} to be a known number.`);
      return value;
    },
  };
}
