import { expect, test } from 'vitest';
import { eventNames, parseHandlerSpec } from '../../src/model/handler-spec.ts';

test.each([
  ['/bin/a', eventNames, '/bin/a'],
  ['*=/bin/a', eventNames, '/bin/a'],
  ['member-join=/bin/a', ['member-join'], '/bin/a'],
  // In the order of the list, each once, whatever is written.
  ['conflict,member-join,conflict=/bin/a', ['member-join', 'conflict'], '/bin/a'],
  ['member-join=A=1 /bin/a', ['member-join'], 'A=1 /bin/a'],
])('"%s" is for %j', (text, events, command) => {
  expect(parseHandlerSpec(text)).toEqual({ events, command });
});

test.each([
  ['', 'there is no command'],
  ['member-join= ', 'there is no command'],
  ['member-joined=/bin/a', 'unknown event "member-joined" (did you mean "member-join"?)'],
  ['A=1 /bin/a', 'unknown event "A"'],
  ['=/bin/a', 'unknown event ""'],
  [`${'x'.repeat(61)}=/bin/a`, `unknown event "${'x'.repeat(60)}"`],
])('"%s" is none: %s', (text, problem) => {
  expect(parseHandlerSpec(text)).toEqual({ problem });
});
