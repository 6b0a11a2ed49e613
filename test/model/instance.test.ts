import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  comparePrecedence,
  compareText,
  type Instance,
  instanceStates,
  isAlive,
  isInGroup,
} from '../../src/model/instance.ts';
import { instance, launchTimeMs } from '../helpers/instances.ts';

test('isAlive takes the pending and the running', () => {
  const alive = instanceStates.filter((state) => isAlive(instance({ state })));
  expect(alive).toEqual(['pending', 'running']);
});

describe('isInGroup', () => {
  test.each([
    ['tphon', true],
    ['sg-tphon', true],
    ['airavata', true],
    ['Tphon', false],
    ['tpho', false],
    ['tphon*', false],
    ['', false],
  ])('of %j says %j', (group, is) => {
    expect(isInGroup(instance({ groups: ['tphon', 'airavata'] }), group)).toBe(is);
  });
});

test('compareText orders by code unit', () => {
  expect(['b', 'a', 'Z', '', '\u00E4', '10', '9'].sort(compareText)).toEqual([
    '',
    '10',
    '9',
    'Z',
    'a',
    'b',
    '\u00E4',
  ]);
});

describe('comparePrecedence', () => {
  test('goes by launch time, then launch index, then id', () => {
    const inOrder = [
      instance({ instanceId: 'i-9', launchTimeMs: launchTimeMs - 1, launchIndex: 5 }),
      instance({ instanceId: 'i-8', launchIndex: 0 }),
      instance({ instanceId: 'i-1', launchIndex: 1 }),
      instance({ instanceId: 'i-2', launchIndex: 1 }),
    ];
    expect(inOrder.toReversed().sort(comparePrecedence)).toEqual(inOrder);
  });

  const fleet = fc.uniqueArray(
    fc.record({
      instanceId: fc.constantFrom('i-1', 'i-2', 'i-3', 'i-4', 'i-5', 'i-6'),
      launchTimeMs: fc.constantFrom(0, 1, 2),
      launchIndex: fc.constantFrom(0, 1),
    }),
    { minLength: 2, maxLength: 6, selector: (fields) => fields.instanceId },
  );
  const isOneOrder = (compare: (a: Instance, b: Instance) => number) =>
    fc.property(
      fleet.chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
      ),
      ([a, b]) => {
        const sorted = [a, b].map((all) => all.map(instance).sort(compare));
        expect(sorted[0]).toEqual(sorted[1]);
      },
    );
  const run = { seed: 1, numRuns: 500 };

  test('is one order, in whatever order the instances came', () => {
    fc.assert(isOneOrder(comparePrecedence), run);
  });

  test('is none without the id (the control)', () => {
    const byTime = (a: Instance, b: Instance) => a.launchTimeMs - b.launchTimeMs;
    expect(fc.check(isOneOrder(byTime), run).failed).toBe(true);
  });
});
