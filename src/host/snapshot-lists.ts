/** What a snapshot's file is made of, while it is written. */

/** A list of which no more is held as items than a piece has. */
export interface List<Item> {
  readonly push: (item: Item) => void;
  /** Gives a piece that is whole, in order, and forgets it; `undefined` when there is none. */
  readonly takeFirst: () => Buffer | undefined;
  /** Gives the rest of it, in pieces. */
  readonly end: () => readonly Buffer[];
}

// Of texts this is some 80 KB. Strings over 128 KB are not freed until the runtime cleans up all.
const pieceItems = 2048;

/** Makes a list that is told as the items of a JSON array, without its brackets, after a text. */
export function createList<Item>(before: string): List<Item> {
  const pieces: Buffer[] = [];
  let opening = before;
  let items: Item[] = [];
  const flush = (): void => {
    pieces.push(Buffer.from(opening + JSON.stringify(items).slice(1, -1)));
    opening = ',';
    items = [];
  };
  return {
    push: (item) => {
      // Before the item, so that there is one left for the end.
      if (items.length === pieceItems) flush();
      items.push(item);
    },
    takeFirst: () => pieces.shift(),
    end: () => {
      flush();
      return pieces;
    },
  };
}

// These are no strings, and each piece is a call of the system.
const pieceCells = 65_536;

/** Makes a list that is told as numbers of 32 bits. */
export function createCells(): List<number> {
  const pieces: Buffer[] = [];
  let cells = new Uint32Array(pieceCells);
  let length = 0;
  const flush = (): void => {
    pieces.push(Buffer.from(cells.buffer, 0, length * Uint32Array.BYTES_PER_ELEMENT));
  };
  return {
    push: (cell) => {
      if (length === pieceCells) {
        flush();
        cells = new Uint32Array(pieceCells);
        length = 0;
      }
      cells[length] = cell;
      length += 1;
    },
    takeFirst: () => pieces.shift(),
    end: () => {
      flush();
      return pieces;
    },
  };
}

/** Gives the place of a text, from 1; 0 is "absent", so that no text stands for it. */
export type PlaceOf = (text: string | undefined) => number;

// What most instances have is there again soon after it was forgotten, and names never are.
const knownTextsMax = 8192;

/**
 * Keeps a text once that comes again soon, and those of `own` each time: no other instance has
 * them, so to look for one would take longer than to write it.
 */
export function createTexts(texts: List<string>): {
  readonly text: PlaceOf;
  readonly own: PlaceOf;
} {
  const places = new Map<string, number>();
  let count = 0;
  const own: PlaceOf = (text) => {
    if (text === undefined) return 0;
    texts.push(text);
    count += 1;
    return count;
  };
  const text: PlaceOf = (wanted) => {
    if (wanted === undefined) return 0;
    const known = places.get(wanted);
    if (known !== undefined) return known;
    if (places.size === knownTextsMax) places.clear();
    const place = own(wanted);
    places.set(wanted, place);
    return place;
  };
  return { text, own };
}

/** Keeps each different list of texts once, as the places of those; gives its own, from 1. */
export function createTextLists(
  lists: List<readonly number[]>,
  placeOf: PlaceOf,
): (texts: readonly string[]) => number {
  const places = new Map<string, number>();
  return (texts) => {
    const json = JSON.stringify(texts);
    const known = places.get(json);
    if (known !== undefined) return known;
    lists.push(texts.map(placeOf));
    places.set(json, places.size + 1);
    return places.size;
  };
}

/** Looks for a place only where the item is not the one before: neighbours have much in common. */
export function inTurn<Item>(placeOf: (item: Item) => number): (item: Item) => number {
  let last: { readonly item: Item; readonly place: number } | undefined;
  return (item) => {
    if (last === undefined || last.item !== item) last = { item, place: placeOf(item) };
    return last.place;
  };
}
