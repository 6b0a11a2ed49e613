import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StoredTags } from '../../src/host/stored-tags.ts';

/** Tags as they are in a file, behind some other texts and numbers. */
function stored(tags: ReadonlyMap<string, string>): StoredTags {
  const texts = ['', 'other', ...tags.values()];
  const cells = Uint32Array.from([7, 7, 7, ...[...tags].map((_, index) => index + 2)]);
  return new StoredTags([...tags.keys()], 3, { texts, cells });
}

const anyTags = fc
  .array(fc.tuple(fc.oneof(fc.string(), fc.constant('__proto__')), fc.string()), { maxLength: 6 })
  .map((pairs) => new Map(pairs));

/** All that can be asked of a map, for the keys that it has and one that it has not. */
function answers(map: ReadonlyMap<string, string>, keys: readonly string[]): unknown {
  const told: unknown[] = [];
  map.forEach(function (this: unknown, value, key, whole) {
    told.push([this, value, key, whole.get(key)]);
  }, 'self');
  return {
    size: map.size,
    found: keys.map((key) => [map.has(key), map.get(key)]),
    keys: [...map.keys()],
    values: [...map.values()],
    entries: [...map.entries()],
    pairs: [...map],
    told,
  };
}

describe('stored tags', () => {
  test('answer whatever a map of them would', () => {
    const run = { seed: 5, numRuns: 300 };
    const property = (change: (tags: Map<string, string>) => Map<string, string>) =>
      fc.property(anyTags, (tags) => {
        const keys = [...tags.keys(), 'none', 'toString'];
        expect(answers(stored(change(tags)), keys)).toEqual(answers(tags, keys));
      });
    fc.assert(
      property((tags) => tags),
      run,
    );
    // Controls: another order, or another value, is found out.
    expect(
      fc.check(
        property((tags) => new Map([...tags].reverse())),
        run,
      ).failed,
    ).toBe(true);
    const louder = (tags: Map<string, string>) => new Map([...tags].map(([k, v]) => [k, `${v}!`]));
    expect(fc.check(property(louder), run).failed).toBe(true);
  });

  test('show nothing of the file to whoever writes them out', () => {
    expect(JSON.stringify(stored(new Map([['Name', 'web']])))).toBe(JSON.stringify(new Map()));
  });
});
