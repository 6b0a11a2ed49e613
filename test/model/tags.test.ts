import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameAt, parseSeries } from '../../src/model/series.ts';
import {
  bootMsOf,
  type Claim,
  claimOf,
  defaultVocabulary,
  formatClaim,
  formatWants,
  generationMax,
  isReady,
  parseClaim,
  parseServiceTag,
  wantsOf,
} from '../../src/model/tags.ts';
import { boot, instance, launchTimeMs } from '../helpers/instances.ts';

describe('formatClaim', () => {
  test.each<[Partial<Claim>, string]>([
    [{}, boot],
    [{ ask: 'web-3' }, `ask=web-3 ${boot}`],
    [{ held: 'web-3' }, `held=web-3 ${boot}`],
    [
      { held: 'db-master', ask: 'db-slave-2', generation: 1_763_683_951 },
      `held=db-master ask=db-slave-2 ${boot} gen=1763683951`,
    ],
    [
      { held: 'db-slave-2', seen: { name: 'db-master', number: 7 } },
      `held=db-slave-2 ${boot} seen=db-master:7`,
    ],
  ])('writes %j', (fields, text) => {
    const claim = { held: undefined, ask: undefined, generation: undefined };
    const told = { next: undefined, seen: undefined, ...fields };
    expect(formatClaim({ ...claim, ...told, bootMs: launchTimeMs })).toBe(text);
  });
});

