/**
 * What a dry run shows of a file that would change.
 */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';

const contextLines = 3;

// The shortest difference takes time that grows with the square of its length: a second at 2,000
// lines. Beyond that a plain one will do: everything between the common head and tail.
const maxEditLength = 2000;

/**
 * Writes the difference of two texts as `diff -u` does; empty if they are equal.
 *
 * Both sides are labelled with the path alone, without times, so that it is the same at each run.
 */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return '';
  const options = { context: contextLines, headerOptions: FILE_HEADERS_ONLY };
  const shortest = createTwoFilesPatch(path, path, before, after, undefined, undefined, {
    ...options,
    maxEditLength,
  });
  return shortest ?? plainDiff(path, before, after);
}

function plainDiff(path: string, before: string, after: string): string {
  const left = toLines(before);
  const right = toLines(after);
  const shorter = Math.min(left.length, right.length);
  let head = 0;
  while (head < shorter && left[head] === right[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && left.at(-1 - tail) === right.at(-1 - tail)) tail += 1;

  const from = Math.max(0, head - contextLines);
  const tailShown = Math.min(tail, contextLines);
  const leftShown = left.slice(from, left.length - tail + tailShown);
  const rightShown = right.slice(from, right.length - tail + tailShown);
  const range = (lines: readonly string[]): string =>
    `${lines.length === 0 ? 0 : from + 1},${lines.length}`;
  const changed = (lines: readonly string[]): readonly string[] =>
    lines.slice(head - from, lines.length - tailShown);
  return [
    `--- ${path}\n+++ ${path}\n@@ -${range(leftShown)} +${range(rightShown)} @@\n`,
    ...marked(' ', left.slice(from, head)),
    ...marked('-', changed(leftShown)),
    ...marked('+', changed(rightShown)),
    ...marked(' ', left.slice(left.length - tail, left.length - tail + tailShown)),
  ].join('');
}

function toLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function marked(mark: string, lines: readonly string[]): string[] {
  return lines.map((line) =>
    line.endsWith('\n') ? mark + line : `${mark}${line}\n\\ No newline at end of file\n`,
  );
}
