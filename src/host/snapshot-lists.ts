/** What a snapshot's file is made of, while it is written. */
import { joinTexts } from './snapshot-texts.ts';

// Each piece is a call of the system.
const pieceNumbers = 65_536;

/** Numbers in a row, of which no more than one piece is kept for more to come. */
export class NumberList<Row extends Uint32Array | Float64Array> {
  /** The last piece, to be written to where {@link take} says. */
  row: Row;
  readonly #make: (length: number) => Row;
  readonly #pieces: Buffer[] = [];
  #taken = 0;

  /** @param make - gives a row of that length */
  constructor(make: (length: number) => Row) {
    this.#make = make;
    this.row = make(pieceNumbers);
  }

  /** Takes so many places in {@link row}; gives the first. */
  take(count: number): number {
    if (this.#taken + count > this.row.length) {
      this.#flush();
      this.row = this.#make(Math.max(pieceNumbers, count));
      this.#taken = 0;
    }
    const first = this.#taken;
    this.#taken += count;
    return first;
  }

  /** Gives all of them, in pieces. */
  end(): readonly Buffer[] {
    this.#flush();
    return this.#pieces;
  }

  #flush(): void {
    const { buffer, BYTES_PER_ELEMENT } = this.row;
    this.#pieces.push(Buffer.from(buffer, 0, this.#taken * BYTES_PER_ELEMENT));
  }
}

/** Makes a list of numbers of 32 bits. */
export function createCells(): NumberList<Uint32Array> {
  return new NumberList((length) => new Uint32Array(length));
}

// What most instances have is there again soon after it was forgotten, and names never are.
const knownTextsMax = 8192;
// Of texts this is some 80 KB. Strings over 128 KB are not freed until the runtime cleans up all.
const pieceTexts = 2048;

/** Texts by their places, from 1; 0 is "absent", so that no text stands for it. */
export class TextList {
  readonly #pieces: Buffer[] = [];
  readonly #places = new Map<string, number>();
  #texts: string[] = [];
  #count = 0;
  #bytes = 0;

  /** Gives the place of a text, which is kept once if it comes again soon. */
  place(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    if (this.#places.size === knownTextsMax) this.#places.clear();
    const place = this.ownPlace(text);
    this.#places.set(text, place);
    return place;
  }

  /**
   * Keeps a text each time: no other instance has it, so to look for it would take longer than to
   * write it.
   */
  ownPlace(text: string | undefined): number {
    if (text === undefined) return 0;
    if (this.#texts.length === pieceTexts) this.#flush();
    this.#texts.push(text);
    this.#count += 1;
    return this.#count;
  }

  /** Gives a piece that is whole, in order, and forgets it; `undefined` when there is none. */
  takeFirst(): Buffer | undefined {
    return this.#pieces.shift();
  }

  /** Gives the rest, in pieces. */
  end(): readonly Buffer[] {
    this.#flush();
    return this.#pieces;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** How long the pieces are in all, those that were taken too. */
  get bytes(): number {
    return this.#bytes;
  }

  #flush(): void {
    if (this.#texts.length === 0) return;
    const piece = joinTexts(this.#texts);
    this.#bytes += piece.length;
    this.#pieces.push(piece);
    this.#texts = [];
  }
}

/** Lists of texts, each different one once, as the places of those. */
export class PlaceLists {
  readonly lists: (readonly number[])[] = [];
  readonly #texts: TextList;
  readonly #places = new Map<string, number>();

  /** @param texts - where the texts of the lists are */
  constructor(texts: TextList) {
    this.#texts = texts;
  }

  /** Gives the place of a list, from 1. */
  place(texts: readonly string[]): number {
    const json = JSON.stringify(texts);
    const known = this.#places.get(json);
    if (known !== undefined) return known;
    const place = this.lists.push(texts.map((text) => this.#texts.place(text)));
    this.#places.set(json, place);
    return place;
  }
}
