import { expect, test } from 'vitest';
import { toPrintable, toQuoted } from '../../src/model/untrusted-text.ts';

test.each([
  ['web-1 ~', 'web-1 ~', '"web-1 ~"'],
  ['a\nnametag: b', 'a?nametag: b', '"a\\nnametag: b"'],
  ['\u001b[31m"', '?[31m"', '"\\u001b[31m\\""'],
  ['caf\u00e9 \u2028\u{1f600}', 'caf? ???', '"caf? ???"'],
  ['', '', '""'],
])('%j is %j, and in quotes %j', (text, printable, quoted) => {
  expect(toPrintable(text)).toBe(printable);
  expect(toQuoted(text)).toBe(quoted);
});
