import { describe, expect, test } from 'vitest';
import { isNametagError } from '../../src/errors.ts';
import type { Ec2 } from '../../src/ports.ts';
import { createWorldEc2, type WorldEc2Options } from '../../src/sandbox/ec2-port.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import { ManualClock } from '../../src/sandbox/manual-clock.ts';
import { World } from '../../src/sandbox/world.ts';

interface Played {
  readonly clock: ManualClock;
  readonly world: World;
  readonly ec2: Ec2;
}

function play(knobs: Partial<Knobs> = {}, options: Partial<WorldEc2Options> = {}): Played {
  const clock = new ManualClock();
  const world = new World({ now: () => clock.wallMs(), knobs });
  return { clock, world, ec2: createWorldEc2({ world, clock, ...options }) };
}

describe('the in-process port', () => {
  test('reads all pages, at different times', async () => {
    const knobs = { latencyMs: 100, emptyPages: 0.3, shortPages: 0.5 };
    const { clock, world, ec2 } = play(knobs, { pageSize: 5 });
    for (let i = 0; i < 33; i += 1) world.place({});
    const snapshot = await clock.run(ec2.describeInstances([{ states: ['running'] }]));
    expect(snapshot.instances).toHaveLength(33);
    expect(snapshot.takenAtMs).toBe(clock.wallMs() - clock.monotonicMs());
    expect(clock.monotonicMs()).toBeGreaterThan(100);
  });

  test('decodes an instance, with the groups of all its interfaces', async () => {
    const { clock, world, ec2 } = play();
    const [a, b] = ['a', 'b'].map((groupName) => world.addGroup({ groupName }));
    const { facts } = world.place({
      groups: [a!],
      moreInterfaces: [{ groups: [b!, a!], ipv6Addresses: ['2001:db8::1'] }],
      tags: new Map([['Name', 'web-0']]),
    });
    const { instances } = await clock.run(ec2.describeInstances([{ groups: ['b'] }]));
    expect(instances).toHaveLength(1);
    expect(instances[0]).toMatchObject({
      instanceId: facts.instanceId,
      state: 'running',
      ipv6Addresses: ['2001:db8::1'],
      tags: new Map([['Name', 'web-0']]),
    });
    expect(instances[0]?.securityGroups.map((g) => g.groupName).toSorted()).toEqual(['a', 'b']);
    const byId = await clock.run(ec2.describeInstances([{ groups: [b!.groupId] }]));
    expect(byId.instances).toEqual(instances);
  });

  test('asks for any number of instance ids', async () => {
    const { clock, world, ec2 } = play();
    const ids = Array.from({ length: 450 }, () => world.place({}).facts.instanceId);
    const { instances } = await clock.run(ec2.describeInstances([{ instanceIds: ids }]));
    expect(instances).toHaveLength(450);
  });

  test('refuses an empty condition, which EC2 reads as everything', async () => {
    const { ec2 } = play();
    await expect(ec2.describeInstances([{ groups: [] }])).rejects.toThrow(TypeError);
    await expect(ec2.createTags('i-1', new Map())).rejects.toThrow(TypeError);
  });

  test.each([
    [{ deny: new Set(['CreateTags']) }, 'NAMETAG_EC2_DENIED'],
    [{ concurrent: 1 }, 'NAMETAG_EC2_BUSY'],
    [{ lostNever: 1 }, 'NAMETAG_EC2_UNREACHABLE'],
    [{ lostNow: 1 }, 'NAMETAG_EC2_UNREACHABLE'],
    [{ malformed: 1 }, 'NAMETAG_EC2_MALFORMED'],
  ] as const)('with %j tells a failed write as %s', async (knobs, code) => {
    const { clock, world, ec2 } = play(knobs);
    const { instanceId } = world.place({}).facts;
    const outcome = clock.run(ec2.createTags(instanceId, new Map([['k', 'v']])));
    await expect(outcome).rejects.toSatisfy((error) => isNametagError(error, code));
  });

  test.each([
    ['i-00000000000000000', 'k', 'NAMETAG_INSTANCE_NOT_FOUND'],
    ['web', 'k', 'NAMETAG_EC2_REFUSED'],
    [undefined, 'aws:k', 'NAMETAG_EC2_REFUSED'],
    [undefined, 'new', 'NAMETAG_TAG_LIMIT'],
  ] as const)('tells a refused write to %s of %s as %s', async (id, key, code) => {
    const { clock, world, ec2 } = play();
    const tags = new Map(Array.from({ length: 50 }, (_, i) => [`k${i}`, '']));
    const { instanceId } = world.place({ tags }).facts;
    const outcome = clock.run(ec2.createTags(id ?? instanceId, new Map([[key, 'v']])));
    await expect(outcome).rejects.toSatisfy((error) => isNametagError(error, code));
  });

  test('tells throttling after as many attempts as the SDK makes', async () => {
    const { clock, world, ec2 } = play({ throttle: true }, { transportAttempts: 1 });
    world.place({});
    const reads = Array.from({ length: 101 }, () =>
      ec2.describeInstances([{}]).catch((error: unknown) => error),
    );
    const outcomes = await clock.run(Promise.all(reads));
    const failed = outcomes.filter((o) => isNametagError(o, 'NAMETAG_EC2_THROTTLED'));
    expect(failed).toHaveLength(1);
  });

  test('writes again while the instance is unknown', async () => {
    const { clock, world, ec2 } = play({ notFoundMs: 3000 });
    const image = { imageId: 'ami-0123456789abcdef0', minCount: 1, maxCount: 1 };
    const instanceId = world.runInstances(image)[0]!.facts.instanceId;
    await clock.run(ec2.createTags(instanceId, new Map([['k', 'v']])));
    expect(world.instance(instanceId)?.tags.get('k')).toBe('v');
  });

  test.each<[string, Partial<Knobs>, number]>([
    ['none at all', {}, 0],
    ['exactly the least, where no more is said', { latencyMinMs: 100 }, 100],
    ['the most at most', { latencyMs: 100 }, 100],
    ['the most at most, and not below the least', { latencyMs: 100, latencyMinMs: 90 }, 100],
  ])('takes its time: %s', async (_, knobs, mostMs) => {
    const { clock, ec2 } = play(knobs);
    const beganMs = clock.monotonicMs();
    await clock.run(ec2.describeInstances([{}]));
    const tookMs = clock.monotonicMs() - beganMs;
    expect(tookMs).toBeLessThanOrEqual(mostMs);
    expect(tookMs).toBeGreaterThanOrEqual(knobs.latencyMinMs ?? 0);
  });

  test('ends early by its signal', async () => {
    const { clock, ec2 } = play({ latencyMs: 1000 });
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(clock.run(ec2.describeInstances([{}], { signal }))).rejects.toBe(reason);
  });
});
