import { describeFleet, type FleetRequest, type Recall } from './describe-fleet.ts';
import { isNametagError, NametagError } from './errors.ts';
import {
  type ExpiredSnapshot,
  expireUnseen,
  type GuardTerms,
  guardSnapshot,
  type KeptInstance,
  missingFrom,
} from './model/guard.ts';
import type { Instance } from './model/instance.ts';
import { locate, mergeRemovals, type Removal } from './model/removal.ts';
import { satisfiesAny } from './model/satisfies.ts';
import { idsIn, type Snapshot } from './model/snapshot.ts';
import type { CallOptions, Ec2 } from './ports.ts';

/** On what terms a new answer may take the place of the last one. */
export interface RefreshTerms {
  /** As {@link GuardTerms} has it. @defaultValue {@link defaultMaxStaleMs} */
  readonly maxStaleMs?: GuardTerms['maxStaleMs'] | undefined;
  /** As {@link GuardTerms} has it. @defaultValue {@link defaultMaxRemove} */
  readonly maxRemove?: GuardTerms['maxRemove'] | undefined;
  /** Takes the new answer as it is, without evidence. @defaultValue `false` */
  readonly force?: boolean | undefined;
  /**
   * When EC2 was last asked in vain, in milliseconds since 1970: while it is away, nobody pauses.
   *
   * @defaultValue never
   */
  readonly failedMs?: number | undefined;
}

/** How long an answer may be used at most, in milliseconds, when nothing else is said: 1 hour. */
export const defaultMaxStaleMs = 3_600_000;

/** The share of an answer that may go without evidence when nothing else is said. */
export const defaultMaxRemove = 0.3;

/** Everybody but one, of however many. */
const nearlyAll = 1 - Number.EPSILON;

/** A new snapshot, or why it is not to be used. */
export type Refresh =
  | {
      readonly kind: 'refreshed';
      readonly snapshot: Snapshot;
      /** Who was left out, since EC2 has not shown them for too long; by instance id. */
      readonly letGo: readonly KeptInstance[];
    }
  /** To be remembered all the same: it knows since when each was not seen. */
  | {
      readonly kind: 'held';
      readonly snapshot: Snapshot;
      readonly unseen: number;
      readonly members: number;
    };

/**
 * Asks EC2, and guards what it answers by what it answered last.
 *
 * Takes one call more than {@link describeFleet} does when somebody is missing, and none otherwise.
 *
 * After a pause longer than `maxStaleMs` nobody is kept whom EC2 does not know: an autoscaled fleet
 * that is read once a week would be held for ever. Whom EC2 does show by id is kept all the same,
 * and an answer of nobody is held back.
 *
 * @param recall - gives the last snapshot
 * @throws as {@link Ec2} does; not when only the call for evidence fails.
 */
export async function refreshSnapshot(
  request: FleetRequest,
  recall: Recall,
  ec2: Ec2,
  terms: RefreshTerms = {},
  options: CallOptions = {},
): Promise<Refresh> {
  const { maxStaleMs = defaultMaxStaleMs, maxRemove = defaultMaxRemove, force = false } = terms;
  let recalled: Promise<Snapshot | undefined> | undefined;
  const lastWithout: Recall = async (except) => {
    if (force) return undefined;
    recalled ??= recall(except);
    return await recalled;
  };
  const { snapshot: fresh, asked } = await describeFleet(request, ec2, options, lastWithout);
  const nowMs = fresh.takenAtMs;
  const last = await lastWithout(idsIn(membersOf(fresh, request)));
  if (last === undefined) return { kind: 'refreshed', snapshot: fresh, letGo: [] };
  const missing = missingFrom(fresh, last);
  const seen = missing.length === 0 ? [] : await askById(missing, ec2, options);
  const { queries } = request;
  const guarded = guardSnapshot(fresh, last, seen, { queries, asked });
  const snapshot = withRemovals(guarded.snapshot, last, guarded.removed, { request, maxStaleMs });
  const pauseMs = nowMs - Math.max(last.takenAtMs, terms.failedMs ?? last.takenAtMs);
  const share = pauseMs > maxStaleMs ? Math.max(maxRemove, nearlyAll) : maxRemove;
  const expiry = { maxStaleMs, maxRemove: share };
  const expired = expireUnseen(snapshot, queries, nowMs, expiry);
  if (expired.kind === 'held') return { ...expired, snapshot };
  return { ...expired, kind: 'refreshed', snapshot: withoutHalfProof(expired, request) };
}

/** Of an answer of nobody, evidence of some must not pass for evidence of all. */
function withoutHalfProof(
  { snapshot, letGo }: Extract<ExpiredSnapshot, { kind: 'current' }>,
  request: FleetRequest,
): Snapshot {
  if (letGo.length === 0 || membersOf(snapshot, request).instances.length > 0) return snapshot;
  const { removed: _, ...rest } = snapshot;
  return rest;
}

function withRemovals(
  snapshot: Snapshot,
  last: Snapshot,
  now: readonly Removal[],
  { request, maxStaleMs }: { readonly request: FleetRequest; readonly maxStaleMs: number },
): Snapshot {
  const earlier = last.removed ?? [];
  // The usual case, in which a large fleet need not be gone through.
  if (earlier.length + now.length === 0) return snapshot;
  const there = idsIn(membersOf(snapshot, request));
  const atMs = snapshot.takenAtMs;
  const gone = new Set(now.map(({ instanceId }) => instanceId));
  const before = new Map(
    last.instances.flatMap((i) => (gone.has(i.instanceId) ? [[i.instanceId, i] as const] : [])),
  );
  const removed = mergeRemovals(earlier, {
    removed: now.map((removal) => locate(removal, before.get(removal.instanceId))),
    ...{ atMs, there, maxAgeMs: maxStaleMs },
  });
  return removed.length === 0 ? snapshot : { ...snapshot, removed };
}

/** Leaves out who is there for the sake of names. */
function membersOf(snapshot: Snapshot, { queries, namesMatter }: FleetRequest): Snapshot {
  if (!namesMatter) return snapshot;
  return { ...snapshot, instances: snapshot.instances.filter((i) => satisfiesAny(queries, i)) };
}

/**
 * Gives the refresh that is to be used.
 *
 * @throws {@link NametagError} with code `NAMETAG_GUARD_HELD` when it is held back.
 */
export function takeOrThrow(
  refresh: Refresh,
  { maxRemove = defaultMaxRemove }: RefreshTerms,
): Extract<Refresh, { kind: 'refreshed' }> {
  if (refresh.kind === 'refreshed') return refresh;
  const { unseen, members, snapshot } = refresh;
  const { region } = snapshot;
  const percent = Math.round(maxRemove * 100);
  throw new NametagError('NAMETAG_GUARD_HELD', { region, unseen, members, percent });
}

/** Nothing is evidence of nothing, so a failure is the same as an empty answer. */
async function askById(
  missing: readonly Instance[],
  ec2: Ec2,
  options: CallOptions,
): Promise<readonly Instance[]> {
  const instanceIds = missing.map(({ instanceId }) => instanceId);
  try {
    return (await ec2.describeInstances([{ instanceIds }], options)).instances;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isNametagError(error)) return [];
    throw error;
  }
}
