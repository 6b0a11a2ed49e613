import {
  type AliasClaim,
  type AliasOmission,
  aliasClaimsOf,
  aliasGenerationMax,
  formatAliases,
  resolveAliases,
  toAliasPatterns,
} from '../model/alias.ts';
import { ownNameOf, toRivalQueries } from '../model/directory.ts';
import { type Instance, isAlive } from '../model/instance.ts';
import type { InstanceQuery } from '../model/query.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Vocabulary } from '../model/tags.ts';

/** Whose aliases are to be which. */
export interface AliasTerms {
  readonly instanceId: string;
  /** As `parseAliasList` gives them. */
  readonly aliases: readonly string[];
  readonly vocabulary: Vocabulary;
}

/** What to write so that an instance claims its aliases, and what it then has. */
export interface AliasPlan {
  /** The value for the aliases tag; `undefined` when it says that already. */
  readonly value: string | undefined;
  /** The aliases that it has then, in the order of names. */
  readonly held: readonly string[];
  /** Those that it does not have then, and why. */
  readonly omitted: readonly AliasOmission[];
}

/**
 * Tells what to ask EC2 for, so that whoever has claimed one of the aliases is in the answer, were
 * it stopped, and whoever has one of them as a name, and this instance itself.
 */
export function toAliasQueries({
  instanceId,
  aliases,
  vocabulary,
}: AliasTerms): readonly InstanceQuery[] {
  const patterns = toAliasPatterns(aliases);
  return [
    ...toRivalQueries(aliases, [], vocabulary),
    { tags: [{ key: vocabulary.aliasesKey, patterns }] },
    { instanceIds: [instanceId] },
  ];
}

/**
 * Plans an instance's claims of aliases: one that its tag has stays as it is, another gets a
 * generation above all that were seen, and one that is not asked for any more is dropped.
 *
 * So the newest to claim an alias has it, and is not robbed of it when an earlier one runs again.
 * `undefined` when the scan does not show the instance.
 */
export function planAliases(scan: Snapshot, terms: AliasTerms): AliasPlan | undefined {
  const { instanceId, aliases, vocabulary } = terms;
  const self = scan.instances.find((instance) => instance.instanceId === instanceId);
  if (self === undefined) return undefined;
  const present = new Map(
    (aliasClaimsOf(self, vocabulary) ?? []).map((claim) => [claim.alias, claim]),
  );
  const claims = aliases.map(
    (alias): AliasClaim =>
      present.get(alias) ?? { alias, generation: nextGeneration(scan, alias, vocabulary) },
  );
  const value = formatAliases(claims);
  const { byInstance, omitted } = resolveAsWritten(scan, self, value, vocabulary);
  return {
    value: (self.tags.get(vocabulary.aliasesKey) ?? '') === value ? undefined : value,
    held: byInstance.get(instanceId) ?? [],
    omitted: omitted.filter((omission) => omission.instanceId === instanceId),
  };
}

/** One more than anybody has shown, in whatever state: a stopped one may be started again. */
function nextGeneration({ instances }: Snapshot, alias: string, vocabulary: Vocabulary): number {
  const seen = instances
    .flatMap((instance) => aliasClaimsOf(instance, vocabulary) ?? [])
    .filter((claim) => claim.alias === alias)
    .map((claim) => claim.generation);
  return Math.min(Math.max(0, ...seen) + 1, aliasGenerationMax);
}

/** Who has which aliases when `self`, which holds a name, has written `value`. */
function resolveAsWritten(
  scan: Snapshot,
  self: Instance,
  value: string,
  vocabulary: Vocabulary,
): ReturnType<typeof resolveAliases> {
  const holders = new Map<string, string>();
  const claimants: Instance[] = [];
  for (const instance of scan.instances) {
    const own = ownNameOf(instance, { vocabulary });
    const named = isAlive(instance) && own.kind !== 'none';
    if (named) holders.set(own.name, instance.instanceId);
    if (named && instance !== self) claimants.push(instance);
  }
  const tags = new Map([...self.tags, [vocabulary.aliasesKey, value] as const]);
  return resolveAliases([...claimants, { ...self, tags }], holders, vocabulary);
}
