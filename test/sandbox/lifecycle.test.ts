import { describe, expect, test } from 'vitest';
import { codeOf, idsWhere, plainWorld, type StillWorld, stillWorld } from './worlds.ts';

const image = 'ami-0123456789abcdef0';

describe('an instance', () => {
  function launch({ world }: StillWorld): string {
    const [launched] = world.runInstances({ imageId: image, minCount: 1, maxCount: 1 });
    return launched!.facts.instanceId;
  }

  test('goes through its states, each for its time', () => {
    const still = plainWorld({ pendingMs: 10, stoppingMs: 20, shuttingDownMs: 30 });
    const { world, time } = still;
    const instanceId = launch(still);
    const instanceIds = [instanceId];
    const state = () => world.instance(instanceId)?.state;
    expect(state()).toBe('pending');
    expect(codeOf(() => world.stopInstances({ instanceIds }))).toBe('IncorrectInstanceState');
    time.nowMs += 10;
    expect(state()).toBe('running');
    expect(world.startInstances({ instanceIds })).toEqual([
      { instanceId, previous: 'running', current: 'running' },
    ]);
    expect(world.stopInstances({ instanceIds })).toEqual([
      { instanceId, previous: 'running', current: 'stopping' },
    ]);
    expect(codeOf(() => world.startInstances({ instanceIds }))).toBe('IncorrectInstanceState');
    time.nowMs += 20;
    expect(state()).toBe('stopped');
    world.terminateInstances({ instanceIds });
    expect(state()).toBe('shutting-down');
    time.nowMs += 30;
    expect(state()).toBe('terminated');
    expect(codeOf(() => world.startInstances({ instanceIds }))).toBe('IncorrectInstanceState');
    time.nowMs += 3_600_000 - 1;
    expect(state()).toBe('terminated');
    time.nowMs += 1;
    expect(state()).toBeUndefined();
  });

  test('has a new launch time, in whole seconds, and a new public address after a stop', () => {
    const still = plainWorld();
    const { world, time } = still;
    time.nowMs += 250;
    const instanceId = launch(still);
    time.nowMs += 5000;
    const before = world.instance(instanceId)!;
    world.stopInstances({ instanceIds: [instanceId] });
    time.nowMs += 5000;
    const stopped = world.instance(instanceId)!;
    world.startInstances({ instanceIds: [instanceId] });
    time.nowMs += 5000;
    const after = world.instance(instanceId)!;
    expect(before.launchTimeMs % 1000).toBe(0);
    expect(stopped).toMatchObject({ launchTimeMs: before.launchTimeMs, state: 'stopped' });
    expect(stopped.publicAddress).toBeUndefined();
    expect(after.launchTimeMs).toBe(before.launchTimeMs + 10_000);
    expect(after.publicAddress?.ipAddress).not.toBe(before.publicAddress?.ipAddress);
    expect(after.facts).toBe(before.facts);
  });

  test('that was just launched is unknown to some calls, for as long as the knob says', () => {
    const still = stillWorld({ notFoundMs: 3000, settleMaxMs: 500 });
    const { world, time } = still;
    const instanceId = launch(still);
    const tag = () =>
      codeOf(() => world.createTags({ resources: [instanceId], tags: [{ key: 'k' }] }));
    const read = () => codeOf(() => world.describeInstances({ instanceIds: [instanceId] }));
    time.nowMs += 1500;
    const early = Array.from({ length: 30 }, () => [tag(), read()]).flat();
    expect(new Set(early)).toEqual(new Set([undefined, 'InvalidInstanceID.NotFound']));
    time.nowMs = world.launchVisibleAtMs(instanceId);
    const late = Array.from({ length: 30 }, () => [tag(), read()]).flat();
    expect(new Set(late)).toEqual(new Set([undefined]));
  });

  test('is launched with its tags, groups and interfaces, or not at all', () => {
    const { world } = plainWorld();
    const web = world.addGroup({ groupName: 'web' });
    const run = (more: object) => () =>
      world.runInstances({ imageId: image, minCount: 1, maxCount: 2, ...more });
    const launched = run({ groupIds: [web.groupId], tags: [{ key: 'k', value: 'v' }] })();
    expect(launched.map((i) => i.facts.launchIndex)).toEqual([0, 1]);
    expect(launched[0]?.facts.networkInterfaces[0].groups[0]?.groupName).toBe('web');
    expect(launched[1]?.tags).toEqual(new Map([['k', 'v']]));
    expect(codeOf(run({ imageId: undefined }))).toBe('MissingParameter');
    expect(codeOf(run({ imageId: 'debian' }))).toBe('InvalidAMIID.Malformed');
    expect(codeOf(run({ groupNames: ['nope'] }))).toBe('InvalidGroup.NotFound');
    expect(codeOf(run({ tags: [{ key: 'aws:k' }] }))).toBe('InvalidParameterValue');
    expect(codeOf(run({ minCount: 3 }))).toBe('InvalidParameterValue');
    expect(codeOf(run({ availabilityZone: 'mars-1a' }))).toBe('InvalidParameterValue');
    expect(codeOf(run({ subnetId: 'subnet-1' }))).toBe('InvalidSubnetID.NotFound');
    expect(codeOf(run({ dryRun: true }))).toBe('DryRunOperation');
    expect(world.instances()).toHaveLength(2);
  });

  test('is launched once for one client token', () => {
    const { world } = plainWorld();
    const request = { imageId: image, minCount: 1, maxCount: 1, clientToken: 'once' };
    expect(world.runInstances(request)).toEqual(world.runInstances(request));
    expect(world.instances()).toHaveLength(1);
  });

  test('has no network when it is terminated', () => {
    const still = plainWorld();
    const { world } = still;
    const web = world.addGroup({ groupName: 'web' });
    world.place({ groups: [web], state: 'terminated', handle: 'gone' });
    expect(idsWhere(still, 'instance.group-name', 'web')).toEqual([]);
    expect(idsWhere(still, 'vpc-id', '*')).toEqual([]);
    expect(idsWhere(still, 'instance-state-name', 'terminated')).toEqual(['gone']);
  });
});
