/**
 * The guard: nobody is removed from an answer without evidence, and whoever is really gone is
 * removed at once.
 *
 * It looks at two snapshots and at what EC2 says of those who are in the first alone, asked for by
 * id. It stands between EC2 and the snapshot that all outputs are read off, so none can do without.
 */
import { type Instance, isAlive } from './instance.ts';
import type { InstanceQuery } from './query.ts';
import type { Evidence, Removal } from './removal.ts';
import { satisfiesAny } from './satisfies.ts';
import { idsIn, type Snapshot, toSnapshot } from './snapshot.ts';

/** What is to become of an instance of the last snapshot that the new answer lacks. */
export type Judgement =
  | { readonly kind: 'gone'; readonly evidence: Evidence }
  /** It is as it should be: the filters of the new answer, or its staleness, were wrong. */
  | { readonly kind: 'there' }
  /** Nothing says anything. */
  | { readonly kind: 'unseen' };

/**
 * Judges one instance. This is the whole table of evidence:
 *
 * | EC2, asked for the id, shows | Then it is |
 * |---|---|
 * | nothing, or the call failed | unseen |
 * | an earlier life, or `pending` where this life was seen `running`: an old answer | unseen |
 * | `stopping`, `stopped`, `shutting-down` or `terminated` | gone |
 * | what is asked for | there |
 * | anything else | gone: does not match |
 *
 * @param last - as the last snapshot has it
 * @param seen - as EC2 shows it now, asked for by its id alone
 * @param asked - the queries, one of which has to be satisfied
 */
export function judge(
  last: Instance,
  seen: Instance | undefined,
  asked: readonly InstanceQuery[],
): Judgement {
  if (seen === undefined || isOlder(seen, last)) return { kind: 'unseen' };
  const { state } = seen;
  if (state !== 'pending' && state !== 'running') return { kind: 'gone', evidence: state };
  if (satisfiesAny(asked, seen)) return { kind: 'there' };
  return { kind: 'gone', evidence: 'does not match' };
}

/** A life begins at each start, and in one life what runs is never pending again. */
function isOlder(seen: Instance, last: Instance): boolean {
  if (seen.launchTimeMs !== last.launchTimeMs) return seen.launchTimeMs < last.launchTimeMs;
  return seen.state === 'pending' && last.state === 'running';
}

/** Gives the living instances of the last snapshot that the new answer lacks. */
export function missingFrom(fresh: Snapshot, last: Snapshot): readonly Instance[] {
  const there = idsIn(fresh);
  return last.instances.filter((i) => isAlive(i) && !there.has(i.instanceId));
}

/** What a new answer is an answer to. */
export interface Asked {
  /** Who is a member. */
  readonly queries: readonly InstanceQuery[];
  /** Everything that was asked for: these too, and who else matters to the names of members. */
  readonly asked: readonly InstanceQuery[];
}

/** What the guard made of a new answer. */
export interface GuardedSnapshot {
  /** Of the time of the new answer, with those who are kept. */
  readonly snapshot: Snapshot;
  /**
   * By instance id. Some may still be in the snapshot: who is no member any more, and has a name
   * that a member wants.
   */
  readonly removed: readonly Removal[];
}

/**
 * Puts a new answer and the last snapshot together: evidence removes, its absence keeps.
 *
 * @param seen - what EC2 answered when it was asked for the missing ones by id; empty if it did not
 */
export function guardSnapshot(
  fresh: Snapshot,
  last: Snapshot,
  seen: readonly Instance[],
  { queries, asked }: Asked,
): GuardedSnapshot {
  const seenById = new Map(seen.map((instance) => [instance.instanceId, instance] as const));
  const instances = [...fresh.instances];
  const unconfirmed = new Map<string, number>();
  const removed = findWithdrawn(fresh, last, queries);
  for (const missing of missingFrom(fresh, last)) {
    const { instanceId } = missing;
    const now = seenById.get(instanceId);
    const judgement = judge(missing, now, asked);
    if (judgement.kind === 'gone') {
      removed.push({ instanceId, evidence: judgement.evidence });
    } else if (judgement.kind === 'there') {
      instances.push(now ?? missing);
      if (isWithdrawn(missing, now, queries)) {
        removed.push({ instanceId, evidence: 'does not match' });
      }
    } else {
      instances.push(missing);
      unconfirmed.set(instanceId, last.unconfirmed?.get(instanceId) ?? last.takenAtMs);
    }
  }
  return { snapshot: withUnconfirmed(fresh, instances, unconfirmed), removed };
}

