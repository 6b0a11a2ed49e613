/**
 * Why an instance is called what it is called, and why it is or is not in an answer.
 *
 * Read off a directory, as every answer is, so that what is explained is what is answered.
 */
import { type AddressKind, addressOf } from './address.ts';
import { type AliasClaim, type AliasOmission, aliasClaimsOf } from './alias.ts';
import { type Condition, conditionsOf, toOffer, toReady, toRunning } from './condition.ts';
import { type Directory, type DirectoryOptions, type OwnName, ownNameOf } from './directory.ts';
import { type Question, select } from './endpoint.ts';
import { type Instance, isAlive } from './instance.ts';
import { parseName } from './name.ts';
import { showSelector, showTag } from './selector.ts';
import type { Snapshot } from './snapshot.ts';
import { type ClaimState, claimOf, defaultVocabulary, type Vocabulary } from './tags.ts';

/** Everything that decides about one instance. */
export interface Explanation {
  readonly instanceId: string;
  /** The name that it has; `undefined` if it has none, or another one has it. */
  readonly name: string | undefined;
  /** Those that it has, in the order of its tag. */
  readonly aliases: readonly string[];
  /** Whether it is in the answer to the question; `undefined` when none was asked. */
  readonly inAnswer: boolean | undefined;
  /** What it is first, then what it is called, then what was asked. */
  readonly conditions: readonly Condition[];
}

/** What the explanations are read off. */
export interface Explained {
  readonly snapshot: Snapshot;
  /** Of that snapshot. */
  readonly directory: Directory;
}

/** What is asked of each instance. */
export type ExplainQuestion = Question & DirectoryOptions;

/**
 * Explains the instances of a snapshot, by instance id.
 *
 * With conditions in its selector the question is answered at the end; without any, it is said what
 * each instance is tagged with.
 */
export function explainInstances(
  { snapshot, directory }: Explained,
  question: ExplainQuestion,
): readonly Explanation[] {
  const { selector, domain, vocabulary = defaultVocabulary } = question;
  const toAnswer = Object.keys(selector).length > 0 ? answersTo(directory, question) : undefined;
  const sight = toSight(snapshot, directory, { domain, vocabulary });
  return snapshot.instances.map((instance) => {
    const own = ownNameOf(instance, question);
    const named = toNamed(instance, own, sight);
    const aliases = toAliases(instance, own, sight);
    const answer = toAnswer?.(instance);
    return {
      instanceId: instance.instanceId,
      name: named.holds && own.kind !== 'none' ? own.name : undefined,
      aliases: aliases.flatMap(({ alias, holds }) => (holds ? [alias] : [])),
      inAnswer: answer?.holds,
      conditions: [
        toRunning(instance),
        named,
        ...aliases.map(({ alias: _, ...condition }) => condition),
        toAddressed(instance, question.address ?? 'private'),
        ...(answer
          ? [...conditionsOf(selector, instance, vocabulary), answer]
          : [toReady(instance, vocabulary), ...toOffers(instance, vocabulary)]),
      ],
    };
  });
}

/** What decides about names, so that it is found at once for each of a whole fleet. */
interface Sight {
  readonly byId: ReadonlyMap<string, Instance>;
  /** By each name that several say, the id of who has it. */
  readonly winners: ReadonlyMap<string, string>;
  /** By the id of who does not have it, and then by the alias. */
  readonly lostAliases: ReadonlyMap<string, ReadonlyMap<string, AliasOmission>>;
  readonly domain: string | undefined;
  readonly vocabulary: Vocabulary;
}

function toSight(
  { instances }: Snapshot,
  { conflicts, aliasOmissions }: Directory,
  reading: Pick<Sight, 'domain' | 'vocabulary'>,
): Sight {
  const lostAliases = new Map<string, Map<string, AliasOmission>>();
  for (const omission of aliasOmissions) {
    const lost = lostAliases.get(omission.instanceId) ?? new Map<string, AliasOmission>();
    lostAliases.set(omission.instanceId, lost.set(omission.alias, omission));
  }
  return {
    ...reading,
    byId: new Map(instances.map((one) => [one.instanceId, one] as const)),
    winners: new Map(conflicts.map(({ name, winner }) => [name, winner] as const)),
    lostAliases,
  };
}

