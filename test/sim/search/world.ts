/**
 * A state of a search: what EC2 has of each instance, and where each process stands.
 */
import type { Candidates, Machine } from './machine.ts';
import { candidatesKey, launchTimeMsOf } from './machine.ts';
import {
  beginWait,
  isRunning,
  latest,
  lifeNumber,
  type Register,
  runningLife,
  settledVersion,
  stoppedLife,
  type TagWrite,
  unknownLife,
  unsettledVersion,
  visible,
} from './register.ts';
import type { Program, Scenario } from './scenario.ts';

export interface Process {
  /** `write`: its write is made, and it has not heard of it. */
  readonly status: 'idle' | WaitStatus | 'scan' | 'write';
  readonly at: number;
  /** While it writes. */
  readonly write: TagWrite;
  /** While it scans: what may be shown, by instance. */
  readonly candidates: readonly Candidates[];
  readonly mark: boolean;
  /** Whether settle may not have passed since the mark was taken away. */
  readonly wroteLately: boolean;
  /** The name that its last run said is held, as a number, until the next run begins; or 0. */
  readonly told: number;
  readonly runsLeft: number;
}

export interface World {
  readonly registers: readonly Register[];
  readonly processes: readonly Process[];
  readonly crashesLeft: number;
  readonly doubtsLeft: number;
  readonly stopsLeft: number;
}

/** What a wait is counted from: when it was decided on, the boot, or the end of the last write. */
export type WaitStatus = 'wait' | 'wait since boot' | 'wait since write';

export const nothingToWrite: TagWrite = { claim: 0, name: -1 };
export const noCandidates: readonly Candidates[] = [];
export const atRest = { status: 'idle' as const, at: 0, write: nothingToWrite, candidates: [] };

export function initialWorld(
  { instances, programs, crashes, doubts, stops }: Scenario,
  machine: Machine,
  bootWaiter: (instance: number) => number,
): World {
  const registers = instances.map(({ life, claim = '', name = '' }): Register => {
    if (life === 'stranger') return stranger(machine);
    const now = life === 'stopped' ? stoppedLife(1) : runningLife(1);
    return {
      life: (life === 'fresh' ? [unknownLife, now] : [now]).map(settledVersion),
      claim: [settledVersion(machine.claimNumber(claim))],
      name: [settledVersion(machine.nameNumber(name))],
      ghosts: [],
      up: life === 'running',
    };
  });
  const world: World = {
    registers,
    processes: programs.map(({ runs }) => ({
      ...atRest,
      mark: false,
      wroteLately: false,
      told: 0,
      runsLeft: runs,
    })),
    crashesLeft: crashes,
    doubtsLeft: doubts,
    stopsLeft: stops,
  };
  return instances.reduce(
    (before, { life }, instance) =>
      life === 'fresh' ? onAll(before, (r) => beginWait(r, bootWaiter(instance))) : before,
    world,
  );
}

/** What a scan may show of a stranger: it asks for or holds one of the first names, or nothing. */
const strangersClaims = ['ask=web-0', 'ask=web-1', 'held=web-0', 'held=web-1'];

function stranger(machine: Machine): Register {
  const boot = new Date(launchTimeMsOf(1)).toISOString().replace('.000', '');
  const claims = strangersClaims.map((claim) => machine.claimNumber(`${claim} boot=${boot}`));
  // Launched before everybody else, or with them.
  const lives = [runningLife(0), runningLife(1)];
  const none = settledVersion(0);
  return {
    life: lives.map(unsettledVersion),
    claim: [...claims, 0].map(unsettledVersion),
    name: [none],
    ghosts: [],
    up: true,
  };
}

/**
 * Two living instances with one name: by a claim of the present life, or because a run said so.
 * And a run that said so though its claim does not hold the name, or does no more.
 */
export function complaintOf(
  { registers, processes }: World,
  programs: readonly Program[],
  machine: Machine,
): string | undefined {
  const holders: number[] = [];
  const heldBy = registers.map(({ life, claim }) => {
    const now = latest(life);
    return isRunning(now) ? machine.heldIn(latest(claim), lifeNumber(now)) : 0;
  });
  for (const [instance, held] of heldBy.entries()) {
    if (held === 0) continue;
    if (holders[held] !== undefined) return `${machine.nameText(held)} is held twice`;
    holders[held] = instance;
  }
  let untrue: number | undefined;
  for (const [p, { told }] of processes.entries()) {
    const { instance } = at(programs, p);
    if (told === 0 || told === heldBy[instance]) continue;
    const holder = holders[told];
    if (holder !== undefined && holder !== instance) {
      return `${machine.nameText(told)} is held twice, once by what a run said alone`;
    }
    holders[told] = instance;
    untrue = told;
  }
  return untrue === undefined
    ? undefined
    : `${machine.nameText(untrue)} is not held, though a run said so`;
}

type Shown = Omit<Candidates, 'wants'>;

const shownKnown = new WeakMap<Register, Shown>();

export function shownOf(register: Register): Shown {
  const known = shownKnown.get(register);
  if (known !== undefined) return known;
  const { life, claim, name } = register;
  const shown = { life: visible(life), claim: visible(claim), name: visible(name) };
  shownKnown.set(register, shown);
  return shown;
}

export function onAll(world: World, change: (register: Register) => Register): World {
  const registers = world.registers.map(change);
  return registers.every((register, i) => register === world.registers[i])
    ? world
    : { ...world, registers };
}

/** Sets what EC2 has of an instance; a scan under way may be shown it. */
export function setRegister(world: World, instance: number, register: Register): World {
  const processes = world.processes.map((process) => {
    const before = process.candidates[instance];
    if (before === undefined) return process;
    const shown = shownOf(register);
    const life = before.life | shown.life;
    const claim = before.claim | shown.claim;
    const name = before.name | shown.name;
    if (life === before.life && claim === before.claim && name === before.name) return process;
    return {
      ...process,
      candidates: process.candidates.with(instance, { ...before, life, claim, name }),
    };
  });
  return { ...world, processes, registers: world.registers.with(instance, register) };
}

export function setProcess(world: World, p: number, process: Process): World {
  return { ...world, processes: world.processes.with(p, process) };
}

export function doubt(world: World): World {
  return { ...world, doubtsLeft: world.doubtsLeft - 1 };
}

export function at<Value>(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new TypeError(`Expected something at ${index}.`);
  return value;
}

export function processKey(process: Process): string {
  const { status, at, write, candidates, mark, wroteLately, told, runsLeft } = process;
  const fields = [status, at, write.claim, write.name, mark, wroteLately, told, runsLeft];
  return `${fields.join('|')}|${candidates.map(candidatesKey).join()}`;
}
