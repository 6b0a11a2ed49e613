import { describe, expect, test } from 'vitest';
import {
  locate,
  mergeRemovals,
  type RecentRemoval,
  type RemovalNews,
  recentOf,
} from '../../src/model/removal.ts';
import { instance } from '../helpers/instances.ts';

const recent = (instanceId: string, atMs: number): RecentRemoval => ({
  instanceId,
  evidence: 'terminated',
  addresses: [],
  atMs,
});

describe('a removal', () => {
  const removal = { instanceId: 'i-1', evidence: 'stopped' } as const;

  test('says what addresses the instance had', () => {
    const before = instance({ publicIpAddress: '192.0.2.1', ipv6Addresses: ['2001:db8::1'] });
    expect(locate(removal, before)).toEqual({
      ...removal,
      addresses: ['10.0.0.1', '192.0.2.1', '2001:db8::1'],
    });
  });

  test('says none of one that was not there', () => {
    expect(locate(removal, undefined)).toEqual({ ...removal, addresses: [] });
  });

  test('is recent until its time is over', () => {
    const removals = [recent('i-1', 99), recent('i-2', 100)];
    expect(recentOf(removals, 200, 100)).toEqual([recent('i-2', 100)]);
  });
});

describe('removals together', () => {
  const merge = (earlier: readonly RecentRemoval[], news: Partial<RemovalNews> = {}) =>
    mergeRemovals(earlier, { removed: [], atMs: 200, there: new Set(), maxAgeMs: 100, ...news });

  test('are in the order of ids, each with its time', () => {
    const { atMs, ...removed } = recent('i-2', 200);
    expect(merge([recent('i-3', 150), recent('i-1', 160)], { removed: [removed], atMs })).toEqual([
      recent('i-1', 160),
      recent('i-2', 200),
      recent('i-3', 150),
    ]);
  });

  test('are the last one of each instance', () => {
    const removed = { instanceId: 'i-1', evidence: 'stopped', addresses: ['10.0.0.1'] } as const;
    expect(merge([recent('i-1', 150)], { removed: [removed] })).toEqual([
      { ...removed, atMs: 200 },
    ]);
  });

  test('are without those who are back, and without those whose time is over', () => {
    const earlier = [recent('i-1', 150), recent('i-2', 99), recent('i-3', 100)];
    expect(merge(earlier, { there: new Set(['i-1']) })).toEqual([recent('i-3', 100)]);
  });
});
