import { expect, test } from 'vitest';
import { showAge } from '../../src/model/age.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

test.each([
  [-5000, '0 s'],
  [0, '0 s'],
  [1499, '1 s'],
  [1500, '2 s'],
  [2 * minuteMs - 1000, '119 s'],
  [2 * minuteMs, '2 min'],
  [2.5 * minuteMs, '3 min'],
  [2 * hourMs - minuteMs, '119 min'],
  [2 * hourMs, '2 h'],
  [2 * dayMs - hourMs, '47 h'],
  [2 * dayMs, '2 d'],
  [2.5 * dayMs, '3 d'],
])('%i ms is %s', (ageMs, text) => {
  expect(showAge(ageMs)).toBe(text);
});
