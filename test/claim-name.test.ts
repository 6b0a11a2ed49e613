import { describe, expect, it } from 'vitest';
import { type ClaimPorts, claimName, planClaim } from '../src/claim-name.ts';
import { NametagError } from '../src/errors.ts';
import { parseClaim } from '../src/model/tags.ts';
import type { ClaimLock, Ec2, HeldClaimLock } from '../src/ports.ts';
import { releaseName } from '../src/release-name.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import type { Knobs } from '../src/sandbox/knobs.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { World } from '../src/sandbox/world.ts';
import { series } from './helpers/claim-storm.ts';

const settleMs = 2000;

/** A lock whose mark outlives the runs that leave it, as on a disk. */
class MarkedLock implements ClaimLock {
  marked = false;
  clearedAtMs: number | undefined;
  readonly clock: ManualClock;

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  readonly log: string[] = [];

  async acquire(): Promise<HeldClaimLock> {
    return {
      foundMark: this.marked,
      sinceWriteMs:
        this.clearedAtMs === undefined ? undefined : this.clock.uptimeMs() - this.clearedAtMs,
      mark: async () => {
        this.marked = true;
        this.log.push('mark');
      },
      clearMark: async () => {
        this.marked = false;
        this.clearedAtMs = this.clock.uptimeMs();
        this.log.push('clear');
      },
      release: async () => {
        this.log.push('release');
      },
    };
  }
}

class Crash extends Error {}

/** One instance in a world of its own. */
function setUp(knobs: Partial<Knobs> = {}) {
  const clock = new ManualClock();
  const world = new World({ now: () => clock.wallMs(), knobs: { settleMaxMs: 1500 } });
  const image = { imageId: 'ami-0123456789abcdef0', minCount: 1, maxCount: 1 };
  const instanceId = world.runInstances(image)[0]?.facts.instanceId ?? '';
  world.setKnobs(knobs);
  const lock = new MarkedLock(clock);
  const real = createWorldEc2({ world, clock });
  const ports = (ec2: Ec2 = real): ClaimPorts => ({ ec2, clock, random: () => 0.5, lock });
  const request = { instanceId, series: series('web'), settleMs };
  const held = () => parseClaim(world.instance(instanceId)?.tags.get('nametag:claim') ?? '')?.held;
  return { clock, world, instanceId, lock, real, ports, request, held };
}

describe('claimName', () => {
  it('marks every write before it is made, and clears the mark when none is in doubt', async () => {
    const { clock, lock, real, ports, request, world, instanceId } = setUp();
    const ec2: Ec2 = {
      ...real,
      createTags: async (...call) => {
        lock.log.push(lock.marked ? 'write' : 'write without a mark');
        return await real.createTags(...call);
      },
    };
    const { tally } = await clock.run(claimName(request, ports(ec2)));
    expect(lock.log).toEqual(['mark', 'write', 'mark', 'write', 'clear', 'release']);
    // A hold that was acknowledged is final.
    expect(tally).toMatchObject({ scans: 2, writes: 2, rewrites: 0 });
    expect(world.instance(instanceId)?.tags.get('Name')).toBe('web-0');
  });

  it('writes nothing and leaves no mark when the name is held', async () => {
    const { clock, lock, ports, request } = setUp();
    await clock.run(claimName(request, ports()));
    lock.log.length = 0;
    const { tally } = await clock.run(claimName(request, ports()));
    expect(tally).toMatchObject({ scans: 1, writes: 0 });
    expect(lock.log).toEqual(['release']);
  });

  it('leaves the mark and lets the lock go when a write fails for good', async () => {
    const { clock, lock, ports, request } = setUp({ deny: new Set(['CreateTags']) });
    await expect(clock.run(claimName(request, ports()))).rejects.toMatchObject({
      code: 'NAMETAG_EC2_DENIED',
    });
    expect(lock).toMatchObject({ marked: true, log: ['mark', 'release'] });
  });

  it.each([
    'NAMETAG_EC2_UNREACHABLE',
    'NAMETAG_EC2_THROTTLED',
    'NAMETAG_EC2_BUSY',
    'NAMETAG_INSTANCE_NOT_FOUND',
  ] as const)('goes on after a write that failed with %s but was made', async (code) => {
    const { clock, real, ports, request } = setUp();
    let writes = 0;
    const ec2: Ec2 = {
      ...real,
      createTags: async (...call) => {
        await real.createTags(...call);
        writes += 1;
        if (writes === 1) throw new NametagError(code, {} as never);
      },
    };
    const outcome = await clock.run(claimName(request, ports(ec2)));
    expect(outcome).toMatchObject({
      kind: 'held',
      name: 'web-0',
      tally: { writes: 2, rewrites: 0 },
    });
  });

  it('gives up with the cause when no write is ever answered', async () => {
    const { clock, lock, ports, request } = setUp({ concurrent: 1 });
    await expect(clock.run(claimName(request, ports()))).rejects.toMatchObject({
      code: 'NAMETAG_EC2_BUSY',
    });
    expect(lock.marked).toBe(true);
    expect(clock.monotonicMs()).toBeLessThan(120_000);
  });

  it.each([
    ['its own, unless it is told otherwise', {}, 'held'],
    ['its own', { isThisMachine: true }, 'held'],
    ['another for a few scans only', { isThisMachine: false }, 'undecided'],
  ])('waits for the instance to be seen: %s', async (_, given, kind) => {
    const { clock, real, ports, request } = setUp();
    let reads = 0;
    const ec2: Ec2 = {
      ...real,
      describeInstances: async (...call) => {
        reads += 1;
        const answer = await real.describeInstances(...call);
        return reads > 10 ? answer : { ...answer, instances: [] };
      },
    };
    const outcome = await clock.run(claimName({ ...request, ...given }, ports(ec2)));
    expect(outcome.kind).toBe(kind);
    if (kind === 'undecided') expect(outcome.tally.scans).toBe(3);
  });

  it('ends when it is told to, with the reason as it is', async () => {
    const { clock, ports, request } = setUp();
    const ending = new AbortController();
    const run = claimName(request, ports(), { signal: ending.signal });
    const reason = new Error('enough');
    void clock.wait(settleMs / 2).then(() => ending.abort(reason));
    await expect(clock.run(run)).rejects.toBe(reason);
  });

  it('holds a name after a crash at any call, and a run after that', async () => {
    for (let crashAt = 1; crashAt <= 8; crashAt++) {
      for (const made of [true, false]) {
        const { clock, real, ports, request, held } = setUp();
        let calls = 0;
        const crashing =
          <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
          async (...args: A): Promise<R> => {
            calls += 1;
            if (calls === crashAt && !made) throw new Crash();
            const answer = await call(...args);
            if (calls === crashAt) throw new Crash();
            return answer;
          };
        const ec2: Ec2 = {
          region: real.region,
          describeInstances: crashing(real.describeInstances.bind(real)),
          createTags: crashing(real.createTags.bind(real)),
        };
        const first = await clock.run(claimName(request, ports(ec2)).catch((error) => error));
        if (!(first instanceof Crash)) expect(first).toMatchObject({ kind: 'held' });
        const second = await clock.run(claimName(request, ports()));
        expect(second).toMatchObject({ kind: 'held', name: 'web-0' });
        expect(held()).toBe('web-0');
      }
    }
  });
});

