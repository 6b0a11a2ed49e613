import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Condition, conditionsOf, toRunning } from '../../src/model/condition.ts';
import type { Instance } from '../../src/model/instance.ts';
import { matches, type Selector } from '../../src/model/selector.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { type InstanceFields, instance } from '../helpers/instances.ts';

const told = (selector: Selector, fields: InstanceFields): readonly string[] =>
  conditionsOf(selector, instance(fields), defaultVocabulary).map(
    ({ holds, what, seen }) => `${holds ? 'yes' : 'no'} ${what}: ${seen}`,
  );

describe('conditionsOf', () => {
  const a = { key: 'env', value: 'a' };
  const b = { key: 'env', value: 'b' };

  test.each<[Selector, InstanceFields, readonly string[]]>([
    [{}, {}, []],
    [
      { groups: ['x', 'z'] },
      { groups: ['x', 'y'] },
      ['yes is in the security group x: x, y', 'no is in the security group z: x, y'],
    ],
    [{ groups: ['sg-x'] }, {}, ['no is in the security group sg-x: in none']],
    [
      { groups: ['x', 'z'], anyGroup: true },
      { groups: ['z'] },
      ['yes is in one of the security groups x, z: z'],
    ],
    [
      { groups: ['x', 'y'], anyGroup: true },
      { groups: ['z'] },
      ['no is in one of the security groups x, y: z'],
    ],
    [{ vpcIds: ['vpc-2', 'vpc-1'] }, {}, ['yes is in VPC vpc-2 or vpc-1: vpc-1']],
    [{ vpcIds: ['vpc-2'] }, { vpcId: undefined }, ['no is in VPC vpc-2: in none']],
    [{ availabilityZones: ['eu-west-1b'] }, {}, ['no is in zone eu-west-1b: eu-west-1a']],
    [
      { notInstanceIds: ['i-1', 'i-2'] },
      {},
      [
        'no is another instance than this one: this is i-1',
        'yes is another instance than this one: this is i-2',
      ],
    ],
    [{ tags: [a, b] }, { tags: { env: 'b' } }, ['yes is tagged env=a or env=b: env=b']],
    [{ tags: [a] }, {}, ['no is tagged env=a: no tag env']],
    [{ notTags: [a] }, { tags: { env: 'a' } }, ['no is without the tag env=a: env=a']],
    [{ notTags: [b] }, { tags: { env: 'a' } }, ['yes is without the tag env=b: env=a']],
    [{ ready: true }, { tags: { status: 'drain' } }, ['no is tagged status=ready: status=drain']],
    [{ ready: false }, {}, []],
    [{ service: 'db' }, {}, ['no offers db: no tag service:db']],
    [
      { service: 'db', label: 'ro' },
      { tags: { 'service:db': 'rw port=1' } },
      ['yes offers db: service:db=rw port=1', 'no has the label ro: rw'],
    ],
    [
      { service: 'db', label: 'ro' },
      { tags: { 'service:db': 'ro' } },
      ['yes offers db: service:db=ro', 'yes has the label ro: ro'],
    ],
    [
      { service: 'db', label: 'ro' },
      { tags: { 'service:db': 'port=0' } },
      [
        'no offers db: service:db=port=0, which cannot be read: port=0 is out of range',
        'no has the label ro: none',
      ],
    ],
  ])('with %j of %j', (selector, fields, expected) => {
    expect(told(selector, fields)).toEqual(expected);
  });

  test('says since when it runs', () => {
    expect(toRunning(instance({ state: 'stopped' }))).toEqual({
      holds: false,
      what: 'runs',
      seen: 'stopped, launched 2026-11-20T12:00:00Z',
    });
  });
});

describe('what is told', () => {
  const word = fc.constantFrom('a', 'b', 'c');
  const words = fc.uniqueArray(word, { minLength: 1, maxLength: 2 });
  const tests = fc.array(fc.record({ key: word, value: word }), { minLength: 1, maxLength: 3 });
  // Few at once, so that each often decides.
  const selectors: fc.Arbitrary<Selector> = fc
    .array(
      fc.oneof<fc.Arbitrary<Selector>[]>(
        fc.record({ groups: words, anyGroup: fc.boolean() }),
        fc.record({ ready: fc.boolean() }),
        fc.record({ tags: tests }),
        fc.record({ notTags: tests }),
        fc.record({ availabilityZones: words }),
        fc.record({ vpcIds: words }),
        fc.record({ notInstanceIds: words }),
        fc.record({ service: word }),
        fc.record({ service: word, label: word }),
      ),
      { maxLength: 2 },
    )
    .map((parts) => Object.assign({}, ...parts));
  const instances: fc.Arbitrary<Instance> = fc
    .record({
      instanceId: word,
      state: fc.constantFrom('running', 'running', 'running', 'pending', 'stopped'),
      availabilityZone: word,
      vpcId: fc.option(word, { nil: undefined }),
      groups: fc.uniqueArray(word, { maxLength: 3 }),
      tags: fc.dictionary(
        fc.constantFrom('a', 'b', 'c', 'status', 'service:a', 'service:b'),
        fc.constantFrom('a', 'b', 'c', 'ready', 'a b', 'port=0'),
      ),
    })
    .map((fields) => instance(fields));

  /** Looks whether all that is told holds exactly where there is a match. */
  function agrees(tell: (selector: Selector, one: Instance) => readonly Condition[]): void {
    fc.assert(
      fc.property(selectors, instances, (selector, one) => {
        const found = matches(selector, one, defaultVocabulary);
        const all = [toRunning(one), ...tell(selector, one)];
        expect(all.every(({ holds }) => holds)).toBe(found.kind === 'match');
      }),
      { seed: 20261121, numRuns: 1000 },
    );
  }

  test('holds as a whole where there is a match, and nowhere else', () => {
    agrees((selector, one) => conditionsOf(selector, one, defaultVocabulary));
  });

  test.each([
    'is tagged',
    'is without the tag',
    'offers',
    'has the label',
    'is in zone',
    'is in one',
  ])('is found wrong without what begins with "%s" (the control)', (left) => {
    expect(() =>
      agrees((selector, one) =>
        conditionsOf(selector, one, defaultVocabulary).filter(({ what }) => !what.startsWith(left)),
      ),
    ).toThrow();
  });
});