/** Finds those who are in both and were members, and are none now. */
function findWithdrawn(
  fresh: Snapshot,
  last: Snapshot,
  queries: readonly InstanceQuery[],
): Removal[] {
  const outsiders = new Map<string, Instance>();
  for (const i of fresh.instances) if (!satisfiesAny(queries, i)) outsiders.set(i.instanceId, i);
  // The usual case, in which a large fleet need not be gone through.
  if (outsiders.size === 0) return [];
  return last.instances
    .filter((before) => isWithdrawn(before, outsiders.get(before.instanceId), queries))
    .map(({ instanceId }) => ({ instanceId, evidence: 'does not match' }));
}

function isWithdrawn(
  before: Instance,
  now: Instance | undefined,
  queries: readonly InstanceQuery[],
): boolean {
  return satisfiesAny(queries, before) && judge(before, now, queries).kind === 'gone';
}

/** An instance that EC2 does not show, and that nothing says is gone. */
export interface KeptInstance {
  readonly instanceId: string;
  /** In milliseconds since 1970. */
  readonly lastSeenMs: number;
}

/** How long nobody needs evidence, and how many may go without it after that. */
export interface GuardTerms {
  /** Whoever EC2 has not shown for longer is not kept, in milliseconds. */
  readonly maxStaleMs: number;
  /**
   * The share of an answer that may go without evidence, 0 to 1.
   *
   * One instance always may unless it is 0: a third of a fleet of three is one host, and a
   * termination that nobody saw must not hold all others back for ever. But unless it is 1, never
   * all: an answer of nobody needs evidence of each.
   */
  readonly maxRemove: number;
}

/** A snapshot without those whose time is over, or why they cannot be left out. */
export type ExpiredSnapshot =
  | {
      readonly kind: 'current';
      readonly snapshot: Snapshot;
      /** The members who were left out, by instance id. */
      readonly letGo: readonly KeptInstance[];
    }
  /** Too many would go: so many of so many members. */
  | { readonly kind: 'held'; readonly unseen: number; readonly members: number };

/**
 * Leaves out whoever EC2 has not shown for too long, unless those are too many.
 *
 * @param queries - who is a member; others are there for the sake of names, and are not counted
 */
export function expireUnseen(
  snapshot: Snapshot,
  queries: readonly InstanceQuery[],
  nowMs: number,
  { maxStaleMs, maxRemove }: GuardTerms,
): ExpiredSnapshot {
  const unconfirmed = snapshot.unconfirmed ?? new Map<string, number>();
  const isExpired = ({ instanceId }: Instance): boolean => {
    const seenMs = unconfirmed.get(instanceId);
    return seenMs !== undefined && nowMs - seenMs > maxStaleMs;
  };
  const rest = snapshot.instances.filter((instance) => !isExpired(instance));
  if (rest.length === snapshot.instances.length) return { kind: 'current', snapshot, letGo: [] };
  const members = snapshot.instances.filter((i) => satisfiesAny(queries, i));
  const letGo = members.filter(isExpired).map(({ instanceId }) => ({
    instanceId,
    lastSeenMs: unconfirmed.get(instanceId) ?? snapshot.takenAtMs,
  }));
  const unseen = letGo.length;
  if (unseen > mayGo(members.length, maxRemove)) {
    return { kind: 'held', unseen, members: members.length };
  }
  const left = new Set(rest.map(({ instanceId }) => instanceId));
  const kept = new Map([...unconfirmed].filter(([instanceId]) => left.has(instanceId)));
  return { kind: 'current', snapshot: withUnconfirmed(snapshot, rest, kept), letGo };
}

/** Gives the members whom the newest answer did not show, by instance id. */
export function keptIn(
  { instances, unconfirmed }: Snapshot,
  queries: readonly InstanceQuery[],
): readonly KeptInstance[] {
  if (unconfirmed === undefined) return [];
  return instances.flatMap((instance) => {
    const lastSeenMs = unconfirmed.get(instance.instanceId);
    if (lastSeenMs === undefined || !satisfiesAny(queries, instance)) return [];
    return [{ instanceId: instance.instanceId, lastSeenMs }];
  });
}

function mayGo(members: number, maxRemove: number): number {
  if (maxRemove === 0 || maxRemove >= 1) return members * maxRemove;
  const share = Math.max(1, Math.floor(members * maxRemove));
  return Math.min(share, Math.max(0, members - 1));
}

function withUnconfirmed(
  { region, takenAtMs, removed }: Snapshot,
  instances: readonly Instance[],
  unconfirmed: ReadonlyMap<string, number>,
): Snapshot {
  return {
    ...toSnapshot(region, takenAtMs, instances),
    ...(unconfirmed.size > 0 && { unconfirmed }),
    ...(removed !== undefined && { removed }),
  };
}
