import { describe, expect, test } from 'vitest';
import { Throttle } from '../../src/sandbox/throttle.ts';
import { codeOf, plainWorld } from './worlds.ts';

/** Counts how many requests at once are let through, then how many a second later. */
function burst(action: string, narrowed: boolean): readonly [number, number] {
  const throttle = new Throttle();
  const count = (nowMs: number): number => {
    let passed = 0;
    while (codeOf(() => throttle.take(action, narrowed, 1, nowMs)) === undefined) passed += 1;
    return passed;
  };
  return [count(0), count(1000)];
}

describe('the token bucket', () => {
  test.each([
    ['DescribeInstances', true, 100, 20],
    ['DescribeInstances', false, 50, 10],
    ['DescribeTags', true, 100, 20],
    ['DescribeSecurityGroups', false, 50, 10],
    ['CreateTags', true, 100, 10],
    ['DeleteTags', true, 100, 10],
    ['StopInstances', true, 50, 5],
    ['RunInstances', true, 5, 2],
    ['StartInstances', true, 5, 2],
    ['TerminateInstances', true, 100, 5],
  ])(
    'of %s, narrowed %s, holds %i and refills by %i a second',
    (action, narrowed, full, refill) => {
      expect(burst(action, narrowed)).toEqual([full, refill]);
    },
  );

  test('never holds more than its size', () => {
    const throttle = new Throttle();
    throttle.take('RunInstances', true, 1, 0);
    let passed = 0;
    while (codeOf(() => throttle.take('RunInstances', true, 1, 1e9)) === undefined) passed += 1;
    expect(passed).toBe(5);
  });

  test('of launched instances is another than that of requests', () => {
    const throttle = new Throttle();
    throttle.take('RunInstances', true, 1000, 0);
    expect(codeOf(() => throttle.take('RunInstances', true, 1, 0))).toBe('RequestLimitExceeded');
  });

  test('is of no matter until the knob is turned', () => {
    const { world } = plainWorld();
    for (let i = 0; i < 60; i += 1) world.describeInstances({});
    world.setKnobs({ throttle: true });
    for (let i = 0; i < 50; i += 1) world.describeInstances({});
    expect(codeOf(() => world.describeInstances({}))).toBe('RequestLimitExceeded');
    expect(codeOf(() => world.describeTags({}))).toBeUndefined();
  });
});
