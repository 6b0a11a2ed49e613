/** Durations as people write them: `500ms`, `5s`, `2m`, `1h`, `1d`. */

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** What such a text looks like, from its first character to its last. */
export const durationPattern: RegExp = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;

/** What is expected of a text that is none, to go behind "Expected". */
export const durationExamples = 'a duration like 500ms, 5s, 2m, 1h or 1d';

/** Reads a duration as milliseconds; `undefined` if the text is none. */
export function toDurationMs(text: string): number | undefined {
  const [, digits, unit] = durationPattern.exec(text) ?? [];
  const unitMs = unit === undefined ? undefined : unitsMs[unit];
  return digits === undefined || unitMs === undefined ? undefined : Number(digits) * unitMs;
}
