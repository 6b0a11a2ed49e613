/**
 * Folds what happens in quick succession into one batch, so that a fleet that boots or a host that
 * comes and goes does not run each handler a hundred times.
 *
 * The latest state wins, as in Serf's agent 0.9, and what handlers were already told is not told
 * again. Three things differ, and each would leave a handler with a wrong table: Serf tells an
 * update of a member that nobody was told of (here it joins), tells nothing when a member left and
 * joined with another address in one period (here it is an update), and only counts members that
 * flap (here the third time waits).
 */
import { changedAspects, goesBy, memberKey } from './difference.ts';
import type { Member } from './directory.ts';
import type { FleetEvent, MemberEvent } from './event.ts';
import type { EventName } from './handler-spec.ts';
import { compareNames } from './name.ts';
import type { Vocabulary } from './tags.ts';

/** How long to wait for more, all in milliseconds. */
export interface CoalesceOptions {
  /** No event waits for longer. @defaultValue `3000`, as Serf's `CoalescePeriod` */
  readonly coalesceMs?: number | undefined;
  /** Nothing new for so long ends the wait. @defaultValue `1000`, as Serf's `QuiescentPeriod` */
  readonly quiescentMs?: number | undefined;
  /**
   * Whoever has gone twice in so long joins again only so long after the second time. That it
   * goes is always told at once. 0 is never. @defaultValue `60000`, as Serf's `FlapTimeout`
   */
  readonly flapMs?: number | undefined;
  readonly vocabulary?: Vocabulary | undefined;
}

/** What waits, and what was told. A plain value: the next one is computed from it. */
export interface CoalesceState {
  /** The latest of each, by {@link eventKey}. */
  readonly pending: ReadonlyMap<string, FleetEvent>;
  /** When the first and the last of them came. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Members that flap, until when; by {@link eventKey}. */
  readonly held: ReadonlyMap<string, { readonly event: MemberEvent; readonly untilMs: number }>;
  /** What was last told, by {@link eventKey}; nothing of members that were reaped. */
  readonly told: ReadonlyMap<string, Told>;
}

/** What was last told of somebody. */
interface Told {
  readonly event: EventName;
  readonly member: Member;
  /** When it was last told that the member is gone, oldest first, at most two. */
  readonly goneMs: readonly number[];
}

/** Nothing waits, and nothing was told. */
export const nothingPending: CoalesceState = {
  pending: new Map(),
  firstMs: 0,
  lastMs: 0,
  held: new Map(),
  told: new Map(),
};

const defaultCoalesceMs = 3000;
const defaultQuiescentMs = 1000;
const defaultFlapMs = 60_000;

/** Says what an event is about: of several with one key only the latest counts. */
export function eventKey(event: FleetEvent): string {
  switch (event.event) {
    case 'conflict':
      return `conflict ${event.conflict.name}`;
    case 'name-gained':
    case 'name-lost':
      return `name ${event.name} ${event.member.instance.instanceId}`;
    default:
      return `member ${memberKey(event.member)}`;
  }
}

/** Takes events in, in their order. */
export function addEvents(
  state: CoalesceState,
  events: readonly FleetEvent[],
  nowMs: number,
): CoalesceState {
  if (events.length === 0) return state;
  const pending = new Map(state.pending);
  const held = new Map(state.held);
  for (const event of events) {
    const key = eventKey(event);
    held.delete(key);
    pending.set(key, event);
  }
  const firstMs = state.pending.size === 0 ? nowMs : state.firstMs;
  return { ...state, pending, held, firstMs, lastMs: nowMs };
}

