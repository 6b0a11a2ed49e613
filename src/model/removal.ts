import { addressesOf } from './address.ts';
import { compareText, type Instance } from './instance.ts';

/** What proves that an instance is to be removed; a closed list. */
export const evidences = [
  // Its state.
  'stopping',
  'stopped',
  'shutting-down',
  'terminated',
  // It is there, and its state, tags, groups, zone or VPC are not what is asked for any more.
  'does not match',
] as const;

/** One of {@link evidences}. */
export type Evidence = (typeof evidences)[number];

/** An instance that was removed, and why. */
export interface Removal {
  readonly instanceId: string;
  readonly evidence: Evidence;
}

/** A removal, and what outputs may have of the instance. */
export interface LocatedRemoval extends Removal {
  /** Private, public and IPv6, as EC2 last showed them. */
  readonly addresses: readonly string[];
}

/** Adds what addresses the instance had; none is known of one that was not there. */
export function locate(removal: Removal, before: Instance | undefined): LocatedRemoval {
  return { ...removal, addresses: before === undefined ? [] : addressesOf(before) };
}

/** A removal that is remembered for a while, for whoever has not heard of it. */
export interface RecentRemoval extends LocatedRemoval {
  /** When the answer began that it was removed from, in milliseconds since 1970. */
  readonly atMs: number;
}

/** What is removed now, and by what earlier removals are forgotten. */
export interface RemovalNews {
  readonly removed: readonly LocatedRemoval[];
  /** When that was, in milliseconds since 1970. */
  readonly atMs: number;
  /** The ids of those who match; whoever is back was not removed. */
  readonly there: ReadonlySet<string>;
  /** How long a removal is remembered, in milliseconds. */
  readonly maxAgeMs: number;
}

/** Puts removals together, the last one of each instance, by instance id. */
export function mergeRemovals(
  earlier: readonly RecentRemoval[],
  { removed, atMs, there, maxAgeMs }: RemovalNews,
): readonly RecentRemoval[] {
  const byId = new Map<string, RecentRemoval>();
  for (const removal of recentOf(earlier, atMs, maxAgeMs)) byId.set(removal.instanceId, removal);
  for (const removal of removed) byId.set(removal.instanceId, { ...removal, atMs });
  return [...byId.values()]
    .filter(({ instanceId }) => !there.has(instanceId))
    .sort((a, b) => compareText(a.instanceId, b.instanceId));
}

/** Gives those that are not too old. */
export function recentOf(
  removals: readonly RecentRemoval[],
  nowMs: number,
  maxAgeMs: number,
): readonly RecentRemoval[] {
  return removals.filter(({ atMs }) => nowMs - atMs <= maxAgeMs);
}
