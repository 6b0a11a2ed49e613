import { expect, test } from 'vitest';
import { showCommandEnd } from '../../src/model/command-end.ts';

test.each([
  [{ exitCode: 3 }, 'it exited with 3'],
  [{ killedBy: 'SIGKILL' }, 'SIGKILL ended it'],
  // It may exit in order when it is told to end.
  [{ exitCode: 0, timedOut: true, durationMs: 30_012 }, 'it had not ended after 30 seconds'],
  [{ killedBy: 'SIGKILL', timedOut: true, durationMs: 520 }, 'it had not ended after 0.5 seconds'],
])('%j: %s', (fields, told) => {
  const end = { exitCode: undefined, killedBy: undefined, timedOut: false, durationMs: 1 };
  expect(showCommandEnd({ ...end, ...fields })).toBe(told);
});
