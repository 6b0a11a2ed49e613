/** Says which of the known words was probably meant: ` (did you mean "x"?)`, or nothing. */
export function suggest(word: string, known: Iterable<string>): string {
  const found = closest(word, known, Math.max(2, Math.floor(word.length / 3)));
  return found === undefined ? '' : ` (did you mean "${found}"?)`;
}

// Longer words are nobody's slip of the finger, and the comparison takes the product of lengths.
const wordLengthMax = 60;

/**
 * Finds the known word that is fewest changes of a character away, and at most `distanceMax`.
 *
 * The first of those that are equally close; upper and lower case count as the same.
 */
export function closest(
  word: string,
  known: Iterable<string>,
  distanceMax: number,
): string | undefined {
  if (word.length > wordLengthMax) return undefined;
  let best: string | undefined;
  let bestDistance = distanceMax + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Counts the characters to insert, delete or replace to make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
