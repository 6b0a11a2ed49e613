/**
 * What EC2 has of one instance, and what it may still show of it.
 *
 * Of the life, the claim tag and the `Name` tag each there is a list of versions: the first is the
 * oldest that a describe which begins now may still show, the last is the truth. A describe may
 * show any of them, and of each list another one.
 *
 * Time is not counted. It passes in one way only: a process has waited for *settle*. Then every
 * change that was acknowledged or given up before that wait began shows in every describe that
 * begins from then on (A1), and a write that was given up has been made or never will be (A2). So
 * each waiter marks, when it begins, the last such version of every list; when it ends, whatever
 * is older than its mark is gone.
 */

/** A version: its value, who is still writing it, and which waiters' mark is on it. */
type Version = number;

/** A write that was given up and may still be made. */
export interface Ghost {
  readonly claim: number;
  /** What it would set `Name` to; -1 if it leaves it alone. */
  readonly name: number;
  readonly waiters: number;
}

export interface Register {
  readonly life: readonly Version[];
  readonly claim: readonly Version[];
  readonly name: readonly Version[];
  readonly ghosts: readonly Ghost[];
  /** Whether *settle* has passed since the system booted. */
  readonly up: boolean;
}

/** Values of `life`: not yet shown; then a stopped and a running one for each life from 1. */
export const unknownLife = 0;
export function runningLife(life: number): number {
  return 2 * life + 1;
}
export function stoppedLife(life: number): number {
  return 2 * life;
}
export function isRunning(value: number): boolean {
  return value % 2 === 1;
}
export function lifeNumber(value: number): number {
  return value >> 1;
}

// Bits 0-7 are the value, 8-11 the writer, from 12 on one bit for each waiter.
const writerShift = 8;
const waiterShift = 12;

export function settledVersion(value: number): Version {
  return value;
}
/** One that no wait ever settles: its writer, whoever that is, has had no answer. */
export function unsettledVersion(value: number): Version {
  return value | (0xf << writerShift);
}
export function valueIn(version: Version): number {
  return version & 0xff;
}
function isOpen(version: Version): boolean {
  return ((version >> writerShift) & 0xf) !== 0;
}
function hasMark(version: Version, waiter: number): boolean {
  return ((version >> (waiterShift + waiter)) & 1) === 1;
}

/** The truth: what a describe would show if all had settled. */
export function latest(versions: readonly Version[]): number {
  return valueIn(versions.at(-1) ?? 0);
}

/** The values that a describe which begins now may show, as a set of bits. */
export function visible(versions: readonly Version[]): number {
  let values = 0;
  for (const version of versions) values |= 1 << valueIn(version);
  return values;
}

/** @param writer who is still writing it; `undefined` when it is acknowledged or given up. */
function append(
  versions: readonly Version[],
  value: number,
  writer: number | undefined,
  waiters = 0,
): readonly Version[] {
  const last = versions.at(-1) ?? 0;
  // The same again is no new version: whoever waited for the first of them waited long enough.
  if (valueIn(last) === value && !isOpen(last)) {
    return waiters === 0 ? versions : normalise(versions.with(-1, last | (waiters << waiterShift)));
  }
  const open = writer === undefined ? 0 : (writer + 1) << writerShift;
  return normalise([...versions, value | open | (waiters << waiterShift)]);
}

/** Keeps one mark a waiter, the last, and none on the oldest version. */
function normalise(versions: readonly Version[]): readonly Version[] {
  let newer = 0;
  const kept: Version[] = [];
  for (let index = versions.length - 1; index >= 0; index -= 1) {
    const version = versions[index] ?? 0;
    const waiters = (version >> waiterShift) & ~newer;
    newer |= waiters;
    const low = version & ((1 << waiterShift) - 1);
    kept.push(index === 0 ? valueIn(version) : low | (waiters << waiterShift));
  }
  return kept.reverse();
}

function mark(versions: readonly Version[], waiter: number): readonly Version[] {
  for (let index = versions.length - 1; index > 0; index -= 1) {
    const version = versions[index] ?? 0;
    if (isOpen(version)) continue;
    return normalise(versions.with(index, version | (1 << (waiterShift + waiter))));
  }
  return versions;
}

