import type { Random } from '../ports.ts';
import { Ec2Error, LostAnswer } from './ec2-error.ts';
import type { Filter } from './filters.ts';
import type { InstanceFacts } from './instance-record.ts';
import type { Knobs } from './knobs.ts';
import { draws } from './pages.ts';
import type { Moment, Store } from './store.ts';
import { Throttle } from './throttle.ts';

/** What becomes of a write, and whether its client hears of it. */
type Fate = 'answered' | 'lost now' | 'lost late' | 'lost twice' | 'lost never';

/** What every request goes through before and after it does what it asks for. */
export class Gate {
  readonly #store: Store;
  readonly #random: Random;
  readonly #knobs: () => Knobs;
  readonly #throttle = new Throttle();

  constructor(store: Store, random: Random, knobs: () => Knobs) {
    this.#store = store;
    this.#random = random;
    this.#knobs = knobs;
  }

  /**
   * Lets a request in.
   *
   * @throws {@link Ec2Error} `RequestLimitExceeded` or `UnauthorizedOperation`.
   */
  enter(action: string, narrowed: boolean, instances: number, nowMs: number): void {
    const { throttle, deny } = this.#knobs();
    if (throttle) this.#throttle.take(action, narrowed, instances, nowMs);
    if (deny.has(action)) {
      throw new Ec2Error(
        'UnauthorizedOperation',
        'You are not authorized to perform this operation.',
        403,
      );
    }
  }

  /** @throws {@link Ec2Error} `DryRunOperation`, EC2's way to say that it would have been done. */
  endDryRun(dryRun: boolean | undefined): void {
    if (dryRun === true) {
      throw new Ec2Error(
        'DryRunOperation',
        'Request would have succeeded, but DryRun flag is set.',
        412,
      );
    }
  }

  /** @throws {@link Ec2Error} `ConcurrentTagAccess`, as likely as the knob says. */
  mayConflict(): void {
    if (draws(this.#knobs().concurrent, this.#random)) {
      throw new Ec2Error(
        'ConcurrentTagAccess',
        "You can't run simultaneous commands to modify a tag for a specific resource. " +
          'Allow sufficient wait time for the previous request to complete, then retry.',
      );
    }
  }

  /** @throws {@link LostAnswer} instead of answering a read, as likely as the knob says. */
  mayLoseRead(): void {
    if (draws(this.#knobs().lostRead, this.#random)) throw new LostAnswer();
  }

  /** Draws whom a describe with these filters does not show, though they match. */
  blindfold(filters: readonly Filter[]): (facts: InstanceFacts) => boolean {
    const { emptyAnswers, silentFilter, hidden } = this.#knobs();
    const narrowed = filters.some(({ name }) => name !== 'instance-id');
    const blind =
      draws(emptyAnswers, this.#random) || (narrowed && draws(silentFilter, this.#random));
    return ({ instanceId, availabilityZone }) =>
      !blind && !hidden.has(instanceId) && !hidden.has(availabilityZone);
  }

  /**
   * Makes a change, if and when its fate has it made.
   *
   * One that is made late is made, and settled, within the bound of a change made now. `repeatable`
   * says whether it may be made late and twice; one that is not is then made now, once.
   *
   * @throws {@link LostAnswer} when the client hears nothing.
   */
  carryOut(nowMs: number, repeatable: boolean, change: (when: Moment) => void): void {
    const { settleMaxMs } = this.#knobs();
    const settledMs = nowMs + settleMaxMs;
    const fate = this.#drawFate();
    const later = repeatable && (fate === 'lost late' || fate === 'lost twice');
    if (fate !== 'lost never' && !(repeatable && fate === 'lost late')) {
      change({ fromMs: nowMs, settledMs });
    }
    if (later) {
      const lateMs = nowMs + this.#random() * settleMaxMs;
      this.#store.plan(lateMs, (fromMs) => change({ fromMs, settledMs }));
    }
    if (fate !== 'answered') throw new LostAnswer();
  }

  #drawFate(): Fate {
    const { lostNow, lostLate, lostTwice, lostNever } = this.#knobs();
    const fates: readonly (readonly [Fate, number])[] = [
      ['lost now', lostNow],
      ['lost late', lostLate],
      ['lost twice', lostTwice],
      ['lost never', lostNever],
    ];
    if (fates.every(([, probability]) => probability === 0)) return 'answered';
    let left = this.#random();
    for (const [fate, probability] of fates) {
      if (left < probability) return fate;
      left -= probability;
    }
    return 'answered';
  }
}
