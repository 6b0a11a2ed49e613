import { showAge } from './age.ts';

/** When a watcher was last heard of, by a clock of this machine that never goes back. */
export interface WatchTimes {
  readonly nowMs: number;
  /** When its loop last came round. */
  readonly turnedMs: number;
  /** By when it meant to come round again. */
  readonly dueMs: number;
  /** Age of the answer in use; `undefined` before the first. */
  readonly answerAgeMs: number | undefined;
  /** An older answer is not to be used. */
  readonly maxStaleMs: number;
}

/** Whether a watcher works. */
export interface WatchHealth {
  /** The loop is not stuck. */
  readonly alive: boolean;
  /** There is an answer that is young enough to be used. */
  readonly ready: boolean;
  /** In a few words, for a person. */
  readonly detail: string;
}

// Longer than a refresh takes with all its retries, a slow template's command included.
const stuckAfterMs = 300_000;

/** Tells whether a watcher works. EC2 being away is no reason to restart one, so it stays alive. */
export function healthOf(times: WatchTimes): WatchHealth {
  const { nowMs, turnedMs, dueMs, answerAgeMs, maxStaleMs } = times;
  const alive = nowMs < dueMs + stuckAfterMs;
  const ready = answerAgeMs !== undefined && answerAgeMs <= maxStaleMs;
  const answer =
    answerAgeMs === undefined
      ? 'no answer yet'
      : `the answer is ${showAge(answerAgeMs)} old${ready ? '' : ', which is too old'}`;
  const loop = alive ? '' : `; the loop has not come round for ${showAge(nowMs - turnedMs)}`;
  return { alive, ready, detail: answer + loop };
}
