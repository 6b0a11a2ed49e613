import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/sandbox/random.ts';
import { beginningMs, type StillWorld, stillWorld } from './worlds.ts';

const settleMaxMs = 2000;

/** Writes and reads at random for a while; counts reads that missed a write older than `ageMs`. */
function staleReads(seed: number, ageMs: number): number {
  const { world, time } = stillWorld(
    { settleMaxMs, lostNow: 0.05, lostLate: 0.1, lostTwice: 0.1, lostNever: 0.05 },
    seed,
  );
  const random = createRandom(seed, 'test');
  const { instanceId } = world.place({}).facts;
  const written: { readonly value: string; readonly atMs: number }[] = [];
  let stale = 0;
  for (let i = 0; i < 300; i += 1) {
    time.nowMs += Math.floor(random() * 400);
    if (random() < 0.2) {
      const value = String(written.length);
      try {
        world.createTags({ resources: [instanceId], tags: [{ key: 'k', value }] });
        written.push({ value, atMs: time.nowMs });
      } catch {
        // A ghost of this write may land within the bound: nothing older counts until then.
        written.length = 0;
        time.nowMs += settleMaxMs;
      }
    }
    const seen = world.describeInstances({}).items[0]?.tags.get('k');
    const oldEnough = written.filter(({ atMs }) => atMs + ageMs <= time.nowMs);
    const last = oldEnough.at(-1);
    if (last === undefined) continue;
    const later = written.slice(oldEnough.length).map(({ value }) => value);
    if (seen !== last.value && !later.includes(seen ?? '')) stale += 1;
  }
  return stale;
}

describe('a write', () => {
  test('is visible to every read that begins when the bound has passed', () => {
    for (let seed = 0; seed < 100; seed += 1) expect(staleReads(seed, settleMaxMs)).toBe(0);
  });

  test('is missed by some reads before: the control', () => {
    let stale = 0;
    for (let seed = 0; seed < 100; seed += 1) stale += staleReads(seed, settleMaxMs / 2);
    expect(stale).toBeGreaterThan(0);
  });

  test('comes, goes and comes again for readers before the bound', () => {
    const { world, time } = stillWorld({ settleMaxMs });
    const { instanceId } = world.place({}).facts;
    world.createTags({ resources: [instanceId], tags: [{ key: 'k', value: 'v' }] });
    time.nowMs += settleMaxMs / 2;
    const seen = Array.from({ length: 40 }, () => tagSeen({ world, time }, 'k') === 'v');
    expect(seen.join()).toContain('true,false');
    expect(seen.join()).toContain('false,true');
  });

  test('of two tags shows now the one, now the other', () => {
    const { world, time } = stillWorld({ settleMaxMs });
    const { instanceId } = world.place({}).facts;
    const tags = [
      { key: 'a', value: '1' },
      { key: 'b', value: '1' },
    ];
    world.createTags({ resources: [instanceId], tags });
    time.nowMs += settleMaxMs / 2;
    const seen = new Set<string>();
    for (let i = 0; i < 60; i += 1) {
      const shown = world.describeInstances({}).items[0]?.tags;
      seen.add(`${shown?.has('a')} ${shown?.has('b')}`);
    }
    expect(seen.size).toBe(4);
  });

  test('is seen by a filter as it is seen in the answer', () => {
    const { world, time } = stillWorld({ settleMaxMs });
    const { instanceId } = world.place({ tags: new Map([['k', 'old']]) }).facts;
    world.createTags({ resources: [instanceId], tags: [{ key: 'k', value: 'new' }] });
    time.nowMs += settleMaxMs / 2;
    for (let i = 0; i < 60; i += 1) {
      const filters = [{ name: 'tag:k', values: ['new'] }];
      const [item] = world.describeInstances({ filters }).items;
      expect(item?.tags.get('k') ?? 'new').toBe('new');
    }
  });

  test('that is lost and late never lands after the bound', () => {
    for (let seed = 0; seed < 200; seed += 1) {
      const { world, time } = stillWorld({ settleMaxMs, lostLate: 1 }, seed);
      const { instanceId } = world.place({}).facts;
      const tags = [{ key: 'k', value: 'ghost' }];
      expect(() => world.createTags({ resources: [instanceId], tags })).toThrow('closed');
      expect(world.instance(instanceId)?.tags.has('k')).toBe(false);
      time.nowMs = beginningMs + settleMaxMs;
      expect(tagSeen({ world, time }, 'k')).toBe('ghost');
    }
  });

  test('that is lost for good is never seen', () => {
    const { world, time } = stillWorld({ settleMaxMs, lostNever: 1 });
    const { instanceId } = world.place({}).facts;
    const tags = [{ key: 'k', value: 'v' }];
    expect(() => world.createTags({ resources: [instanceId], tags })).toThrow('closed');
    time.nowMs += 10 * settleMaxMs;
    expect(world.instance(instanceId)?.tags.has('k')).toBe(false);
  });

  test('that is made twice comes back over a later one', () => {
    let comebacks = 0;
    for (let seed = 0; seed < 50; seed += 1) {
      const { world, time } = stillWorld({ settleMaxMs, lostTwice: 1 }, seed);
      const { instanceId } = world.place({}).facts;
      const write = (value: string): void =>
        world.createTags({ resources: [instanceId], tags: [{ key: 'k', value }] });
      expect(() => write('first')).toThrow('closed');
      world.setKnobs({ lostTwice: 0 });
      time.nowMs += settleMaxMs / 2;
      write('second');
      time.nowMs += 2 * settleMaxMs;
      if (tagSeen({ world, time }, 'k') === 'first') comebacks += 1;
    }
    expect(comebacks).toBeGreaterThan(0);
  });

  test('of a launch time and of a state become visible by themselves', () => {
    const { world, time } = stillWorld({ settleMaxMs });
    const { instanceId } = world.place({ state: 'stopped', launchedAgoMs: 3_600_000 }).facts;
    world.startInstances({ instanceIds: [instanceId] });
    time.nowMs += settleMaxMs / 2;
    const seen = new Set<string>();
    for (let i = 0; i < 80; i += 1) {
      const [item] = world.describeInstances({}).items;
      seen.add(`${item?.state === 'stopped'} ${(item?.launchTimeMs ?? 0) < beginningMs}`);
    }
    expect(seen.size).toBe(4);
  });
});

function tagSeen({ world }: StillWorld, key: string): string | undefined {
  return world.describeInstances({}).items[0]?.tags.get(key);
}
