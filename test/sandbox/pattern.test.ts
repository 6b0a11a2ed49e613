import { describe, expect, test } from 'vitest';
import { compilePattern } from '../../src/sandbox/pattern.ts';

describe('a filter value', () => {
  test.each([
    ['web', 'web', true],
    ['web', 'Web', false],
    ['web', 'web-1', false],
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything at all', true],
    ['**', 'x', true],
    ['web*', 'web', true],
    ['web*', 'web-1', true],
    ['web*', 'a web', false],
    ['*web*', 'a web-1', true],
    ['*-1', 'web-1', true],
    ['*-1', '-1', true],
    ['*-1', 'web-12', false],
    ['*\\*', 'a*', true],
    ['*\\*', 'ab', false],
    ['*??', 'abc', true],
    ['a*b', 'ab', true],
    ['a*b', 'a--b', true],
    ['a*b', 'a--c', false],
    ['a*b*c', 'abbc', true],
    ['?', '', true],
    ['?', 'a', true],
    ['?', 'ab', false],
    ['a?b', 'ab', true],
    ['a?b', 'axb', true],
    ['a?b', 'axxb', false],
    ['??', 'ab', true],
    ['??', 'abc', false],
    ['*?', '', true],
    ['web-?', 'web-10', false],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['a\\?b', 'a?b', true],
    ['a\\?b', 'ab', false],
    ['a\\\\b', 'a\\b', true],
    ['a\\\\*', 'a\\anything', true],
    ['\\a', 'a', true],
    ['a\\', 'a\\', true],
    ['a.c', 'abc', false],
    ['[ab]', 'a', false],
    ['héll?', 'héllo', true],
    ['?', '😀', true],
    ['line*', 'line\nnext', true],
  ])('%j matches %j: %s', (pattern, text, expected) => {
    expect(compilePattern(pattern)(text)).toBe(expected);
  });

  test('with many wildcards takes no time that grows out of bounds', () => {
    const matches = compilePattern(`${'?*'.repeat(60)}x${'?'.repeat(60)}`);
    expect(matches('y'.repeat(256))).toBe(false);
    expect(matches(`${'y'.repeat(200)}x`)).toBe(true);
  });
});
