import { describe, expect, test } from 'vitest';
import type { Clock } from '../src/ports.ts';
import { createRandom } from '../src/sandbox/random.ts';
import { splay } from '../src/splay.ts';

const hosts = 1000;
const splaySeconds = 20;

/** In which second after the minute each host calls EC2, as cron starts them all at once. */
async function callsBySecond(splayMs: number, seed: number): Promise<readonly number[]> {
  const calls = Array.from({ length: splaySeconds }, () => 0);
  for (let host = 0; host < hosts; host += 1) {
    let nowMs = 0;
    const clock: Clock = {
      monotonicMs: () => nowMs,
      wallMs: () => nowMs,
      uptimeMs: () => nowMs,
      wait: async (ms) => {
        nowMs += ms;
      },
    };
    await splay({ clock, random: createRandom(seed * hosts + host) }, splayMs);
    const second = Math.floor(nowMs / 1000);
    calls[second] = (calls[second] ?? 0) + 1;
  }
  return calls;
}

// 50 are expected in a second, with a standard deviation of 6.9: six of them more are never seen.
const callsMax = 50 + 6 * 6.9;

describe('a thousand hosts that cron starts in the same second', () => {
  test.each([1, 2, 3, 4, 5])('are spread over 20 seconds (seed %i)', async (seed) => {
    const calls = await callsBySecond(splaySeconds * 1000, seed);
    expect(calls).toHaveLength(splaySeconds);
    expect(calls.reduce((sum, n) => sum + n)).toBe(hosts);
    expect(Math.max(...calls)).toBeLessThanOrEqual(callsMax);
    expect(Math.min(...calls)).toBeGreaterThan(0);
  });

  test('all call at once without it (the control)', async () => {
    expect(Math.max(...(await callsBySecond(0, 1)))).toBe(hosts);
  });
});
