import { expect, it } from 'vitest';
import { healthOf } from '../../src/model/health.ts';

const times = { nowMs: 100_000, turnedMs: 90_000, dueMs: 120_000, maxStaleMs: 60_000 };

it.each([
  [8000, 100_000, true, true, 'the answer is 8 s old'],
  [60_000, 100_000, true, true, 'the answer is 60 s old'],
  [60_001, 100_000, true, false, 'the answer is 60 s old, which is too old'],
  [undefined, 100_000, true, false, 'no answer yet'],
  [8000, 419_999, true, true, 'the answer is 8 s old'],
  [8000, 420_000, false, true, 'the answer is 8 s old; the loop has not come round for 6 min'],
])('with an answer of %s ms at %i is alive %s, ready %s: %s', (...row) => {
  const [answerAgeMs, nowMs, alive, ready, detail] = row;
  expect(healthOf({ ...times, answerAgeMs, nowMs })).toEqual({ alive, ready, detail });
});