function unmark(versions: readonly Version[], waiter: number): readonly Version[] {
  const index = versions.findIndex((version) => hasMark(version, waiter));
  if (index === -1) return versions;
  return versions.with(index, (versions[index] ?? 0) & ~(1 << (waiterShift + waiter)));
}

function forget(versions: readonly Version[], waiter: number): readonly Version[] {
  const index = versions.findIndex((version) => hasMark(version, waiter));
  return index === -1 ? versions : normalise(versions.slice(index));
}

function close(versions: readonly Version[], writer: number): readonly Version[] {
  const index = versions.findIndex((version) => ((version >> writerShift) & 0xf) === writer + 1);
  return index === -1
    ? versions
    : versions.with(index, (versions[index] ?? 0) & ~(0xf << writerShift));
}

function onEach(
  register: Register,
  change: (versions: readonly Version[]) => readonly Version[],
  ghosts: readonly Ghost[] = register.ghosts,
): Register {
  const life = change(register.life);
  const claim = change(register.claim);
  const name = change(register.name);
  const same = life === register.life && claim === register.claim && name === register.name;
  return same && ghosts === register.ghosts ? register : { ...register, life, claim, name, ghosts };
}

/** A wait of settle begins. */
export function beginWait(register: Register, waiter: number): Register {
  const ghosts = register.ghosts.map((g) => ({ ...g, waiters: g.waiters | (1 << waiter) }));
  return onEach(
    register,
    (versions) => mark(versions, waiter),
    ghosts.length === 0 ? register.ghosts : ghosts,
  );
}

/** It ends: what had been written then shows by now, and a ghost that has not come never will. */
export function endWait(register: Register, waiter: number): Register {
  const ghosts = register.ghosts.filter((g) => ((g.waiters >> waiter) & 1) === 0);
  return onEach(
    register,
    (versions) => forget(versions, waiter),
    ghosts.length === register.ghosts.length ? register.ghosts : ghosts,
  );
}

/** It is broken off: nobody learns from it that time has passed. */
export function breakWait(register: Register, waiter: number): Register {
  const ghosts = register.ghosts.map((g) => ({ ...g, waiters: g.waiters & ~(1 << waiter) }));
  return onEach(
    register,
    (versions) => unmark(versions, waiter),
    ghosts.length === 0 ? register.ghosts : ghosts,
  );
}

/** What a write sets. */
export interface TagWrite {
  readonly claim: number;
  /** -1 leaves `Name` alone. */
  readonly name: number;
}

/** A write is made; its writer has not heard of it yet. */
export function applyWrite(register: Register, write: TagWrite, writer: number): Register {
  return setTags(register, write, writer);
}

/** The writer has its answer, or waits for none any more. */
export function closeWrite(register: Register, writer: number): Register {
  return onEach(register, (versions) => close(versions, writer));
}

/** A write may still be made, though nobody waits for its answer. */
export function leaveGhost(register: Register, { claim, name }: TagWrite): Register {
  return { ...register, ghosts: [...register.ghosts, { claim, name, waiters: 0 }] };
}

/** It is made. */
export function landGhost(register: Register, index: number): Register {
  const ghost = register.ghosts[index];
  if (ghost === undefined) throw new TypeError(`Expected a ghost ${index}.`);
  const ghosts = register.ghosts.filter((_, other) => other !== index);
  return setTags({ ...register, ghosts }, ghost, undefined, ghost.waiters);
}

function setTags(
  register: Register,
  { claim, name }: TagWrite,
  writer: number | undefined,
  waiters = 0,
): Register {
  return {
    ...register,
    claim: append(register.claim, claim, writer, waiters),
    name: name === -1 ? register.name : append(register.name, name, writer, waiters),
  };
}

/** The instance is started or stopped, and EC2 has said so. */
export function changeLife(register: Register, value: number): Register {
  return { ...register, life: append(register.life, value, undefined) };
}

export function isAlive(register: Register): boolean {
  return isRunning(latest(register.life));
}

export function registerKey({ life, claim, name, ghosts, up }: Register): string {
  const waiting = ghosts.map((g) => `${g.claim}.${g.name}.${g.waiters}`).join();
  return `${life.join()}|${claim.join()}|${name.join()}|${waiting}|${up ? 1 : 0}`;
}
