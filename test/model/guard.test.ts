import { describe, expect, test } from 'vitest';
import { expireUnseen, guardSnapshot, judge, keptIn, missingFrom } from '../../src/model/guard.ts';
import type { InstanceQuery } from '../../src/model/query.ts';
import { everyoneAlive } from '../../src/model/selector.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { type InstanceFields, instance, launchTimeMs, snapshot } from '../helpers/instances.ts';

const asked: readonly InstanceQuery[] = [
  {
    states: ['running'],
    groups: ['tphon'],
    vpcIds: ['vpc-1'],
    availabilityZones: ['eu-west-1a'],
    tags: [{ key: 'status', patterns: ['ready'] }],
    tagKey: 'service:db',
  },
];
const both = { queries: asked, asked };
const member = (fields: InstanceFields = {}) =>
  instance({ groups: ['tphon'], tags: { status: 'ready', 'service:db': '' }, ...fields });
const unseen = { kind: 'unseen' };
const gone = (evidence: string) => ({ kind: 'gone', evidence });

describe('the judgement of one that is missing', () => {
  test.each<[string, InstanceFields | undefined, object]>([
    ['that EC2 does not show', undefined, unseen],
    ['that is as it was', {}, { kind: 'there' }],
    ['that has a new address', { privateIpAddress: '10.0.0.9' }, { kind: 'there' }],
    ['that is stopping', { state: 'stopping' }, gone('stopping')],
    ['that is stopped', { state: 'stopped' }, gone('stopped')],
    ['that is shutting down', { state: 'shutting-down' }, gone('shutting-down')],
    ['that is terminated', { state: 'terminated' }, gone('terminated')],
    [
      'whose tag was flipped',
      { tags: { status: 'drain', 'service:db': '' } },
      gone('does not match'),
    ],
    ['whose tag was removed', { tags: { 'service:db': '' } }, gone('does not match')],
    ['whose service was removed', { tags: { status: 'ready' } }, gone('does not match')],
    ['that left the group', { groups: ['other'] }, gone('does not match')],
    ['that is in another zone', { availabilityZone: 'eu-west-1b' }, gone('does not match')],
    ['that is in another VPC', { vpcId: 'vpc-2' }, gone('does not match')],
    [
      'that was started again',
      { state: 'pending', launchTimeMs: launchTimeMs + 1 },
      gone('does not match'),
    ],
    ['that is pending in the same life', { state: 'pending' }, unseen],
    ['of an earlier life', { state: 'stopped', launchTimeMs: launchTimeMs - 1 }, unseen],
  ])('%s', (_, fields, judgement) => {
    const seen = fields === undefined ? undefined : member(fields);
    expect(judge(member(), seen, asked)).toEqual(judgement);
  });

  test('who satisfies any of several queries is there', () => {
    const queries = [...asked, { groups: ['other'] }];
    expect(judge(member(), member({ groups: ['other'] }), queries)).toEqual({ kind: 'there' });
  });
});

const at = (takenAtMs: number, ...ids: readonly string[]): Snapshot => ({
  ...snapshot(...ids.map((instanceId) => member({ instanceId }))),
  takenAtMs,
});

describe('guardSnapshot', () => {
  test('keeps who is not shown, with the time when it was', () => {
    const first = guardSnapshot(at(2000, 'i-1'), at(1000, 'i-1', 'i-2'), [], both).snapshot;
    expect(first).toMatchObject({ takenAtMs: 2000, unconfirmed: new Map([['i-2', 1000]]) });
    const second = guardSnapshot(at(3000, 'i-1'), first, [], both).snapshot;
    expect(second.unconfirmed).toEqual(new Map([['i-2', 1000]]));
    expect(second.instances.map((i) => i.instanceId)).toEqual(['i-1', 'i-2']);
    expect(guardSnapshot(at(4000, 'i-1', 'i-2'), second, [], both).snapshot).toEqual(
      at(4000, 'i-1', 'i-2'),
    );
  });

  test('takes the present data of who is there, and says who was removed and why', () => {
    const seen = [
      member({ instanceId: 'i-1', privateIpAddress: '10.0.0.9' }),
      member({ instanceId: 'i-2', state: 'terminated' }),
    ];
    const { snapshot: guarded, removed } = guardSnapshot(
      at(2, 'i-3'),
      at(1, 'i-1', 'i-2'),
      seen,
      both,
    );
    expect(guarded.instances.map((i) => i.instanceId)).toEqual(['i-1', 'i-3']);
    expect(guarded.instances[0]?.privateIpAddress).toBe('10.0.0.9');
    expect(guarded.unconfirmed).toBeUndefined();
    expect(removed).toEqual([{ instanceId: 'i-2', evidence: 'terminated' }]);
  });

  describe('of one who is still there for its name, but is no member any more', () => {
    const rivals = { queries: asked, asked: [...asked, everyoneAlive] };
    const last = snapshot(member({ instanceId: 'i-1' }), member({ instanceId: 'i-2' }));
    const removed = [{ instanceId: 'i-1', evidence: 'does not match' }];
    const drained = member({ instanceId: 'i-1', tags: {} });

    test('says that it was removed, once', () => {
      const fresh = snapshot(drained, member({ instanceId: 'i-2' }));
      const guarded = guardSnapshot(fresh, last, [], rivals);
      expect(guarded).toEqual({ snapshot: fresh, removed });
      expect(guardSnapshot(fresh, guarded.snapshot, [], rivals).removed).toEqual([]);
    });

    test('says so too when only the question by id shows it', () => {
      const fresh = snapshot(member({ instanceId: 'i-2' }));
      const guarded = guardSnapshot(fresh, last, [drained], rivals);
      expect(guarded.removed).toEqual(removed);
      expect(guarded.snapshot.instances).toContainEqual(drained);
    });

    test('does not say so of who never was a member, nor by an old answer', () => {
      const pending = snapshot(member({ instanceId: 'i-1', state: 'pending' }), last.instances[1]!);
      expect(guardSnapshot(pending, last, [], rivals).removed).toEqual([]);
      const fresh = snapshot(member({ instanceId: 'i-2', tags: {} }));
      expect(guardSnapshot(fresh, snapshot(drained), [], rivals).removed).toEqual([]);
    });
  });

  test('misses nobody who was not alive', () => {
    const last = snapshot(member({ instanceId: 'i-1', state: 'stopped' }));
    expect(missingFrom(snapshot(), last)).toEqual([]);
  });
});

