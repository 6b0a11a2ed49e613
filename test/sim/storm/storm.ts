/**
 * Hosts that claim names at once, in a world and a time of their own, while all goes wrong.
 *
 * Everything is drawn from the seed, so a storm that broke a promise breaks it again.
 */
import { nameAt, type ServiceType } from '../../../src/model/series.ts';
import type { Knobs } from '../../../src/sandbox/knobs.ts';
import { ManualClock } from '../../../src/sandbox/manual-clock.ts';
import { createRandom } from '../../../src/sandbox/random.ts';
import { World } from '../../../src/sandbox/world.ts';
import { series as toSeries } from '../../helpers/claim-storm.ts';
import { Host, type HostFigures, type Surroundings } from './host.ts';
import type { Run } from './run.ts';
import { Truth } from './truth.ts';

/** What may befall a host while one of its processes waits. */
export type Trouble =
  | 'crash'
  | 'pause'
  | 'reboot'
  | 'stop and start'
  | 'terminate'
  | 'name by hand'
  | 'claim elsewhere';

export interface Storm {
  readonly claimants: number;
  readonly seed: number;
  readonly settleMs: number;
  readonly knobs?: Partial<Knobs>;
  readonly type?: ServiceType;
  /** How far apart the claimants may boot, in milliseconds. Default 0: one launch of all. */
  readonly spreadMs?: number;
  /** How long each waits at most after its boot. Default 0. */
  readonly jitterMs?: number;
  /** Default none. */
  readonly troubles?: readonly Trouble[];
  /** Default 10 s. */
  readonly restartMs?: number;
  /** Default `true`. */
  readonly runsAgain?: boolean;
  /** Whether all claim once more in the end, as a timer does. Default `true`. */
  readonly claimsAgain?: boolean;
  readonly attempts?: number;
  readonly distort?: Surroundings['distort'];
}

export interface StormResult {
  readonly complaints: readonly string[];
  /** The names that are held in the end, in order. */
  readonly held: readonly string[];
  /** What each claimant took until it had its name. */
  readonly figures: readonly HostFigures[];
  readonly troubles: Readonly<Partial<Record<Trouble, number>>>;
  /** From the first launch to the moment when the last name was held, in milliseconds. */
  readonly lastHeldAtMs: number;
}

/** All that EC2 may do, with changes seen as late as the claim allows for. */
export function everyFault(settleMs: number): Partial<Knobs> {
  return {
    settleMaxMs: settleMs,
    notFoundMs: 2 * settleMs,
    latencyMs: 400,
    throttle: true,
    concurrent: 0.1,
    shortPages: 0.1,
    emptyPages: 0.1,
    lostNow: 0.03,
    lostLate: 0.03,
    lostTwice: 0.03,
    lostNever: 0.03,
    lostRead: 0.03,
    malformed: 0.01,
    bare: 0.01,
  };
}

export const everyTrouble: readonly Trouble[] = [
  'crash',
  'pause',
  'reboot',
  'stop and start',
  'terminate',
  'name by hand',
];

const troublesOfHost = 3;
const troubleShare = 0.06;

// What an operator asks for is done at once: it is not the operator who is on trial.
const quiet: Partial<Knobs> = {
  throttle: false,
  concurrent: 0,
  lostNow: 0,
  lostLate: 0,
  lostTwice: 0,
  lostNever: 0,
  notFoundMs: 0,
};

export async function runStorm(storm: Storm): Promise<StormResult> {
  const clock = new ManualClock();
  const weather = new Weather(storm, clock);
  await clock.run(weather.play());
  return weather.result();
}

class Weather {
  readonly #storm: Storm;
  readonly #clock: ManualClock;
  readonly #world: World;
  readonly #truth: Truth;
  readonly #hosts: Host[] = [];
  readonly #around: Surroundings;
  readonly #tasks: Promise<unknown>[] = [];
  readonly #troubles: Partial<Record<Trouble, number>> = {};
  #figures: readonly HostFigures[] = [];
  #lastHeldAtMs = 0;