describe('two that hold one name, since an assumption broke,', () => {
  it('agree who keeps it, and the other claims again and says so', async () => {
    const { clock, world, instanceId, ports, request } = setUp();
    const image = { imageId: 'ami-0123456789abcdef0', minCount: 1, maxCount: 1 };
    const [later] = world.runInstances(image);
    const other = later?.facts.instanceId ?? '';
    for (const id of [instanceId, other]) {
      const boot = new Date(world.instance(id)?.launchTimeMs ?? 0).toISOString().slice(0, 19);
      const claim = { key: 'nametag:claim', value: `held=web-0 boot=${boot}Z` };
      world.createTags({ resources: [id], tags: [claim, { key: 'Name', value: 'web-0' }] });
    }
    await clock.advance(settleMs);
    const winner = [instanceId, other].sort()[0];
    for (const id of [instanceId, other]) {
      const outcome = await clock.run(claimName({ ...request, instanceId: id }, ports()));
      expect(outcome).toMatchObject(
        id === winner
          ? { name: 'web-0', tally: { writes: 0, lost: undefined } }
          : { name: 'web-1', tally: { lost: 'web-0' } },
      );
    }
  });
});

describe('planClaim', () => {
  it('tells the name that would be asked for or is held, and writes nothing', async () => {
    const { clock, ports, request, held } = setUp();
    await clock.advance(settleMs);
    const plan = () => clock.run(planClaim(request, ports()));
    expect(await plan()).toEqual({ kind: 'would-ask', name: 'web-0' });
    expect(held()).toBeUndefined();
    await clock.run(claimName(request, ports()));
    await clock.advance(settleMs);
    expect(await plan()).toEqual({ kind: 'holds', name: 'web-0' });
  });
});

describe('releaseName', () => {
  it('frees the name for the next claimant, and keeps a Name that a person wrote', async () => {
    const { clock, world, instanceId, ports, request } = setUp();
    await clock.run(claimName(request, ports()));
    const tags = [{ key: 'Name', value: 'the blue one' }];
    world.createTags({ resources: [instanceId], tags });
    await clock.advance(settleMs);
    const released = await clock.run(releaseName(request, ports()));
    expect(released).toEqual({ released: ['web-0'] });
    const now = world.instance(instanceId)?.tags;
    expect(now?.get('Name')).toBe('the blue one');
    expect(now?.get('nametag:claim')).toMatch(/^boot=/);
  });

  it('finds a claim that was made just now', async () => {
    const { clock, ports, request } = setUp();
    await clock.run(claimName(request, ports()));
    expect(await clock.run(releaseName(request, ports()))).toEqual({ released: ['web-0'] });
  });

  it('gives up a proposal too, after the last write of a run that was killed', async () => {
    const { clock, real, ports, request, lock, held } = setUp();
    const ec2: Ec2 = {
      ...real,
      createTags: async (...call) => {
        await real.createTags(...call);
        throw new Crash();
      },
    };
    await expect(clock.run(claimName(request, ports(ec2)))).rejects.toBeInstanceOf(Crash);
    expect(lock.marked).toBe(true);
    expect(await clock.run(releaseName(request, ports()))).toEqual({ released: ['web-0'] });
    expect(lock.marked).toBe(false);
    expect(held()).toBeUndefined();
  });

  it('does nothing when there is nothing to release', async () => {
    const { clock, ports, request, lock } = setUp();
    await clock.advance(settleMs);
    expect(await clock.run(releaseName(request, ports()))).toEqual({ released: [] });
    expect(lock.log).toEqual(['release']);
  });
});
