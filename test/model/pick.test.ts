import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { isPick, type PickRule, pick } from '../../src/model/pick.ts';

const endpoint = (instanceId: string, fields: Partial<Endpoint> = {}): Endpoint => ({
  host: '10.0.0.1',
  port: undefined,
  name: undefined,
  aliases: [],
  instanceId,
  region: 'eu-west-1',
  availabilityZone: 'eu-west-1a',
  priority: 0,
  weight: 1,
  url: (scheme) => `${scheme}://10.0.0.1`,
  ...fields,
});

const fleet = (n: number) => Array.from({ length: n }, (_, i) => endpoint(`i-${i}`));
const idsOf = (endpoints: readonly Endpoint[]) => endpoints.map((e) => e.instanceId);
const chances = Array.from({ length: 100 }, (_, i) => i / 100);
const largestChance = 1 - 2 ** -53;

describe('isPick', () => {
  test.each([
    ['all', true],
    ['first', true],
    ['random', true],
    ['weighted', true],
    ['near', true],
    ['key:user 7', true],
    ['key', false],
    ['First', false],
    ['one', false],
    ['', false],
  ])('says of %j: %j', (text, known) => {
    expect(isPick(text)).toBe(known);
  });
});

describe('pick', () => {
  test.each<[PickRule]>([['all'], ['first'], ['random'], ['weighted'], ['near'], ['key:a']])(
    'gives nothing of nothing by %s',
    (how) => {
      expect(pick([], how, { chance: 0.5 })).toEqual([]);
    },
  );

  test('gives all in order, or the first', () => {
    expect(idsOf(pick(fleet(3), 'all', { chance: 0 }))).toEqual(['i-0', 'i-1', 'i-2']);
    expect(idsOf(pick(fleet(3), 'first', { chance: 0.9 }))).toEqual(['i-0']);
  });

  test.each([
    [0, 'i-0'],
    [0.249, 'i-0'],
    [0.25, 'i-1'],
    [0.75, 'i-3'],
    [largestChance, 'i-3'],
  ])('gives by random with the chance %j the endpoint %s of four', (chance, id) => {
    expect(idsOf(pick(fleet(4), 'random', { chance }))).toEqual([id]);
  });

  test.each([
    ['eu-west-1b', 'i-1'],
    ['eu-west-1c', 'i-0'],
    [undefined, 'i-0'],
  ])('gives by near from %j the endpoint %s', (availabilityZone, id) => {
    const endpoints = [
      endpoint('i-0'),
      endpoint('i-1', { availabilityZone: 'eu-west-1b' }),
      endpoint('i-2', { availabilityZone: 'eu-west-1b' }),
      endpoint('i-3', { availabilityZone: undefined }),
    ];
    expect(idsOf(pick(endpoints, 'near', { chance: 0.9, availabilityZone }))).toEqual([id]);
  });

  test('gives by weight each its share of the lowest priority', () => {
    const endpoints = [
      endpoint('i-backup', { priority: 1, weight: 100 }),
      endpoint('i-none', { weight: 0 }),
      endpoint('i-1', { weight: 1 }),
      endpoint('i-3', { weight: 3 }),
      endpoint('i-none-2', { weight: 0 }),
    ];
    const counts = new Map<string, number>();
    for (const chance of chances) {
      const [id] = idsOf(pick(endpoints, 'weighted', { chance }));
      counts.set(id!, (counts.get(id!) ?? 0) + 1);
    }
    expect(counts).toEqual(
      new Map([
        ['i-1', 25],
        ['i-3', 75],
      ]),
    );
  });

  test('gives by weight each the same when all weigh nothing', () => {
    const endpoints = fleet(4).map((e) => ({ ...e, weight: 0 }));
    const ids = [0, 0.25, 0.5, 0.75].flatMap((chance) =>
      idsOf(pick(endpoints, 'weighted', { chance })),
    );
    expect(ids).toEqual(['i-0', 'i-1', 'i-2', 'i-3']);
  });

  test('gives by weight one for every chance, however the numbers are rounded', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(weights, (all) => {
        const endpoints = all.map((weight, i) => endpoint(`i-${i}`, { weight }));
        expect(pick(endpoints, 'weighted', { chance: largestChance })).toHaveLength(1);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  describe('by key', () => {
    const texts = Array.from({ length: 200 }, (_, i) => `user-${i}`);
    const byKey = (endpoints: readonly Endpoint[], text: string) =>
      idsOf(pick(endpoints, `key:${text}`, { chance: 0 }))[0];
    /** Whoever leaves or joins, a text that did not go to it stays where it was. */
    const movesOnlyItsOwn = (choose: typeof byKey) =>
      fc.property(fc.integer({ min: 2, max: 9 }), fc.nat(8), (n, leaving) => {
        const before = fleet(n);
        const left = `i-${leaving % n}`;
        const after = before.filter((e) => e.instanceId !== left);
        for (const text of texts) {
          const chosen = choose(before, text);
          if (chosen !== left) expect(choose(after, text)).toBe(chosen);
        }
      });
    const run = { seed: 1, numRuns: 30 };

    test('moves only the texts of the one that leaves', () => {
      fc.assert(movesOnlyItsOwn(byKey), run);
    });

    test('moves others when the place in the list decides (the control)', () => {
      const modulo: typeof byKey = (endpoints, text) =>
        endpoints[Number(text.slice('user-'.length)) % endpoints.length]?.instanceId;
      expect(fc.check(movesOnlyItsOwn(modulo), run).failed).toBe(true);
    });

    test('depends on no order, chance or zone', () => {
      const shuffled = fleet(5).reverse();
      for (const text of texts) {
        const options = { chance: 0.9, availabilityZone: 'eu-west-1b' };
        const [other] = idsOf(pick(shuffled, `key:${text}`, options));
        expect(other).toBe(byKey(fleet(5), text));
      }
    });

    // Machines agree on an endpoint only while all of them, of whatever version, choose alike.
    test.each([
      ['', 'i-2'],
      ['a', 'i-6'],
      ['user-1', 'i-5'],
      ['10.0.0.1', 'i-3'],
      ['münchen', 'i-7'],
    ])('chooses for %j the same one in every version: %s', (text, id) => {
      expect(byKey(fleet(8), text)).toBe(id);
    });

    test('spreads texts over all endpoints', () => {
      const counts = new Map<string | undefined, number>();
      for (const text of texts) {
        const id = byKey(fleet(4), text);
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      // 50 each on average; three standard deviations are 18.
      expect([...counts.values()].filter((count) => count > 32 && count < 68)).toHaveLength(4);
    });
  });
});
