import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DescribeFilter,
  type DescribeFilters,
  maxFilterValues,
  narrowsByGroup,
  toRequests,
  withoutGroups,
} from '../../src/model/filters.ts';
import type { InstanceQuery } from '../../src/model/query.ts';

const valueCount = (request: DescribeFilters): number =>
  request.reduce((sum, { values }) => sum + values.length, 0);

/** Every way to take one value of each filter: what a request asks for. */
function combinations(request: readonly DescribeFilter[]): string[] {
  return request
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .reduce<string[]>(
      (all, { name, values }) =>
        all.flatMap((head) => values.map((value) => `${head} ${name}=${value}`)),
      [''],
    );
}

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe('toRequests', () => {
  test.each<[string, InstanceQuery, DescribeFilters[]]>([
    ['no condition', {}, [[]]],
    ['ids', { instanceIds: ['i-1'] }, [[{ name: 'instance-id', values: ['i-1'] }]]],
    [
      'states',
      { states: ['pending', 'running'] },
      [[{ name: 'instance-state-name', values: ['pending', 'running'] }]],
    ],
    ['a VPC', { vpcIds: ['vpc-1'] }, [[{ name: 'vpc-id', values: ['vpc-1'] }]]],
    [
      'a zone',
      { availabilityZones: ['eu-west-1a'] },
      [[{ name: 'availability-zone', values: ['eu-west-1a'] }]],
    ],
    [
      'a group name',
      { groups: ['tphon'] },
      [[{ name: 'network-interface.group-name', values: ['tphon'] }]],
    ],
    [
      'a group id',
      { groups: ['sg-0a'] },
      [[{ name: 'network-interface.group-id', values: ['sg-0a'] }]],
    ],
    [
      'a name and an id of groups, in a request each',
      { vpcIds: ['vpc-1'], groups: ['tphon', 'sg-0a'] },
      [
        [
          { name: 'vpc-id', values: ['vpc-1'] },
          { name: 'network-interface.group-name', values: ['tphon'] },
        ],
        [
          { name: 'vpc-id', values: ['vpc-1'] },
          { name: 'network-interface.group-id', values: ['sg-0a'] },
        ],
      ],
    ],
    [
      'literal text with a star escaped',
      { groups: ['a*b?c\\d'] },
      [[{ name: 'network-interface.group-name', values: ['a\\*b\\?c\\\\d'] }]],
    ],
    [
      'tag patterns as they are',
      { tags: [{ key: 'Name', patterns: ['web-*', 'a\\*'] }] },
      [[{ name: 'tag:Name', values: ['web-*', 'a\\*'] }]],
    ],
    ['a key', { tagKey: 'a*' }, [[{ name: 'tag-key', values: ['a\\*'] }]]],
    ['a value once', { vpcIds: ['v', 'v'] }, [[{ name: 'vpc-id', values: ['v'] }]]],
  ])('asks for %s', (_, query, requests) => {
    expect(toRequests(query)).toEqual(requests);
  });

  test.each<[string, InstanceQuery]>([
    ['instanceIds', { instanceIds: [] }],
    ['states', { states: [] }],
    ['groups', { groups: [] }],
    ['vpcIds', { vpcIds: [] }],
    ['availabilityZones', { availabilityZones: [] }],
    ['tags', { tags: [] }],
    ['patterns', { tags: [{ key: 'Name', patterns: [] }] }],
  ])('refuses an empty list of %s', (_, query) => {
    expect(() => toRequests(query)).toThrow(TypeError);
  });

  test.each([
    [200, [200]],
    [201, [200, 1]],
    [400, [200, 200]],
    [450, [200, 200, 50]],
  ])('asks for %i ids in requests of at most 200', (count, sizes) => {
    const requests = toRequests({ instanceIds: numbered('i-', count) });
    expect(requests.map(valueCount)).toEqual(sizes);
  });

  test('fills each request to 200 values where another condition takes some', () => {
    const requests = toRequests({
      instanceIds: numbered('i-', 400),
      states: ['pending', 'running'],
    });
    expect(requests.map(valueCount)).toEqual([200, 200, 6]);
  });

  test('cuts both of two long conditions, were one of them a whole request by itself', () => {
    const requests = toRequests({ instanceIds: numbered('i-', 201), groups: numbered('g', 200) });
    expect(requests.map(valueCount)).toEqual([200, 101, 200, 101, 200, 200]);
  });

  test('leaves conditions out where there are more of them than values allowed', () => {
    const tags = numbered('key', 250).map((key) => ({ key, patterns: ['x'] }));
    expect(toRequests({ tags }).map(valueCount)).toEqual([200]);
  });

  // Of any query, the requests are small enough and ask for what one large request would.
  const query = fc.record(
    {
      instanceIds: fc.integer({ min: 1, max: 300 }).map((n) => numbered('i-', n)),
      groups: fc.integer({ min: 1, max: 220 }).map((n) => numbered('g', n)),
      vpcIds: fc.integer({ min: 1, max: 2 }).map((n) => numbered('vpc-', n)),
    },
    { requiredKeys: [] },
  );
  const whole = ({ instanceIds, groups, vpcIds }: InstanceQuery): DescribeFilter[] =>
    [
      { name: 'instance-id', values: [...(instanceIds ?? [])] },
      { name: 'network-interface.group-name', values: [...(groups ?? [])] },
      { name: 'vpc-id', values: [...(vpcIds ?? [])] },
    ].filter(({ values }) => values.length > 0);
  const asksForAll =
    (cut: (q: InstanceQuery) => readonly DescribeFilters[]) => (q: InstanceQuery) => {
      const requests = cut(q);
      const asked = new Set(requests.flatMap(combinations));
      return (
        requests.every((request) => valueCount(request) <= maxFilterValues) &&
        asked.size === new Set(combinations(whole(q))).size
      );
    };
  const settings = { seed: 1, numRuns: 10 };

  test('asks for everything in small requests, whatever the query', () => {
    fc.assert(fc.property(query, asksForAll(toRequests)), settings);
  });

  test('finds a cut that loses a part (the control)', () => {
    const losing = (q: InstanceQuery): readonly DescribeFilters[] => toRequests(q).slice(0, 1);
    expect(fc.check(fc.property(query, asksForAll(losing)), settings).failed).toBe(true);
  });
});

describe('withoutGroups', () => {
  test('leaves the other conditions', () => {
    const [request = []] = toRequests({ groups: ['tphon'], vpcIds: ['vpc-1'] });
    expect(narrowsByGroup(request)).toBe(true);
    expect(withoutGroups(request)).toEqual([{ name: 'vpc-id', values: ['vpc-1'] }]);
    expect(narrowsByGroup(withoutGroups(request))).toBe(false);
  });
});
