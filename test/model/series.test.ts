import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLabel } from '../../src/model/name.ts';
import {
  commonPrefix,
  firstOrdinalMax,
  nameAt,
  parseSeries,
  rankOf,
  type Series,
  type ServiceType,
} from '../../src/model/series.ts';

function series(service: string, type: ServiceType, master = 'master', slave = 'slave'): Series {
  const parsed = parseSeries(service, type, { master, slave });
  if (parsed.kind === 'refused') throw new Error(parsed.reason);
  return parsed.series;
}

function numbered(service: string, pattern?: string, firstOrdinal?: number): Series {
  const parsed = parseSeries(service, 'iterative', undefined, { pattern, firstOrdinal });
  if (parsed.kind === 'refused') throw new Error(parsed.reason);
  return parsed.series;
}

const web = series('web', 'iterative');
const db = series('db', 'masterful');

describe('nameAt', () => {
  test('numbers an iterative series from 0', () => {
    expect([0, 1, 10].map((rank) => nameAt(web, rank))).toEqual(['web-0', 'web-1', 'web-10']);
  });

  test('gives a masterful series one master, and followers from 1', () => {
    const names = [0, 1, 2].map((rank) => nameAt(db, rank));
    expect(names).toEqual(['db-master', 'db-slave-1', 'db-slave-2']);
    expect(nameAt(series('db', 'masterful', 'primary', 'replica'), 1)).toBe('db-replica-1');
  });

  test.each<[string, number | undefined, readonly string[]]>([
    ['{service}-{n}', undefined, ['web-0', 'web-1', 'web-100']],
    ['{service}-{n}', 1, ['web-1', 'web-2', 'web-101']],
    ['{service}{n:02}', undefined, ['web00', 'web01', 'web100']],
    ['{service}{n:02}', 1, ['web01', 'web02', 'web101']],
    ['{service}-{n:03}-prod', 7, ['web-007-prod', 'web-008-prod', 'web-107-prod']],
    ['node{n}', undefined, ['node0', 'node1', 'node100']],
    ['{n}-{service}', undefined, ['0-web', '1-web', '100-web']],
  ])('writes %s from %j on as %j', (pattern, first, names) => {
    const of = numbered('web', pattern, first);
    expect([0, 1, 100].map((rank) => nameAt(of, rank))).toEqual(names);
    expect(names.map((name) => rankOf(of, name))).toEqual([0, 1, 100]);
  });
});

describe('rankOf', () => {
  test.each([
    [web, 'web-0', 0],
    [web, 'web-999999999', 999_999_999],
    [web, 'web-1000000000', undefined],
    [web, 'web-01', undefined],
    [web, 'web-00', undefined],
    [web, 'web', undefined],
    [web, 'web-', undefined],
    [web, 'web--1', undefined],
    [web, 'web-1a', undefined],
    [web, 'WEB-1', undefined],
    [web, 'web-1-2', undefined],
    [web, 'xweb-1', undefined],
    [web, 'web-master', undefined],
    [web, 'web-1\n', undefined],
    [db, 'db-master', 0],
    [db, 'db-slave-1', 1],
    [db, 'db-slave-0', undefined],
    [db, 'db-slave-01', undefined],
    [db, 'db-slave', undefined],
    [db, 'db-0', undefined],
    [db, 'db-1', undefined],
    [db, 'db-replica-1', undefined],
    [numbered('web', '{service}{n:02}'), 'web1', undefined],
    [numbered('web', '{service}{n:02}'), 'web001', undefined],
    [numbered('web', '{service}{n:02}'), 'web-1', undefined],
    [numbered('web', '{service}{n:02}', 3), 'web02', undefined],
    [numbered('web', '{service}{n:02}', 3), 'web03', 0],
    [numbered('web', 'a{n}a'), 'a', undefined],
    [numbered('web', 'a{n}a'), 'aa', undefined],
    [numbered('web', 'a{n}a'), 'a1a', 1],
  ])('in %o gives %j the rank %j', (of, name, rank) => {
    expect(rankOf(of, name)).toBe(rank);
  });
});

