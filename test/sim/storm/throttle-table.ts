/**
 * How many hosts of a region may boot in one moment before EC2's request buckets are empty, and
 * what happens past that. Run by scripts/storm-claims.js.
 */
import { settleMs } from './figures.ts';
import { runStorm, type StormResult } from './storm.ts';

const jittersMs = [0, 5000, 30_000, 60_000];
const claimantsMax = 400;

/** Hosts that boot in one moment, with EC2's published buckets. */
export function boot(claimants: number, jitterMs: number): Promise<StormResult> {
  const knobs = { settleMaxMs: 1500, latencyMs: 200, throttle: true };
  return runStorm({ claimants, seed: 1, settleMs, jitterMs, knobs, claimsAgain: false });
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The most claimants for which this holds, found by halving, to a twentieth. */
async function most(holds: (claimants: number) => Promise<boolean>): Promise<number> {
  let good = 0;
  let bad = claimantsMax;
  while (bad - good > Math.max(1, good / 20)) {
    const middle = Math.floor((good + bad) / 2);
    if (await holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** The rows of a table in Markdown. */
export async function throttleTable(): Promise<string> {
  const lines = [
    '| start jitter | none throttled up to | no run fails up to |' +
      ' 200 at once: runs that failed, of a host | last name after |',
    '|--:|--:|--:|--:|--:|',
  ];
  for (const jitterMs of jittersMs) {
    const count = (key: 'throttled' | 'failed') => async (claimants: number) =>
      sum((await boot(claimants, jitterMs)).figures.map((figure) => figure[key])) === 0;
    const { figures, lastHeldAtMs } = await boot(200, jitterMs);
    const failed = figures.map((figure) => figure.failed);
    const cells = [
      `${jitterMs / 1000} s`,
      await most(count('throttled')),
      await most(count('failed')),
      `${(sum(failed) / failed.length).toFixed(1)} – ${Math.max(...failed)}`,
      `${Math.round(lastHeldAtMs / 1000)} s`,
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}
