import type { FleetRequest, Recall } from './describe-fleet.ts';
import { type ErrorCode, isNametagError, NametagError } from './errors.ts';
import { showAge } from './model/age.ts';
import { expireUnseen, type KeptInstance, keptIn } from './model/guard.ts';
import type { InstanceQuery } from './model/query.ts';
import { type RecentRemoval, recentOf } from './model/removal.ts';
import type { Snapshot } from './model/snapshot.ts';
import { defaultVocabulary } from './model/tags.ts';
import type { CallOptions, Clock, Ec2, SnapshotKey, SnapshotStore } from './ports.ts';
import {
  defaultMaxRemove,
  defaultMaxStaleMs,
  type Refresh,
  type RefreshTerms,
  refreshSnapshot,
  takeOrThrow,
} from './refresh-snapshot.ts';

/** Where snapshots come from and are kept. */
export interface ReadSnapshotPorts {
  readonly ec2: Ec2;
  readonly store: SnapshotStore;
  readonly clock: Pick<Clock, 'wallMs'>;
}

/** Whose EC2 it is, so that answers of two are never mixed. */
export interface ReadSnapshotSource extends Pick<SnapshotKey, 'credentials' | 'endpoint'> {
  /** What the EC2 is narrowed to, such as a VPC; empty when it is all of its region. */
  readonly within: string;
}

/** How old an answer may be, and on what terms a new one takes its place. */
export interface ReadSnapshotTerms extends Omit<RefreshTerms, 'failedMs'> {
  /** A stored snapshot that is younger is the answer. @defaultValue `0`: EC2 is always asked */
  readonly maxAgeMs?: number | undefined;
}

/** A snapshot, and how it was come by. */
export interface Reading {
  readonly snapshot: Snapshot;
  readonly from: 'ec2' | 'store';
  /** Of the snapshot when it was read from the store; 0 when EC2 has just given it. */
  readonly ageMs: number;
  /** Why EC2 could not be heard, where the answer is stale for that reason. */
  readonly failure: NametagError | undefined;
  /** Members whom EC2 did not show this time; by instance id. */
  readonly kept: readonly KeptInstance[];
  /** Who is left out, since EC2 has not shown them for too long; by instance id. */
  readonly letGo: readonly KeptInstance[];
  /**
   * Who was removed lately, by whichever process of this machine, and is not back; by instance id.
   * That goes back as far as an answer may be stale.
   */
  readonly removed: readonly RecentRemoval[];
}

/**
 * Failures of EC2 or of the way to it, after which the last good answer is better than none.
 *
 * A refusal by IAM is one: a change of a policy must not empty a fleet. A mistake in the question
 * is none, and neither is a mistake of this program.
 */
const fallbackCodes: readonly ErrorCode[] = [
  'NAMETAG_EC2_UNREACHABLE',
  'NAMETAG_EC2_THROTTLED',
  'NAMETAG_EC2_BUSY',
  'NAMETAG_EC2_MALFORMED',
  'NAMETAG_EC2_DENIED',
  'NAMETAG_EC2_UNAUTHENTICATED',
  'NAMETAG_NO_CREDENTIALS',
];

/**
 * Gives the snapshot that answers a request: a young one of the store, else EC2's, else, while EC2
 * cannot be heard, the last good one.
 *
 * Of several processes that want the same, one asks and the others wait for its answer: a snapshot
 * that was begun after a process began to wait is as good as its own.
 *
 * @throws {@link NametagError} with code `NAMETAG_GUARD_HELD`, or as {@link Ec2} does when nothing
 * in the store is young enough.
 */
export async function readSnapshot(
  request: FleetRequest,
  ports: ReadSnapshotPorts,
  source: ReadSnapshotSource,
  terms: ReadSnapshotTerms = {},
  options: CallOptions = {},
): Promise<Reading> {
  const { store, clock, ec2 } = ports;
  const { maxAgeMs = 0, force = false } = terms;
  const { credentials, endpoint, within } = source;
  const { region } = ec2;
  const key = { credentials, region, endpoint, question: questionOf(request, within) };
  const beganMs = clock.wallMs();
  const sinceMs = maxAgeMs > 0 ? beganMs - maxAgeMs : beganMs + 1;
  const recall = async (): Promise<Reading | undefined> => {
    // What may go by force is for EC2 to show, and not for another process that went without it.
    const last = force ? undefined : await store.load(key, { ...options, sinceMs });
    return last && fromStore(last, request, clock.wallMs(), terms);
  };

  if (maxAgeMs > 0) {
    const young = await recall();
    if (young !== undefined) return young;
  }
  const endTurn = await store.takeTurn(key, options);
  try {
    return (await recall()) ?? (await askEc2(request, { ...ports, key }, terms, options));
  } finally {
    await endTurn();
  }
}

