import { setImmediate } from 'node:timers/promises';
import type { CallOptions, Clock } from '../ports.ts';
import { TimeQueue } from './time-queue.ts';

/** One machine of a simulation, as its clock is read. */
export interface Machine {
  /** When it booted, on the simulation's clock. Default 0. */
  readonly bootedAtMs?: number | undefined;
  /** How far its date is off. */
  readonly wallOffsetMs?: number | undefined;
}

interface Waiter {
  readonly resolve: () => void;
  ended: boolean;
}

// A simulation that runs longer has a loop without an end.
const defaultLimitMs = 30 * 86_400_000;

/**
 * A clock that a test turns by hand: whoever waits is woken in the order of time.
 *
 * Between two steps all that can go on goes on, so equal programs run equally, however many tasks
 * they have. A task that waits for anything but this clock and other such tasks is not waited for.
 */
export class ManualClock implements Clock {
  readonly #waiters = new TimeQueue<Waiter>();
  readonly #startWallMs: number;
  #nowMs = 0;

  /** @param wallMs the date at the beginning, in milliseconds since 1970. */
  constructor(wallMs: number = Date.UTC(2026, 0, 1)) {
    this.#startWallMs = wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#startWallMs + this.#nowMs;
  }

  uptimeMs(): number {
    return this.#nowMs;
  }

  wait(ms: number, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = (): void => {
        waiter.ended = true;
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        resolve: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
        ended: false,
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.push(this.#nowMs + Math.max(0, ms), waiter);
    });
  }

  /** Gives the clock of one machine, turned together with this one. */
  machine({ bootedAtMs = 0, wallOffsetMs = 0 }: Machine): Clock {
    return {
      monotonicMs: () => this.#nowMs,
      wallMs: () => this.wallMs() + wallOffsetMs,
      uptimeMs: () => this.#nowMs - bootedAtMs,
      wait: (ms, options) => this.wait(ms, options),
    };
  }

  /** Turns the clock on by `ms`, waking everybody whose time comes meanwhile. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await setImmediate();
    while (await this.#step(untilMs));
    this.#nowMs = untilMs;
  }

  /**
   * Turns the clock until the task has ended, and gives its outcome.
   *
   * @throws TypeError when nobody waits any more and the task has not ended, or when it has not
   * ended after `limitMs` of this clock.
   */
  async run<T>(task: Promise<T>, limitMs: number = defaultLimitMs): Promise<T> {
    const untilMs = this.#nowMs + limitMs;
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    task.then(end, end);
    await setImmediate();
    while (!ended) {
      if (await this.#step(untilMs)) continue;
      const fact = this.#waiters.nextAtMs === undefined ? 'nobody waits' : 'the limit is reached';
      throw new TypeError(`The task has not ended after ${this.#nowMs} ms, and ${fact}.`);
    }
    return task;
  }

  /** Goes on to the next moment that somebody waits for; `false` if there is none until then. */
  async #step(untilMs: number): Promise<boolean> {
    const atMs = this.#waiters.nextAtMs;
    if (atMs === undefined || atMs > untilMs) return false;
    this.#nowMs = Math.max(this.#nowMs, atMs);
    let woken = false;
    for (;;) {
      const due = this.#waiters.takeDue(atMs);
      if (due === undefined) break;
      if (due.item.ended) continue;
      due.item.resolve();
      woken = true;
    }
    // All promise callbacks run before this one comes back.
    if (woken) await setImmediate();
    return true;
  }
}
