import { describe, expect, test } from 'vitest';
import { isNametagError } from '../../src/errors.ts';
import { faultNames, parseFaults } from '../../src/sandbox/faults.ts';

describe('a list of faults', () => {
  test.each([
    ['', {}],
    ['concurrent=0.05', { concurrent: 0.05 }],
    ['not-found=3s, latency=50ms', { notFoundMs: 3000, latencyMs: 50 }],
    ['latency=80ms,latency-min=50ms', { latencyMs: 80, latencyMinMs: 50 }],
    ['settle-max=2m', { settleMaxMs: 120_000 }],
    ['hide=eu-west-1a,hide=i-1', { hidden: new Set(['eu-west-1a', 'i-1']) }],
    ['empty-answers=1,silent-filter=0.5', { emptyAnswers: 1, silentFilter: 0.5 }],
    ['deny=CreateTags,deny=DeleteTags', { deny: new Set(['CreateTags', 'DeleteTags']) }],
    ['throttle,instance-tags', { throttle: true, instanceTags: true }],
    [
      'lost=0.4,lost-never=0',
      { lostNow: 0.1, lostLate: 0.1, lostTwice: 0.1, lostNever: 0, lostRead: 0.4 },
    ],
    ['twice=1', { lostTwice: 1 }],
  ])('%j turns %j', (text, knobs) => {
    expect(parseFaults(text)).toEqual(knobs);
  });

  test.each([
    ['lsot=0.1', 'There is no fault "lsot" (did you mean "lost"?)'],
    ['concurrent', 'Fault "concurrent" cannot be ""'],
    ['hide', 'Fault "hide" needs a value'],
    ['concurrent=2', 'Fault "concurrent" cannot be "2"'],
    ['concurrent=-1', 'Fault "concurrent" cannot be "-1"'],
    ['latency=50', 'Fault "latency" cannot be "50"'],
    ['latency=1.5s', 'Fault "latency" cannot be "1.5s"'],
    ['throttle=yes', 'Fault "throttle" takes no value'],
    ['deny=CreateTag', 'There is no action "CreateTag" to deny (did you mean "CreateTags"?)'],
    ['lost-now=0.6,twice=0.6', 'More than all answers would be lost'],
  ])('%j is refused: %s', (text, problem) => {
    expect(() => parseFaults(text)).toThrow(problem);
    expect(() => parseFaults(text)).toThrow(
      expect.toSatisfy((error: unknown) => isNametagError(error, 'NAMETAG_USAGE')),
    );
  });

  test('that is unknown is told with all there are', () => {
    for (const name of faultNames) expect(() => parseFaults('nonsense=1')).toThrow(name);
  });
});
