/**
 * Aliases: further names by which an instance that has a name is found, each of one at a time.
 *
 * An alias is taken over, where a name never is: the newest claim of it has it.
 */
import { comparePrecedence, compareText, type Instance } from './instance.ts';
import { compareNames, isLabel } from './name.ts';
import { tagValueLengthMax } from './tag-limits.ts';
import type { Vocabulary } from './tags.ts';

/** One alias that an instance claims. */
export interface AliasClaim {
  readonly alias: string;
  /** One more than the highest that its claimant saw: the highest has the alias. */
  readonly generation: number;
}

/** The highest generation there is, so that a number typed into a tag cannot end all claims. */
export const aliasGenerationMax = 999_999_999;

/** Aliases that one instance can claim together, or why it cannot. */
export type ParsedAliases =
  | { readonly kind: 'aliases'; readonly aliases: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Checks aliases: each a label of a host name, and all of them short enough for one tag, whatever
 * their generations. Gives each once, in the order of names.
 */
export function parseAliasList(texts: readonly string[]): ParsedAliases {
  const wrong = texts.find((text) => !isLabel(text));
  if (wrong !== undefined) {
    const reason = `the alias ${JSON.stringify(wrong)} is not a lower-case host name label`;
    return { kind: 'refused', reason };
  }
  const aliases = [...new Set(texts)].sort(compareNames);
  const longest = aliases.map((alias) => ({ alias, generation: aliasGenerationMax }));
  const { length } = formatAliases(longest);
  if (length <= tagValueLengthMax) return { kind: 'aliases', aliases };
  const reason =
    `its aliases with their generations may take ${length} characters of a tag, ` +
    `and EC2 allows ${tagValueLengthMax}`;
  return { kind: 'refused', reason };
}

/** Writes claims of aliases as a tag's value, such as `cache/3 db/1`, in the order of names. */
export function formatAliases(claims: readonly AliasClaim[]): string {
  return claims
    .toSorted((a, b) => compareNames(a.alias, b.alias))
    .map(({ alias, generation }) => `${alias}/${generation}`)
    .join(' ');
}

const claimText = /^([^/]+)\/([1-9]\d{0,8})$/;

/** Reads claims of aliases from a tag's value; `undefined` if it is not exactly a list of them. */
export function parseAliases(text: string): readonly AliasClaim[] | undefined {
  if (text === '') return [];
  const claims = new Map<string, AliasClaim>();
  for (const word of text.split(' ')) {
    const [, alias, generation] = claimText.exec(word) ?? [];
    if (alias === undefined || !isLabel(alias) || claims.has(alias)) return undefined;
    claims.set(alias, { alias, generation: Number(generation) });
  }
  return [...claims.values()];
}

/** The claims of an instance's tag; empty when there is none; `undefined` when it is unreadable. */
export function aliasClaimsOf(
  instance: Instance,
  { aliasesKey }: Vocabulary,
): readonly AliasClaim[] | undefined {
  return parseAliases(instance.tags.get(aliasesKey) ?? '');
}

/** Why an instance does not have an alias that its tag claims; a closed list. */
export type AliasOmissionReason =
  | 'alias is a name'
  | 'alias held by another'
  | 'aliases unreadable';

/** An alias that an instance claims and does not have. */
export interface AliasOmission {
  readonly instanceId: string;
  /** Empty when the whole tag is unreadable. */
  readonly alias: string;
  readonly reason: AliasOmissionReason;
  /** The id of the instance that has it, as an alias or as a name; or the unreadable tag. */
  readonly seen: string;
}

/** Who has which aliases. */
export interface AliasTable {
  /** By instance id, in the order of names; an instance without any is not in it. */
  readonly byInstance: ReadonlyMap<string, readonly string[]>;
  /** By instance id, then by alias. */
  readonly omitted: readonly AliasOmission[];
}

/**
 * Decides who has each alias: among the claimants the highest generation, then the order of all
 * claimants. An alias that is somebody's name is nobody's alias.
 *
 * @param claimants - the living instances whose own tags say a name; nobody else has aliases
 * @param holders - who has each name, by name
 */
export function resolveAliases(
  claimants: readonly Instance[],
  holders: ReadonlyMap<string, string>,
  vocabulary: Vocabulary,
): AliasTable {
  const omitted: AliasOmission[] = [];
  const byAlias = new Map<string, { instance: Instance; generation: number }[]>();
  for (const instance of claimants) {
    const claims = aliasClaimsOf(instance, vocabulary);
    if (claims === undefined) {
      const seen = `${vocabulary.aliasesKey}=${instance.tags.get(vocabulary.aliasesKey)}`;
      const { instanceId } = instance;
      omitted.push({ instanceId, alias: '', reason: 'aliases unreadable', seen });
      continue;
    }
    for (const { alias, generation } of claims) {
      const rivals = byAlias.get(alias) ?? [];
      rivals.push({ instance, generation });
      byAlias.set(alias, rivals);
    }
  }
  const byInstance = new Map<string, string[]>();
  for (const [alias, rivals] of [...byAlias].sort(([a], [b]) => compareNames(a, b))) {
    rivals.sort((a, b) => b.generation - a.generation || comparePrecedence(a.instance, b.instance));
    const ids = rivals.map(({ instance }) => instance.instanceId);
    const holder = holders.get(alias);
    const [newest = ''] = ids;
    const reason = holder === undefined ? 'alias held by another' : 'alias is a name';
    const losers = holder === undefined ? ids.slice(1) : ids;
    for (const instanceId of losers) {
      omitted.push({ instanceId, alias, reason, seen: holder ?? newest });
    }
    if (holder === undefined) byInstance.set(newest, [...(byInstance.get(newest) ?? []), alias]);
  }
  // By alias they are sorted already.
  omitted.sort((a, b) => compareText(a.instanceId, b.instanceId));
  return { byInstance, omitted };
}

/** Patterns for the aliases tag, in EC2's filter language, of whoever claims one of the aliases. */
export function toAliasPatterns(aliases: readonly string[]): readonly string[] {
  return aliases.flatMap((alias) => [`${alias}/*`, `* ${alias}/*`]);
}
