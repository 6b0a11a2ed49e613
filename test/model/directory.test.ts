import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ownNameOf, toDirectory, toRivalQueries } from '../../src/model/directory.ts';
import type { Instance } from '../../src/model/instance.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { compilePattern } from '../../src/sandbox/pattern.ts';
import { boot, instance, launchTimeMs, snapshot } from '../helpers/instances.ts';

const claim = (text: string) => ({ 'nametag:claim': `${text} ${boot}`.trim() });

describe('ownNameOf', () => {
  test.each<[Record<string, string>, object]>([
    [claim('held=web-0'), { kind: 'held', name: 'web-0', generation: undefined }],
    [
      { 'nametag:claim': `held=db-master ${boot} gen=7` },
      { kind: 'held', name: 'db-master', generation: 7 },
    ],
    [
      { ...claim('held=web-0'), Name: 'web-9' },
      { kind: 'held', name: 'web-0' },
    ],
    [{ ...claim('held=web-0 ask=web-1') }, { kind: 'held', name: 'web-0' }],
    [{ Name: 'Web-9' }, { kind: 'tagged', name: 'web-9' }],
    [{ Name: 'web-9.example.org' }, { kind: 'tagged', name: 'web-9' }],
    // With a claim tag, `Name` counts for nothing.
    [
      { ...claim('ask=web-1'), Name: 'web-9' },
      { reason: 'no name', seen: 'asks for web-1' },
    ],
    [
      { ...claim(''), Name: 'web-9' },
      { reason: 'no name', seen: '' },
    ],
    [
      { 'nametag:claim': 'held=web-0 boot=2026-11-20T11:59:59Z', Name: 'web-0' },
      { reason: 'claim of an earlier life', seen: 'web-0' },
    ],
    [
      { 'nametag:claim': 'ask=web-0 boot=2026-11-20T11:59:59Z' },
      { reason: 'claim of an earlier life', seen: 'web-0' },
    ],
    [
      { 'nametag:claim': 'web-0', Name: 'web-0' },
      { reason: 'claim unreadable', seen: 'nametag:claim=web-0' },
    ],
    [{}, { reason: 'no name', seen: '' }],
    [{ Name: '' }, { reason: 'no name', seen: '' }],
    [
      { Name: 'web-1 bank.example' },
      { reason: 'name refused', seen: 'Name=web-1 bank.example: not a host name' },
    ],
    [{ Name: 'localhost' }, { reason: 'name refused', seen: 'Name=localhost: reserved' }],
    [
      { Name: 'bank.example.example.org' },
      { reason: 'name refused', seen: 'Name=bank.example.example.org: outside the domain' },
    ],
  ])('reads %j', (tags, own) => {
    expect(ownNameOf(instance({ tags }), { domain: 'example.org' })).toMatchObject(own);
  });

  test('reads the keys of the vocabulary', () => {
    const vocabulary = { ...defaultVocabulary, claimKey: 'c', nameKey: 'host' };
    const tagged = instance({ tags: { host: 'web-1', Name: 'x', 'nametag:claim': 'y' } });
    expect(ownNameOf(tagged, { vocabulary })).toEqual({ kind: 'tagged', name: 'web-1' });
  });
});

describe('toDirectory', () => {
  test('orders members by name with numbers as numbers, the nameless last', () => {
    const named = (instanceId: string, Name?: string) =>
      instance({ instanceId, tags: Name === undefined ? {} : { Name } });
    const { members, region, takenAtMs } = toDirectory(
      snapshot(
        named('i-1'),
        named('i-2', 'web-10'),
        named('i-3', 'web-2'),
        named('i-0', 'web-b'),
        named('i-4', 'db'),
        named('i-5', 'localhost'),
      ),
    );
    expect(members.map((m) => [m.name, m.instance.instanceId])).toEqual([
      ['db', 'i-4'],
      ['web-2', 'i-3'],
      ['web-10', 'i-2'],
      ['web-b', 'i-0'],
      [undefined, 'i-1'],
      [undefined, 'i-5'],
    ]);
    expect({ region, takenAtMs }).toEqual({
      region: 'eu-west-1',
      takenAtMs: launchTimeMs + 60_000,
    });
  });

  test('says who is ready, and the generation of a held name', () => {
    const tags = { 'nametag:claim': `held=db-master ${boot} gen=7`, status: 'ready' };
    const { members } = toDirectory(snapshot(instance({ tags })));
    expect(members).toMatchObject([{ name: 'db-master', generation: 7, ready: true }]);
  });

  test('tells why an instance has no name or does not run, by id', () => {
    const { omitted, members } = toDirectory(
      snapshot(
        instance({ instanceId: 'i-e', state: 'stopped', tags: { Name: 'web-0' } }),
        instance({ instanceId: 'i-d', state: 'pending', tags: { Name: 'web-1' } }),
        instance({ instanceId: 'i-c', tags: claim('ask=web-2') }),
        instance({ instanceId: 'i-b', tags: { Name: 'a b' } }),
        instance({ instanceId: 'i-a' }),
        instance({ instanceId: 'i-0', tags: { Name: 'web-9' } }),
      ),
    );
    expect(omitted).toEqual([
      { instanceId: 'i-a', reason: 'no name', seen: '' },
      { instanceId: 'i-b', reason: 'name refused', seen: 'Name=a b: not a host name' },
      { instanceId: 'i-c', reason: 'no name', seen: 'asks for web-2' },
      { instanceId: 'i-d', reason: 'not running', seen: 'pending' },
      { instanceId: 'i-e', reason: 'not running', seen: 'stopped' },
    ]);
    expect(members.map((m) => m.instance.instanceId)).toEqual(['i-0', 'i-a', 'i-b', 'i-c']);
  });
});

