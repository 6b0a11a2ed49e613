/**
 * The law that EC2's filters narrow and `matches` decides: whoever `matches` accepts must be in the
 * answer to the query, for any fleet and any selector, with EC2 as the world of the sandbox has it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstanceQuery } from '../../src/model/query.ts';
import { matches, type Selector, toQuery } from '../../src/model/selector.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { createWorldEc2 } from '../../src/sandbox/ec2-port.ts';
import { ManualClock } from '../../src/sandbox/manual-clock.ts';
import { World } from '../../src/sandbox/world.ts';

const groupNames = ['tphon', 'tp*', 'a\\b', 'airavata'];
const groupIds = groupNames.map((_, i) => `sg-0000000${i}`);
const vpcIds = ['vpc-1', 'vpc-2'];
const zones = ['eu-west-1a', 'eu-west-1b'];
const keys = ['env', 'status', 'service:db'];
const values = ['', 'ready', 'a\\b', 'a*', 'ro port=1', 'port=x'];

const tag = fc.record({ key: fc.constantFrom(...keys), value: fc.constantFrom(...values) });
const host = fc.record({
  state: fc.constantFrom('running', 'running', 'running', 'stopped', 'pending'),
  vpcId: fc.constantFrom(...vpcIds),
  availabilityZone: fc.constantFrom(...zones),
  groups: fc.subarray(groupNames),
  moreGroups: fc.subarray(groupNames),
  tags: fc.array(tag, { maxLength: 4 }),
});
type Host = typeof host extends fc.Arbitrary<infer T> ? T : never;

const some = <T>(list: readonly T[]) => fc.subarray([...list], { minLength: 1 });
const conditions = fc.record({
  groups: some([...groupNames, ...groupIds]),
  ready: fc.boolean(),
  tags: fc.array(tag, { minLength: 1, maxLength: 3 }),
  notTags: fc.array(tag, { minLength: 1, maxLength: 2 }),
  names: fc.constant(['db-*']),
  availabilityZones: some(zones),
  vpcIds: some(vpcIds),
  service: fc.constantFrom('db', 'web'),
  label: fc.constant('ro'),
});
/** One or two conditions at a time, or hardly anybody would ever be meant. */
const selector: fc.Arbitrary<Selector> = conditions.chain((all) =>
  fc
    .record({
      kept: fc.subarray(Object.entries(all), { minLength: 1, maxLength: 2 }),
      anyGroup: fc.boolean(),
    })
    .map(({ kept, anyGroup }) => ({ ...Object.fromEntries(kept), anyGroup })),
);

function worldOf(hosts: readonly Host[]): World {
  const world = new World({ now: () => 1_763_683_951_000, knobs: { settleMaxMs: 0 } });
  const groups = groupNames.map((groupName, i) =>
    world.addGroup({ groupName, groupId: groupIds[i] }),
  );
  const named = (names: readonly string[]) => groups.filter((g) => names.includes(g.groupName));
  for (const { groups: primary, moreGroups, tags, state, ...place } of hosts) {
    world.place({
      ...place,
      state,
      groups: named(primary),
      moreInterfaces: moreGroups.length === 0 ? [] : [{ groups: named(moreGroups) }],
      tags: new Map(tags.map(({ key, value }) => [key, value])),
    });
  }
  return world;
}

type ToQuery = (selector: Selector) => InstanceQuery;

const holds = (query: ToQuery, seen = { matches: 0 }) =>
  fc.asyncProperty(fc.array(host, { maxLength: 8 }), selector, async (hosts, wanted) => {
    const ec2 = createWorldEc2({ world: worldOf(hosts), clock: new ManualClock() });
    const everyone = await ec2.describeInstances([{}]);
    const answer = await ec2.describeInstances([query(wanted)]);
    const answered = answer.instances.map((instance) => instance.instanceId);
    const meant = everyone.instances
      .filter((instance) => matches(wanted, instance, defaultVocabulary).kind === 'match')
      .map((instance) => instance.instanceId);
    seen.matches += meant.length;
    expect(answered).toEqual(expect.arrayContaining(meant));
  });

const run = { seed: 1, numRuns: 1500 };
const right: ToQuery = (wanted) => toQuery(wanted, defaultVocabulary);

describe('toQuery', () => {
  test('asks for everyone whom matches accepts', async () => {
    const seen = { matches: 0 };
    await fc.assert(holds(right, seen), run);
    expect(seen.matches).toBeGreaterThan(500);
  });

  test.each<[string, ToQuery]>([
    [
      'tag values are not escaped',
      (wanted) => {
        const { tags, ...query } = right(wanted);
        const bare = (pattern: string) => pattern.replace(/\\(.)/g, '$1');
        const raw = tags?.map(({ key, patterns }) => ({ key, patterns: patterns.map(bare) }));
        return raw === undefined ? query : { ...query, tags: raw };
      },
    ],
    [
      'one of any groups is asked for',
      (wanted) => {
        const { groups, ...query } = right(wanted);
        return groups === undefined ? query : { ...query, groups: groups.slice(0, 1) };
      },
    ],
    [
      'one of several values of a tag is asked for',
      (wanted) => right({ ...wanted, tags: wanted.tags?.slice(0, 1) ?? [] }),
    ],
    [
      'the service tag is taken to be empty',
      (wanted) => {
        const { tagKey, tags = [], ...query } = right(wanted);
        const empty = tagKey === undefined ? [] : [{ key: tagKey, patterns: [''] }];
        return tags.length + empty.length === 0 ? query : { ...query, tags: [...tags, ...empty] };
      },
    ],
  ])('does not when %s (the control)', async (_, query) => {
    const { failed } = await fc.check(holds(query), run);
    expect(failed).toBe(true);
  });
});