/** Whether it has a name, and by what. */
function toNamed(instance: Instance, own: OwnName, sight: Sight): Condition {
  const { instanceId, state } = instance;
  const seen = sayingOf(instance, sight);
  if (own.kind === 'none') return { holds: false, what: 'has a name', seen };
  const what = `has the name ${own.name}`;
  if (!isAlive(instance)) return { holds: false, what, seen: `it is ${state}; ${seen}` };
  const winner = sight.byId.get(sight.winners.get(own.name) ?? instanceId);
  if (winner === undefined || winner === instance) return { holds: true, what, seen };
  const why =
    own.kind === 'tagged' && claimOf(winner, sight.vocabulary).kind !== 'none'
      ? 'by a claim, which goes before a typed name'
      : `and ${whyFirst(winner, instance)}`;
  return { holds: false, what, seen: `${winner.instanceId} has it, ${why}; ${seen}` };
}

/** The tag that says its name, or why that says none, and what would say one without it. */
function sayingOf(instance: Instance, { domain, vocabulary }: Sight): string {
  const { claimKey, nameKey } = vocabulary;
  const typed = instance.tags.get(nameKey) ?? '';
  const claim = claimOf(instance, vocabulary);
  if (claim.kind === 'none') {
    const parsed = parseName(typed, domain);
    const isRefused = parsed.kind === 'refused' && typed !== '';
    return showTag(instance, nameKey) + (isRefused ? `, which is refused: ${parsed.reason}` : '');
  }
  const held = claim.kind === 'valid' ? claim.claim.held : undefined;
  const isPlain = typed === '' || typed.toLowerCase() === held;
  const beside = isPlain ? '' : `; ${nameKey}=${typed} does not count beside a claim`;
  return showTag(instance, claimKey) + whyNotHeld(claim) + beside;
}

function whyNotHeld(claim: ClaimState): string {
  if (claim.kind === 'malformed') return ', which cannot be read';
  if (claim.kind === 'earlier-life') return ', which is from before its last start';
  if (claim.kind === 'none' || claim.claim.held !== undefined) return '';
  return claim.claim.ask === undefined ? ', which says none' : ', which only asks for it yet';
}

/** In the order of all claimants. */
function whyFirst(winner: Instance, loser: Instance): string {
  if (winner.launchTimeMs !== loser.launchTimeMs) return 'was launched earlier';
  if (winner.launchIndex !== loser.launchIndex) return 'came first in their launch';
  return 'its id comes first';
}

/** For each alias that it claims, and once with no alias for a claim that cannot be read. */
function toAliases(
  instance: Instance,
  own: OwnName,
  sight: Sight,
): readonly (Condition & { readonly alias: string })[] {
  const { instanceId, state } = instance;
  const { vocabulary, lostAliases } = sight;
  const seen = showTag(instance, vocabulary.aliasesKey);
  const claims = aliasClaimsOf(instance, vocabulary);
  if (claims === undefined) {
    const unreadable = `${seen}, which cannot be read`;
    return [{ alias: '', holds: false, what: 'has aliases', seen: unreadable }];
  }
  const lost = lostAliases.get(instanceId);
  return claims.map((claim) => {
    const { alias } = claim;
    const omission = lost?.get(alias);
    const lacks = own.kind === 'none' ? 'only beside a name, and it says none' : undefined;
    const isAway = isAlive(instance) ? undefined : `it is ${state}`;
    const why = isAway ?? lacks ?? (omission && whyNotAlias(omission, claim, instance, sight));
    return {
      alias,
      holds: why === undefined,
      what: `has the alias ${alias}`,
      seen: why === undefined ? seen : `${why}; ${seen}`,
    };
  });
}