describe('a conflict', () => {
  const early = { launchTimeMs: launchTimeMs - 60_000 };
  const earlyBoot = 'boot=2026-11-20T11:59:00Z';

  test.each<[string, readonly Instance[]]>([
    [
      'a held claim, though it was launched later',
      [
        instance({ instanceId: 'i-win', tags: claim('held=web-0') }),
        instance({ instanceId: 'i-a', ...early, tags: { Name: 'web-0' } }),
      ],
    ],
    [
      'a held claim, though its holder is pending',
      [
        instance({ instanceId: 'i-win', state: 'pending', tags: claim('held=web-0') }),
        instance({ instanceId: 'i-a', tags: { Name: 'web-0' } }),
      ],
    ],
    [
      'the earlier launch of two held claims',
      [
        instance({ instanceId: 'i-a', tags: claim('held=web-0') }),
        instance({
          instanceId: 'i-win',
          ...early,
          tags: { 'nametag:claim': `held=web-0 ${earlyBoot}` },
        }),
      ],
    ],
    [
      'the lower launch index of one launch',
      [
        instance({ instanceId: 'i-a', launchIndex: 1, tags: { Name: 'web-0' } }),
        instance({ instanceId: 'i-win', launchIndex: 0, tags: { Name: 'WEB-0' } }),
      ],
    ],
    [
      'the lower id when all else is equal',
      [
        instance({ instanceId: 'i-y', tags: { Name: 'web-0' } }),
        instance({ instanceId: 'i-win', tags: { Name: 'web-0' } }),
      ],
    ],
  ])('is won by %s', (_, instances) => {
    const directory = toDirectory(snapshot(...instances));
    const loser = instances.find((i) => i.instanceId !== 'i-win')?.instanceId;
    expect(directory.conflicts).toEqual([{ name: 'web-0', winner: 'i-win', losers: [loser] }]);
    expect(directory.omitted).toContainEqual({
      instanceId: loser,
      reason: 'name held by another',
      seen: 'web-0: i-win',
    });
  });

  test('leaves its losers members without a name, where their name stands', () => {
    const { members, conflicts } = toDirectory(
      snapshot(
        instance({ instanceId: 'i-3', tags: { Name: 'web-0' } }),
        instance({ instanceId: 'i-2', tags: { Name: 'web-0' } }),
        instance({
          instanceId: 'i-4',
          tags: { 'nametag:claim': `held=web-0 ${boot} gen=7` },
        }),
        instance({ instanceId: 'i-5', tags: { Name: 'web-1' } }),
        instance({ instanceId: 'i-1' }),
      ),
    );
    expect(conflicts).toEqual([{ name: 'web-0', winner: 'i-4', losers: ['i-2', 'i-3'] }]);
    expect(members.map((m) => [m.instance.instanceId, m.name, m.ownName, m.generation])).toEqual([
      ['i-2', undefined, 'web-0', undefined],
      ['i-3', undefined, 'web-0', undefined],
      ['i-4', 'web-0', 'web-0', 7],
      ['i-5', 'web-1', 'web-1', undefined],
      ['i-1', undefined, undefined, undefined],
    ]);
  });

  test('is none with those who are stopped, or whose claim is of an earlier life', () => {
    const { conflicts } = toDirectory(
      snapshot(
        instance({ instanceId: 'i-1', tags: { Name: 'web-0' } }),
        instance({ instanceId: 'i-2', state: 'stopped', tags: claim('held=web-0') }),
        instance({
          instanceId: 'i-3',
          tags: { 'nametag:claim': `held=web-0 ${earlyBoot}`, Name: 'web-0' },
        }),
      ),
    );
    expect(conflicts).toEqual([]);
  });

  test('is told in the order of names', () => {
    const pair = (Name: string) =>
      ['a', 'b'].map((id) => instance({ instanceId: `i-${Name}-${id}`, tags: { Name } }));
    const { conflicts } = toDirectory(snapshot(...['web-10', 'web-9', 'db'].flatMap(pair)));
    expect(conflicts.map((conflict) => conflict.name)).toEqual(['db', 'web-9', 'web-10']);
  });
});

