import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instanceStates } from '../../src/model/instance.ts';
import {
  matches,
  matchesGlob,
  meansEveryone,
  type Selector,
  showSelector,
  toQuery,
} from '../../src/model/selector.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { type InstanceFields, instance } from '../helpers/instances.ts';

const on = (selector: Selector, fields: InstanceFields) =>
  matches(selector, instance(fields), defaultVocabulary);

describe('matches', () => {
  const a = { key: 'env', value: 'a' };
  const b = { key: 'env', value: 'b' };

  test.each<[Selector, InstanceFields]>([
    [{}, {}],
    [{ groups: ['x'] }, { groups: ['x', 'y'] }],
    [{ groups: ['x', 'sg-y'] }, { groups: ['x', 'y'] }],
    [{ groups: ['x', 'sg-z'], anyGroup: true }, { groups: ['z'] }],
    [{ ready: true }, { tags: { status: 'ready' } }],
    [{ ready: false }, { tags: { status: 'drain' } }],
    [{ tags: [a] }, { tags: { env: 'a' } }],
    [{ tags: [a, b] }, { tags: { env: 'b' } }],
    [{ tags: [{ key: 'env', value: '' }] }, { tags: { env: '' } }],
    [{ tags: [{ key: '__proto__', value: 'x' }] }, { tags: { ['__proto__']: 'x' } }],
    [{ notTags: [a] }, { tags: { env: 'b' } }],
    [{ notTags: [a] }, {}],
    [{ notTags: [{ key: 'env', value: '' }] }, {}],
    [{ availabilityZones: ['eu-west-1b', 'eu-west-1a'] }, {}],
    [{ vpcIds: ['vpc-1'] }, {}],
    [{ notInstanceIds: ['i-2'] }, {}],
    [{ names: ['db-*'] }, { tags: { Name: 'web-1' } }],
  ])('with %j means %j', (selector, fields) => {
    expect(on(selector, fields)).toEqual({ kind: 'match', service: undefined });
  });

  test.each<[Selector, InstanceFields, string, string]>([
    [{ groups: ['x'] }, { groups: ['y', 'z'] }, 'not in the security group', 'y z'],
    [{ groups: ['x'] }, {}, 'not in the security group', ''],
    [{ groups: ['x', 'y'] }, { groups: ['x'] }, 'not in the security group', 'x'],
    [{ groups: ['x', 'y'], anyGroup: true }, { groups: ['z'] }, 'not in the security group', 'z'],
    [{ groups: ['x*'] }, { groups: ['xy'] }, 'not in the security group', 'xy'],
    [{ vpcIds: ['vpc-2'] }, {}, 'other VPC', 'vpc-1'],
    [{ vpcIds: ['vpc-2'] }, { vpcId: undefined }, 'other VPC', ''],
    [{ availabilityZones: ['eu-west-1b'] }, {}, 'other availability zone', 'eu-west-1a'],
    [{ notInstanceIds: ['i-2', 'i-1'] }, {}, 'is this instance', ''],
    [{ tags: [a] }, { tags: { env: 'b' } }, 'tag differs', 'env=b'],
    [{ tags: [a] }, { tags: { env: 'A' } }, 'tag differs', 'env=A'],
    [{ tags: [a] }, {}, 'tag differs', 'no tag env'],
    [{ tags: [{ key: 'env', value: '*' }] }, { tags: { env: 'a' } }, 'tag differs', 'env=a'],
    [{ tags: [{ key: 'toString', value: 'x' }] }, {}, 'tag differs', 'no tag toString'],
    [{ notTags: [b, a] }, { tags: { env: 'a' } }, 'tag excluded', 'env=a'],
    [
      { notTags: [{ key: 'k', value: 'v' }, a] },
      { tags: { env: 'a', k: 'v' } },
      'tag excluded',
      'k=v',
    ],
    [{ ready: true }, { tags: { status: 'drain' } }, 'not ready', 'status=drain'],
    [{ ready: true }, {}, 'not ready', 'no tag status'],
    [{ service: 'db' }, { tags: { 'service:web': '' } }, 'does not offer the service', ''],
    [
      { service: 'db' },
      { tags: { 'service:db': 'port=0' } },
      'service tag unreadable',
      'port=0 is out of range',
    ],
    [
      { service: 'db', label: 'ro' },
      { tags: { 'service:db': 'rw big' } },
      'lacks the label',
      'rw big',
    ],
  ])('with %j leaves out %j: %s', (selector, fields, reason, seen) => {
    expect(on(selector, fields)).toEqual({ kind: 'omitted', reason, seen });
  });

  test.each(instanceStates.filter((state) => state !== 'running'))(
    'leaves out what is %s, whatever else is asked',
    (state) => {
      const omitted = { kind: 'omitted', reason: 'not running', seen: state };
      expect(on({}, { state })).toEqual(omitted);
      expect(on({ groups: ['x'], ready: true }, { state })).toEqual(omitted);
    },
  );

  test('gives what the service tag says', () => {
    const tags = { 'service:db': 'ro port=5432 priority=1 weight=3' };
    const service = { labels: ['ro'], port: 5432, priority: 1, weight: 3 };
    expect(on({ service: 'db', label: 'ro' }, { tags })).toEqual({ kind: 'match', service });
  });

  test('tells the first that fails, in the order in which a person would ask', () => {
    const selector: Selector = {
      groups: ['x'],
      vpcIds: ['vpc-2'],
      availabilityZones: ['eu-west-1b'],
      notInstanceIds: ['i-1'],
      tags: [a],
      notTags: [b],
      ready: true,
      service: 'db',
      label: 'ro',
    };
    const steps: InstanceFields[] = [
      {},
      { groups: ['x'] },
      { vpcId: 'vpc-2' },
      { availabilityZone: 'eu-west-1b' },
      { instanceId: 'i-2' },
      { tags: { env: 'a' } },
      { tags: { env: 'a', status: 'ready' } },
      { tags: { env: 'a', status: 'ready', 'service:db': 'port=x' } },
      { tags: { env: 'a', status: 'ready', 'service:db': '' } },
      { tags: { env: 'a', status: 'ready', 'service:db': 'ro' } },
    ];
    const reasons = steps.map((_, i) => {
      const match = on(selector, Object.assign({}, ...steps.slice(0, i + 1)));
      return match.kind === 'match' ? 'match' : match.reason;
    });
    expect(reasons).toEqual([
      'not in the security group',
      'other VPC',
      'other availability zone',
      'is this instance',
      'tag differs',
      'not ready',
      'does not offer the service',
      'service tag unreadable',
      'lacks the label',
      'match',
    ]);
  });

  test('reads the keys of the vocabulary', () => {
    const vocabulary = { ...defaultVocabulary, readyKey: 'af-status', servicePrefix: 'svc.' };
    const tagged = instance({ tags: { 'af-status': 'ready', 'svc.db': '' } });
    expect(matches({ ready: true, service: 'db' }, tagged, vocabulary).kind).toBe('match');
  });
});