describe('parseClaim', () => {
  test.each([
    '',
    ' ',
    'held=web-0',
    'web-0',
    `${boot} ${boot}`,
    `held=web-0 held=web-1 ${boot}`,
    `held=web-0  ${boot}`,
    ` held=web-0 ${boot}`,
    `held=web-0 ${boot} `,
    `held=web-0\t${boot}`,
    `held=web-0\n${boot}`,
    `held= ${boot}`,
    `held=Web-0 ${boot}`,
    `held=web-0.example.org ${boot}`,
    `held=localhost ${boot}`,
    `held=10 ${boot}`,
    `ask=ip6-allnodes ${boot}`,
    `held=web-0 ${boot} service`,
    `ask=web-0 ${boot} next=x`,
    `held=web-0 ${boot} seen=web-0`,
    `held=web-0 ${boot} seen=Web 0:1`,
    `held=web-0 ${boot} seen=web-0:-1`,
    `held=web-0 ${boot} seen=db:web-0:1`,
    `held=web-0 ${boot} seen=web-0:1234567890123456`,
    `held=web-0 ${boot} gen=`,
    `held=web-0 ${boot} gen=-1`,
    `held=web-0 ${boot} gen=1e3`,
    `held=web-0 ${boot} gen=1234567890123456`,
    'held=web-0 boot=',
    'held=web-0 boot=2026-11-20',
    'held=web-0 boot=2026-11-20T12:00:00',
    'held=web-0 boot=2026-11-20T12:00:00 gen=1',
    'held=web-0 boot=2026-11-20T12:00:00Z1 gen=1',
    'held=web-0 boot=x2026-11-20T12:00:00Z gen=1',
    'held=web-0 boot=2026-11-20T12:00:00.500Z',
    'held=web-0 boot=2026-11-20T12:00:00+00:00',
    'held=web-0 boot=2026-13-20T12:00:00Z',
    'held=web-0 boot=2026-11-20T12:00:60Z',
    'held=web-0 boot=2026-11-20T24:00:00Z',
    'held=web-0 boot=2026-11-20T24:00:00Z gen=1',
    'held=web-0 boot=1763683951',
  ])('refuses %j', (text) => {
    expect(parseClaim(text)).toBeUndefined();
  });

  test.each([2024, 2030, 2100, 2000])(
    'reads the days of %i that there are, and no others',
    (year) => {
      const february = new Date(year, 2, 0).getDate();
      const days = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
      const twoDigits = (number: number): string => `${number}`.padStart(2, '0');
      const readable = days.map((_, month) =>
        Array.from({ length: 100 }, (_, day) => day).filter((day) => {
          const text = `boot=${year}-${twoDigits(month + 1)}-${twoDigits(day)}T00:00:00Z`;
          const plain = parseClaim(`held=web-1 ${text}`);
          expect(parseClaim(`held=web-1 ${text} gen=1`)?.bootMs).toBe(plain?.bootMs);
          return plain !== undefined;
        }),
      );
      expect(readable).toEqual(days.map((last) => Array.from({ length: last }, (_, i) => i + 1)));
    },
  );

  test('reads the words in any order', () => {
    expect(parseClaim(`gen=7 seen=db-0:9 next=8 ${boot} ask=web-1 held=web-0`)).toEqual({
      held: 'web-0',
      ask: 'web-1',
      bootMs: launchTimeMs,
      generation: 7,
      next: 8,
      seen: { name: 'db-0', number: 9 },
    });
  });

  test.each(['until=tomorrow', 'constructor=x'])('leaves %s to later versions', (word) => {
    expect(parseClaim(`held=web-0 ${boot} ${word}`)?.held).toBe('web-0');
    expect(parseClaim(`held=web-0 ${boot} ${word} ${word}`)).toBeUndefined();
  });

  test('reads the highest generation, and none that is higher', () => {
    const read = (generation: number) => parseClaim(`held=db-master ${boot} gen=${generation}`);
    expect(read(generationMax)?.generation).toBe(generationMax);
    expect(read(generationMax + 1)).toBeUndefined();
  });

  test('has room in a tag of 256 characters for the longest names of a series', () => {
    const parsed = parseSeries('s'.repeat(40), 'masterful', {
      master: 'm'.repeat(16),
      slave: 'f'.repeat(16),
    });
    if (parsed.kind === 'refused') throw new TypeError(parsed.reason);
    const first = nameAt(parsed.series, 0);
    const follower = nameAt(parsed.series, 99_999);
    const highest = { generation: generationMax, seen: { name: first, number: generationMax } };
    const moving = { held: first, ask: follower, next: undefined, ...highest };
    const rising = {
      ...moving,
      held: follower,
      ask: first,
      next: generationMax,
      generation: undefined,
    };
    for (const claim of [moving, rising]) {
      const { length } = formatClaim({ ...claim, bootMs: launchTimeMs });
      expect(length).toBeLessThanOrEqual(256);
      expect(length).toBeGreaterThan(250);
    }
  });

  const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
  const claims: fc.Arbitrary<Claim> = fc.record({
    held: fc.option(name, { nil: undefined }),
    ask: fc.option(name, { nil: undefined }),
    bootMs: fc.integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1000),
    generation: fc.option(fc.nat(generationMax), { nil: undefined }),
    next: fc.option(fc.nat(generationMax), { nil: undefined }),
    seen: fc.option(fc.record({ name, number: fc.nat(generationMax) }), { nil: undefined }),
  });
  const isInverse = (format: typeof formatClaim) =>
    fc.property(claims, (claim) => {
      expect(parseClaim(format(claim))).toEqual(claim);
    });
  const run = { seed: 1, numRuns: 1000 };

  test('reads what formatClaim writes', () => {
    fc.assert(isInverse(formatClaim), run);
  });

  test('does not, when a claim is written without its seconds (the control)', () => {
    const toMinutes = (claim: Claim) => formatClaim(claim).replace(/:\d\dZ/, ':00Z');
    expect(fc.check(isInverse(toMinutes), run).failed).toBe(true);
  });
});

describe('claimOf', () => {
  const claimed = (text: string, launchedMs = launchTimeMs) =>
    claimOf(
      instance({ tags: { 'nametag:claim': text }, launchTimeMs: launchedMs }),
      defaultVocabulary,
    );

  test.each([
    [0, 'valid'],
    [999, 'valid'],
    [1000, 'earlier-life'],
    // An old launch time beside a new tag: nothing becomes visible together.
    [-1000, 'valid'],
    [-86_400_000, 'valid'],
  ])('with a launch %j ms after the boot of the claim finds it %s', (ms, kind) => {
    expect(claimed(`held=web-0 ${boot}`, launchTimeMs + ms)).toMatchObject({ kind });
  });

  test('tells a claim that cannot be read, and that there is none', () => {
    expect(claimed('held=web-0')).toEqual({ kind: 'malformed', text: 'held=web-0' });
    expect(claimed('')).toEqual({ kind: 'malformed', text: '' });
    expect(claimOf(instance(), defaultVocabulary)).toEqual({ kind: 'none' });
  });

  test('reads the key of the vocabulary', () => {
    const vocabulary = { ...defaultVocabulary, claimKey: 'af-claim' };
    const tagged = instance({ tags: { 'af-claim': boot, 'nametag:claim': 'x' } });
    expect(claimOf(tagged, vocabulary)).toMatchObject({ kind: 'valid' });
  });

  test('carries the launch time in whole seconds', () => {
    expect(bootMsOf(instance({ launchTimeMs: launchTimeMs + 999 }))).toBe(launchTimeMs);
  });
});

