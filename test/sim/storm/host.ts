/** A host that claims a name after each boot, and what befalls it meanwhile. */
import type { ClaimOutcome } from '../../../src/claim/protocol.ts';
import { claimName } from '../../../src/claim-name.ts';
import { isNametagError } from '../../../src/errors.ts';
import type { Series } from '../../../src/model/series.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import type { ClaimLock, Clock, Ec2, Random } from '../../../src/ports.ts';
import type { ManualClock } from '../../../src/sandbox/manual-clock.ts';
import { createRandom } from '../../../src/sandbox/random.ts';
import type { World } from '../../../src/sandbox/world.ts';
import { countRequests, type Requests, reach } from './requests.ts';
import { Run } from './run.ts';

/** What all hosts of a storm have in common. */
export interface Surroundings {
  readonly world: World;
  readonly clock: ManualClock;
  readonly seed: number;
  readonly series: Series;
  readonly settleMs: number;
  readonly attempts?: number | undefined;
  /** How long a host waits at most after its boot before it runs its claim, at random. */
  readonly jitterMs: number;
  /**
   * How long a host waits at most before it runs again what was killed or has failed. Twice as long
   * after each failure, up to five minutes, as init systems do.
   */
  readonly restartMs: number;
  /** Whether a process that was killed is run again. */
  readonly runsAgain: boolean;
  /** What a scan shows instead of what it found: how a rule is broken on purpose. */
  readonly distort?: ((scan: Snapshot, instanceId: string) => Snapshot) | undefined;
  readonly onWait: (ms: number, run: Run, host: Host) => void;
  readonly complain: (text: string) => void;
}

/** What a host's runs took, from its first boot to its last name. */
export interface HostFigures extends Requests {
  runs: number;
  killed: number;
  /** Runs that ended as with exit status 75. */
  failed: number;
  undecided: number;
  scans: number;
  rewrites: number;
  /** The most scans of one run. */
  scansOfRun: number;
  /** From the last boot until the name was held, in milliseconds. */
  heldAfterMs: number;
}

// A host whose runs end without a name this often will never have one.
const runMax = 30;
const restartMsMax = 300_000;

interface Marks {
  isMarked: boolean;
  writtenAtUptimeMs: number | undefined;
}

export class Host {
  readonly instanceId: string;
  readonly figures: HostFigures = {
    describes: 0,
    writes: 0,
    throttled: 0,
    runs: 0,
    killed: 0,
    failed: 0,
    undecided: 0,
    scans: 0,
    rewrites: 0,
    scansOfRun: 0,
    heldAfterMs: 0,
  };
  /** How many times its luck may still turn. */
  troublesLeft = 0;
  readonly random: Random;
  readonly #around: Surroundings;
  readonly #world: World;
  readonly #wallOffsetMs: number;
  readonly #marks: Marks = { isMarked: false, writtenAtUptimeMs: undefined };
  readonly #marksElsewhere: Marks = { isMarked: false, writtenAtUptimeMs: undefined };
  readonly #runs = new Set<Run>();
  #bootedAtMs = 0;
  #life = 0;

  constructor(instanceId: string, around: Surroundings) {
    this.instanceId = instanceId;
    this.#around = around;
    this.random = createRandom(around.seed, instanceId);
    this.#world = countRequests(around.world, this.figures);
    // No two machines agree on the time, and nothing may come of it.
    this.#wallOffsetMs = (this.random() - 0.5) * 7_200_000;
  }

  /** Boots now, and claims until it has a name or this life ends. */
  async live(): Promise<ClaimOutcome | undefined> {
    this.#life += 1;
    const life = this.#life;
    const { clock, jitterMs } = this.#around;
    this.#boot(0);
    await clock.wait(this.random() * jitterMs);
    return await this.#claim(() => life !== this.#life, true);
  }

