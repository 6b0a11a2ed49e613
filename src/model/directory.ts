/**
 * Who is called what, and why somebody is not.
 *
 * Every answer about the fleet is read off a Directory, so that all outputs agree, and so that
 * there is one place where names, readiness and conflicts are decided.
 */
import { type AliasOmission, type AliasTable, resolveAliases, toAliasPatterns } from './alias.ts';
import { comparePrecedence, compareText, type Instance, isAlive } from './instance.ts';
import { compareNames, parseName, sortByName } from './name.ts';
import type { InstanceQuery } from './query.ts';
import { anyCase, literal } from './query.ts';
import type { Omission, OmissionReason } from './selector.ts';
import type { Snapshot } from './snapshot.ts';
import { claimOf, defaultVocabulary, isReady, type Vocabulary } from './tags.ts';

/** A running instance and what it goes by. */
export interface Member {
  readonly instance: Instance;
  /** The name it has in every output; `undefined` if it has none, or another one has it. */
  readonly name: string | undefined;
  /** The name that its own tags say, whoever has it. Outputs are ordered by this one. */
  readonly ownName: string | undefined;
  /** The aliases that it has beside its name, in the order of names. */
  readonly aliases: readonly string[];
  /** Of a held name of rank 0: the generation, usable for fencing. */
  readonly generation: number | undefined;
  readonly ready: boolean;
}

/** Several instances whose tags say one name. Every machine finds the same winner. */
export interface Conflict {
  readonly name: string;
  /** The id of the instance that has the name. */
  readonly winner: string;
  /** The ids of the others, in the order in which they would have it. */
  readonly losers: readonly string[];
}

/** Everything that can be said about the fleet at one time. */
export interface Directory {
  readonly region: string;
  readonly takenAtMs: number;
  /** Every running instance, by name with numbers as numbers, nameless ones last, then by id. */
  readonly members: readonly Member[];
  /** By name; empty when no two instances say one name. */
  readonly conflicts: readonly Conflict[];
  /** Instances without a name, or that do not run, by id; the reason is about the name. */
  readonly omitted: readonly Omission[];
  /** Aliases that instances claim and do not have, by instance id, then by alias. */
  readonly aliasOmissions: readonly AliasOmission[];
  /**
   * Those whom the newest answer did not show, though nothing says that they are gone: by id, when
   * EC2 last showed them, in milliseconds since 1970.
   */
  readonly unconfirmed: ReadonlyMap<string, number>;
}

/** How a snapshot is read. */
export interface DirectoryOptions {
  /** Below this domain a name with dots is accepted. @defaultValue none */
  readonly domain?: string | undefined;
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary | undefined;
}

/** What an instance's own tags say of its name. */
export type OwnName =
  | { readonly kind: 'held'; readonly name: string; readonly generation: number | undefined }
  | { readonly kind: 'tagged'; readonly name: string }
  | { readonly kind: 'none'; readonly reason: OmissionReason; readonly seen: string };

/**
 * Reads the name that an instance's tags say: the held name of its valid claim, or without any
 * claim its `Name` tag, set by hand.
 */
export function ownNameOf(instance: Instance, options: DirectoryOptions = {}): OwnName {
  const vocabulary = options.vocabulary ?? defaultVocabulary;
  const state = claimOf(instance, vocabulary);
  switch (state.kind) {
    case 'valid': {
      const { held, ask, generation } = state.claim;
      if (held !== undefined) return { kind: 'held', name: held, generation };
      return none('no name', ask === undefined ? '' : `asks for ${ask}`);
    }
    case 'earlier-life':
      return none('claim of an earlier life', state.claim.held ?? state.claim.ask ?? '');
    case 'malformed':
      return none('claim unreadable', `${vocabulary.claimKey}=${state.text}`);
    case 'none': {
      const text = instance.tags.get(vocabulary.nameKey) ?? '';
      const parsed = parseName(text, options.domain);
      if (parsed.kind === 'name') return { kind: 'tagged', name: parsed.name };
      return parsed.reason === 'empty'
        ? none('no name')
        : none('name refused', `${vocabulary.nameKey}=${text}: ${parsed.reason}`);
    }
  }
}

function none(reason: OmissionReason, seen = ''): OwnName {
  return { kind: 'none', reason, seen };
}

/** An instance that can have a name, and what its own tags say of it. */
interface Named {
  readonly instance: Instance;
  readonly own: OwnName;
}

const nobody: ReadonlyMap<string, number> = new Map();

