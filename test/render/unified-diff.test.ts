import { applyPatch } from 'diff';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unifiedDiff } from '../../src/render/unified-diff.ts';

const lines = (count: number, name: string): string =>
  Array.from({ length: count }, (_, i) => `10.0.0.1\t${name}-${i}\n`).join('');

describe('unifiedDiff', () => {
  test('is empty for equal texts', () => {
    expect(unifiedDiff('/etc/hosts', 'a\n', 'a\n')).toBe('');
  });

  test('labels both sides with the path and shows three lines around a change', () => {
    const text = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
    const before = `${text.join('\n')}\n`;
    const after = before.replace('5', 'five');
    expect(unifiedDiff('/etc/hosts', before, after)).toBe(
      [
        '--- /etc/hosts',
        '+++ /etc/hosts',
        '@@ -2,7 +2,7 @@',
        ' 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
      ].join('\n'),
    );
  });

  test('shows a file that is not there yet as all new', () => {
    expect(unifiedDiff('hosts', '', 'a\nb\n')).toBe(
      '--- hosts\n+++ hosts\n@@ -0,0 +1,2 @@\n+a\n+b\n',
    );
  });

  test('shows where a newline is missing at the end', () => {
    expect(unifiedDiff('hosts', 'a', 'a\n')).toBe(
      '--- hosts\n+++ hosts\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n',
    );
  });

  test('leads from one text to the other', () => {
    const text = fc
      .tuple(fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 20 }), fc.boolean())
      .map(([words, ended]) => words.join('\n') + (ended ? '\n' : ''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        expect(applyPatch(before, unifiedDiff('hosts', before, after))).toBe(after);
      }),
      { seed: 20260101, numRuns: 300 },
    );
  });

  test.each([
    ['the last newline goes', `${lines(3000, 'old')}1\n2\n3\n4\n5\n`, '1\n2\n3\n4\n5'],
    ['what follows begins otherwise', `${lines(3000, 'old')}1\n2\n3\n4\n5\n`, '0\n3\n4\n5\n'],
    ['all that stays is at both ends', 'a\n'.repeat(3000), 'a\na\n'],
  ])('leads from one text to the other over a long change when %s', (_, before, after) => {
    expect(applyPatch(before, unifiedDiff('hosts', before, after))).toBe(after);
    expect(applyPatch(after, unifiedDiff('hosts', after, before))).toBe(before);
  });

  // The shortest difference of these would take many seconds.
  test.each([
    ['', ''],
    ['head\n', 'tail\n'],
    ['1\n2\n3\n4\n5\n', '1\n2\n3\n4\n5\n'],
    ['1\n2\n3\n4\n5\n', '1\n2\n3\n4\n5'],
  ])('shows a long change between %j and %j in one piece', (head, tail) => {
    const before = head + lines(6000, 'old') + tail;
    const after = head + lines(7000, 'new') + tail;
    const diff = unifiedDiff('hosts', before, after);
    expect(applyPatch(before, diff)).toBe(after);
    expect(diff.match(/^-10/gm)).toHaveLength(6000);
    expect(diff.match(/^\+10/gm)).toHaveLength(7000);
  });
});
