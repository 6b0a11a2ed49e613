/**
 * Fleets that really change, behind an EC2 that fails at random in every way that the guard is for.
 *
 * Judged from outside, by what EC2 was seen to answer: nobody leaves an answer without evidence,
 * and whoever has evidence leaves at the first refresh that EC2 answers.
 */
import { describe, expect, test } from 'vitest';
import type { FleetRequest } from '../../src/describe-fleet.ts';
import { isNametagError, NametagError } from '../../src/errors.ts';
import type { Instance } from '../../src/model/instance.ts';
import type { InstanceQuery } from '../../src/model/query.ts';
import { satisfies } from '../../src/model/satisfies.ts';
import { toSnapshot } from '../../src/model/snapshot.ts';
import type { Ec2 } from '../../src/ports.ts';
import { type Reading, readSnapshot } from '../../src/read-snapshot.ts';
import { createRandom } from '../../src/sandbox/random.ts';
import { instance } from '../helpers/instances.ts';
import { MemoryStore } from '../helpers/memory-store.ts';

const minuteMs = 60_000;
const maxStaleMs = 60 * minuteMs;
const zones = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'];

const query: InstanceQuery = {
  states: ['running'],
  groups: ['tphon'],
  tags: [{ key: 'status', patterns: ['ready'] }],
};
const request: FleetRequest = { queries: [query], namesMatter: false };

/** What an EC2 with a bad day does to one describe. */
type Weather = 'fair' | 'empty' | 'blind' | 'zone' | 'some' | 'no evidence' | 'down';
const weathers: readonly Weather[] = [
  ...Array<Weather>(4).fill('fair'),
  'empty',
  'blind',
  'zone',
  'some',
  'no evidence',
  'down',
];

class StormyEc2 implements Ec2 {
  readonly region = 'eu-west-1';
  nowMs = Date.UTC(2026, 10, 21);
  weather: Weather = 'fair';
  readonly truth = new Map<string, Instance>();
  /** Whom it showed since the last answer, as they were shown last, and when. */
  readonly shown = new Map<string, { readonly instance: Instance; readonly seenMs: number }>();
  calls = 0;
  readonly #random: () => number;
  #launched = 0;

  constructor(random: () => number) {
    this.#random = random;
    for (let i = 0; i < 12; i++) this.launch();
  }

