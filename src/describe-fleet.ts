import { aliasClaimsOf } from './model/alias.ts';
import { type DirectoryOptions, ownNameOf, toRivalQueries } from './model/directory.ts';
import type { InstanceQuery } from './model/query.ts';
import { satisfiesAny } from './model/satisfies.ts';
import { everyoneAlive, meansEveryone } from './model/selector.ts';
import { idsIn, mergeSnapshots, type Snapshot } from './model/snapshot.ts';
import { defaultVocabulary } from './model/tags.ts';
import type { CallOptions, Ec2 } from './ports.ts';

/** What is read from EC2, and how. */
export interface FleetRequest extends DirectoryOptions {
  /** Whoever one of these means is in the answer. */
  readonly queries: readonly InstanceQuery[];
  /**
   * Whether the answer shows names or depends on them. Then everybody else who says one of the
   * names or claims one of the aliases is asked for too, so that a conflict has the same winner as
   * on every other machine.
   */
  readonly namesMatter: boolean;
}

/** A whole answer, and everything that it is an answer to. */
export interface FleetAnswer {
  readonly snapshot: Snapshot;
  /** Whoever satisfies one of these is in the snapshot, as far as EC2 showed them. */
  readonly asked: readonly InstanceQuery[];
}

/**
 * Gives the last snapshot without these instances; one that has them all the same is as good.
 *
 * It is asked for once, and not before EC2 has answered: of a large fleet two are much to hold.
 */
export type Recall = (except: ReadonlySet<string>) => Promise<Snapshot | undefined>;

// A request takes 200 filter values. For more names than this, one read of everybody costs less.
const rivalNamesMax = 400;

/**
 * Describes the fleet in one call to the port, or two when names matter and the first was narrowed.
 *
 * @param recall - who was there before: the names of those who are missing now matter too
 * @throws as {@link Ec2} does.
 */
export async function describeFleet(
  request: FleetRequest,
  ec2: Ec2,
  options: CallOptions = {},
  recall: Recall = async () => undefined,
): Promise<FleetAnswer> {
  const { queries, namesMatter, vocabulary = defaultVocabulary } = request;
  const ask = async (asked: readonly InstanceQuery[]): Promise<FleetAnswer> => ({
    snapshot: await ec2.describeInstances(asked, options),
    asked,
  });
  if (!namesMatter) return await ask(queries);
  // An instance that is still pending may hold a name already.
  if (queries.some(meansEveryone)) return await ask([everyoneAlive]);
  const matching = await ask(queries);
  const there = idsIn(matching.snapshot);
  const last = await recall(there);
  const missing = (last?.instances ?? []).filter(
    (i) => !there.has(i.instanceId) && satisfiesAny(queries, i),
  );
  const names = new Set<string>();
  const aliases = new Set<string>();
  for (const instance of [...matching.snapshot.instances, ...missing]) {
    const own = ownNameOf(instance, request);
    if (own.kind === 'none') continue;
    names.add(own.name);
    for (const { alias } of aliasClaimsOf(instance, vocabulary) ?? []) aliases.add(alias);
  }
  if (names.size === 0) return matching;
  if (names.size + aliases.size > rivalNamesMax) {
    const ofAnyState = queries.filter(({ states }) => states === undefined);
    return await ask([everyoneAlive, ...ofAnyState]);
  }
  const rivals = await ask(toRivalQueries([...names], [...aliases], vocabulary));
  return {
    snapshot: mergeSnapshots(matching.snapshot, rivals.snapshot),
    asked: [...queries, ...rivals.asked],
  };
}
