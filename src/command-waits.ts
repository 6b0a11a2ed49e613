/** When commands of rendered files that fail are run again, by whoever renders again and again. */
import type { NametagError } from './errors.ts';
import { retryWaitMs } from './model/retry-wait.ts';
import type { Clock } from './ports.ts';

/** Remembers which commands fail, from one refresh to the next. */
export interface CommandWaits {
  /** How the command last failed, if it is too soon to run it again. */
  waiting(command: string): NametagError | undefined;
  /** Takes in how a run has ended: by this failure, or well. */
  ended(command: string, failure: NametagError | undefined): void;
}

/**
 * Makes the memory of one watcher, by the rule of its handlers: 5 s after the first failure, then
 * twice that each time, up to 5 minutes. A command that has hung for its minute, or restarts what
 * serves before it fails, must not do so at each refresh.
 */
export function createCommandWaits(clock: Pick<Clock, 'monotonicMs'>): CommandWaits {
  const failing = new Map<string, { failure: NametagError; failures: number; dueMs: number }>();
  return {
    waiting: (command) => {
      const found = failing.get(command);
      return found !== undefined && clock.monotonicMs() < found.dueMs ? found.failure : undefined;
    },
    ended: (command, failure) => {
      if (failure === undefined) {
        failing.delete(command);
        return;
      }
      const failures = (failing.get(command)?.failures ?? 0) + 1;
      failing.set(command, {
        failure,
        failures,
        dueMs: clock.monotonicMs() + retryWaitMs(failures),
      });
    },
  };
}
