import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AliasClaim,
  aliasClaimsOf,
  aliasGenerationMax,
  formatAliases,
  parseAliases,
  parseAliasList,
  resolveAliases,
  toAliasPatterns,
} from '../../src/model/alias.ts';
import { toDirectory } from '../../src/model/directory.ts';
import type { Instance } from '../../src/model/instance.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { compilePattern } from '../../src/sandbox/pattern.ts';
import {
  boot,
  type InstanceFields,
  instance,
  launchTimeMs,
  snapshot,
} from '../helpers/instances.ts';

const run = { seed: 1, numRuns: 1000 };

describe('the aliases tag', () => {
  test.each<[string, readonly AliasClaim[] | undefined]>([
    ['', []],
    ['cache/3', [{ alias: 'cache', generation: 3 }]],
    [
      'cache/3 db/1',
      [
        { alias: 'cache', generation: 3 },
        { alias: 'db', generation: 1 },
      ],
    ],
    ['cache/999999999', [{ alias: 'cache', generation: aliasGenerationMax }]],
    ['cache/1000000000', undefined],
    ['cache/0', undefined],
    ['cache/03', undefined],
    ['cache/-1', undefined],
    ['cache/1.5', undefined],
    ['cache', undefined],
    ['cache/', undefined],
    ['/1', undefined],
    ['cache/1/2', undefined],
    ['Cache/1', undefined],
    ['localhost/1', undefined],
    ['10/1', undefined],
    ['bank.example/1', undefined],
    ['cache/1  db/1', undefined],
    ['cache/1\ndb/1', undefined],
    ['cache/1 ', undefined],
    ['cache/1 cache/2', undefined],
  ])('%j is read as %j', (text, claims) => {
    expect(parseAliases(text)).toEqual(claims);
  });

  const claims = fc.uniqueArray(
    fc.record({
      alias: fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/),
      generation: fc.integer({ min: 1, max: aliasGenerationMax }),
    }),
    { selector: ({ alias }) => alias, maxLength: 5 },
  );

  test('is read as it was written, in the order of names', () => {
    const property = fc.property(claims, (written) => {
      const read = parseAliases(formatAliases(written)) ?? [];
      expect(new Map(read.map((c) => [c.alias, c.generation]))).toEqual(
        new Map(written.map((c) => [c.alias, c.generation])),
      );
    });
    fc.assert(property, run);
    expect(
      formatAliases([
        { alias: 'db-10', generation: 1 },
        { alias: 'db-9', generation: 2 },
      ]),
    ).toBe('db-9/2 db-10/1');
  });

  test('claims nothing when it is not there', () => {
    expect(aliasClaimsOf(instance(), defaultVocabulary)).toEqual([]);
  });

  test('is found by its patterns, and by no other alias', () => {
    const isFound = (patternsOf: typeof toAliasPatterns) =>
      fc.property(claims, fc.stringMatching(/^[a-c]{1,2}$/), (written, alias) => {
        const text = formatAliases(written);
        const found = patternsOf([alias]).some((pattern) => compilePattern(pattern)(text));
        expect(found).toBe(written.some((claim) => claim.alias === alias));
      });
    const often = { seed: 1, numRuns: 3000 };
    fc.assert(isFound(toAliasPatterns), often);
    // The control: only the first alias of a tag is looked for.
    const firstOnly: typeof toAliasPatterns = (all) => all.map((alias) => `${alias}/*`);
    expect(fc.check(isFound(firstOnly), often).failed).toBe(true);
  });
});

describe('a list of aliases', () => {
  test('is given once each, in the order of names', () => {
    const parsed = parseAliasList(['db-10', 'cache', 'db-9', 'cache']);
    expect(parsed).toEqual({ kind: 'aliases', aliases: ['cache', 'db-9', 'db-10'] });
  });

  test.each([
    [['Cache'], /the alias "Cache" is not a lower-case host name label/],
    [['cache', 'a b', 'Cache'], /the alias "a b"/],
    [['localhost'], /the alias "localhost"/],
    [[''], /the alias ""/],
    [['db.example'], /the alias "db.example"/],
    [Array.from({ length: 20 }, (_, i) => `alias-${i}`), /may take 3\d\d characters.* 256/],
  ])('%j is refused', (texts, reason) => {
    expect(parseAliasList(texts)).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(reason),
    });
  });

  test.each([
    [6, 'aliases'],
    [7, 'refused'],
  ])('of 256 characters, or one more, is taken or not: with a last of %i %s', (length, kind) => {
    const list = Array.from({ length: 15 }, (_, i) => `aa-${10 + i}`);
    expect(parseAliasList([...list, 'b'.repeat(length)]).kind).toBe(kind);
  });

  test('fits the tag in any generation when it is not refused', () => {
    const list = Array.from({ length: 14 }, (_, i) => `alias-${i}`);
    for (let length = 1; length <= list.length; length++) {
      const parsed = parseAliasList(list.slice(0, length));
      const text = formatAliases(
        list.slice(0, length).map((alias) => ({ alias, generation: aliasGenerationMax })),
      );
      expect(parsed.kind).toBe(text.length <= 256 ? 'aliases' : 'refused');
    }
  });
});

