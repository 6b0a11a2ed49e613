/**
 * One process of a simulated machine: it can be killed or stand still at any moment, and a request
 * that it has sent goes on without it.
 */
import type { Clock, Random } from '../../../src/ports.ts';
import type { ManualClock } from '../../../src/sandbox/manual-clock.ts';

export interface RunOptions {
  readonly clock: ManualClock;
  readonly bootedAtMs: number;
  readonly wallOffsetMs: number;
  readonly random: Random;
  /** Told of each wait before it begins. */
  readonly onWait: (ms: number, run: Run) => void;
}

export class Run {
  /** Resolves when this process is killed. */
  readonly killed: Promise<'killed'>;
  /** As the program reads it. */
  readonly clock: Clock;
  /** On which requests travel: the one that is under way may arrive though its sender is dead. */
  readonly network: Clock;
  readonly #options: RunOptions;
  #tellKilled: () => void = () => {};
  #dead = false;
  #resumesAtMs = 0;
  #requestArrives = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.killed = new Promise((resolve) => {
      this.#tellKilled = () => resolve('killed');
    });
    const { clock, bootedAtMs, wallOffsetMs } = options;
    const times = clock.machine({ bootedAtMs, wallOffsetMs });
    this.clock = { ...times, wait: (ms, call) => this.#wait(ms, false, call) };
    this.network = { ...times, wait: (ms, call) => this.#wait(ms, true, call) };
  }

  get dead(): boolean {
    return this.#dead;
  }

  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#requestArrives = this.#options.random() < 0.5;
    this.#tellKilled();
  }

  pause(ms: number): void {
    if (this.#dead) return;
    this.#requestArrives = this.#options.random() < 0.5;
    this.#resumesAtMs = Math.max(this.#resumesAtMs, this.#options.clock.monotonicMs() + ms);
  }

  async #wait(ms: number, isTravel: boolean, call: Parameters<Clock['wait']>[1]): Promise<void> {
    if (this.#dead) return await never();
    const { clock, onWait } = this.#options;
    const begunRunning = this.#resumesAtMs <= clock.monotonicMs();
    onWait(ms, this);
    await clock.wait(ms, call);
    if (isTravel && begunRunning && this.#requestArrives) return;
    while (!this.#dead && clock.monotonicMs() < this.#resumesAtMs) {
      await clock.wait(this.#resumesAtMs - clock.monotonicMs(), call);
    }
    if (this.#dead) return await never();
  }
}

/** What a dead process waits for. */
function never(): Promise<never> {
  return new Promise(() => {});
}
