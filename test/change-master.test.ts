/**
 * Changes of master in a simulated EC2, with the `claim-name` of every member run from a timer, as
 * an agent. At every change of a tag no two living instances may hold the master's name.
 */
import { describe, expect, it } from 'vitest';
import { type ChangeMasterOutcome, changeMaster } from '../src/change-master.ts';
import { type ClaimPorts, claimName } from '../src/claim-name.ts';
import { defaultVocabulary, parseClaim } from '../src/model/tags.ts';
import type { Ec2 } from '../src/ports.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import type { Knobs } from '../src/sandbox/knobs.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { createRandom } from '../src/sandbox/random.ts';
import { World } from '../src/sandbox/world.ts';
import { freeLock, series } from './helpers/claim-storm.ts';

const settleMs = 2000;
const intervalMs = 10_000;
const db = series('db', 'masterful');

class Crash extends Error {}

/** A service of so many members, the first of which is its master. */
async function setUp(members: number, seed = 1, knobs: Partial<Knobs> = {}) {
  const clock = new ManualClock();
  const twoMasters: string[] = [];
  const world = new World({
    now: () => clock.wallMs(),
    seed,
    knobs: { settleMaxMs: 1500 },
    onChange: () => {
      if (mastersOf(world).length > 1) twoMasters.push(mastersOf(world).join(' '));
    },
  });
  const image = { imageId: 'ami-0123456789abcdef0', minCount: members, maxCount: members };
  const ids = world.runInstances(image).map(({ facts }) => facts.instanceId);
  world.setKnobs(knobs);
  const random = createRandom(seed, 'members');
  const portsOf = (id: string): ClaimPorts => {
    const ec2 = createWorldEc2({ world, clock, seed: `${seed}/${id}` });
    return { ec2, clock, random, lock: freeLock };
  };
  for (const instanceId of ids) {
    await clock.run(claimName({ instanceId, series: db, settleMs }, portsOf(instanceId)));
  }
  const stopping = new AbortController();
  /** The timer of a member; a run that fails is followed by the next. */
  const agent = async (instanceId: string): Promise<void> => {
    const { signal } = stopping;
    while (!signal.aborted) {
      await clock.wait(intervalMs * (0.5 + random()), { signal }).catch(() => {});
      const request = { instanceId, series: db, settleMs };
      await claimName(request, portsOf(instanceId), { signal }).catch(() => {});
    }
  };
  const names = (): Record<string, string | undefined> =>
    Object.fromEntries(
      ids.map((id) => [id, parseClaim(world.instance(id)?.tags.get('nametag:claim') ?? '')?.held]),
    );
  return { clock, world, ids, portsOf, agent, stopping, names, twoMasters };
}

function mastersOf(world: World): string[] {
  return world.instances().flatMap(({ facts, state, tags }) => {
    const held = parseClaim(tags.get('nametag:claim') ?? '')?.held;
    return held === 'db-master' && (state === 'running' || state === 'pending')
      ? [facts.instanceId]
      : [];
  });
}

/** As a claim has it. */
function launchedAt(world: World, instanceId: string): string {
  const launchTime = new Date(world.instance(instanceId)?.launchTimeMs ?? 0);
  return `${launchTime.toISOString().slice(0, 19)}Z`;
}

function expectMaster(
  outcome: ChangeMasterOutcome,
): asserts outcome is Extract<ChangeMasterOutcome, { kind: 'master' }> {
  expect(outcome.kind).toBe('master');
}

const followers = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `db-slave-${i + 1}`);

