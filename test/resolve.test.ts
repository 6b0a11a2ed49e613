import { describe, expect, test } from 'vitest';
import type { InstanceQuery } from '../src/model/query.ts';
import type { Ec2 } from '../src/ports.ts';
import { readDirectory } from '../src/read-directory.ts';
import { explainNobody, type ResolveRequest, resolve } from '../src/resolve.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import type { InstanceSpec } from '../src/sandbox/store.ts';
import { World } from '../src/sandbox/world.ts';

interface Host extends Omit<InstanceSpec, 'groups' | 'tags' | 'instanceId'> {
  readonly group?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

const nowMs = Date.UTC(2026, 10, 21);

/** An EC2 with these hosts; the first is `i-…1`. Those placed first were launched first. */
function ec2Of(hosts: readonly Host[]): Ec2 & { readonly asked: InstanceQuery[][] } {
  const world = new World({ now: () => nowMs, knobs: { settleMaxMs: 0 } });
  const groups = new Map<string, ReturnType<World['addGroup']>>();
  for (const [i, { group = 'other', tags = {}, ...spec }] of hosts.entries()) {
    const there = groups.get(group) ?? world.addGroup({ groupName: group });
    groups.set(group, there);
    world.place({
      launchedAgoMs: (hosts.length - i) * 60_000,
      ...spec,
      instanceId: idOf(i + 1),
      groups: [there],
      tags: new Map(Object.entries(tags)),
    });
  }
  const ec2 = createWorldEc2({ world, clock: new ManualClock(nowMs) });
  const asked: InstanceQuery[][] = [];
  return {
    ...ec2,
    asked,
    describeInstances(queries, options) {
      asked.push([...queries]);
      return ec2.describeInstances(queries, options);
    },
  };
}

function idOf(n: number): string {
  return `i-${String(n).padStart(17, '0')}`;
}

const names = async (request: ResolveRequest, ec2: Ec2) =>
  (await resolve(request, ec2)).endpoints.map((e) => e.name);

describe('resolve', () => {
  const fleet: readonly Host[] = [
    { group: 'tphon', tags: { Name: 'tphon-10', status: 'ready' } },
    { group: 'tphon', tags: { Name: 'tphon-9', status: 'ready' } },
    { group: 'tphon', tags: { Name: 'tphon-1', status: 'drain' } },
    { group: 'tphon', tags: { Name: 'tphon-2', status: 'ready' }, state: 'stopped' },
    { tags: { Name: 'db-1', status: 'ready' } },
  ];

  test('gives who matches, in order, and why the others do not', async () => {
    const request = { selector: { groups: ['tphon'], ready: true }, namesMatter: true };
    const { endpoints, omitted, directory } = await resolve(request, ec2Of(fleet));
    expect(endpoints.map((e) => e.name)).toEqual(['tphon-9', 'tphon-10']);
    expect(directory.region).toBe('eu-west-1');
    expect(omitted).toEqual([]);
    const everybody = await resolve({ selector: { ready: true }, namesMatter: true }, ec2Of(fleet));
    expect(everybody.endpoints).toHaveLength(3);
  });

  test('omits nobody who is there for the sake of names alone', async () => {
    const ec2 = ec2Of([
      { group: 'x', tags: { Name: 'web-0', env: 'a' } },
      { group: 'x', tags: { Name: 'web-1', env: 'b' } },
      { group: 'y', tags: { Name: 'app-0' } },
      { group: 'x', tags: { Name: 'web-0' }, state: 'pending' },
    ]);
    const ofGroup = { groups: ['x'], notTags: [{ key: 'env', value: 'b' }] };
    const request = { selector: ofGroup, namesMatter: true };
    const { omitted, directory } = await resolve(request, ec2);
    expect(directory.members).toHaveLength(3);
    expect(omitted).toEqual([{ instanceId: idOf(2), reason: 'tag excluded', seen: 'env=b' }]);
    const { omitted: ofAll } = await resolve({ selector: {}, namesMatter: true }, ec2);
    expect(ofAll).toEqual([]);
  });

  test('gives nobody without an error', async () => {
    const request = { selector: { groups: ['nowhere'] }, namesMatter: false };
    expect((await resolve(request, ec2Of(fleet))).endpoints).toEqual([]);
  });

  test.each([
    [{ groups: ['tphon'] }, false, 1],
    [{ groups: ['tphon'] }, true, 2],
    [{ groups: ['tphon'], names: ['tphon-*'] }, false, 2],
    [{}, true, 1],
    [{ groups: ['nowhere'] }, true, 1],
  ])(
    'for %j with names that matter: %j asks EC2 %j times',
    async (selector, namesMatter, times) => {
      const ec2 = ec2Of(fleet);
      await resolve({ selector, namesMatter }, ec2);
      expect(ec2.asked).toHaveLength(times);
    },
  );

  test('ends early by its signal', async () => {
    const reason = new Error('enough');
    const request = { selector: {}, namesMatter: false };
    const options = { signal: AbortSignal.abort(reason) };
    await expect(resolve(request, ec2Of(fleet), options)).rejects.toBe(reason);
  });

  test('takes the domain off names', async () => {
    const ec2 = ec2Of([{ tags: { Name: 'web-1.example.org' } }]);
    const request = { selector: {}, namesMatter: true };
    expect(await names({ ...request, domain: 'example.org' }, ec2)).toEqual(['web-1']);
    expect(await names(request, ec2)).toEqual([undefined]);
  });
});

describe('the holder of an alias', () => {
  const mine: Host = { group: 'x', tags: { Name: 'web-0', 'nametag:aliases': 'db/3' } };
  const rivals: readonly (readonly [string, Host, string | undefined])[] = [
    ['a newer claimant elsewhere', { tags: { Name: 'web-1', 'nametag:aliases': 'db/4' } }, idOf(2)],
    [
      'itself, before an older one',
      { tags: { Name: 'web-1', 'nametag:aliases': 'db/2' } },
      idOf(1),
    ],
    ['nobody, where it is a name', { tags: { Name: 'DB' } }, undefined],
  ];
  const holderIn = async (ec2: Ec2, selector: ResolveRequest['selector']) => {
    const { directory } = await resolve({ selector, namesMatter: true }, ec2);
    return directory.members.find((m) => m.aliases.includes('db'))?.instance.instanceId;
  };

  test.each(rivals)('is %s, whether the describe was narrowed or not', async (_, theirs, id) => {
    const ec2 = ec2Of([mine, theirs]);
    expect(await holderIn(ec2, { groups: ['x'] })).toBe(id);
    expect(await holderIn(ec2, {})).toBe(id);
  });

  test.each<[string, Host, readonly string[], readonly string[]]>([
    [
      'a newer claimant elsewhere',
      { tags: { Name: 'b', 'nametag:aliases': 'db/4' } },
      [],
      [idOf(2)],
    ],
    [
      'an older one elsewhere',
      { tags: { Name: 'b', 'nametag:aliases': 'db/2' } },
      [idOf(1)],
      [idOf(1)],
    ],
    ['a holder of the name elsewhere', { tags: { Name: 'DB' } }, [], [idOf(2)]],
    ['a pending holder of the name', { tags: { Name: 'db' }, state: 'pending' }, [], []],
  ])('is found by it as everywhere, beside %s', async (_, theirs, ofGroup, ofAll) => {
    const ec2 = ec2Of([mine, theirs]);
    const find = async (selector: ResolveRequest['selector']) => {
      const { endpoints } = await resolve({ selector, namesMatter: false }, ec2);
      return endpoints.map((e) => e.instanceId);
    };
    expect(await find({ groups: ['x'], names: ['db'] })).toEqual(ofGroup);
    expect(await find({ names: ['db'] })).toEqual(ofAll);
  });

  test('is another one when rivals are not asked for (the control)', async () => {
    const [[, theirs] = ['', mine]] = rivals;
    const ec2 = ec2Of([mine, theirs]);
    const request = { queries: [{ groups: ['x'] }], namesMatter: false };
    const { members } = await readDirectory(request, ec2);
    expect(members.find((m) => m.aliases.includes('db'))?.instance.instanceId).toBe(idOf(1));
  });
});

describe('the winner of a conflict', () => {
  const claimed = { 'nametag:claim': 'held=web-0 boot=2026-11-20T23:59:00Z' };
  const rivals: readonly (readonly [string, Host, Host])[] = [
    [
      'a held claim elsewhere',
      { group: 'x', tags: { Name: 'web-0' } },
      { tags: claimed, launchedAgoMs: 60_000 },
    ],
    [
      'a held claim of one that is pending',
      { group: 'x', tags: { Name: 'web-0' } },
      { tags: claimed, launchedAgoMs: 60_000, state: 'pending' },
    ],
    [
      'an earlier launch elsewhere',
      { group: 'x', tags: { Name: 'web-0' }, launchedAgoMs: 1000 },
      { tags: { Name: 'WEB-0' } },
    ],
  ];
  const winnersOf = async (ec2: Ec2) => {
    const narrowed = { selector: { groups: ['x'] }, namesMatter: true };
    const { directory, endpoints } = await resolve(narrowed, ec2);
    const all = await resolve({ selector: {}, namesMatter: true }, ec2);
    return { narrowed: directory.conflicts, all: all.directory.conflicts, endpoints };
  };

  test.each(rivals)('is %s, whether the describe was narrowed or not', async (_, mine, theirs) => {
    const { narrowed, all, endpoints } = await winnersOf(ec2Of([mine, theirs]));
    expect(narrowed).toEqual([{ name: 'web-0', winner: idOf(2), losers: [idOf(1)] }]);
    expect(all).toEqual(narrowed);
    expect(endpoints).toMatchObject([{ instanceId: idOf(1), name: undefined }]);
  });

  test.each(rivals)(
    'is not %s when rivals are not asked for (the control)',
    async (_, mine, theirs) => {
      const ec2 = ec2Of([mine, theirs]);
      const withoutRivals: Ec2 = {
        ...ec2,
        describeInstances: (queries, options) =>
          ec2.describeInstances(
            queries.filter((query) => query.tags === undefined),
            options,
          ),
      };
      const { narrowed, all, endpoints } = await winnersOf(withoutRivals);
      expect(narrowed).toEqual([]);
      expect(all).toHaveLength(1);
      expect(endpoints).toMatchObject([{ instanceId: idOf(1), name: 'web-0' }]);
    },
  );

  test('is not asked for when names do not matter', async () => {
    const ec2 = ec2Of(rivals[0]!.slice(1) as Host[]);
    await resolve({ selector: { groups: ['x'] }, namesMatter: false }, ec2);
    expect(ec2.asked).toEqual([[{ states: ['running'], groups: ['x'] }]]);
  });
});

describe('readDirectory', () => {
  test('holds whoever one of several queries means', async () => {
    const ec2 = ec2Of([{ group: 'x' }, { group: 'y' }, { group: 'z' }]);
    const queries = [{ groups: ['x'] }, { groups: ['y'] }];
    const { members } = await readDirectory({ queries, namesMatter: true }, ec2);
    expect(members.map((m) => m.instance.instanceId)).toEqual([idOf(1), idOf(2)]);
  });

  test('asks for nobody but the living when one query means everyone', async () => {
    const ec2 = ec2Of([{ group: 'x' }]);
    const queries = [{ groups: ['x'] }, { states: ['running' as const] }];
    await readDirectory({ queries, namesMatter: true }, ec2);
    expect(ec2.asked).toEqual([[{ states: ['pending', 'running'] }]]);
  });
});

describe('explainNobody', () => {
  const fleet: readonly Host[] = [
    { group: 'tphon', tags: { status: 'drain' } },
    { group: 'tphon', tags: { Name: 'tphon-2.example.org', status: 'ready' } },
    { group: 'tphon', tags: { Name: 'a b' } },
    { group: 'tphon', state: 'stopped' },
  ];
  const groups = ['tphon'];
  const tphon = 'Of 3 running for "--group tphon":';

  test.each<[Omit<ResolveRequest, 'namesMatter'>, string]>([
    [
      { selector: { groups: ['nowhere'], ready: true } },
      'EC2 shows nobody running for "--group nowhere".',
    ],
    [
      { selector: { groups, ready: true, tags: [{ key: 'env', value: 'a' }] } },
      `${tphon} 3 tag differs.`,
    ],
    [{ selector: { groups, names: ['web-*'] } }, `${tphon} 1 no name, 2 name refused.`],
    [
      { selector: { groups, ready: true, names: ['web-*'] }, domain: 'example.org' },
      `${tphon} 2 not ready, 1 name differs.`,
    ],
    [
      { selector: { groups, ready: true }, address: 'ipv6' },
      `${tphon} 2 not ready, 1 no such address.`,
    ],
    [
      { selector: { service: 'db' } },
      'Of 3 running for any instance: 3 does not offer the service.',
    ],
    // Somebody came between the two reads.
    [{ selector: { groups, ready: true } }, `${tphon} 2 not ready, 1 by now a match.`],
  ])('of %j says %j', async (request, sentence) => {
    expect(await explainNobody(request, ec2Of(fleet))).toBe(sentence);
  });

  test.each([
    ['web-0', '1 name held by another, 1 name differs'],
    ['db', '1 name held by another, 1 name differs'],
  ])('takes nobody for %s who would be it but for others elsewhere', async (name, why) => {
    const ec2 = ec2Of([
      { tags: { Name: 'web-0' } },
      { group: 'x', tags: { Name: 'web-0' } },
      { group: 'x', tags: { Name: 'web-1', 'nametag:aliases': 'db/1' } },
      { tags: { Name: 'web-2', 'nametag:aliases': 'db/2' } },
    ]);
    const request = { selector: { groups: ['x'], names: [name] } };
    expect(await explainNobody(request, ec2)).toBe(`Of 2 running for "--group x": ${why}.`);
  });
});
