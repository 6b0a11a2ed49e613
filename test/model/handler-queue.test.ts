import { describe, expect, test } from 'vitest';
import { subjectOf } from '../../src/model/coalesce.ts';
import type { FleetEvent } from '../../src/model/event.ts';
import {
  type Handler,
  type HandlerQueue,
  nextRun,
  nextRunAtMs,
  queueEvents,
  settleRun,
} from '../../src/model/handler-queue.ts';
import { instance } from '../helpers/instances.ts';

const a: Handler = { events: ['member-join', 'name-gained'], command: 'a' };
const b: Handler = { events: ['member-join'], command: 'b' };
const event = (kind: 'member-join' | 'name-gained', name = 'web-1'): FleetEvent => {
  const own = { name, ownName: name, aliases: [], generation: undefined, ready: true };
  const member = { instance: instance({ instanceId: `i-${name}` }), ...own };
  return kind === 'member-join' ? { event: kind, member } : { event: kind, name, member };
};
const join = (name?: string): FleetEvent => event('member-join', name);

/** Makes the next run, and gives what it told and the line behind it. */
function step(queue: HandlerQueue, succeeded: boolean, nowMs = 0, attempts?: number) {
  const run = nextRun(queue, nowMs);
  if (run === undefined) throw new Error('Nothing is due.');
  const settled = settleRun(queue, run, succeeded, nowMs, { attempts, retryMs: 1000 });
  const { event: kind, events } = run.batch;
  return { told: `${run.handler.command} ${kind} ${events.map(subjectOf)}`, ...settled };
}

describe('the line of a handler', () => {
  test('is empty of what the handler is not for', () => {
    expect(queueEvents(new Map(), [b], [event('name-gained')]).size).toBe(0);
    expect(nextRunAtMs(new Map())).toBeUndefined();
    expect(nextRun(new Map(), 0)).toBeUndefined();
  });

  test('is told a batch at a time, and each handler in its turn', () => {
    const events = [join('web-2'), join('web-1'), event('name-gained')];
    const first = step(queueEvents(new Map(), [a, b], events), true);
    const second = step(first.queue, true);
    const third = step(second.queue, true);
    expect([first, second, third].map(({ told }) => told)).toEqual([
      'a member-join web-1,web-2',
      'b member-join web-1,web-2',
      'a name-gained web-1',
    ]);
    expect(third.queue.size).toBe(0);
  });

  test('keeps what came during a run, though it is of the same member', () => {
    const queue = queueEvents(new Map(), [b], [join()]);
    const run = nextRun(queue, 0)!;
    const meanwhile = queueEvents(queue, [b], [join()]);
    expect(settleRun(meanwhile, run, true, 0).queue.size).toBe(1);
    expect(settleRun(meanwhile, run, false, 0, { attempts: 1 })).toMatchObject({ givenUp: 0 });
    expect(settleRun(queue, run, true, 0).queue.size).toBe(0);
  });
});

describe('a run that fails', () => {
  test('is made again later, and holds nobody else up', () => {
    const failed = step(queueEvents(new Map(), [a, b], [join()]), false, 500);
    expect(failed).toMatchObject({ retryInMs: 1000, givenUp: 0 });
    const other = step(failed.queue, true, 500);
    expect(other.told).toBe('b member-join web-1');
    expect(nextRunAtMs(other.queue)).toBe(1500);
    expect(nextRun(other.queue, 1499)).toBeUndefined();
    expect(step(other.queue, true, 1500).told).toBe('a member-join web-1');
  });

  test('waits twice as long each time, and as at first again once one did not fail', () => {
    const queue = queueEvents(new Map(), [a], [join(), event('name-gained')]);
    const first = step(queue, false);
    const second = step(first.queue, false, 1000);
    const third = step(second.queue, true, 3000);
    const fourth = step(third.queue, false, 3000);
    expect([first, second, third, fourth].map(({ retryInMs }) => retryInMs)).toEqual([
      1000,
      2000,
      undefined,
      1000,
    ]);
    expect(fourth.told).toBe('a name-gained web-1');
  });

  test('is given up after so many attempts, and nothing is left to wait for', () => {
    const first = step(queueEvents(new Map(), [b], [join('web-1'), join('web-2')]), false, 0, 2);
    const last = step(first.queue, false, 1000, 2);
    expect(first.givenUp).toBe(0);
    expect(last).toEqual({
      told: 'b member-join web-1,web-2',
      queue: new Map(),
      retryInMs: undefined,
      givenUp: 2,
    });
  });

  test('has all its attempts again for what is news', () => {
    const first = step(queueEvents(new Map(), [b], [join()]), false, 0, 2);
    const again = step(queueEvents(first.queue, [b], [join()]), false, 1000, 2);
    expect(again).toMatchObject({ retryInMs: 2000, givenUp: 0 });
  });
});