  constructor(storm: Storm, clock: ManualClock) {
    const { seed, settleMs, type = 'iterative', knobs } = storm;
    this.#storm = storm;
    this.#clock = clock;
    const series = toSeries('web', type);
    this.#truth = new Truth(series, () => clock.monotonicMs());
    this.#world = new World({
      now: () => clock.wallMs(),
      seed,
      knobs: { latencyMs: 40, ...knobs },
      onChange: (description) => this.#truth.see(description),
    });
    this.#around = {
      world: this.#world,
      clock,
      seed,
      series,
      settleMs,
      attempts: storm.attempts,
      jitterMs: storm.jitterMs ?? 0,
      restartMs: storm.restartMs ?? 10_000,
      runsAgain: storm.runsAgain ?? true,
      distort: storm.distort,
      onWait: (ms, run, host) => this.#tempt(ms, run, host),
      complain: (text) => this.#truth.complaints.push(text),
    };
  }

  async play(): Promise<void> {
    const { claimants, seed, spreadMs = 0, claimsAgain = true, settleMs } = this.#storm;
    const random = createRandom(seed, 'launches');
    if (spreadMs === 0) this.#launch(claimants);
    else {
      for (let i = 0; i < claimants; i += 1) {
        const atMs = random() * spreadMs;
        this.#begin(this.#clock.wait(atMs).then(() => this.#launch(1)));
      }
    }
    await this.#allDone();
    this.#figures = this.#hosts.map(({ figures }) => ({ ...figures }));
    this.#lastHeldAtMs = this.#truth.lastHeldAtMs;
    const heldBefore = this.#hosts.map(({ instanceId }) => this.#truth.heldBy(instanceId));
    if (claimsAgain) {
      await this.#clock.wait(settleMs);
      for (const host of this.#hosts) host.troublesLeft = 0;
      this.#world.setKnobs({ ...quiet });
      await Promise.all(this.#hosts.map((host, i) => this.#claimAgain(host, heldBefore[i])));
    }
    // What was sent by the dead has arrived by then.
    await this.#clock.wait(2 * settleMs);
    this.#world.instances();
    this.#truth.checkEnd(this.#hosts.map(({ instanceId }) => instanceId));
  }

  result(): StormResult {
    return {
      complaints: this.#truth.complaints,
      held: this.#truth.held,
      figures: this.#figures,
      troubles: this.#troubles,
      lastHeldAtMs: this.#lastHeldAtMs,
    };
  }

  /** A holder that claims again writes nothing and keeps its name. */
  async #claimAgain(host: Host, name: string | undefined): Promise<void> {
    const { writes } = host.figures;
    if (this.#world.instance(host.instanceId)?.state !== 'running') return;
    await host.claimAgain();
    if (name === undefined) return;
    const now = this.#truth.heldBy(host.instanceId);
    if (now === name && host.figures.writes === writes) return;
    this.#truth.complaints.push(`${host.instanceId} had ${name} and has ${now} when run again`);
  }

  #begin(task: Promise<unknown>): void {
    this.#tasks.push(task);
  }

  async #allDone(): Promise<void> {
    for (let done = 0; done < this.#tasks.length; ) {
      done = this.#tasks.length;
      await Promise.all(this.#tasks);
    }
  }

  #launch(count: number): void {
    const launched = this.#operate(() =>
      this.#world.runInstances({
        imageId: 'ami-0123456789abcdef0',
        minCount: count,
        maxCount: count,
      }),
    );
    for (const { facts } of launched) {
      const host = new Host(facts.instanceId, this.#around);
      host.troublesLeft = this.#storm.troubles === undefined ? 0 : troublesOfHost;
      this.#hosts.push(host);
      this.#begin(host.live());
    }
  }

  #operate<T>(action: () => T): T {
    const { knobs } = this.#world;
    this.#world.setKnobs(quiet);
    try {
      return action();
    } finally {
      this.#world.setKnobs(knobs);
    }
  }

  /** Draws whether something befalls this host, or any, at some moment of this wait. */
  #tempt(ms: number, run: Run, host: Host): void {
    const { troubles = [] } = this.#storm;
    if (host.troublesLeft === 0 || host.random() >= troubleShare) return;
    const trouble = pick(troubles, host.random());
    if (trouble === undefined) return;
    host.troublesLeft -= 1;
    const own = trouble === 'crash' || trouble === 'pause' || host.random() < 0.5;
    const victim = own ? host : (pick(this.#hosts, host.random()) ?? host);
    const atMs = host.random() * ms;
    this.#begin(this.#clock.wait(atMs).then(() => this.#befall(trouble, run, victim)));
  }

  async #befall(trouble: Trouble, run: Run, victim: Host): Promise<void> {
    this.#troubles[trouble] = (this.#troubles[trouble] ?? 0) + 1;
    const { instanceId, random } = victim;
    const tasks: Record<Trouble, () => unknown> = {
      crash: () => run.kill(),
      // From a hundredth of a second to a minute.
      pause: () => run.pause(10 ** (1 + 3.8 * random())),
      reboot: () => victim.reboot(),
      'stop and start': () => this.#stopAndStart(victim),
      terminate: () => this.#terminate(victim),
      'name by hand': () => {
        const name = nameAt(this.#around.series, Math.floor(random() * this.#storm.claimants));
        this.#truth.excuseByHand(name);
        const tags = [{ key: 'Name', value: name }];
        this.#operate(() => this.#world.createTags({ resources: [instanceId], tags }));
      },
      'claim elsewhere': () => victim.claimElsewhere(),
    };
    await tasks[trouble]();
  }

  async #stopAndStart(host: Host): Promise<void> {
    const instanceIds = [host.instanceId];
    const state = (): string | undefined => this.#world.instance(host.instanceId)?.state;
    if (state() !== 'running') return;
    this.#operate(() => this.#world.stopInstances({ instanceIds }));
    const { stoppingMs } = this.#world.knobs;
    // The machine goes on for a part of the time that it takes to stop.
    const onMs = host.random() * stoppingMs;
    await this.#clock.wait(onMs);
    host.end();
    await this.#clock.wait(stoppingMs - onMs + 1 + host.random() ** 3 * 30_000);
    if (state() !== 'stopped') return;
    this.#operate(() => this.#world.startInstances({ instanceIds }));
    await this.#clock.wait(host.random() * 2000);
    if (state() === 'pending' || state() === 'running') await host.live();
  }

  async #terminate(host: Host): Promise<void> {
    const instanceIds = [host.instanceId];
    if (this.#world.instance(host.instanceId) === undefined) return;
    this.#operate(() => this.#world.terminateInstances({ instanceIds }));
    await this.#clock.wait(host.random() * this.#world.knobs.shuttingDownMs);
    host.end();
  }
}

function pick<T>(items: readonly T[], at: number): T | undefined {
  return items[Math.floor(at * items.length)];
}
