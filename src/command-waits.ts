/**
 * When checks and commands of rendered files that fail are run again, by whoever renders again and
 * again.
 */
import type { NametagError } from './errors.ts';
import { retryWaitMs } from './model/retry-wait.ts';
import type { Clock } from './ports.ts';

/** Remembers which commands fail, by a key of each, from one refresh to the next. */
export interface CommandWaits {
  /** How the command last failed on the same input, if it is too soon to run it again. */
  waiting(key: string, input?: string): NametagError | undefined;
  /** Takes in how a run on this input has ended: by this failure, or well. */
  ended(key: string, failure: NametagError | undefined, input?: string): void;
}

/** Those of one watcher. */
export interface RenderWaits {
  /** The key is a file and its check, and the input what the file is to contain. */
  readonly checks: CommandWaits;
  /** The key is the command. */
  readonly commands: CommandWaits;
}

/** Makes the memory of one watcher. */
export function createRenderWaits(clock: Pick<Clock, 'monotonicMs'>): RenderWaits {
  return { checks: createCommandWaits(clock), commands: createCommandWaits(clock) };
}

/** How a command fails, how often it has in a row, and when it may run again. */
interface Failing {
  readonly failure: NametagError;
  readonly failures: number;
  readonly dueMs: number;
  readonly input: string | undefined;
}

/**
 * Goes by the rule of the watcher's handlers: 5 s after the first failure, then twice that each
 * time, up to 5 minutes; another input counts from its own first. A command that has hung for its
 * minute, or restarts what serves before it fails, must not do so at each refresh.
 */
function createCommandWaits(clock: Pick<Clock, 'monotonicMs'>): CommandWaits {
  const failing = new Map<string, Failing>();
  const find = (key: string, input: string | undefined): Failing | undefined => {
    const found = failing.get(key);
    return found?.input === input ? found : undefined;
  };
  return {
    waiting: (key, input) => {
      const found = find(key, input);
      return found !== undefined && clock.monotonicMs() < found.dueMs ? found.failure : undefined;
    },
    ended: (key, failure, input) => {
      if (failure === undefined) {
        failing.delete(key);
        return;
      }
      const failures = (find(key, input)?.failures ?? 0) + 1;
      const dueMs = clock.monotonicMs() + retryWaitMs(failures);
      failing.set(key, { failure, failures, dueMs, input });
    },
  };
}