function whyNotAlias(
  { reason, seen }: AliasOmission,
  { alias, generation }: AliasClaim,
  instance: Instance,
  { byId, vocabulary }: Sight,
): string {
  if (reason === 'alias is a name') return `it is the name of ${seen}`;
  const winner = byId.get(seen);
  const theirs = winner && aliasClaimsOf(winner, vocabulary)?.find((one) => one.alias === alias);
  if (winner === undefined || theirs === undefined) return `${seen} has it`;
  return theirs.generation === generation
    ? `${seen} claimed it too, and ${whyFirst(winner, instance)}`
    : `${seen} claimed it later, by ${alias}/${theirs.generation}`;
}

function toAddressed(instance: Instance, kind: AddressKind): Condition {
  const found = addressOf(instance, kind);
  const what = `has an address (${kind})`;
  if (found.kind === 'address') return { holds: true, what, seen: found.address };
  return { holds: false, what, seen: found.seen === kind ? 'none' : `refused: ${found.seen}` };
}

function toOffers(instance: Instance, vocabulary: Vocabulary): readonly Condition[] {
  const { servicePrefix } = vocabulary;
  return [...instance.tags.keys()]
    .filter((key) => key.startsWith(servicePrefix))
    .sort()
    .map((key) => toOffer(instance, key.slice(servicePrefix.length), vocabulary));
}

/** Gives for each instance whether it is in the answer, and if not, why. */
function answersTo(
  directory: Directory,
  question: ExplainQuestion,
): (instance: Instance) => Condition {
  const { endpoints, omitted } = select(directory, question);
  const hosts = new Map(endpoints.map(({ instanceId, host }) => [instanceId, host] as const));
  const reasons = new Map(omitted.map((one) => [one.instanceId, one] as const));
  const what = `is in the answer to ${showSelector(question.selector)}`;
  return ({ instanceId }) => {
    const host = hosts.get(instanceId);
    if (host !== undefined) return { holds: true, what, seen: host };
    const { reason, seen } = reasons.get(instanceId) ?? { reason: 'not running', seen: '' };
    return { holds: false, what, seen: seen === '' ? reason : `${reason}: ${seen}` };
  };
}

/** Who has what a text says. */
export interface Holder {
  readonly instanceId: string;
  readonly as: 'name' | 'alias';
}

/** Finds who has this name or else this alias; `undefined` if nobody does. */
export function holderOf(explanations: readonly Explanation[], text: string): Holder | undefined {
  const named = explanations.find(({ name }) => name === text);
  if (named !== undefined) return { instanceId: named.instanceId, as: 'name' };
  const aliased = explanations.find(({ aliases }) => aliases.includes(text));
  return aliased && { instanceId: aliased.instanceId, as: 'alias' };
}

/** An instance about which something would be otherwise. */
export interface ExplanationChange {
  readonly instanceId: string;
  /** The name that it has before, if it has one. */
  readonly name: string | undefined;
  readonly before: readonly Condition[];
  readonly after: readonly Condition[];
}

/** Compares explanations of the same instances; who is as before is not in it. */
export function changesBetween(
  before: readonly Explanation[],
  after: readonly Explanation[],
): readonly ExplanationChange[] {
  const later = new Map(after.map((one) => [one.instanceId, one.conditions] as const));
  return before.flatMap(({ instanceId, name, conditions }) => {
    const now = later.get(instanceId) ?? [];
    const gone = conditions.filter((one) => !now.some((other) => isSame(one, other)));
    const come = now.filter((one) => !conditions.some((other) => isSame(one, other)));
    if (gone.length + come.length === 0) return [];
    return [{ instanceId, name, before: gone, after: come }];
  });
}

function isSame(a: Condition, b: Condition): boolean {
  return a.holds === b.holds && a.what === b.what && a.seen === b.seen;
}
