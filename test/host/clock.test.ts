import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';

describe('systemClock', () => {
  test('goes on', async () => {
    const before = systemClock.monotonicMs();
    await systemClock.wait(1);
    expect(systemClock.monotonicMs()).toBeGreaterThan(before);
    expect(systemClock.uptimeMs()).toBeGreaterThan(0);
    expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(60_000);
  });

  test.each([2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])('waits for %d ms too', async (ms) => {
    const stop = new AbortController();
    const waited = systemClock.wait(ms, { signal: stop.signal });
    const first = await Promise.race([waited.then(() => 'long'), systemClock.wait(20)]);
    stop.abort('enough');
    await expect(waited).rejects.toBe('enough');
    expect(first).toBeUndefined();
  });

  test('stops waiting with the reason of its caller', async () => {
    const stop = new AbortController();
    const waited = systemClock.wait(60_000, { signal: stop.signal });
    stop.abort('enough');
    await expect(waited).rejects.toBe('enough');
    await expect(systemClock.wait(0, { signal: AbortSignal.abort('before') })).rejects.toBe(
      'before',
    );
  });
});