describe('toQuery', () => {
  const states = ['running'];
  test.each<[Selector, object]>([
    [{}, { states }],
    [{ groups: ['x', 'y'] }, { states, groups: ['x'] }],
    [
      { groups: ['x', 'y'], anyGroup: true },
      { states, groups: ['x', 'y'] },
    ],
    [
      { groups: ['sg-1', 'sg-2'], anyGroup: true },
      { states, groups: ['sg-1', 'sg-2'] },
    ],
    [
      { groups: ['x', 'sg-2'], anyGroup: true },
      { states, groups: ['x', 'sg-2'] },
    ],
    [{ vpcIds: ['vpc-1'] }, { states, vpcIds: ['vpc-1'] }],
    [{ availabilityZones: ['z'] }, { states, availabilityZones: ['z'] }],
    [{ ready: true }, { states, tags: [{ key: 'status', patterns: ['ready'] }] }],
    [{ ready: false }, { states }],
    [
      { service: 'db', label: 'ro' },
      { states, tagKey: 'service:db' },
    ],
    [
      {
        tags: [
          { key: 'k', value: '*' },
          { key: 'l', value: 'c' },
          { key: 'k', value: 'b' },
        ],
      },
      {
        states,
        tags: [
          { key: 'k', patterns: ['\\*', 'b'] },
          { key: 'l', patterns: ['c'] },
        ],
      },
    ],
    [
      { ready: true, tags: [{ key: 'status', value: 'drain' }] },
      { states, tags: [{ key: 'status', patterns: ['drain'] }] },
    ],
    [
      { notTags: [{ key: 'k', value: 'v' }], notInstanceIds: ['i-1'], names: ['web-*'] },
      { states },
    ],
  ])('asks for %j with %j', (selector, query) => {
    expect(toQuery(selector, defaultVocabulary)).toEqual(query);
  });
});

