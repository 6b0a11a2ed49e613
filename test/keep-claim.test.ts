/** The watcher's own name, on a clock that is turned by hand. */
import { describe, expect, it } from 'vitest';
import { changeMaster } from '../src/change-master.ts';
import { NametagError } from '../src/errors.ts';
import { createClaimKeeper, type KeepClaimRequest } from '../src/keep-claim.ts';
import type { LogRecord } from '../src/model/log-line.ts';
import type { ServiceType } from '../src/model/series.ts';
import { claimOf, defaultVocabulary } from '../src/model/tags.ts';
import type { ClaimLock, OwnClaim } from '../src/ports.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { createRandom } from '../src/sandbox/random.ts';
import { World } from '../src/sandbox/world.ts';
import { freeLock, series } from './helpers/claim-storm.ts';

const minute = 60_000;
const settleMs = 2000;

/** Some hosts in a world, each with a keeper of its name. */
function setUp(count: number, type: ServiceType = 'iterative') {
  const clock = new ManualClock();
  const world = new World({ now: () => clock.wallMs(), knobs: { settleMaxMs: 1500 } });
  const image = { imageId: 'ami-0123456789abcdef0', minCount: count, maxCount: count };
  const ids = world.runInstances(image).map(({ facts }) => facts.instanceId);
  const ended = new AbortController();
  const ec2 = createWorldEc2({ world, clock });
  const ports = { ec2, clock, random: createRandom(1), lock: freeLock };
  const hosts = ids.map((instanceId) => {
    const logs: LogRecord[] = [];
    const states: OwnClaim[] = [];
    const hostnames: string[] = [];
    let changes = 0;
    const start = (lock: ClaimLock = freeLock, more: Partial<KeepClaimRequest> = {}) => {
      const keeper = createClaimKeeper(
        {
          ...{ ...ports, lock },
          log: (record) => logs.push(record),
          metrics: { claimed: (state) => states.push(state) },
          hostname: {
            set: async (name) => {
              hostnames.push(name);
              return 'set';
            },
          },
        },
        { instanceId, series: series('web', type), settleMs, aliases: [], ...more },
      );
      return keeper.run(ended.signal, () => {
        changes += 1;
      });
    };
    const told = (): readonly string[] =>
      logs.filter(({ level }) => level !== 'debug').map(({ event }) => event);
    return { instanceId, logs, states, hostnames, start, told, changes: () => changes };
  });
  const names = async (): Promise<readonly (string | undefined)[]> => {
    const { instances } = await clock.run(ec2.describeInstances([{}]));
    return ids.map((id) => {
      const instance = instances.find(({ instanceId }) => instanceId === id);
      const state = instance && claimOf(instance, defaultVocabulary);
      return state?.kind === 'valid' ? state.claim.held : undefined;
    });
  };
  return { clock, world, ids, hosts, ports, ended, names };
}