const named = (instanceId: string, Name: string, aliases: string, fields: InstanceFields = {}) =>
  instance({ instanceId, ...fields, tags: { Name, 'nametag:aliases': aliases } });

describe('an alias', () => {
  const aliasesOf = (...all: readonly Instance[]) => {
    const { members, aliasOmissions } = toDirectory(snapshot(...all));
    const held = members.flatMap(({ instance: { instanceId }, aliases }) =>
      aliases.map((alias) => `${alias}=${instanceId}`),
    );
    const omitted = aliasOmissions.map((o) => `${o.instanceId} ${o.alias}: ${o.reason} ${o.seen}`);
    return { held, omitted };
  };

  test.each<[string, readonly Instance[], readonly string[], readonly string[]]>([
    ['is had by its only claimant', [named('i-1', 'web-0', 'cache/1')], ['cache=i-1'], []],
    [
      'is had by its newest claimant',
      [named('i-1', 'web-0', 'cache/9'), named('i-2', 'web-1', 'cache/10')],
      ['cache=i-2'],
      ['i-1 cache: alias held by another i-2'],
    ],
    [
      'is had by the first in the order of claimants when it was claimed twice at once',
      [
        named('i-1', 'web-0', 'cache/2'),
        named('i-2', 'web-1', 'cache/2', { launchTimeMs: launchTimeMs - 1000 }),
      ],
      ['cache=i-2'],
      ['i-1 cache: alias held by another i-2'],
    ],
    [
      'is nobody’s while it is a name that was typed',
      [
        named('i-1', 'web-0', 'db-0/1 cache/1'),
        instance({ instanceId: 'i-2', tags: { Name: 'DB-0' } }),
      ],
      ['cache=i-1'],
      ['i-1 db-0: alias is a name i-2'],
    ],
    [
      'is nobody’s while it is a name that is held, were it by one that is pending',
      [
        named('i-1', 'web-0', 'db-0/1'),
        instance({
          instanceId: 'i-2',
          state: 'pending',
          tags: { 'nametag:claim': `held=db-0 ${boot}` },
        }),
      ],
      [],
      ['i-1 db-0: alias is a name i-2'],
    ],
    [
      'is nobody’s while it is its claimant’s own name',
      [named('i-1', 'web-0', 'web-0/1')],
      [],
      ['i-1 web-0: alias is a name i-1'],
    ],
    [
      'is had while its name is only asked for',
      [
        named('i-1', 'web-0', 'db-0/1'),
        instance({ instanceId: 'i-2', tags: { 'nametag:claim': `ask=db-0 ${boot}` } }),
      ],
      ['db-0=i-1'],
      [],
    ],
    [
      'goes back to the one before when its holder stops',
      [named('i-1', 'web-0', 'cache/1'), named('i-2', 'web-1', 'cache/2', { state: 'stopped' })],
      ['cache=i-1'],
      [],
    ],
    [
      'is with the newest claimant already while that is pending',
      [named('i-1', 'web-0', 'cache/1'), named('i-2', 'web-1', 'cache/2', { state: 'pending' })],
      [],
      ['i-1 cache: alias held by another i-2'],
    ],
    [
      'stands beside a name: one without a name has none',
      [
        instance({ instanceId: 'i-1', tags: { 'nametag:aliases': 'cache/1' } }),
        instance({
          instanceId: 'i-2',
          tags: {
            'nametag:aliases': 'cache/2',
            'nametag:claim': 'held=web-1 boot=2026-11-19T00:00:00Z',
          },
        }),
      ],
      [],
      [],
    ],
    [
      'stays with one whose name another has too, and wins',
      [named('i-1', 'web-0', ''), named('i-2', 'web-0', 'cache/1')],
      ['cache=i-2'],
      [],
    ],
    [
      'is told as omitted by instance, then in the order of names',
      [
        named('i-3', 'web-3', 'db-9/1 db-10/1'),
        named('i-2', 'web-2', 'db-9/2 db-10/2'),
        named('i-1', 'web-1', 'db-10/1'),
      ],
      ['db-9=i-2', 'db-10=i-2'],
      [
        'i-1 db-10: alias held by another i-2',
        'i-3 db-9: alias held by another i-2',
        'i-3 db-10: alias held by another i-2',
      ],
    ],
    [
      'is not read off a tag that is not of nametag’s making',
      [named('i-1', 'web-0', 'cache db')],
      [],
      ['i-1 : aliases unreadable nametag:aliases=cache db'],
    ],
  ])('%s', (_, instances, held, omitted) => {
    expect(aliasesOf(...instances)).toEqual({ held, omitted });
  });
});