  launch(): void {
    this.#launched += 1;
    const instanceId = `i-${String(this.#launched).padStart(6, '0')}`;
    this.truth.set(
      instanceId,
      instance({
        instanceId,
        groups: ['tphon'],
        tags: { status: 'ready' },
        availabilityZone: zones[this.#launched % zones.length],
      }),
    );
  }

  /** Something really happens to somebody. */
  change(): void {
    const all = [...this.truth.values()].filter((i) => satisfies(query, i));
    const who = all[Math.floor(this.#random() * all.length)];
    const dice = this.#random();
    if (dice < 0.3) this.launch();
    else if (who === undefined) return;
    else if (dice < 0.55) this.truth.set(who.instanceId, { ...who, state: 'terminated' });
    else if (dice < 0.7) this.truth.set(who.instanceId, { ...who, state: 'stopped' });
    else if (dice < 0.85) this.truth.set(who.instanceId, { ...who, tags: new Map() });
    // An instance that EC2 has already forgotten: there will never be evidence.
    else if (dice < 0.88) this.truth.delete(who.instanceId);
    else this.truth.set(who.instanceId, { ...who, securityGroups: [] });
  }

  async describeInstances(queries: readonly InstanceQuery[]) {
    this.calls += 1;
    const byId = queries.every(({ instanceIds }) => instanceIds !== undefined);
    if (this.weather === 'down' || (this.weather === 'no evidence' && byId)) throw down;
    const matching = [...this.truth.values()].filter((i) => queries.some((q) => satisfies(q, i)));
    const found = matching.filter((i) => this.#shows(i, byId));
    const seenMs = this.nowMs;
    for (const i of found) this.shown.set(i.instanceId, { instance: i, seenMs });
    return toSnapshot(this.region, this.nowMs, found);
  }

  #shows({ availabilityZone }: Instance, byId: boolean): boolean {
    if (this.weather === 'empty') return false;
    if (this.weather === 'blind' || this.weather === 'no evidence') return byId;
    if (this.weather === 'zone') return availabilityZone !== zones[0];
    return this.weather !== 'some' || this.#random() < 0.6;
  }

  createTags(): Promise<void> {
    throw new Error('Nothing is written here.');
  }
}

const down = new NametagError('NAMETAG_EC2_UNREACHABLE', {
  doing: 'describe instances',
  region: 'eu-west-1',
  endpoint: 'EC2',
  fact: 'down',
});

interface Outcome {
  /** What was broken, in words; empty is what is promised. */
  readonly broken: readonly string[];
  readonly held: number;
  readonly kept: number;
  readonly stale: number;
  readonly removed: number;
}

type Break = 'nothing' | 'the guard' | 'evidence';

/** Plays 60 refreshes; `without` breaks the rule, and must be found out. */
async function play(seed: number, without: Break): Promise<Outcome> {
  const random = createRandom(seed, 'guard');
  const ec2 = new StormyEc2(random);
  const ports = { ec2: breakEc2(ec2, without), store: new MemoryStore(), clock: clockOf(ec2) };
  const source = { credentials: '', endpoint: '', within: '' };
  const broken: string[] = [];
  const count = { held: 0, kept: 0, stale: 0, removed: 0 };
  /** When EC2 last showed each member of the last answer, as the test saw it. */
  let last = new Map<string, number>();
  let heldInARow = 0;
  for (let round = 0; round < 60; round++) {
    ec2.nowMs += (1 + Math.floor(random() * 8)) * minuteMs;
    for (let i = Math.floor(random() * 3); i > 0; i--) ec2.change();
    ec2.weather = weathers[Math.floor(random() * weathers.length)] ?? 'fair';
    ec2.calls = 0;
    // In the end somebody looks, and knows that they are gone.
    const forced = heldInARow === 4;
    const force = without === 'the guard' || forced;
    const reading = await readSnapshot(request, ports, source, { force }).catch((error) => error);
    if (ec2.calls > 2) broken.push(`${round}: ${ec2.calls} calls`);
    const isHeld = isNametagError(reading, 'NAMETAG_GUARD_HELD');
    count.held += Number(isHeld);
    heldInARow = isHeld ? heldInARow + 1 : reading instanceof Error ? heldInARow : 0;
    if (reading instanceof Error) {
      if (!isNametagError(reading)) throw reading;
      continue;
    }
    count.stale += Number(reading.failure !== undefined);
    count.kept += reading.kept.length;
    count.removed += reading.removed.length;
    const told = judgeRound(ec2, reading, last);
    ec2.shown.clear();
    last = told.seen;
    if (forced) continue;
    broken.push(...told.broken.map((complaint) => `${round}, ${ec2.weather}: ${complaint}`));
  }
  return { broken, ...count };
}

function judgeRound(
  { shown, nowMs }: StormyEc2,
  reading: Reading,
  last: ReadonlyMap<string, number>,
): { readonly broken: readonly string[]; readonly seen: Map<string, number> } {
  const now = new Set(reading.snapshot.instances.map(({ instanceId }) => instanceId));
  const broken: string[] = [];
  for (const [instanceId, seenMs] of last) {
    const evidence = shown.get(instanceId);
    const isGone = evidence !== undefined && !satisfies(query, evidence.instance);
    if (!now.has(instanceId) && !isGone && nowMs - seenMs <= maxStaleMs) {
      broken.push(`${instanceId} left without evidence`);
    }
    if (now.has(instanceId) && isGone) broken.push(`${instanceId} stays in spite of evidence`);
  }
  const seen = new Map<string, number>();
  for (const instanceId of now) {
    const seenMs = shown.get(instanceId)?.seenMs ?? last.get(instanceId);
    if (seenMs === undefined) broken.push(`${instanceId} was never shown`);
    else if (nowMs - seenMs > maxStaleMs) broken.push(`${instanceId} stays for too long`);
    seen.set(instanceId, seenMs ?? nowMs);
  }
  return { broken, seen };
}

/** Without evidence, the call for it is answered with nobody, though EC2 was heard. */
function breakEc2(ec2: StormyEc2, without: Break): Ec2 {
  if (without !== 'evidence') return ec2;
  return {
    region: ec2.region,
    createTags: () => ec2.createTags(),
    async describeInstances(queries) {
      const snapshot = await ec2.describeInstances(queries);
      const byId = queries.every(({ instanceIds }) => instanceIds !== undefined);
      return byId ? { ...snapshot, instances: [] } : snapshot;
    },
  };
}

const clockOf = (ec2: StormyEc2) => ({ wallMs: () => ec2.nowMs });

const seeds = Array.from({ length: 60 }, (_, i) => i + 1);
const playAll = (without: Break): Promise<readonly Outcome[]> =>
  Promise.all(seeds.map((seed) => play(seed, without)));

describe('the guard, through 3,600 refreshes', () => {
  test('lets nobody go without evidence, and nobody stay in spite of it', async () => {
    const outcomes = await playAll('nothing');
    expect(outcomes.flatMap(({ broken }) => broken)).toEqual([]);
    // All of it happened.
    const total = (of: keyof Omit<Outcome, 'broken'>): number =>
      outcomes.reduce((sum, outcome) => sum + outcome[of], 0);
    for (const of of ['held', 'kept', 'stale', 'removed'] as const) {
      expect(total(of)).toBeGreaterThan(10);
    }
  });

  test.each<[Break, string]>([
    ['the guard', 'left without evidence'],
    ['evidence', 'stays in spite of evidence'],
  ])('without %s, somebody %s (the control)', async (without, complaint) => {
    const outcomes = await playAll(without);
    const found = outcomes.filter(({ broken }) => broken.some((said) => said.includes(complaint)));
    expect(found.length).toBeGreaterThan(seeds.length / 2);
  });
});
