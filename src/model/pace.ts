/**
 * When to ask EC2 next: at the interval, sooner after a change, later after failures, and soon when
 * somebody asks for it.
 *
 * Every wait is drawn at random within bounds, so that a fleet that was started in the same second,
 * or saw the same change, does not stay in step. Times are of one clock that never goes back.
 */

/** How often EC2 is asked. */
export interface PaceSettings {
  /** From one refresh to the next, on average, in milliseconds. */
  readonly intervalMs: number;
  /** No wait after a failure is meant to be longer. @defaultValue 5 minutes, or the interval */
  readonly maxBackoffMs?: number | undefined;
}

/** What is known of the refreshes so far. A plain value: the next one is computed from it. */
export interface Pace {
  /** How many refreshes there were. */
  readonly refreshes: number;
  /** When the last one began. */
  readonly beganMs: number;
  /** When one last found something changed. */
  readonly changedMs: number | undefined;
  /** How many have failed since one did not. */
  readonly failures: number;
}

/** How a refresh ended; it failed if it left the answer as it was, as when EC2 throttles. */
export type RefreshOutcome = 'unchanged' | 'changed' | 'failed';

/** How long to wait, and why it is so long, for the log. */
export interface Wait {
  readonly waitMs: number;
  readonly because: 'interval' | 'recent change' | 'failures' | 'asked for';
}

// Whoever flips one tag often flips the next: a third of the interval, for a minute.
const quickShare = 1 / 3;
const quickForMs = 60_000;
// What EC2 shows lags by seconds, so that asking more often than this would show nothing new.
const quickestMs = 5000;
// A quarter to each side: fleets spread out within a few rounds, and the bounds stay tight.
const jitterShare = 0.25;
const backoffMs = 300_000;
// Doubled more often than this, any interval is past the longest.
const maxDoublings = 30;
// Between refreshes that are asked for: a second flip may follow the first, a script may run wild.
const askedGapMs = 2000;
// Over which those that are asked for at the same moment, by an event to all hosts, are spread.
const askedSpreadMs = 1000;

/** Before the first refresh, which need not wait. */
export const startingPace: Pace = {
  refreshes: 0,
  beganMs: Number.NEGATIVE_INFINITY,
  changedMs: undefined,
  failures: 0,
};

/** Takes a refresh into account: when it began, and how it ended. */
export function afterRefresh(pace: Pace, outcome: RefreshOutcome, beganMs: number): Pace {
  return {
    refreshes: pace.refreshes + 1,
    beganMs,
    changedMs: outcome === 'changed' ? beganMs : pace.changedMs,
    failures: outcome === 'failed' ? pace.failures + 1 : 0,
  };
}

/**
 * How long to wait after a refresh. `chance` is at least 0 and below 1, drawn anew each time.
 *
 * The first wait is anything up to the interval, so that hosts that boot together part at once.
 */
export function nextWait(
  pace: Pace,
  settings: PaceSettings,
  { nowMs, chance }: { readonly nowMs: number; readonly chance: number },
): Wait {
  const { intervalMs, maxBackoffMs = backoffMs } = settings;
  if (pace.failures > 0) {
    const doubledMs = intervalMs * 2 ** Math.min(pace.failures, maxDoublings);
    const longestMs = Math.max(intervalMs, maxBackoffMs);
    return { waitMs: jitter(Math.min(doubledMs, longestMs), chance), because: 'failures' };
  }
  if (pace.changedMs !== undefined && nowMs - pace.changedMs < quickForMs) {
    const quickMs = Math.min(intervalMs, Math.max(quickestMs, intervalMs * quickShare));
    return { waitMs: jitter(quickMs, chance), because: 'recent change' };
  }
  if (pace.refreshes <= 1) {
    const leastMs = Math.min(intervalMs, quickestMs);
    return { waitMs: leastMs + (intervalMs - leastMs) * chance, because: 'interval' };
  }
  return { waitMs: jitter(intervalMs, chance), because: 'interval' };
}

/**
 * How long to wait when a refresh is asked for, counted from now, in place of what is left of the
 * wait before. Further requests meanwhile change nothing: they are answered by the same refresh.
 *
 * While EC2 fails, a request does not bring the next refresh below the interval.
 */
export function askedWait(
  pace: Pace,
  { intervalMs }: PaceSettings,
  { nowMs, chance }: { readonly nowMs: number; readonly chance: number },
): Wait {
  const gapMs = pace.failures > 0 ? Math.max(askedGapMs, intervalMs) : askedGapMs;
  const restMs = Math.max(0, pace.beganMs + gapMs - nowMs);
  return { waitMs: restMs + askedSpreadMs * chance, because: 'asked for' };
}

function jitter(ms: number, chance: number): number {
  return ms * (1 - jitterShare + 2 * jitterShare * chance);
}
