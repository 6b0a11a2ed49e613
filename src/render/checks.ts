import type { Check } from '../model/check.ts';
import { toPrintable } from '../model/untrusted-text.ts';
import { renderJson } from './json.ts';

/** One check a line for people: verdict, name, what was seen, what to do. */
export function renderChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(({ name, verdict, seen, advice }) => {
      const text = advice === undefined ? seen : `${seen}. ${advice}`;
      return `${verdict.padEnd(7)}  ${name.padEnd(width)}  ${toPrintable(text)}\n`;
    })
    .join('');
}

/** What `doctor --json` prints; `advice` is `null` where there is nothing to do. */
export function renderChecksJson(checks: readonly Check[]): string {
  return renderJson({
    version: 1,
    checks: checks.map(({ name, verdict, seen, advice = null }) => ({
      name,
      verdict,
      seen,
      advice,
    })),
  });
}