describe('changeMaster', () => {
  it.each([2, 3, 4, 10])(
    'gives %i members a new master and the old one a follower',
    async (members) => {
      for (let seed = 1; seed <= 8; seed++) {
        const { clock, ids, portsOf, agent, stopping, names, twoMasters } = await setUp(
          members,
          seed,
        );
        const [old = '', ...rest] = ids;
        const candidate = rest.at(-1) ?? '';
        const before = names();
        const agents = ids.map(agent);
        const request = { instanceId: candidate, settleMs };
        const outcome = await clock.run(changeMaster(request, portsOf(candidate)));
        stopping.abort();
        await clock.run(Promise.all(agents));
        expectMaster(outcome);
        expect(outcome.previous).toBe(old);
        // One interval of the agent and two settles, and what the scans between them take.
        expect(outcome.withoutMasterMs).toBeLessThan(intervalMs + 2 * settleMs);
        expect(twoMasters).toEqual([]);
        const after = names();
        expect(after[candidate]).toBe('db-master');
        // The lowest that is free while the candidate still holds its own.
        expect(after[old]).toBe(`db-slave-${members}`);
        for (const id of rest.slice(0, -1)) expect(after[id]).toBe(before[id]);
      }
    },
  );

  it('has a generation that only grows', async () => {
    const { clock, ids, portsOf, names } = await setUp(2);
    let last = 0;
    for (const candidate of [ids[1], ids[0], ids[1]]) {
      const request = { instanceId: candidate ?? '', settleMs, force: true };
      const outcome = await clock.run(changeMaster(request, portsOf(request.instanceId)));
      expectMaster(outcome);
      expect(outcome.generation).toBeGreaterThan(last);
      last = outcome.generation ?? 0;
      expect(names()[request.instanceId]).toBe('db-master');
    }
  });

  it.each(['terminate', 'stop'] as const)('takes over from a master after a %s', async (end) => {
    const { clock, world, ids, portsOf, names, twoMasters } = await setUp(3);
    const [old = '', candidate = ''] = ids;
    if (end === 'stop') world.stopInstances({ instanceIds: [old] });
    else world.terminateInstances({ instanceIds: [old] });
    await clock.advance(5000);
    const outcome = await clock.run(
      changeMaster({ instanceId: candidate, settleMs }, portsOf(candidate)),
    );
    expectMaster(outcome);
    expect(outcome.previous).toBeUndefined();
    expect(names()[candidate]).toBe('db-master');
    expect(twoMasters).toEqual([]);
  });

  it('does the part of the present master when forced to', async () => {
    const { clock, ids, portsOf, names, twoMasters } = await setUp(4);
    const [old = '', , candidate = ''] = ids;
    const request = { instanceId: candidate, settleMs, force: true };
    expectMaster(await clock.run(changeMaster(request, portsOf(candidate))));
    expect(names()).toMatchObject({ [candidate]: 'db-master', [old]: 'db-slave-4' });
    expect(twoMasters).toEqual([]);
  });

  it('does that part once at least, however little patience there is', async () => {
    const { clock, ids, portsOf, names } = await setUp(2);
    const [, candidate = ''] = ids;
    await clock.advance(settleMs);
    const request = { instanceId: candidate, settleMs, force: true, patienceMs: 0 };
    await clock.run(changeMaster(request, portsOf(candidate)));
    expect(names()[ids[0] ?? '']).toBe('db-slave-2');
  });

  it('gives up, and says who is in the way, when nobody answers for the master', async () => {
    const { clock, ids, portsOf, names } = await setUp(2);
    const [old = '', candidate = ''] = ids;
    const request = { instanceId: candidate, settleMs, patienceMs: 20_000 };
    const outcome = await clock.run(changeMaster(request, portsOf(candidate)));
    expect(outcome).toMatchObject({ kind: 'held on', name: 'db-master', by: old });
    expect(names()).toEqual({ [old]: 'db-master', [candidate]: 'db-slave-1' });
    // The request stays, and the next run of the master's claim hears it.
    await clock.run(claimName({ instanceId: old, series: db, settleMs }, portsOf(old)));
    expect(names()[old]).toBe('db-slave-2');
    // It has not asked for the name in its claim yet, so a plain claim leaves it where it is.
    const plain = { instanceId: candidate, series: db, settleMs };
    await clock.run(claimName(plain, portsOf(candidate)));
    expect(names()[candidate]).toBe('db-slave-1');
    expectMaster(await clock.run(changeMaster(request, portsOf(candidate))));
  });

  it('asks at an easy pace while it waits, and writes what it wants once', async () => {
    const { clock, ids, portsOf } = await setUp(2);
    const [, candidate = ''] = ids;
    const { ec2, ...ports } = portsOf(candidate);
    const calls = { reads: 0, writes: 0 };
    const counting: Ec2 = {
      region: ec2.region,
      describeInstances: (...call) => {
        calls.reads += 1;
        return ec2.describeInstances(...call);
      },
      createTags: (...call) => {
        calls.writes += 1;
        return ec2.createTags(...call);
      },
    };
    for (const chance of [0, 0.999]) {
      const request = { instanceId: candidate, settleMs, patienceMs: 10 * settleMs };
      await clock.run(changeMaster(request, { ...ports, ec2: counting, random: () => chance }));
    }
    // Twice in a settle at most, and once at least, beside the first to see who it is.
    expect(calls.reads).toBeGreaterThan(30);
    expect(calls.reads).toBeLessThan(40);
    expect(calls.writes).toBe(1);
  });

  it('goes by the tags that it is told to', async () => {
    const { clock, ids, portsOf, world } = await setUp(2);
    const [old = '', candidate = ''] = ids;
    const vocabulary = { ...defaultVocabulary, claimKey: 'my:claim', wantsKey: 'my:wants' };
    for (const instanceId of ids) {
      const first = { instanceId, series: db, settleMs, vocabulary };
      await clock.run(claimName(first, portsOf(instanceId)));
    }
    const before = world.instance(candidate)?.tags.get('nametag:claim');
    const request = { instanceId: candidate, settleMs, vocabulary, force: true };
    expectMaster(await clock.run(changeMaster(request, portsOf(candidate))));
    expect(world.instance(candidate)?.tags.get('my:claim')).toContain('held=db-master');
    expect(world.instance(old)?.tags.get('my:claim')).toContain('held=db-slave-2');
    expect(world.instance(candidate)?.tags.get('nametag:claim')).toBe(before);
    expect(world.instance(candidate)?.tags.has('nametag:wants')).toBe(false);
  });

  describe.each([
    ['comes first', 1, 2],
    ['comes last', 2, 1],
  ])('when nobody is master, and one that %s asks too, cut short', (_, rivalAt, candidateAt) => {
    const setUpRival = async () => {
      const { clock, world, ids, ...others } = await setUp(3);
      const [old = ''] = ids;
      const rival = ids[rivalAt] ?? '';
      const candidate = ids[candidateAt] ?? '';
      world.terminateInstances({ instanceIds: [old] });
      await clock.advance(5000);
      const ports = others.portsOf(rival);
      const ec2: Ec2 = {
        region: ports.ec2.region,
        describeInstances: (...call) => ports.ec2.describeInstances(...call),
        createTags: async (...call) => {
          await ports.ec2.createTags(...call);
          throw new Crash();
        },
      };
      const cutShort = changeMaster({ instanceId: rival, settleMs }, { ...ports, ec2 });
      await expect(clock.run(cutShort)).rejects.toThrow(Crash);
      await clock.advance(settleMs);
      const request = { instanceId: candidate, settleMs, patienceMs: 6000 };
      const run = (fields: object = {}) =>
        clock.run(changeMaster({ ...request, ...fields }, others.portsOf(candidate)));
      return { clock, rival, candidate, run, ...others };
    };

    it('gives up, says so, and is the master once that one has claimed', async () => {
      const { clock, rival, candidate, run, portsOf, names, twoMasters } = await setUpRival();
      const outcome = await run();
      expect(outcome).toMatchObject({ kind: 'asked for too', name: 'db-master', by: rival });
      // An attempt begun in time is made to its end.
      expect('waitedMs' in outcome && outcome.waitedMs).toBeLessThan(6000 + 7 * settleMs);
      await clock.run(claimName({ instanceId: rival, series: db, settleMs }, portsOf(rival)));
      expect(names()[rival]).toMatch(/^db-slave-/);
      expectMaster(await run());
      expect(names()[candidate]).toBe('db-master');
      expect(twoMasters).toEqual([]);
    });

    it('is the master when forced, and the other was none before', async () => {
      const { rival, candidate, run, names, twoMasters } = await setUpRival();
      const outcome = await run({ force: true });
      expectMaster(outcome);
      expect(outcome.previous).toBeUndefined();
      expect(names()[candidate]).toBe('db-master');
      expect(names()[rival]).toMatch(/^db-slave-/);
      expect(twoMasters).toEqual([]);
    });

    it('leaves a request by which a plain claim makes it the master', async () => {
      const { clock, rival, candidate, run, portsOf, names } = await setUpRival();
      await run();
      for (const instanceId of [rival, candidate]) {
        await clock.run(claimName({ instanceId, series: db, settleMs }, portsOf(instanceId)));
      }
      expect(names()[candidate]).toBe('db-master');
    });
  });

  it('changes nothing for the one that is the master', async () => {
    const { clock, ids, portsOf, names } = await setUp(2);
    const [old = ''] = ids;
    const before = names();
    expectMaster(await clock.run(changeMaster({ instanceId: old, settleMs }, portsOf(old))));
    expect(names()).toEqual(before);
  });

  it('says when the instance is no follower', async () => {
    const { clock, ids, portsOf, world } = await setUp(2);
    const [, candidate = ''] = ids;
    const words = { master: 'primary', slave: 'replica' };
    const run = (request: object) =>
      clock.run(changeMaster({ instanceId: candidate, settleMs, ...request }, portsOf(candidate)));
    expect(await run({ words })).toEqual({ kind: 'not a follower', held: 'db-slave-1' });
    for (const held of ['db-slave-01', 'db-slave-0', 'db-slave', 'db-1', 'dbmaster']) {
      const value = `held=${held} boot=${launchedAt(world, candidate)}`;
      world.createTags({ resources: [candidate], tags: [{ key: 'nametag:claim', value }] });
      await clock.advance(settleMs);
      expect(await run({})).toEqual({ kind: 'not a follower', held });
    }
    world.createTags({ resources: [candidate], tags: [{ key: 'nametag:claim', value: '' }] });
    await clock.advance(settleMs);
    expect(await run({})).toEqual({ kind: 'not a follower', held: undefined });
  });

  it('finishes after a crash at any call, on either side, when run again', async () => {
    for (let crashAt = 1; crashAt <= 14; crashAt++) {
      for (const side of ['candidate', 'master'] as const) {
        const { clock, ids, portsOf, names, twoMasters } = await setUp(3, crashAt);
        const [old = '', , candidate = ''] = ids;
        const crashing = (ports: ClaimPorts): ClaimPorts => {
          let calls = 0;
          const count = (): void => {
            calls += 1;
            if (calls === crashAt) throw new Crash();
          };
          const ec2: Ec2 = {
            region: ports.ec2.region,
            describeInstances: async (...call) => {
              const answer = await ports.ec2.describeInstances(...call);
              count();
              return answer;
            },
            createTags: async (...call) => {
              await ports.ec2.createTags(...call);
              count();
            },
          };
          return { ...ports, ec2 };
        };
        const change = (ports: ClaimPorts) =>
          changeMaster({ instanceId: candidate, settleMs, patienceMs: 60_000 }, ports);
        const agent = async (ports: ClaimPorts): Promise<unknown> => {
          await clock.wait(3 * settleMs);
          return await claimName({ instanceId: old, series: db, settleMs }, ports);
        };
        const fragile = (id: string): ClaimPorts => crashing(portsOf(id));
        await clock.run(
          Promise.allSettled([
            change(side === 'candidate' ? fragile(candidate) : portsOf(candidate)),
            agent(side === 'master' ? fragile(old) : portsOf(old)),
          ]),
        );
        await clock.run(Promise.all([change(portsOf(candidate)), agent(portsOf(old))]));
        expect(twoMasters).toEqual([]);
        expect(Object.values(names()).sort()).toContain('db-master');
        expect(names()[candidate]).toBe('db-master');
      }
    }
  });

  it('holds with every fault of EC2', async () => {
    const faults: Partial<Knobs> = {
      settleMaxMs: 1500,
      concurrent: 0.1,
      shortPages: 0.3,
      lostNow: 0.03,
      lostLate: 0.03,
      lostNever: 0.03,
      lostRead: 0.03,
    };
    for (let seed = 1; seed <= 15; seed++) {
      const { clock, ids, portsOf, agent, stopping, names, twoMasters } = await setUp(
        4,
        seed,
        faults,
      );
      const [, , candidate = ''] = ids;
      const agents = ids.map(agent);
      const request = { instanceId: candidate, settleMs };
      expectMaster(await clock.run(changeMaster(request, portsOf(candidate))));
      stopping.abort();
      await clock.run(Promise.all(agents));
      expect(twoMasters, `seed ${seed}`).toEqual([]);
      expect(Object.values(names()).filter((name) => name === 'db-master')).toHaveLength(1);
    }
  });

  it('would be found to have two masters if the old one did not let go (the control)', async () => {
    const { world, ids, twoMasters, clock } = await setUp(2);
    const [, candidate = ''] = ids;
    const value = `held=db-master boot=${launchedAt(world, candidate)}`;
    world.createTags({ resources: [candidate], tags: [{ key: 'nametag:claim', value }] });
    await clock.advance(1);
    expect(twoMasters).not.toEqual([]);
  });
});

describe('a service', () => {
  it('numbers its followers from 1', async () => {
    const { names } = await setUp(4);
    expect(Object.values(names()).sort()).toEqual(['db-master', ...followers(3)]);
  });
});
