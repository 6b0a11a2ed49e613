import { setTimeout as sleep } from 'node:timers/promises';
import { vi } from 'vitest';

/**
 * Runs a call with the timers of JavaScript going twenty times as fast; sockets keep their time.
 *
 * A call that writes again and again until EC2 knows an instance takes ten seconds otherwise.
 */
export async function hurry<T>(call: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    let ended = false;
    const result = call().finally(() => {
      ended = true;
    });
    result.catch(() => {});
    while (!ended) {
      await sleep(5);
      await vi.advanceTimersByTimeAsync(100);
    }
    return await result;
  } finally {
    vi.useRealTimers();
  }
}
