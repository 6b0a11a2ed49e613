/**
 * What happened in the fleet, in Serf's words, found by comparing each reading with what was known.
 *
 * Source of the words and of the time until a member is reaped: Serf's agent 0.9, whose members
 * stay for 24 hours after they failed or left (`ReconnectTimeout`, `TombstoneTimeout`).
 */
import {
  type Aspect,
  type Departed,
  type Difference,
  findDifference,
  findEvidence,
  memberKey,
  type Reading,
} from './difference.ts';
import type { Conflict, Member } from './directory.ts';
import type { EventName } from './handler-spec.ts';
import { defaultVocabulary, type Vocabulary } from './tags.ts';

/** The events of Serf's that are about members. */
export type MemberEventName = Extract<EventName, `member-${string}`>;

/** Something happened to a member. */
export interface MemberEvent {
  readonly event: MemberEventName;
  /** As it is now, or as it was last seen. */
  readonly member: Member;
  /** Of an update: how it was, and what has changed. */
  readonly before?: Member | undefined;
  readonly aspects?: readonly Aspect[] | undefined;
  /** Of a member that left or failed. */
  readonly evidence?: Departed['evidence'] | undefined;
}

/** An instance has a name, or has it no more. */
export interface NameEvent {
  readonly event: 'name-gained' | 'name-lost';
  readonly name: string;
  /** Who has it now, or had it last. */
  readonly member: Member;
}

/** Several instances say one name: it is new, or others are in it than before. */
export interface ConflictEvent {
  readonly event: 'conflict';
  readonly conflict: Conflict;
}

/** Any of them. */
export type FleetEvent = MemberEvent | NameEvent | ConflictEvent;

/** What is known between two readings. A plain value: the next one is computed from it. */
export interface EventState {
  /** Who is there, by {@link memberKey}. */
  readonly members: ReadonlyMap<string, Member>;
  /** Who left or failed, and has not been reaped; by {@link memberKey}. */
  readonly gone: ReadonlyMap<string, { readonly member: Member; readonly sinceMs: number }>;
  /** Who has each name. It outlasts a member's place in the answer: one that drains has a name. */
  readonly holders: ReadonlyMap<string, Member>;
  readonly conflicts: readonly Conflict[];
}

/** How events are found. */
export interface EventOptions {
  readonly vocabulary?: Vocabulary | undefined;
  /** After what time a member that left or failed is reaped. @defaultValue 24 hours */
  readonly reapAfterMs?: number | undefined;
}

/** As in Serf's agent: 24 hours. */
const defaultReapAfterMs = 86_400_000;

/** Nobody is known: by the first reading everybody joins, as when Serf's agent starts. */
export const nobodyKnown: EventState = {
  members: new Map(),
  gone: new Map(),
  holders: new Map(),
  conflicts: [],
};

/** The next state, what happened, and the difference that it was read off. */
export interface EventStep {
  readonly state: EventState;
  readonly events: readonly FleetEvent[];
  readonly difference: Difference;
}

/**
 * Finds what happened from one reading to the next.
 *
 * @param nowMs - on a clock that never goes back
 */
export function stepEvents(
  state: EventState,
  reading: Reading,
  nowMs: number,
  { vocabulary = defaultVocabulary, reapAfterMs = defaultReapAfterMs }: EventOptions = {},
): EventStep {
  const { members: answered = reading.directory.members } = reading;
  const difference = findDifference(state.members, reading, vocabulary);
  const { members } = difference;
  const gone = new Map(state.gone);
  for (const { member } of difference.departed) {
    gone.set(memberKey(member), { member, sinceMs: nowMs });
  }
  const reaped: Member[] = [];
  for (const [key, { member, sinceMs }] of gone) {
    const isBack = members.has(key);
    if (!isBack && nowMs - sinceMs < reapAfterMs) continue;
    gone.delete(key);
    if (!isBack) reaped.push(member);
  }
  const names = stepNames(state.holders, reading, difference.departed, reaped);
  const conflicts = conflictsAmong(answered, reading.directory.conflicts);
  return {
    state: { members, gone, holders: names.holders, conflicts },
    events: [
      ...toMemberEvents(difference),
      ...reaped.map((member): MemberEvent => ({ event: 'member-reap', member })),
      ...names.events,
      ...newConflicts(state.conflicts, conflicts),
    ],
    difference,
  };
}

function toMemberEvents({ joined, updated, departed }: Difference): MemberEvent[] {
  return [
    ...departed.map(
      ({ member, kind, evidence }): MemberEvent => ({ event: `member-${kind}`, member, evidence }),
    ),
    ...joined.map((member): MemberEvent => ({ event: 'member-join', member })),
    ...updated.map(
      ({ before, after, aspects }): MemberEvent => ({
        event: 'member-update',
        member: after,
        before,
        aspects,
      }),
    ),
  ];
}

/**
 * A name is lost when somebody else has it, when its holder runs and has it no more, and when its
 * holder does not run. That its holder is not in the answer is no evidence.
 */
function stepNames(
  last: ReadonlyMap<string, Member>,
  reading: Reading,
  departed: readonly Departed[],
  reaped: readonly Member[],
): Pick<EventState, 'holders'> & { readonly events: readonly NameEvent[] } {
  const lost: NameEvent[] = [];
  const gained: NameEvent[] = [];
  const holders = new Map<string, Member>();
  for (const member of reading.members ?? reading.directory.members) {
    if (member.name !== undefined) holders.set(member.name, member);
  }
  for (const [name, member] of holders) {
    const before = last.get(name);
    if (before?.instance.instanceId === member.instance.instanceId) continue;
    gained.push({ event: 'name-gained', name, member });
    if (before !== undefined) lost.push({ event: 'name-lost', name, member: before });
  }
  const unseen = [...last].filter(([name]) => !holders.has(name));
  if (unseen.length === 0) return { holders, events: [...lost, ...gained] };
  const stopped = new Set(
    [...findEvidence(reading)].flatMap(([id, seen]) => (seen === 'does not match' ? [] : [id])),
  );
  for (const { member, kind } of departed) {
    if (kind === 'failed') stopped.add(member.instance.instanceId);
  }
  const running = new Map(
    reading.directory.members.map((member) => [member.instance.instanceId, member] as const),
  );
  const forgotten = new Set(reaped.map(({ name }) => name));
  for (const [name, member] of unseen) {
    const { instanceId } = member.instance;
    const now = running.get(instanceId);
    if (now === undefined ? stopped.has(instanceId) : now.name !== name) {
      lost.push({ event: 'name-lost', name, member });
    } else if (!forgotten.has(name)) holders.set(name, member);
  }
  return { holders, events: [...lost, ...gained] };
}

/** A directory also shows conflicts among instances that nobody asked for. */
function conflictsAmong(
  members: readonly Member[],
  conflicts: readonly Conflict[],
): readonly Conflict[] {
  if (conflicts.length === 0) return conflicts;
  const ids = new Set(members.map(({ instance }) => instance.instanceId));
  return conflicts.filter(({ winner, losers }) => [winner, ...losers].some((id) => ids.has(id)));
}

function newConflicts(
  before: readonly Conflict[],
  after: readonly Conflict[],
): readonly ConflictEvent[] {
  const known = new Set(before.map(showConflict));
  return after
    .filter((conflict) => !known.has(showConflict(conflict)))
    .map((conflict) => ({ event: 'conflict', conflict }));
}

function showConflict({ name, winner, losers }: Conflict): string {
  return [name, winner, ...losers].join(' ');
}
