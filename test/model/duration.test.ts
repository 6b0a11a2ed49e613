import { expect, test } from 'vitest';
import { toDurationMs } from '../../src/model/duration.ts';

test.each<[string, number | undefined]>([
  ['500ms', 500],
  ['5s', 5000],
  ['1.5s', 1500],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['1d', 86_400_000],
  ['0s', 0],
  ['', undefined],
  ['5', undefined],
  ['5 s', undefined],
  ['-5s', undefined],
  ['5s\n', undefined],
  ['5S', undefined],
  ['1e3s', undefined],
  ['1234567890s', undefined],
])('%j is %s milliseconds', (text, ms) => {
  expect(toDurationMs(text)).toBe(ms);
});