describe('expireUnseen', () => {
  const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `i-${100 + i}`);
  const lost = (count: number, of: number): Snapshot => ({
    ...at(10_000, ...ids(of)),
    unconfirmed: new Map(ids(count).map((id) => [id, 0])),
  });
  const expire = (s: Snapshot, maxRemove: number, maxStaleMs = 9999) => {
    const expired = expireUnseen(s, asked, s.takenAtMs, { maxStaleMs, maxRemove });
    return expired.kind === 'held'
      ? `held ${expired.unseen} of ${expired.members}`
      : expired.snapshot.instances.length;
  };

  test.each<[unseen: number, of: number, maxRemove: number, becomes: number | string]>([
    [3, 10, 0.3, 7],
    [4, 10, 0.3, 'held 4 of 10'],
    // A third of three is one host, which may go; and the last never without evidence.
    [1, 3, 0.3, 2],
    [2, 3, 0.3, 'held 2 of 3'],
    [1, 2, 0.3, 1],
    [1, 1, 0.3, 'held 1 of 1'],
    [2, 2, 0.99, 'held 2 of 2'],
    [1, 10, 0, 'held 1 of 10'],
    [10, 10, 1, 0],
    [0, 10, 0, 10],
  ])('of %j unseen of %j, with %j allowed: %j', (unseenCount, of, maxRemove, becomes) => {
    expect(expire(lost(unseenCount, of), maxRemove)).toBe(becomes);
  });

  test('keeps everybody until the time is over', () => {
    const all = lost(10, 10);
    const terms = { maxStaleMs: 10_000, maxRemove: 0.3 };
    expect(expireUnseen(all, asked, 10_000, terms)).toEqual({
      kind: 'current',
      snapshot: all,
      letGo: [],
    });
  });

  test('says who is left out, and forgets when it saw them alone', () => {
    const unconfirmed = new Map([
      ['i-100', 0],
      ['i-101', 9999],
    ]);
    const removed = [{ instanceId: 'i-9', evidence: 'stopped', addresses: [], atMs: 1 }] as const;
    const all = { ...at(10_000, ...ids(3)), unconfirmed, removed };
    expect(expireUnseen(all, asked, 10_000, { maxStaleMs: 1, maxRemove: 0.3 })).toEqual({
      kind: 'current',
      snapshot: {
        ...at(10_000, 'i-101', 'i-102'),
        unconfirmed: new Map([['i-101', 9999]]),
        removed,
      },
      letGo: [{ instanceId: 'i-100', lastSeenMs: 0 }],
    });
    expect(expire(lost(1, 3), 0.3)).toBe(2);
  });

  test('does not count those who are there for the sake of names', () => {
    const rival = instance({ instanceId: 'i-999', groups: ['other'] });
    const rivals: Snapshot = { ...snapshot(rival), unconfirmed: new Map([['i-999', 0]]) };
    expect(expire(rivals, 0.3)).toBe(0);
  });
});

describe('keptIn', () => {
  test('gives the members who are kept, and when they were seen', () => {
    const rival = instance({ instanceId: 'i-9', groups: ['other'] });
    const { instances } = at(10, 'i-1', 'i-2', 'i-3');
    const unconfirmed = new Map([
      ['i-1', 5],
      ['i-3', 4],
      ['i-9', 3],
    ]);
    expect(keptIn({ ...at(10), instances: [...instances, rival], unconfirmed }, asked)).toEqual([
      { instanceId: 'i-1', lastSeenMs: 5 },
      { instanceId: 'i-3', lastSeenMs: 4 },
    ]);
    expect(keptIn(at(10, 'i-1'), asked)).toEqual([]);
  });
});
