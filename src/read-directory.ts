import { aliasClaimsOf } from './model/alias.ts';
import {
  type Directory,
  type DirectoryOptions,
  ownNameOf,
  toDirectory,
  toRivalQueries,
} from './model/directory.ts';
import type { InstanceQuery } from './model/query.ts';
import { everyoneAlive, meansEveryone } from './model/selector.ts';
import { mergeSnapshots, type Snapshot } from './model/snapshot.ts';
import { defaultVocabulary } from './model/tags.ts';
import type { CallOptions, Ec2 } from './ports.ts';

/** What is read from EC2, and how. */
export interface DirectoryRequest extends DirectoryOptions {
  /** Whoever one of these means is in the directory. */
  readonly queries: readonly InstanceQuery[];
  /**
   * Whether the answer shows names or depends on them. Then everybody else who says one of the
   * names or claims one of the aliases is asked for too, so that a conflict has the same winner as
   * on every other machine.
   */
  readonly namesMatter: boolean;
}

/**
 * Reads a directory, in one call to the port, or two when names matter and the first was narrowed.
 *
 * @throws as {@link Ec2} does.
 */
export async function readDirectory(
  request: DirectoryRequest,
  ec2: Ec2,
  options: CallOptions = {},
): Promise<Directory> {
  return toDirectory(await read(request, ec2, options), request);
}

// A request takes 200 filter values. For more names than this, one read of everybody costs less.
const rivalNamesMax = 400;

async function read(request: DirectoryRequest, ec2: Ec2, options: CallOptions): Promise<Snapshot> {
  const { queries, namesMatter, vocabulary = defaultVocabulary } = request;
  if (!namesMatter) return await ec2.describeInstances(queries, options);
  // An instance that is still pending may hold a name already.
  if (queries.some(meansEveryone)) return await ec2.describeInstances([everyoneAlive], options);
  const matching = await ec2.describeInstances(queries, options);
  const names = new Set<string>();
  const aliases = new Set<string>();
  for (const instance of matching.instances) {
    const own = ownNameOf(instance, request);
    if (own.kind === 'none') continue;
    names.add(own.name);
    for (const { alias } of aliasClaimsOf(instance, vocabulary) ?? []) aliases.add(alias);
  }
  if (names.size === 0) return matching;
  if (names.size + aliases.size > rivalNamesMax) {
    return await ec2.describeInstances([everyoneAlive], options);
  }
  const queriesOfRivals = toRivalQueries([...names], [...aliases], vocabulary);
  return mergeSnapshots(matching, await ec2.describeInstances(queriesOfRivals, options));
}
