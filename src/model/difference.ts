/**
 * What changed in the answer between two readings, and why somebody is not in it any more.
 *
 * Members are told apart by what they go by, as Serf does it: a host that takes another's name is
 * an update of that name, and a host that changes its name leaves under the old and joins under
 * the new one. So whoever keeps a table by name, such as a hosts file, needs no memory of its own.
 */
import type { Directory, Member } from './directory.ts';
import type { Instance } from './instance.ts';
import type { Evidence, Removal } from './removal.ts';
import { defaultVocabulary, type Vocabulary } from './tags.ts';

/**
 * A directory, who in it is meant, and what was removed on the way to it.
 *
 * It is of a snapshot that the guard let through: whoever EC2 merely did not show is still there.
 */
export interface Reading {
  readonly directory: Directory;
  /** Who is in the answer. @defaultValue everybody in the directory */
  readonly members?: readonly Member[] | undefined;
  /** Whoever was removed since the reading before, and perhaps earlier. @defaultValue nobody */
  readonly removed?: readonly Removal[] | undefined;
}

/** What can change of a member; a closed list. */
export type Aspect =
  /** Another instance goes by the name. */
  | 'instance'
  /** The instance was stopped and started. */
  | 'launch'
  | 'addresses'
  /** Those that the claims are made of are left aside. */
  | 'tags'
  | 'security groups'
  | 'aliases';

/** A member that is still in the answer, and is not as it was. */
export interface Update {
  readonly before: Member;
  readonly after: Member;
  /** In the order of {@link Aspect}; never empty. */
  readonly aspects: readonly Aspect[];
}

/** A member that is not in the answer any more. */
export interface Departed {
  readonly member: Member;
  /** `leave`: it runs, and somebody took it out. `failed`: it does not run. */
  readonly kind: 'leave' | 'failed';
  /**
   * `renamed`: it is in the answer by another name, or by none. `withdrawn`: it only runs.
   * `let go`: the guard has none, or none any more; somebody had it removed by force, or its time
   * without being seen is over.
   */
  readonly evidence: Evidence | 'renamed' | 'withdrawn' | 'let go';
}

/** The whole difference, each list in the order of the directory it was found in. */
export interface Difference {
  /** Who is in the answer now, by {@link memberKey}. */
  readonly members: ReadonlyMap<string, Member>;
  readonly joined: readonly Member[];
  readonly updated: readonly Update[];
  readonly departed: readonly Departed[];
}

/** What a member goes by: its name, else its instance id. */
export function goesBy(member: Member): string {
  return member.name ?? member.instance.instanceId;
}

/** Tells members apart, even where somebody is tagged with the instance id of another. */
export function memberKey(member: Member): string {
  return member.name ?? `id ${member.instance.instanceId}`;
}

/**
 * Compares who was in the answer with a reading. In time that grows with their number.
 *
 * @param before - by {@link memberKey}
 */
export function findDifference(
  before: ReadonlyMap<string, Member>,
  reading: Reading,
  vocabulary: Vocabulary = defaultVocabulary,
): Difference {
  const { members = reading.directory.members } = reading;
  const joined: Member[] = [];
  const updated: Update[] = [];
  const there = new Map<string, Member>();
  for (const after of members) {
    const key = memberKey(after);
    there.set(key, after);
    const last = before.get(key);
    if (last === undefined) {
      joined.push(after);
      continue;
    }
    const aspects = changedAspects(last, after, vocabulary);
    if (aspects.length > 0) updated.push({ before: last, after, aspects });
  }
  const missing: Member[] = [];
  for (const [key, member] of before) if (!there.has(key)) missing.push(member);
  return { members: there, joined, updated, departed: judgeMissing(missing, reading) };
}

function judgeMissing(missing: readonly Member[], reading: Reading): readonly Departed[] {
  if (missing.length === 0) return [];
  const evidenceOf = findEvidence(reading);
  const running = new Set(reading.directory.members.map(({ instance }) => instance.instanceId));
  const answered = new Set(reading.members?.map(({ instance }) => instance.instanceId) ?? running);
  return missing.map((member): Departed => {
    const { instanceId } = member.instance;
    if (running.has(instanceId)) {
      const evidence = answered.has(instanceId) ? 'renamed' : 'withdrawn';
      return { member, kind: 'leave', evidence };
    }
    const evidence = evidenceOf.get(instanceId) ?? 'let go';
    return { member, kind: evidence === 'does not match' ? 'leave' : 'failed', evidence };
  });
}

/** Gives what a reading says of instances that do not run or were removed, by id. */
export function findEvidence(reading: Reading): ReadonlyMap<string, Evidence> {
  const found = new Map<string, Evidence>();
  for (const { instanceId, reason, seen } of reading.directory.omitted) {
    // One that is pending is about to run: that says nothing of its going.
    if (reason === 'not running' && isGoneState(seen)) found.set(instanceId, seen);
  }
  for (const { instanceId, evidence } of reading.removed ?? []) found.set(instanceId, evidence);
  return found;
}

const goneStates = ['stopping', 'stopped', 'shutting-down', 'terminated'] as const;

function isGoneState(text: string): text is (typeof goneStates)[number] {
  return goneStates.some((state) => state === text);
}

/** Tells what of a member has changed; empty if nothing that concerns others. */
export function changedAspects(
  before: Member,
  after: Member,
  vocabulary: Vocabulary = defaultVocabulary,
): readonly Aspect[] {
  const a = before.instance;
  const b = after.instance;
  const aspects: Aspect[] = [];
  if (a !== b) {
    if (a.instanceId !== b.instanceId) aspects.push('instance');
    else if (a.launchTimeMs !== b.launchTimeMs) aspects.push('launch');
    if (!haveSameAddresses(a, b)) aspects.push('addresses');
    if (!haveSameTags(a, b, vocabulary)) aspects.push('tags');
    if (!areEqual(a.securityGroups, b.securityGroups, (g, h) => g.groupId === h.groupId)) {
      aspects.push('security groups');
    }
  }
  if (!areEqual(before.aliases, after.aliases)) aspects.push('aliases');
  return aspects;
}

function haveSameAddresses(a: Instance, b: Instance): boolean {
  return (
    a.privateIpAddress === b.privateIpAddress &&
    a.publicIpAddress === b.publicIpAddress &&
    areEqual(a.ipv6Addresses, b.ipv6Addresses)
  );
}

/** Tells whether a tag is one that claims are made of, and not for others to act on. */
export function isBookkeeping(key: string, vocabulary: Vocabulary): boolean {
  return (
    key === vocabulary.claimKey || key === vocabulary.wantsKey || key === vocabulary.aliasesKey
  );
}

function haveSameTags(a: Instance, b: Instance, vocabulary: Vocabulary): boolean {
  if (areIdentical(a.tags, b.tags)) return true;
  for (const [key, value] of a.tags) {
    if (b.tags.get(key) !== value && !isBookkeeping(key, vocabulary)) return false;
  }
  for (const key of b.tags.keys()) {
    if (!a.tags.has(key) && !isBookkeeping(key, vocabulary)) return false;
  }
  return true;
}

/** The usual case, at half the cost: with as many keys and all of `a`, `b` has no other. */
function areIdentical(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

function areEqual<T>(
  a: readonly T[],
  b: readonly T[],
  same: (x: T, y: T) => boolean = (x, y) => x === y,
): boolean {
  return (
    a.length === b.length &&
    a.every((x, i) => {
      const y = b[i];
      return y !== undefined && same(x, y);
    })
  );
}
