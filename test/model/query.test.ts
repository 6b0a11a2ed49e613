import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyCase, literal } from '../../src/model/query.ts';
import { compilePattern } from '../../src/sandbox/pattern.ts';

const text = fc.array(fc.constantFrom('a', 'B', '*', '?', '\\', '-', '1', ' '), { maxLength: 6 });
const run = { seed: 1, numRuns: 2000 };

describe('literal', () => {
  test.each([
    ['web-1', 'web-1'],
    ['a*b?c\\d', 'a\\*b\\?c\\\\d'],
    ['', ''],
  ])('writes %j as %j', (plain, pattern) => {
    expect(literal(plain)).toBe(pattern);
  });

  const meansItself = (toPattern: typeof literal) =>
    fc.property(text, text, (a, b) => {
      const matches = compilePattern(toPattern(a.join('')));
      return matches(a.join('')) && matches(b.join('')) === (a.join('') === b.join(''));
    });

  test('makes a pattern that matches this text and no other', () => {
    fc.assert(meansItself(literal), run);
  });

  test.each<[string, typeof literal]>([
    ['nothing is escaped', (plain) => plain],
    ['the backslash is not escaped', (plain) => plain.replace(/[*?]/g, '\\$&')],
  ])('does not when %s (the control)', (_, toPattern) => {
    expect(fc.check(meansItself(toPattern), run).failed).toBe(true);
  });
});

describe('anyCase', () => {
  test.each([
    ['web-1', '???-1'],
    ['WEB-1', '???-1'],
    ['1-2', '1-2'],
  ])('writes %j as %j', (name, pattern) => {
    expect(anyCase(name)).toBe(pattern);
  });

  const name = fc.stringMatching(/^[a-z0-9-]{1,10}$/);
  const meansAllCases = (toPattern: typeof anyCase) =>
    fc.property(name, fc.infiniteStream(fc.boolean()), (lower, upperCased) => {
      const cased = [...lower].map((char) => (upperCased.next().value ? char.toUpperCase() : char));
      return compilePattern(toPattern(lower))(cased.join(''));
    });

  test('makes a pattern that matches the name in any case', () => {
    fc.assert(meansAllCases(anyCase), run);
  });

  test('is not met by a literal pattern (the control)', () => {
    expect(fc.check(meansAllCases(literal), run).failed).toBe(true);
  });
});
