import type { Random } from '../ports.ts';

/** One call that reads the world: what it has seen of a thing once, it sees until it ends. */
export interface Reading {
  readonly nowMs: number;
  readonly random: Random;
}

interface Version<T> {
  readonly value: T;
  /** When it was made: no reading that begins earlier sees it. */
  readonly fromMs: number;
  /** When it is settled: every reading that begins then or later sees it. */
  readonly settledMs: number;
}

/**
 * A value and those that it replaced, as an eventually consistent reader sees them.
 *
 * Between the moment a version is made and the moment it is settled, each reading draws how far it
 * lags behind. So readings are not monotonic, and two values written together do not become
 * visible together: EC2 promises neither (EC2 Developer Guide, "Eventual consistency").
 */
export class History<T> {
  #versions: Version<T>[];
  #seenBy: Reading | undefined;
  #seen: T;

  constructor(value: T) {
    this.#versions = [{ value, fromMs: Number.NEGATIVE_INFINITY, settledMs: 0 }];
    this.#seen = value;
  }

  /** The value that was written last, whoever can see it already. */
  get latest(): T {
    const last = this.#versions.at(-1);
    if (last === undefined) throw new TypeError('A history is never empty.');
    return last.value;
  }

  /** Replaces the value. Writes come in the order of `fromMs`. */
  write(value: T, fromMs: number, settledMs: number): void {
    const versions = this.#versions;
    let first = 0;
    for (let i = versions.length - 1; i > 0; i -= 1) {
      const version = versions[i];
      if (version !== undefined && version.settledMs <= fromMs) {
        first = i;
        break;
      }
    }
    this.#versions = first === 0 ? versions : versions.slice(first);
    this.#versions.push({ value, fromMs, settledMs });
    this.#seenBy = undefined;
  }

  /** The value that this reading sees. */
  read(reading: Reading): T {
    if (this.#seenBy === reading) return this.#seen;
    this.#seen = this.#draw(reading);
    this.#seenBy = reading;
    return this.#seen;
  }

  #draw({ nowMs, random }: Reading): T {
    const versions = this.#versions;
    let lag = -1;
    for (let i = versions.length - 1; i > 0; i -= 1) {
      const version = versions[i];
      if (version === undefined) break;
      if (version.settledMs <= nowMs) return version.value;
      if (lag < 0) lag = random();
      const { fromMs, settledMs } = version;
      if (fromMs + lag * (settledMs - fromMs) <= nowMs) return version.value;
    }
    const [oldest] = versions;
    if (oldest === undefined) throw new TypeError('A history is never empty.');
    return oldest.value;
  }
}