/** Computes the directory of a snapshot. */
export function toDirectory(snapshot: Snapshot, options: DirectoryOptions = {}): Directory {
  const vocabulary = options.vocabulary ?? defaultVocabulary;
  const alive = snapshot.instances
    .filter(isAlive)
    .map((instance): Named => ({ instance, own: ownNameOf(instance, options) }));
  const { holders, conflicts } = findHolders(alive);
  const aliases = findAliases(alive, holders, vocabulary);
  const members: Member[] = [];
  const omitted: Omission[] = [];
  for (const { instanceId, state } of snapshot.instances) {
    if (state !== 'running') omitted.push({ instanceId, reason: 'not running', seen: state });
  }
  for (const { instance, own } of alive) {
    const { instanceId, state } = instance;
    if (state !== 'running') continue;
    const ownName = own.kind === 'none' ? undefined : own.name;
    const winner = ownName === undefined ? undefined : holders.get(ownName);
    const lost = winner !== undefined && winner !== instanceId;
    if (own.kind === 'none') omitted.push({ instanceId, reason: own.reason, seen: own.seen });
    else if (lost) {
      omitted.push({ instanceId, reason: 'name held by another', seen: `${own.name}: ${winner}` });
    }
    members.push({
      instance,
      name: lost ? undefined : ownName,
      ownName,
      aliases: aliases.byInstance.get(instanceId) ?? noAliases,
      generation: own.kind === 'held' && !lost ? own.generation : undefined,
      ready: isReady(instance, vocabulary),
    });
  }
  const { region, takenAtMs } = snapshot;
  return {
    region,
    takenAtMs,
    members: sortMembers(members),
    conflicts,
    omitted: omitted.sort((a, b) => compareText(a.instanceId, b.instanceId)),
    aliasOmissions: aliases.omitted,
    unconfirmed: snapshot.unconfirmed ?? nobody,
  };
}

/** One for all, since most of a large fleet has none. */
const noAliases: readonly string[] = Object.freeze([]);

/**
 * Sorts by the name their tags say, numbers as numbers, nameless ones last, then by id, by which
 * they are sorted already.
 */
function sortMembers(members: readonly Member[]): readonly Member[] {
  const named: Member[] = [];
  const nameless: Member[] = [];
  for (const member of members) (member.ownName === undefined ? nameless : named).push(member);
  const sorted = sortByName(named, ({ ownName }) => ownName ?? '');
  return nameless.length === 0 ? sorted : [...sorted, ...nameless];
}

/** An alias stands beside a name: an instance whose own tags say none has no alias. */
function findAliases(
  alive: readonly Named[],
  holders: ReadonlyMap<string, string>,
  vocabulary: Vocabulary,
): AliasTable {
  const claimants = alive.filter(
    ({ own, instance }) => own.kind !== 'none' && instance.tags.has(vocabulary.aliasesKey),
  );
  return resolveAliases(
    claimants.map(({ instance }) => instance),
    holders,
    vocabulary,
  );
}

/** Finds who has each name, by name, and who else says it. */
function findHolders(alive: readonly Named[]): {
  readonly holders: ReadonlyMap<string, string>;
  readonly conflicts: readonly Conflict[];
} {
  const holders = new Map<string, string>();
  // Lists are made of those names alone that are said twice: most are said once.
  const claimants = new Map<string, Named[]>();
  for (const { instance, own } of alive) {
    if (own.kind === 'none') continue;
    if (holders.has(own.name)) claimants.set(own.name, []);
    else holders.set(own.name, instance.instanceId);
  }
  if (claimants.size === 0) return { holders, conflicts: [] };
  for (const named of alive) {
    if (named.own.kind !== 'none') claimants.get(named.own.name)?.push(named);
  }
  const conflicts: Conflict[] = [];
  for (const [name, rivals] of claimants) {
    // A held claim comes before a name that somebody typed; then the order of all claimants.
    rivals.sort(
      (a, b) =>
        Number(b.own.kind === 'held') - Number(a.own.kind === 'held') ||
        comparePrecedence(a.instance, b.instance),
    );
    const [winner, ...losers] = rivals.map(({ instance }) => instance.instanceId);
    if (winner === undefined) continue;
    holders.set(name, winner);
    conflicts.push({ name, winner, losers });
  }
  return { holders, conflicts: conflicts.sort((a, b) => compareNames(a.name, b.name)) };
}

/**
 * Tells what to ask EC2 for, so that whoever else says one of these names is in the answer, and
 * whoever claims one of these aliases or has it as a name.
 *
 * A describe that was narrowed to a selector shows only some of those who say a name, and a winner
 * chosen among some is not the winner that another machine finds.
 */
export function toRivalQueries(
  names: readonly string[],
  aliases: readonly string[] = [],
  vocabulary: Vocabulary = defaultVocabulary,
): readonly InstanceQuery[] {
  const said = [...new Set([...names, ...aliases])];
  if (said.length === 0) return [];
  const states = ['pending', 'running'] as const;
  const { claimKey, nameKey, aliasesKey } = vocabulary;
  const held = said.map((name) => `*held=${literal(name)}*`);
  const tagged = said.map((name) => `${anyCase(name)}*`);
  const claimed = toAliasPatterns(aliases);
  return [
    { states, tags: [{ key: claimKey, patterns: held }] },
    { states, tags: [{ key: nameKey, patterns: tagged }] },
    ...(claimed.length === 0 ? [] : [{ states, tags: [{ key: aliasesKey, patterns: claimed }] }]),
  ];
}
