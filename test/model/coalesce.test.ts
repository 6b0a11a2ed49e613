import { describe, expect, test } from 'vitest';
import {
  addEvents,
  type CoalesceState,
  dueAtMs,
  nothingPending,
  subjectOf,
  takeDue,
  toBatches,
} from '../../src/model/coalesce.ts';
import type { Member } from '../../src/model/directory.ts';
import type { FleetEvent, MemberEventName } from '../../src/model/event.ts';
import { instance } from '../helpers/instances.ts';

const member = (name: string, address = '10.0.0.1'): Member => ({
  instance: instance({ instanceId: `i-${name}`, privateIpAddress: address }),
  name,
  ownName: name,
  aliases: [],
  generation: undefined,
  ready: true,
});
type Short = 'join' | 'leave' | 'failed' | 'update' | 'reap';
const event = (short: Short, name = 'web-1', address?: string): FleetEvent => {
  const full: MemberEventName = `member-${short}`;
  return { event: full, member: member(name, address) };
};

/** Plays `[when, event…]`, taking at each time what is due before; gives `when event subject`. */
function play(...steps: [number, ...FleetEvent[]][]): string[] {
  let state: CoalesceState = nothingPending;
  const told: string[] = [];
  const take = (untilMs: number): void => {
    for (let atMs = dueAtMs(state); atMs !== undefined && atMs <= untilMs; atMs = dueAtMs(state)) {
      const due = takeDue(state, atMs);
      state = due.state;
      told.push(...due.events.map((e) => `${atMs} ${e.event} ${subjectOf(e)}`));
    }
  };
  for (const [nowMs, ...events] of steps) {
    take(nowMs);
    state = addEvents(state, events, nowMs);
  }
  take(Number.POSITIVE_INFINITY);
  return told;
}

describe('coalescing', () => {
  test('waits until a second is quiet', () => {
    expect(play([0, event('join')], [900, event('join', 'web-2')])).toEqual([
      '1900 member-join web-1',
      '1900 member-join web-2',
    ]);
  });

  test('waits for three seconds at most', () => {
    const busy = [0, 1, 2, 3, 4].map((n): [number, FleetEvent] => [
      n * 700,
      event('join', `w${n}`),
    ]);
    const told = play(...busy);
    expect(told.slice(0, 2)).toEqual(['3000 member-join w0', '3000 member-join w1']);
    expect(told).toHaveLength(5);
  });

  test.each<[string, Short[], Short[], string[]]>([
    ['the latest of a period counts', [], ['join', 'leave'], ['member-leave']],
    ['what is known is not told', ['join'], ['leave', 'join'], []],
    ['a second leave is none', ['join', 'leave'], ['leave'], []],
    ['an update of nobody known is a join', [], ['join', 'update'], ['member-join']],
    ['an update back to what is known is none', ['join'], ['update'], []],
    ['who left is reaped', ['join', 'leave'], ['reap'], ['member-reap']],
    ['who failed may join', ['join', 'failed'], ['join'], ['member-join']],
  ])('%s', (_, known, period, expected) => {
    const before = known.map((short, i): [number, FleetEvent] => [i * 10_000, event(short)]);
    const told = play(...before, [50_000, ...period.map((short) => event(short))]);
    expect(told.slice(known.length)).toEqual(expected.map((name) => `51000 ${name} web-1`));
  });

  test('a member that left and joined with another address in one period is updated', () => {
    const moved = event('join', 'web-1', '10.0.0.2');
    expect(play([0, event('join')], [5000, event('leave'), moved])).toEqual([
      '1000 member-join web-1',
      '6000 member-update web-1',
    ]);
  });

  test('one deploy is told as it happens', () => {
    const steps: [number, FleetEvent][] = [
      [0, event('join')],
      [10_000, event('leave')],
      [20_000, event('join')],
    ];
    expect(play(...steps)).toHaveLength(3);
  });

  test('who goes twice in a minute goes at once, and joins a minute later', () => {
    const flaps = (['join', 'failed', 'join', 'failed', 'join'] as const).map(
      (short, i): [number, FleetEvent] => [i * 10_000, event(short)],
    );
    expect(play(...flaps).slice(3)).toEqual([
      '31000 member-failed web-1',
      '91000 member-join web-1',
    ]);
    // Who is gone again by then is not told of at all.
    expect(play(...flaps, [50_000, event('failed')]).slice(3)).toEqual([
      '31000 member-failed web-1',
    ]);
  });

  test('who was reaped is forgotten, and so is who lost a name', () => {
    const lost: FleetEvent = { event: 'name-lost', name: 'a', member: member('a') };
    const gained: FleetEvent = { ...lost, event: 'name-gained' };
    const toldOf = (...batches: readonly (readonly FleetEvent[])[]): number =>
      batches.reduce(
        (state, events, i) => takeDue(addEvents(state, events, i * 9000), i * 9000 + 1000).state,
        nothingPending,
      ).told.size;
    expect(toldOf([event('join'), gained])).toBe(2);
    expect(toldOf([event('join'), gained], [event('leave')])).toBe(2);
    expect(toldOf([event('join'), gained], [event('leave'), lost], [event('reap')])).toBe(0);
  });

  test('nothing due is nothing done', () => {
    const state = addEvents(nothingPending, [event('join')], 0);
    expect(takeDue(state, 500).events).toEqual([]);
    expect(dueAtMs(nothingPending)).toBeUndefined();
  });
});

test('batches say who is gone first, and what is lost before what is gained', () => {
  const lost: FleetEvent = { event: 'name-lost', name: 'a', member: member('a') };
  const gained: FleetEvent = { event: 'name-gained', name: 'a', member: member('b') };
  const events = [gained, event('join', 'web-10'), lost, event('join', 'web-9'), event('failed')];
  expect(toBatches(events).map((b) => [b.event, ...b.events.map(subjectOf)])).toEqual([
    ['member-failed', 'web-1'],
    ['member-join', 'web-9', 'web-10'],
    ['name-lost', 'a'],
    ['name-gained', 'a'],
  ]);
});
