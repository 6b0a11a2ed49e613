import { describe, expect, test } from 'vitest';
import { mergeSnapshots, toSnapshot } from '../../src/model/snapshot.ts';
import { instance } from '../helpers/instances.ts';

describe('toSnapshot', () => {
  test('orders instances by id and keeps the later of two', () => {
    const pages = [
      instance({ instanceId: 'i-b' }),
      instance({ instanceId: 'i-a', state: 'pending' }),
      instance({ instanceId: 'i-a', state: 'running' }),
    ];
    const { region, takenAtMs, instances } = toSnapshot('eu-west-1', 5, pages);
    expect({ region, takenAtMs }).toEqual({ region: 'eu-west-1', takenAtMs: 5 });
    expect(instances.map((i) => [i.instanceId, i.state])).toEqual([
      ['i-a', 'running'],
      ['i-b', 'running'],
    ]);
  });

  test('may be empty', () => {
    expect(toSnapshot('eu-west-1', 5, []).instances).toEqual([]);
  });
});

test('mergeSnapshots takes what is in both from the later read, and the age of the earlier', () => {
  const earlier = toSnapshot('eu-west-1', 5, [
    instance({ instanceId: 'i-a', state: 'pending' }),
    instance({ instanceId: 'i-b', state: 'pending' }),
  ]);
  const later = toSnapshot('eu-west-1', 9, [
    instance({ instanceId: 'i-b' }),
    instance({ instanceId: 'i-c' }),
  ]);
  const merged = mergeSnapshots(earlier, later);
  expect(merged.takenAtMs).toBe(5);
  expect(merged.instances.map((i) => [i.instanceId, i.state])).toEqual([
    ['i-a', 'pending'],
    ['i-b', 'running'],
    ['i-c', 'running'],
  ]);
});
