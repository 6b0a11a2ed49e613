/**
 * Why an instance is called what it is called, and why it is or is not in an answer.
 *
 * Read off a directory, as every answer is, so that what is explained is what is answered.
 */
import { type AddressKind, addressOf } from './address.ts';
import { type AliasOmission, aliasClaimsOf } from './alias.ts';
import { type Condition, conditionsOf, toOffer, toReady, toRunning } from './condition.ts';
import { type Directory, type DirectoryOptions, type OwnName, ownNameOf } from './directory.ts';
import { type Question, select } from './endpoint.ts';
import { type Instance, isAlive } from './instance.ts';
import { showSelector, showTag } from './selector.ts';
import type { Snapshot } from './snapshot.ts';
import { defaultVocabulary, type Vocabulary } from './tags.ts';

/** Everything that decides about one instance. */
export interface Explanation {
  readonly instanceId: string;
  /** The name that it has; `undefined` if it has none, or another one has it. */
  readonly name: string | undefined;
  /** Those that it has, in the order of its tag. */
  readonly aliases: readonly string[];
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
  const { selector, vocabulary = defaultVocabulary } = question;
  const isAsked = Object.keys(selector).length > 0;
  const toAnswer = answersTo(directory, question);
  const byId = new Map(snapshot.instances.map((one) => [one.instanceId, one] as const));
  return snapshot.instances.map((instance) => {
    const own = ownNameOf(instance, question);
    const named = toNamed(instance, own, directory, byId, vocabulary);
    const aliases = toAliases(instance, own, directory, vocabulary);
    return {
      instanceId: instance.instanceId,
      name: named.holds && own.kind !== 'none' ? own.name : undefined,
      aliases: aliases.flatMap(({ alias, holds }) => (holds ? [alias] : [])),
      conditions: [
        toRunning(instance),
        named,
        ...aliases.map(({ alias: _, ...condition }) => condition),
        toAddressed(instance, question.address ?? 'private'),
        ...(isAsked
          ? [...conditionsOf(selector, instance, vocabulary), toAnswer(instance)]
          : [toReady(instance, vocabulary), ...toOffers(instance, vocabulary)]),
      ],
    };
  });
}

/** Whether it has a name, and by what. */
function toNamed(
  instance: Instance,
  own: OwnName,
  directory: Directory,
  byId: ReadonlyMap<string, Instance>,
  vocabulary: Vocabulary,
): Condition {
  const { instanceId, state } = instance;
  if (own.kind === 'none') {
    const told = own.seen || showTag(instance, vocabulary.nameKey);
    const seen = own.reason === 'no name' ? told : `${own.reason}: ${own.seen}`;
    return { holds: false, what: 'has a name', seen };
  }
  const what = `has the name ${own.name}`;
  const seen = sayingOf(instance, own, vocabulary);
  if (!isAlive(instance)) return { holds: false, what, seen: `it is ${state}; ${seen}` };
  const winnerId = directory.conflicts.find(({ name }) => name === own.name)?.winner ?? instanceId;
  const winner = byId.get(winnerId);
  if (winner === undefined || winnerId === instanceId) return { holds: true, what, seen };
  return {
    holds: false,
    what,
    seen: `${winnerId} has it, ${whyFirst(winner, instance, vocabulary)}`,
  };
}

/** The tag that says its name, and the one that would without that. */
function sayingOf(instance: Instance, own: OwnName, vocabulary: Vocabulary): string {
  const { claimKey, nameKey } = vocabulary;
  if (own.kind !== 'held') return showTag(instance, nameKey);
  const typed = instance.tags.get(nameKey) ?? '';
  const isOdd = typed !== '' && typed.toLowerCase() !== own.name;
  return (
    showTag(instance, claimKey) +
    (isOdd ? `, beside which ${nameKey}=${typed} counts for nothing` : '')
  );
}

/** In the order in which a conflict is settled. */
function whyFirst(winner: Instance, loser: Instance, vocabulary: Vocabulary): string {
  const [first, second] = [winner, loser].map((one) => ownNameOf(one, { vocabulary }).kind);
  if (first !== second) return 'which claims it, where this one has it typed';
  if (winner.launchTimeMs !== loser.launchTimeMs) return 'which was launched earlier';
  if (winner.launchIndex !== loser.launchIndex) return 'which came first in their launch';
  return 'whose id comes first';
}

/** For each alias that it claims, and once with no alias for a claim that cannot be read. */
function toAliases(
  instance: Instance,
  own: OwnName,
  { aliasOmissions }: Directory,
  vocabulary: Vocabulary,
): readonly (Condition & { readonly alias: string })[] {
  const seen = showTag(instance, vocabulary.aliasesKey);
  const claims = aliasClaimsOf(instance, vocabulary);
  if (claims === undefined) {
    const unreadable = `which cannot be read: ${seen}`;
    return [{ alias: '', holds: false, what: 'has aliases', seen: unreadable }];
  }
  const isNamed = own.kind !== 'none' && isAlive(instance);
  return claims.map(({ alias }) => {
    const lost = aliasOmissions.find(
      (omission) => omission.instanceId === instance.instanceId && omission.alias === alias,
    );
    const why = isNamed ? lost && whyNotAlias(lost) : 'only an instance with a name has any';
    return {
      alias,
      holds: why === undefined,
      what: `has the alias ${alias}`,
      seen: why === undefined ? seen : `${why}; ${seen}`,
    };
  });
}

function whyNotAlias({ reason, seen }: AliasOmission): string {
  return reason === 'alias is a name' ? `it is the name of ${seen}` : `${seen} claimed it later`;
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
