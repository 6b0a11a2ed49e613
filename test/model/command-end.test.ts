import { expect, test } from 'vitest';
import { showCommandEnd, showFailure } from '../../src/model/command-end.ts';

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

test.each([
  ['', 'it exited with 3'],
  ['\n \n', 'it exited with 3'],
  ['one\nconnection refused\n\n', 'it exited with 3 ("connection refused")'],
  ['\u001b[2J\u202e', 'it exited with 3 ("?[2J?")'],
  ['x'.repeat(201), `it exited with 3 ("${'x'.repeat(200)}")`],
])('says %j: %s', (output, told) => {
  const end = { exitCode: 3, killedBy: undefined, timedOut: false, durationMs: 1 };
  expect(showFailure({ ...end, output })).toBe(told);
});