describe('the directory of a snapshot', () => {
  const tags = fc.constantFrom<Record<string, string>>(
    {},
    { Name: 'web-0' },
    { Name: 'web-1' },
    { Name: 'a b' },
    claim('held=web-0'),
    claim('held=web-1'),
    claim('ask=web-1'),
  );
  const fleet = fc
    .array(
      fc.record({
        tags,
        state: fc.constantFrom('running' as const, 'pending' as const, 'stopped' as const),
        launchTimeMs: fc.constantFrom(launchTimeMs, launchTimeMs - 1000),
      }),
      { minLength: 1, maxLength: 7 },
    )
    .map((all) => all.map((fields, i) => instance({ ...fields, instanceId: `i-${i}` })));
  const twoOrders = fleet.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  const isOneForAllOrders = (of: (snapshot: Snapshot) => unknown) =>
    fc.property(twoOrders, ([a, b]) => {
      expect(of(snapshot(...a))).toEqual(of(snapshot(...b)));
    });
  const run = { seed: 1, numRuns: 1000 };

  test('is the same in whatever order the instances came', () => {
    fc.assert(isOneForAllOrders(toDirectory), run);
  });

  test('is not when the last to come is the winner (the control)', () => {
    const lastComes = (all: readonly Instance[]) =>
      new Map(all.map((i) => [i.tags.get('Name'), i.instanceId]));
    const property = fc.property(twoOrders, ([a, b]) => {
      expect(lastComes(a)).toEqual(lastComes(b));
    });
    expect(fc.check(property, run).failed).toBe(true);
  });

  test('gives each name to one member at most, and leaves nobody unexplained', () => {
    fc.assert(
      fc.property(fleet, (all) => {
        const { members, omitted, conflicts } = toDirectory(snapshot(...all));
        const names = members.flatMap((m) => m.name ?? []);
        expect(new Set(names).size).toBe(names.length);
        const told = [
          ...members.filter((m) => m.name !== undefined).map((m) => m.instance.instanceId),
          ...omitted.map((omission) => omission.instanceId),
        ];
        expect(told.sort()).toEqual(all.map((i) => i.instanceId).sort());
        for (const { winner, losers } of conflicts) expect(losers).not.toContain(winner);
      }),
      run,
    );
  });
});

describe('toRivalQueries', () => {
  test('asks for nobody when there is no name', () => {
    expect(toRivalQueries([])).toEqual([]);
  });

  const rivals = toRivalQueries(['web-1', 'db-master']);
  const isAsked = (tags: Record<string, string>): boolean =>
    rivals.some((query) =>
      query.tags?.every(({ key, patterns }) =>
        patterns.some((pattern) => {
          const value = tags[key];
          return value !== undefined && compilePattern(pattern)(value);
        }),
      ),
    );

  test.each<[Record<string, string>, boolean]>([
    [claim('held=web-1'), true],
    [claim('held=web-1 ask=web-2'), true],
    [{ 'nametag:claim': `${boot} held=db-master gen=7` }, true],
    [{ Name: 'web-1' }, true],
    [{ Name: 'WEB-1' }, true],
    [{ Name: 'Db-Master.example.org' }, true],
    [claim('held=web-2'), false],
    [claim('ask=web-1'), false],
    [{ Name: 'web-2' }, false],
    [{}, false],
  ])('with names of a web and a master asks for %j: %j', (tags, asked) => {
    expect(isAsked(tags)).toBe(asked);
  });

  test('asks for whoever claims an alias too, or has it as a name', () => {
    const queries = toRivalQueries(['web-1'], ['db']);
    expect(queries.map(({ tags }) => tags)).toEqual([
      [{ key: 'nametag:claim', patterns: ['*held=web-1*', '*held=db*'] }],
      [{ key: 'Name', patterns: ['???-1*', '??*'] }],
      [{ key: 'nametag:aliases', patterns: ['db/*', '* db/*'] }],
    ]);
  });

  test('asks for those who may hold a name only', () => {
    expect(rivals.map((query) => query.states)).toEqual([
      ['pending', 'running'],
      ['pending', 'running'],
    ]);
  });
});