/** Tells when {@link takeDue} next has something to do; `undefined` if nothing waits. */
export function dueAtMs(state: CoalesceState, options: CoalesceOptions = {}): number | undefined {
  const { coalesceMs = defaultCoalesceMs, quiescentMs = defaultQuiescentMs } = options;
  const times = [...state.held.values()].map(({ untilMs }) => untilMs);
  if (state.pending.size > 0) {
    times.push(Math.min(state.firstMs + coalesceMs, state.lastMs + quiescentMs));
  }
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The next state, and what is to be told now. */
export interface DueEvents {
  readonly state: CoalesceState;
  /** Empty when nothing is due, or when all of it is known already. */
  readonly events: readonly FleetEvent[];
  /** What they go by who flap, and whose joining waits from now on. */
  readonly flapping: readonly string[];
}

/** Gives the events whose time has come. */
export function takeDue(
  state: CoalesceState,
  nowMs: number,
  options: CoalesceOptions = {},
): DueEvents {
  const { flapMs = defaultFlapMs, vocabulary } = options;
  const held = new Map(state.held);
  const told = new Map(state.told);
  const events: FleetEvent[] = [];
  const flapping: string[] = [];
  const tell = (key: string, event: FleetEvent): void => {
    events.push(event);
    remember(told, key, event, nowMs);
  };
  for (const [key, { event, untilMs }] of state.held) {
    if (untilMs > nowMs) continue;
    held.delete(key);
    tell(key, event);
  }
  const pendingAtMs = dueAtMs({ ...state, held: new Map() }, options);
  if (pendingAtMs === undefined || pendingAtMs > nowMs) {
    return { state: { ...state, held, told }, events, flapping };
  }
  for (const [key, latest] of state.pending) {
    const last = told.get(key);
    const event = isMemberEvent(latest) ? newsOf(latest, last, vocabulary) : latest;
    if (event === undefined || (event.event !== 'conflict' && isKnown(event, last))) continue;
    const untilMs = event.event === 'member-join' ? quietAtMs(last, nowMs, flapMs) : undefined;
    if (untilMs === undefined || !isMemberEvent(event)) {
      tell(key, event);
      continue;
    }
    held.set(key, { event, untilMs });
    flapping.push(goesBy(event.member));
  }
  return { state: { ...state, pending: new Map(), held, told }, events, flapping };
}

/** Tells an event of Serf's from those of names. */
export function isMemberEvent(event: FleetEvent): event is MemberEvent {
  return event.event.startsWith('member-');
}

function isKnown(event: FleetEvent, last: Told | undefined): boolean {
  return event.event === last?.event && event.event !== 'member-update';
}

/** What a member's latest event is to somebody who knows what was told; `undefined` if no news. */
function newsOf(
  latest: MemberEvent,
  last: Told | undefined,
  vocabulary: Vocabulary | undefined,
): MemberEvent | undefined {
  if (latest.event !== 'member-join' && latest.event !== 'member-update') return latest;
  const { member } = latest;
  if (last?.event !== 'member-join' && last?.event !== 'member-update') {
    return { event: 'member-join', member };
  }
  const before = last.member;
  const aspects = changedAspects(before, member, vocabulary);
  return aspects.length === 0 ? undefined : { event: 'member-update', member, before, aspects };
}

/** When a member that flaps may join again; `undefined` if it does not flap. */
function quietAtMs(last: Told | undefined, nowMs: number, flapMs: number): number | undefined {
  const [first, second] = last?.goneMs ?? [];
  if (first === undefined || second === undefined) return undefined;
  if (second - first >= flapMs || second + flapMs <= nowMs) return undefined;
  return second + flapMs;
}

function remember(told: Map<string, Told>, key: string, event: FleetEvent, nowMs: number): void {
  if (event.event === 'conflict') return;
  const goneMs = told.get(key)?.goneMs ?? [];
  switch (event.event) {
    case 'member-reap':
    case 'name-lost':
      told.delete(key);
      return;
    case 'member-leave':
    case 'member-failed':
      told.set(key, { ...event, goneMs: [...goneMs, nowMs].slice(-2) });
      return;
    default:
      told.set(key, { ...event, goneMs });
  }
}

/** Events of one kind, which a handler is told in one run. */
export interface EventBatch {
  readonly event: EventName;
  /** By what they are about, numbers as numbers; never empty. */
  readonly events: readonly FleetEvent[];
}

// Whoever is gone comes first, so that an address is free before the next one has it, and a name is
// lost before it is gained, so that what may run once is stopped before it is started.
const batchOrder: readonly EventName[] = [
  'member-leave',
  'member-failed',
  'member-reap',
  'member-join',
  'member-update',
  'conflict',
  'name-lost',
  'name-gained',
];

/** Sorts events into batches, in the order in which handlers are told of them. */
export function toBatches(events: Iterable<FleetEvent>): readonly EventBatch[] {
  const byName = new Map<EventName, FleetEvent[]>();
  for (const event of events) {
    const batch = byName.get(event.event);
    if (batch === undefined) byName.set(event.event, [event]);
    else batch.push(event);
  }
  return batchOrder.flatMap((event) => {
    const batch = byName.get(event);
    return batch === undefined ? [] : [{ event, events: batch.sort(compareSubjects) }];
  });
}

function compareSubjects(a: FleetEvent, b: FleetEvent): number {
  return compareNames(subjectOf(a), subjectOf(b));
}

/** The name, or what the member goes by, that an event is about. */
export function subjectOf(event: FleetEvent): string {
  if (event.event === 'conflict') return event.conflict.name;
  return isMemberEvent(event) ? goesBy(event.member) : event.name;
}