  /** Ends the machine: all that runs on it. */
  end(): void {
    this.#life += 1;
    for (const run of this.#runs) run.kill();
  }

  /** Boots again without a new launch time. */
  reboot(): void {
    for (const run of this.#runs) run.kill();
    this.#boot(this.random() * 3000);
  }

  /** Claims for this instance on another machine, with a lock and marks of its own. */
  async claimElsewhere(): Promise<void> {
    await this.#claim(() => false, false);
  }

  /** Claims once more, as a timer does. */
  async claimAgain(): Promise<ClaimOutcome | undefined> {
    return await this.#claim(() => false, true);
  }

  /** The runtime folder may outlive it or not. */
  #boot(delayMs: number): void {
    this.#bootedAtMs = this.#around.clock.monotonicMs() + delayMs;
    if (this.random() < 0.5) return;
    this.#marks.isMarked = false;
    this.#marks.writtenAtUptimeMs = undefined;
  }

  async #claim(isOver: () => boolean, isHere: boolean): Promise<ClaimOutcome | undefined> {
    const { clock, restartMs, complain, runsAgain } = this.#around;
    const { figures } = this;
    let waitMs = restartMs;
    for (let runs = 1; runs <= runMax; runs += 1) {
      const downMs = isHere ? this.#bootedAtMs - clock.monotonicMs() : 0;
      if (downMs > 0) await clock.wait(downMs);
      if (isOver()) return undefined;
      const ended = await this.#runOnce(isHere);
      if (isOver()) return undefined;
      if (ended === 'killed') {
        figures.killed += 1;
        if (!runsAgain) return undefined;
      } else if (isNametagError(ended)) {
        figures.failed += 1;
        waitMs = Math.min(restartMsMax, 2 * waitMs);
      } else if (ended instanceof Error) {
        complain(`${this.instanceId} threw ${ended.stack}`);
        return undefined;
      } else if (ended.kind === 'held') {
        figures.heldAfterMs = clock.monotonicMs() - this.#bootedAtMs;
        return ended;
      } else {
        if (ended.why.kind === 'instance not seen' && ended.why.state !== undefined) return ended;
        figures.undecided += 1;
      }
      await clock.wait(this.random() * waitMs);
    }
    complain(`${this.instanceId} has no name after ${runMax} runs`);
    return undefined;
  }

  async #runOnce(isHere: boolean): Promise<ClaimOutcome | Error | 'killed'> {
    const { clock, series, settleMs, onWait } = this.#around;
    const { figures, random, instanceId } = this;
    const run: Run = new Run({
      clock,
      bootedAtMs: isHere ? this.#bootedAtMs : 0,
      wallOffsetMs: isHere ? this.#wallOffsetMs : -this.#wallOffsetMs,
      random,
      onWait: (ms) => onWait(ms, run, this),
    });
    if (isHere) this.#runs.add(run);
    figures.runs += 1;
    const lock = lockOf(isHere ? this.#marks : this.#marksElsewhere, run.clock, random);
    const ports = { ec2: this.#reach(run), clock: run.clock, random, lock };
    const request = { instanceId, series, settleMs, isThisMachine: isHere };
    const ended = claimName(request, ports).catch((error: unknown) => toError(error));
    const result = await Promise.race([ended, run.killed]);
    this.#runs.delete(run);
    if (result !== 'killed' && !(result instanceof Error)) {
      figures.scans += result.tally.scans;
      figures.scansOfRun = Math.max(figures.scansOfRun, result.tally.scans);
      figures.rewrites += result.tally.rewrites;
    }
    return result;
  }

  #reach(run: Run): Ec2 {
    const { seed, distort, attempts } = this.#around;
    const ec2 = reach({
      world: this.#world,
      clock: run.network,
      seed: `${seed}/${this.instanceId}/${this.figures.runs}`,
      random: this.random,
      attempts,
    });
    if (distort === undefined) return ec2;
    return {
      ...ec2,
      describeInstances: async (...call) =>
        distort(await ec2.describeInstances(...call), this.instanceId),
    };
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new TypeError(`Not an error: ${String(error)}`);
}

/** Nobody else of the machine wants it; the marks stay when the process is killed. */
function lockOf(marks: Marks, clock: Clock, random: Random): ClaimLock {
  /** To disk, which takes a moment, before or after which the process may be killed. */
  const write = async (change: () => void): Promise<void> => {
    const isEarly = random() < 0.5;
    if (isEarly) change();
    await clock.wait(random() * 20);
    if (!isEarly) change();
  };
  return {
    acquire: async () => {
      const { isMarked, writtenAtUptimeMs } = marks;
      const sinceMs = writtenAtUptimeMs === undefined ? -1 : clock.uptimeMs() - writtenAtUptimeMs;
      return {
        foundMark: isMarked,
        sinceWriteMs: sinceMs < 0 ? undefined : sinceMs,
        mark: () =>
          write(() => {
            marks.isMarked = true;
          }),
        clearMark: () =>
          write(() => {
            marks.writtenAtUptimeMs = clock.uptimeMs();
            marks.isMarked = false;
          }),
        release: async () => {},
      };
    },
  };
}
