import { callBack } from './call-back.ts';
import { isNametagError } from './errors.ts';
import { afterRefresh, nextWait, type RefreshOutcome, startingPace } from './model/pace.ts';
import type { CallOptions, Clock, Random } from './ports.ts';

/** How often something is refreshed, and who hears of it. */
export interface KeepFreshOptions extends CallOptions {
  /** From one refresh to the next, on average, in milliseconds. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Called after each refresh. */
  readonly onRefresh?: (() => void) | undefined;
  /** Called with what a refresh has failed with. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * Refreshes at the pace of a watcher until the signal aborts: a quarter more or less by chance, so
 * that a fleet does not ask in the same second, and after failures doubled, up to 5 minutes.
 *
 * What a callback throws is an unhandled rejection, as of one that is asynchronous, and ends
 * nothing: a process that only logs those would go on by what is older and older.
 */
export async function keepFresh(
  refresh: () => Promise<void>,
  { everyMs, clock, random, onRefresh, onError, signal }: KeepFreshOptions,
): Promise<void> {
  // There is something fresh to begin with.
  let pace = afterRefresh(startingPace, 'unchanged', clock.monotonicMs());
  while (signal?.aborted !== true) {
    const at = { nowMs: clock.monotonicMs(), chance: random() };
    const { waitMs } = nextWait(pace, { intervalMs: everyMs }, at);
    try {
      await clock.wait(waitMs, { signal });
    } catch (error) {
      if (signal?.aborted) return;
      throw error;
    }
    const beganMs = clock.monotonicMs();
    let outcome: RefreshOutcome = 'unchanged';
    let failure: { readonly error: unknown } | undefined;
    try {
      await refresh();
    } catch (error) {
      if (signal?.aborted) return;
      failure = { error };
      // EC2 has answered then, and may show more the next time.
      if (!isNametagError(error, 'NAMETAG_GUARD_HELD')) outcome = 'failed';
    }
    pace = afterRefresh(pace, outcome, beganMs);
    void callBack(failure === undefined ? onRefresh : () => onError?.(failure.error));
  }
}