describe('parseSeries', () => {
  test.each([
    ['', 'it is not a lower-case host name label'],
    ['Web', 'it is not a lower-case host name label'],
    ['a.b', 'it is not a lower-case host name label'],
    ['a b', 'it is not a lower-case host name label'],
    ['web-', 'it is not a lower-case host name label'],
    ['localhost', 'it is not a lower-case host name label'],
    ['10', 'it is not a lower-case host name label'],
    ['a'.repeat(41), 'it is longer than 40 characters'],
    // All names of this one would be reserved ones, such as ip6-0.
    ['ip6', 'its names would be reserved'],
  ])('refuses the service %j: %s', (service, reason) => {
    expect(parseSeries(service, 'iterative')).toEqual({ kind: 'refused', reason });
    expect(parseSeries(service, 'masterful')).toEqual({ kind: 'refused', reason });
  });

  test.each([
    [{ master: 'Master', slave: 'slave' }, /the word "Master"/],
    [{ master: 'master', slave: '' }, /the word ""/],
    [{ master: 'master', slave: 'a'.repeat(17) }, /is not a short/],
    [{ master: 'a b', slave: 'slave' }, /the word "a b"/],
    [{ master: 'node', slave: 'node' }, /its two words are the same/],
    // The master would be called what the first follower is called.
    [{ master: 'node-1', slave: 'node' }, /its master would be called like a follower/],
  ])('refuses the words %j', (words, reason) => {
    const parsed = parseSeries('db', 'masterful', words);
    expect(parsed).toEqual({ kind: 'refused', reason: expect.stringMatching(reason) });
  });

  test.each([
    ['{service}', /does not have \{n\}/],
    ['{service}{n}{n}', /does not have \{n\}/],
    ['{service}{n:2}', /does not have \{n\}/],
    ['{service}{n:00}', /does not have \{n\}/],
    ['{name}{n}', /does not have \{n\}/],
    ['', /does not have \{n\}/],
    ['{n}', /would have the name "0"/],
    ['0x{n}', /would have the name "0x0"/],
    // Only the number 0 makes this one an address, only 4 and 6 these reserved.
    ['{n}x', /would have the name "0x"/],
    ['localhost{n}', /would have the name "localhost4"/],
    ['Web{n}', /would have the name "Web0"/],
    ['{service}.{n}', /would have the name "web.0"/],
    ['{service} {n}', /would have the name "web 0"/],
    ['{service}{n}-', /would have the name "web0-"/],
    ['ip6-{n}', /would have the name "ip6-0"/],
    [`${'a'.repeat(53)}{n}`, /would have the name "a+99999"/],
  ])('refuses the pattern %j: %s', (pattern, reason) => {
    const parsed = parseSeries('web', 'iterative', undefined, { pattern });
    expect(parsed).toEqual({ kind: 'refused', reason: expect.stringMatching(reason) });
  });

  test('takes a pattern of names as long as a master may be called', () => {
    const longest = nameAt(numbered('web', `${'a'.repeat(52)}{n}`), 99_999);
    expect(longest).toHaveLength(
      nameAt(series('s'.repeat(40), 'masterful', 'm'.repeat(16)), 0).length,
    );
  });

  test.each([{ pattern: '{service}{n}' }, { firstOrdinal: 1 }])(
    'refuses %j for a masterful service',
    (options) => {
      const reason = 'a masterful service has no pattern and no first number';
      const refused = { kind: 'refused', reason };
      expect(parseSeries('db', 'masterful', undefined, options)).toEqual(refused);
    },
  );

  test('takes a master whose word goes on from that of its followers', () => {
    const words = { master: 'node-first', slave: 'node' };
    expect(parseSeries('db', 'masterful', words).kind).toBe('series');
  });

  test('says nothing of words that an iterative series does not use', () => {
    expect(parseSeries('web', 'iterative', { master: 'x', slave: 'x' }).kind).toBe('series');
  });
});

describe('a series', () => {
  const word = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$/);
  const pattern = fc.oneof(
    fc.constant(undefined),
    fc
      .tuple(
        fc.stringMatching(/^[a-z0-9-]{0,4}$/),
        fc.constantFrom('', '{service}'),
        fc.constantFrom('{n}', '{n:02}', '{n:05}', '{n:09}'),
        fc.stringMatching(/^[a-z0-9-]{0,4}$/),
      )
      .map((parts) => parts.join('')),
  );
  const anySeries = fc
    .record({
      pattern,
      firstOrdinal: fc.option(fc.nat(firstOrdinalMax), { nil: undefined }),
      service: fc.oneof(word, fc.constantFrom('ip6', 'a'.repeat(40), 'web-1')),
      type: fc.constantFrom<ServiceType>('iterative', 'masterful'),
      master: fc.oneof(word, fc.constantFrom('master', 'slave-1', 'a'.repeat(16))),
      slave: fc.oneof(word, fc.constantFrom('slave', 'a'.repeat(16))),
    })
    .map(({ service, type, master, slave, pattern, firstOrdinal }) =>
      parseSeries(
        service,
        type,
        { master, slave },
        type === 'iterative' ? { pattern, firstOrdinal } : {},
      ),
    )
    .chain((parsed) => (parsed.kind === 'series' ? fc.constant(parsed.series) : fc.constant(web)));
  const isSound = (rank: typeof rankOf) =>
    fc.property(anySeries, fc.nat(99_999), (of, n) => {
      const name = nameAt(of, n);
      return isLabel(name) && rank(of, name) === n && name.startsWith(commonPrefix(of));
    });

  test('has a name that is a label for each rank, and the rank of that name', () => {
    fc.assert(isSound(rankOf), { seed: 1, numRuns: 1000 });
  });

  test('is not sound when followers are counted from 0 (the control)', () => {
    const fromZero: typeof rankOf = (of, name) => {
      const rank = rankOf(of, name);
      return of.type === 'masterful' && rank !== undefined && rank > 0 ? rank - 1 : rank;
    };
    expect(fc.check(isSound(fromZero), { seed: 1, numRuns: 1000 }).failed).toBe(true);
  });

  test('is not sound when the number counts from 0 whatever the first is (the control)', () => {
    const fromZero: typeof rankOf = (of, name) => {
      const rank = rankOf(of, name);
      return rank === undefined ? undefined : rank + of.numbering.first;
    };
    expect(fc.check(isSound(fromZero), { seed: 1, numRuns: 1000 }).failed).toBe(true);
  });
});