describe('a keeper', () => {
  it('claims at once, tells so once, and writes nothing more', async () => {
    const { clock, hosts, ended, names, world } = setUp(1);
    const [host] = hosts;
    const done = host?.start();
    await clock.advance(minute);
    expect(await names()).toEqual(['web-0']);
    const tags = JSON.stringify(world.instances().map((instance) => [...instance.tags]));
    await clock.advance(30 * minute);
    expect(JSON.stringify(world.instances().map((instance) => [...instance.tags]))).toBe(tags);
    expect([host?.told(), host?.changes()]).toEqual([['name-held'], 1]);
    expect(new Set(host?.states)).toEqual(new Set(['held']));
    expect(new Set(host?.hostnames)).toEqual(new Set(['web-0']));
    // About one a minute.
    expect(host?.states.length).toBeGreaterThan(24);
    expect(host?.states.length).toBeLessThan(42);
    ended.abort(new Error('Ended.'));
    await done;
  });

  it('heals a name that two instances hold: the loser says so and takes another', async () => {
    const { clock, world, hosts, ended, names, ids } = setUp(2);
    const done = hosts.map(({ start }) => start());
    await clock.advance(minute);
    expect([...(await names())].sort()).toEqual(['web-0', 'web-1']);
    // The assumption is broken: both are made to hold the first name.
    const before = await names();
    const boots = world.instances().map(({ tags }) => tags.get('nametag:claim') ?? '');
    for (const [i, id] of ids.entries()) {
      const value = (boots[i] ?? '').replace(/held=\S+/, 'held=web-0');
      world.createTags({ resources: [id], tags: [{ key: 'nametag:claim', value }] });
    }
    await clock.advance(5000);
    expect(await names()).toEqual(['web-0', 'web-0']);
    await clock.advance(3 * minute);
    expect([...(await names())].sort()).toEqual(['web-0', 'web-1']);
    const lost = hosts.filter(({ told }) => told().includes('name-lost'));
    expect(lost).toHaveLength(1);
    expect(lost[0]?.logs.find(({ event }) => event === 'name-lost')).toMatchObject({
      level: 'error',
      message: expect.stringMatching(/ held web-0 together with another instance, which keeps it/),
    });
    expect(lost[0]?.logs.at(-1)?.message).toMatch(/ holds web-1, and web-0 no more\.$/);
    // Though that is what it held before.
    expect(before[ids.indexOf(lost[0]?.instanceId ?? '')]).toBe('web-1');
    expect(lost[0]?.changes()).toBe(2);
    ended.abort(new Error('Ended.'));
    await Promise.all(done);
  });

  it('is what heals it: without one two go on holding the name (the control)', async () => {
    const { clock, world, ids, names } = setUp(2);
    const boot = new Date(clock.wallMs()).toISOString().replace(/\.\d+/, '');
    const value = `held=web-0 boot=${boot}`;
    world.createTags({ resources: ids, tags: [{ key: 'nametag:claim', value }] });
    await clock.advance(10 * minute);
    expect(await names()).toEqual(['web-0', 'web-0']);
  });

  it('gives way at a change of master, and keeps the name that it has then', async () => {
    const { clock, hosts, ids, ports, ended, names } = setUp(3, 'masterful');
    const done = hosts.map(({ start }) => start());
    await clock.advance(2 * minute);
    const before = await names();
    expect([...before].sort()).toEqual(['web-master', 'web-slave-1', 'web-slave-2']);
    const candidate = hosts[before.indexOf('web-slave-2')];
    const instanceId = candidate?.instanceId ?? '';
    const outcome = await clock.run(changeMaster({ instanceId, settleMs }, ports));
    expect(outcome).toMatchObject({ kind: 'master', name: 'web-master' });
    await clock.advance(2 * minute);
    const after = await names();
    expect(after[ids.indexOf(instanceId)]).toBe('web-master');
    expect(new Set(after).size).toBe(3);
    expect(candidate?.hostnames.at(-1)).toBe('web-master');
    const old = hosts[before.indexOf('web-master')];
    expect(old?.logs.filter(({ event }) => event === 'name-held').at(-1)?.message).toMatch(
      / holds web-slave-2, and web-master no more\.$|holds web-slave-3, and web-master no more\.$/,
    );
    ended.abort(new Error('Ended.'));
    await Promise.all(done);
  });

  it('goes on when EC2 does not let it, tells that once, and claims when it may', async () => {
    const { clock, world, hosts, ended, names } = setUp(1);
    const [host] = hosts;
    world.setKnobs({ deny: new Set(['CreateTags']) });
    const done = host?.start();
    await clock.advance(10 * minute);
    expect(host?.told()).toEqual(['claim-failed']);
    expect(host?.logs[0]?.fields).toEqual({ code: 'NAMETAG_EC2_DENIED' });
    world.setKnobs({ deny: new Set() });
    await clock.advance(2 * minute);
    expect(await names()).toEqual(['web-0']);
    expect(host?.told()).toEqual(['claim-failed', 'name-held']);
    ended.abort(new Error('Ended.'));
    await done;
  });

  it('says nothing while another process of the host claims', async () => {
    const { clock, hosts, ended } = setUp(1);
    const [host] = hosts;
    const instanceId = host?.instanceId ?? '';
    const busy: ClaimLock = {
      acquire: () => Promise.reject(new NametagError('NAMETAG_CLAIM_BUSY', { instanceId })),
    };
    const done = host?.start(busy);
    await clock.advance(10 * minute);
    expect(host?.told()).toEqual([]);
    expect(host?.logs.length).toBeGreaterThan(5);
    ended.abort(new Error('Ended.'));
    await done;
  });

  it('keeps the aliases, and tells once who has taken one over', async () => {
    const { clock, hosts, ended } = setUp(2);
    const [first, next] = hosts;
    const done = [first?.start(freeLock, { aliases: ['cache'] })];
    await clock.advance(2 * minute);
    done.push(next?.start(freeLock, { aliases: ['cache'] }));
    await clock.advance(10 * minute);
    expect(next?.told()).toEqual(['name-held']);
    expect(first?.told()).toEqual(['name-held', 'alias-omitted']);
    expect(first?.logs.at(-1)?.level ?? '').not.toBe('error');
    ended.abort(new Error('Ended.'));
    await Promise.all(done);
  });

  it('ends in the middle of a claim, which another run goes on with', async () => {
    const { clock, hosts, ended, names } = setUp(1);
    const [host] = hosts;
    const done = host?.start();
    await clock.advance(settleMs + 1500);
    ended.abort(new Error('Ended.'));
    await done;
    expect(await names()).toEqual([undefined]);
    expect(host?.told()).toEqual([]);
  });

  it('that meets a mistake of the program passes it on', async () => {
    const { clock, hosts } = setUp(1);
    const broken: ClaimLock = { acquire: () => Promise.reject(new TypeError('Expected a lock.')) };
    await expect(clock.run(hosts[0]?.start(broken) ?? Promise.resolve())).rejects.toThrow(
      TypeError,
    );
  });
});