describe('the aliases of a fleet', () => {
  const fleet = fc
    .array(
      fc.record({
        tags: fc
          .tuple(
            fc.constantFrom('web-0', 'web-1', 'a', 'b'),
            fc.constantFrom('', 'a/1', 'a/2 b/1', 'a/1 web-0/3', 'b/2 web-1/1', 'x'),
          )
          .map(([Name, aliases]) => ({ Name, 'nametag:aliases': aliases })),
        state: fc.constantFrom('running' as const, 'pending' as const, 'stopped' as const),
        launchTimeMs: fc.constantFrom(launchTimeMs, launchTimeMs - 1000),
      }),
      { minLength: 1, maxLength: 6 },
    )
    .map((all) => all.map((fields, i) => instance({ ...fields, instanceId: `i-${i}` })));
  const twoOrders = fleet.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  type Table = ReadonlyMap<string, readonly string[]>;
  const holdersOf = (all: readonly Instance[]) => {
    const alive = all.filter((i) => i.state !== 'stopped');
    return {
      alive,
      holders: new Map(alive.map((i) => [i.tags.get('Name') ?? '', i.instanceId] as const)),
    };
  };
  const resolved = (all: readonly Instance[]): Table => {
    const { alive, holders } = holdersOf(all);
    return resolveAliases(alive, holders, defaultVocabulary).byInstance;
  };
  const isOneForAllOrders = (of: (all: readonly Instance[]) => Table) =>
    fc.property(twoOrders, ([a, b]) => {
      expect(of(a)).toEqual(of(b));
    });
  const isSound = (of: (all: readonly Instance[]) => Table) =>
    fc.property(fleet, (all) => {
      const aliases = [...of(all).values()].flat();
      expect(new Set(aliases).size).toBe(aliases.length);
      const { holders } = holdersOf(all);
      expect(aliases.filter((alias) => holders.has(alias))).toEqual([]);
    });

  test('are the same in whatever order the instances came', () => {
    fc.assert(isOneForAllOrders(resolved), run);
  });

  test('are not when the last to come has them (the control)', () => {
    const lastComes = (all: readonly Instance[]): Table => {
      const last = new Map<string, string>();
      for (const i of all) {
        for (const { alias } of parseAliases(i.tags.get('nametag:aliases') ?? '') ?? []) {
          last.set(alias, i.instanceId);
        }
      }
      return new Map([...last].sort().map(([alias, id]) => [alias, [id]]));
    };
    expect(fc.check(isOneForAllOrders(lastComes), run).failed).toBe(true);
  });

  test('are each of one instance at most, and nobody’s name', () => {
    fc.assert(isSound(resolved), run);
  });

  test('are names too when nobody looks at names (the control)', () => {
    const shadowing = (all: readonly Instance[]): Table =>
      resolveAliases(holdersOf(all).alive, new Map(), defaultVocabulary).byInstance;
    expect(fc.check(isSound(shadowing), run).failed).toBe(true);
  });

  test('are explained when they are not had', () => {
    const property = fc.property(fleet, (all) => {
      const { alive, holders } = holdersOf(all);
      const { byInstance, omitted } = resolveAliases(alive, holders, defaultVocabulary);
      for (const { instanceId, tags } of alive) {
        const claimed = parseAliases(tags.get('nametag:aliases') ?? '')?.map((c) => c.alias) ?? [
          '',
        ];
        const told = omitted.filter((o) => o.instanceId === instanceId).map((o) => o.alias);
        expect([...(byInstance.get(instanceId) ?? []), ...told].sort()).toEqual(claimed.sort());
      }
    });
    fc.assert(property, run);
  });
});
