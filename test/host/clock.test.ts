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