async function askEc2(
  request: FleetRequest,
  { ec2, store, clock, key }: ReadSnapshotPorts & { readonly key: SnapshotKey },
  terms: ReadSnapshotTerms,
  options: CallOptions,
): Promise<Reading> {
  let refresh: Refresh;
  try {
    const recall: Recall = (except) => store.load(key, { ...options, except });
    const failedMs = await store.lastFailureMs(key);
    refresh = await refreshSnapshot(request, recall, ec2, { ...terms, failedMs }, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isNametagError(error) || !fallbackCodes.includes(error.code)) throw error;
    await store.noteFailure(key, clock.wallMs());
    return fallBack(request, await store.load(key, options), error, clock.wallMs(), terms);
  }
  await store.save(key, refresh.snapshot, options);
  const { snapshot, letGo } = takeOrThrow(refresh, terms);
  const { removed = [] } = snapshot;
  const kept = keptIn(snapshot, request.queries);
  return { snapshot, from: 'ec2', ageMs: 0, failure: undefined, kept, letGo, removed };
}

/** The last good answer, while it is not too old for that. */
function fallBack(
  request: FleetRequest,
  last: Snapshot | undefined,
  failure: NametagError,
  nowMs: number,
  terms: ReadSnapshotTerms,
): Reading {
  if (last === undefined) throw failure;
  const { maxStaleMs = defaultMaxStaleMs } = terms;
  const ageMs = nowMs - last.takenAtMs;
  const reading = ageMs > maxStaleMs ? undefined : fromStore(last, request, nowMs, terms);
  if (reading !== undefined) return { ...reading, failure };
  const { code, details } = failure;
  const also = whyNot(ageMs, maxStaleMs);
  throw new NametagError(code, details, { cause: failure, also });
}

/** Says why the last answer is of no use. */
function whyNot(ageMs: number, maxStaleMs: number): string {
  if (ageMs < 0) return 'The last answer is of a time that has not come yet, so none goes by it.';
  const age = showAge(ageMs);
  if (ageMs > maxStaleMs) return `The last answer is ${age} old, which is too old to go by.`;
  return `The last answer, ${age} old, is held back: too many in it were not seen for too long.`;
}

/** `undefined` when it is not to be gone by: held back, or of a time that has not come. */
function fromStore(
  stored: Snapshot,
  request: FleetRequest,
  nowMs: number,
  { maxStaleMs = defaultMaxStaleMs, maxRemove = defaultMaxRemove }: ReadSnapshotTerms,
): Reading | undefined {
  const ageMs = nowMs - stored.takenAtMs;
  // This machine's clock was set back, so nobody knows how old it is.
  if (ageMs < 0) return undefined;
  const expired = expireUnseen(stored, request.queries, nowMs, { maxStaleMs, maxRemove });
  if (expired.kind === 'held') return undefined;
  const { snapshot, letGo } = expired;
  return {
    snapshot,
    from: 'store',
    ageMs,
    failure: undefined,
    kept: keptIn(snapshot, request.queries),
    letGo,
    removed: recentOf(snapshot.removed ?? [], nowMs, maxStaleMs),
  };
}

/** The same text for the same question, in whatever order it was put. */
function questionOf(request: FleetRequest, within: string): string {
  const { queries, namesMatter, domain = null, vocabulary = defaultVocabulary } = request;
  const asked = [...new Set(queries.map((query) => JSON.stringify(sorted(query))))].sort();
  return JSON.stringify({ asked, namesMatter, domain, vocabulary: sorted(vocabulary), within });
}

function sorted(value: InstanceQuery | object): unknown {
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => [name, Array.isArray(field) ? sortedList(field) : field])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

function sortedList(list: readonly unknown[]): readonly string[] {
  return list
    .map((item) => JSON.stringify(typeof item === 'object' && item !== null ? sorted(item) : item))
    .sort();
}