describe('wantsOf', () => {
  const wants = (value: string) =>
    wantsOf(instance({ tags: { 'nametag:wants': value } }), defaultVocabulary);

  test.each([0, 7, generationMax])(
    'reads what formatWants writes of generation %i',
    (generation) => {
      expect(wants(formatWants({ name: 'db-master', generation }))).toEqual({
        name: 'db-master',
        generation,
      });
    },
  );

  test.each([
    '',
    'db-master',
    'db-master ',
    ' 7',
    'db-master 7 ',
    'db-master 7 8',
    'db-master  7',
    'DB-Master 7',
    'db.master 7',
    'db-master -7',
    'db-master 7.5',
    `db-master ${generationMax + 1}`,
  ])('finds no request in %j', (value) => {
    expect(wants(value)).toBeUndefined();
  });

  test('finds none without the tag, and reads the key of the vocabulary', () => {
    expect(wantsOf(instance(), defaultVocabulary)).toBeUndefined();
    const vocabulary = { ...defaultVocabulary, wantsKey: 'w' };
    const tagged = instance({ tags: { w: 'a 1', 'nametag:wants': 'b 2' } });
    expect(wantsOf(tagged, vocabulary)).toEqual({ name: 'a', generation: 1 });
  });
});

describe('isReady', () => {
  test.each([
    [{ status: 'ready' }, true],
    [{ status: 'Ready' }, false],
    [{ status: 'ready ' }, false],
    [{ status: 'drain' }, false],
    [{ status: '' }, false],
    [{ Status: 'ready' }, false],
    [{}, false],
  ])('reads %j as %j', (tags: Record<string, string>, ready) => {
    expect(isReady(instance({ tags }), defaultVocabulary)).toBe(ready);
  });

  test('takes key and value from the vocabulary', () => {
    const vocabulary = { ...defaultVocabulary, readyKey: 'af-status', readyValue: 'up' };
    expect(isReady(instance({ tags: { 'af-status': 'up' } }), vocabulary)).toBe(true);
    expect(isReady(instance({ tags: { status: 'ready' } }), vocabulary)).toBe(false);
  });
});

describe('parseServiceTag', () => {
  const plain = { labels: [], port: undefined, priority: 0, weight: 1 };

  test.each([
    ['', plain],
    ['  ', plain],
    ['readonly', { ...plain, labels: ['readonly'] }],
    ['a  b', { ...plain, labels: ['a', 'b'] }],
    ['a\tb\nport=1', { ...plain, labels: ['a', 'b'], port: 1 }],
    ['port=5432', { ...plain, port: 5432 }],
    ['port=1', { ...plain, port: 1 }],
    ['port=65535', { ...plain, port: 65_535 }],
    ['priority=0 weight=0', { ...plain, priority: 0, weight: 0 }],
    [
      'readonly port=5432 priority=10 weight=65535 Team=core',
      { labels: ['readonly'], port: 5432, priority: 10, weight: 65_535 },
    ],
    ['team=', plain],
  ])('reads %j', (text, tag) => {
    expect(parseServiceTag(text)).toEqual(tag);
  });

  test.each([
    ['port=0', 'port=0 is out of range'],
    ['port=65536', 'port=65536 is out of range'],
    ['port=', 'port= is out of range'],
    ['port=http', 'port=http is out of range'],
    ['port=0x50', 'port=0x50 is out of range'],
    ['port=80.5', 'port=80.5 is out of range'],
    ['port=-1', 'port=-1 is out of range'],
    ['weight=65536', 'weight=65536 is out of range'],
    ['priority=-1', 'priority=-1 is out of range'],
    ['Readonly', '"Readonly" is not a label'],
    ['a/b', '"a/b" is not a label'],
    ['PORT=80', 'PORT is not in lower case'],
    ['port=80 port=81', 'port is said twice'],
    ['=80', '"=80" is not a label'],
  ])('refuses %j: %s', (text, refused) => {
    expect(parseServiceTag(text)).toEqual({ refused });
  });
});