describe('meansEveryone', () => {
  test.each<[Selector, boolean]>([
    [{}, true],
    [{ names: ['web-*'], notInstanceIds: ['i-1'], notTags: [{ key: 'k', value: 'v' }] }, true],
    [{ groups: ['x', 'sg-2'], anyGroup: true }, false],
    [{ groups: ['x'] }, false],
    [{ vpcIds: ['vpc-1'] }, false],
    [{ availabilityZones: ['z'] }, false],
    [{ ready: true }, false],
    [{ tags: [{ key: 'k', value: 'v' }] }, false],
    [{ service: 'db' }, false],
  ])('says of the query for %j: %j', (selector, everyone) => {
    expect(meansEveryone(toQuery(selector, defaultVocabulary))).toBe(everyone);
  });

  test('says no of a query for ids', () => {
    expect(meansEveryone({ instanceIds: ['i-1'] })).toBe(false);
  });
});

describe('showSelector', () => {
  test.each<[Selector, string]>([
    [{}, 'any instance'],
    [{ groups: ['x'], ready: true }, '"--group x --ready"'],
    [
      {
        service: 'db',
        label: 'ro',
        groups: ['x', 'y'],
        anyGroup: true,
        tags: [{ key: 'k', value: 'v' }],
        notTags: [{ key: 'k', value: 'w' }],
        names: ['web-*'],
        availabilityZones: ['z'],
        vpcIds: ['vpc-1'],
        notInstanceIds: ['i-1'],
      },
      '"service db label ro --group x --group y --any-group --tag k=v --not-tag k=w ' +
        '--name web-* --az z --vpc vpc-1 --not-self"',
    ],
  ])('describes %j', (selector, text) => {
    expect(showSelector(selector)).toBe(text);
  });
});

describe('matchesGlob', () => {
  test.each([
    ['web-1', 'web-1', true],
    ['web-1', 'web-10', false],
    ['web-?', 'web-1', true],
    ['web-?', 'web-', false],
    ['web-?', 'web-10', false],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['*', 'web', true],
    ['**', 'web', true],
    ['*-1', 'web-1-1', true],
    ['*-1', 'web-10', false],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxbyy', false],
    ['a*?', 'a', false],
    ['[a-z]', 'a', false],
    ['a.c', 'abc', false],
    ['\\*', '*', false],
  ])('of %j and %j says %j', (pattern, name, match) => {
    expect(matchesGlob(pattern, name)).toBe(match);
  });

  const chars = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 8 });
  const text = fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 });
  const agrees = (glob: typeof matchesGlob) =>
    fc.property(chars, text, (p, n) => {
      const expression = p.map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c)).join('');
      return glob(p.join(''), n.join('')) === new RegExp(`^${expression}$`).test(n.join(''));
    });
  const run = { seed: 1, numRuns: 5000 };

  test('agrees with a regular expression', () => {
    fc.assert(agrees(matchesGlob), run);
  });

  test('disagrees when `?` matches nothing too (the control)', () => {
    const lax: typeof matchesGlob = (p, n) =>
      matchesGlob(p, n) || matchesGlob(p.replace('?', ''), n);
    expect(fc.check(agrees(lax), run).failed).toBe(true);
  });

  /** Counts how often a matcher looks at the pattern or the name. */
  function looksOf(glob: typeof matchesGlob, pattern: string, name: string): number {
    let looks = 0;
    const watched = (of: string) =>
      new Proxy(Object(of), {
        get(target, key) {
          looks += 1;
          return Reflect.get(target, key);
        },
      });
    glob(watched(pattern), watched(name));
    return looks;
  }

  /** The textbook way, which tries every way to share the name out among the stars. */
  const backtracking: typeof matchesGlob = (pattern, name) => {
    const from = (p: number, n: number): boolean => {
      if (p === pattern.length) return n === name.length;
      if (pattern[p] === '*') return from(p + 1, n) || (n < name.length && from(p, n + 1));
      return n < name.length && pattern[p] === name[n] && from(p + 1, n + 1);
    };
    return from(0, 0);
  };

  test.each([
    [`${'a*'.repeat(8)}b`, 'a'.repeat(20)],
    [`${'*a'.repeat(8)}b`, 'a'.repeat(20)],
  ])('needs few steps for %s where backtracking needs many (the control)', (pattern, name) => {
    const bound = 10 * (pattern.length + 1) * (name.length + 1);
    expect(looksOf(matchesGlob, pattern, name)).toBeLessThan(bound);
    expect(looksOf(backtracking, pattern, name)).toBeGreaterThan(10 * bound);
  });

  test('ends for the longest patterns and names', () => {
    expect(matchesGlob(`${'a*'.repeat(126)}b`, 'a'.repeat(253))).toBe(false);
    expect(matchesGlob('*'.repeat(1000), 'a'.repeat(253))).toBe(true);
  });
});
