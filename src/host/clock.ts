import { uptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../ports.ts';

// Node takes what is longer, almost 25 days, for 1 ms: who waits for it would ask without end.
const longestSleepMs = 2 ** 31 - 1;

/** The clock of this machine. */
export const systemClock: Clock = createClock(true);

/** The same, but that whoever waits does not keep the process from ending. */
export const idleClock: Clock = createClock(false);

function createClock(ref: boolean): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    uptimeMs: () => uptime() * 1000,
    async wait(ms, { signal } = {}) {
      signal?.throwIfAborted();
      try {
        let restMs = ms;
        do {
          const nextMs = Math.min(restMs, longestSleepMs);
          await sleep(nextMs, undefined, { ref, ...(signal !== undefined && { signal }) });
          restMs -= nextMs;
        } while (restMs > 0);
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    },
  };
}
