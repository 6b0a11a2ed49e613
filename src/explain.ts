import { describeFleet } from './describe-fleet.ts';
import { NametagError } from './errors.ts';
import { aliasClaimsOf } from './model/alias.ts';
import {
  type DirectoryOptions,
  ownNameOf,
  toDirectory,
  toRivalQueries,
} from './model/directory.ts';
import {
  changesBetween,
  type ExplainQuestion,
  type Explanation,
  type ExplanationChange,
  explainInstances,
  type Holder,
  holderOf,
} from './model/explanation.ts';
import type { Instance } from './model/instance.ts';
import { parseName, sortByName } from './model/name.ts';
import { anyCase, type InstanceQuery } from './model/query.ts';
import type { Selector, TagTest } from './model/selector.ts';
import { mergeSnapshots, type Snapshot } from './model/snapshot.ts';
import { claimOf, defaultVocabulary, type Vocabulary } from './model/tags.ts';
import type { CallOptions, Ec2 } from './ports.ts';

/** What is to be explained. */
export type Subject =
  | { readonly kind: 'instance'; readonly instanceId: string }
  /** Somebody's name or alias in whatever case, or a service, or several of these. */
  | { readonly kind: 'word'; readonly word: string };

/** What is to be explained, and by which question. */
export interface ExplainRequest extends DirectoryOptions {
  readonly subject: Subject;
  /** Whose answer it is that somebody is or is not in; empty for none. */
  readonly selector: Selector;
  /** Tags to think of on the instance, in place of those that it has; each key once. */
  readonly whatIf: readonly TagTest[];
}

/** Why it is as it is. */
export interface FleetExplanation {
  readonly region: string;
  /** When EC2 was asked, in milliseconds since 1970 by this machine's clock. */
  readonly takenAtMs: number;
  /** Who has the word as a name or an alias; `undefined` if nobody does or an id was given. */
  readonly holder: Holder | undefined;
  /** Whoever is meant, at least one: who has the word, then by name, then by instance id. */
  readonly instances: readonly Explanation[];
  /** What would be otherwise with other tags; `undefined` when none were given. */
  readonly whatIf: WhatIf | undefined;
}

/** What would be otherwise, with whom. */
export interface WhatIf {
  /** Whose tags they are. */
  readonly instanceId: string;
  readonly tags: readonly TagTest[];
  /** By instance id; others may gain or lose by it too. Empty when nothing changes. */
  readonly changes: readonly ExplanationChange[];
}

/**
 * Asks EC2 about an instance, a name or a service, and tells why each answer is as it is.
 *
 * Nothing is taken from memory: what the tags say now is what a person who looks at the console
 * wants to understand.
 *
 * @throws {@link NametagError} with code `NAMETAG_INSTANCE_NOT_FOUND` or `NAMETAG_NOBODY`, with
 * `NAMETAG_USAGE` when other tags are thought of and it is not clear on which instance, and as
 * {@link Ec2} does.
 */
export async function explain(
  request: ExplainRequest,
  ec2: Ec2,
  options: CallOptions = {},
): Promise<FleetExplanation> {
  const { subject, whatIf, domain, vocabulary = defaultVocabulary } = request;
  const fleet = { namesMatter: true, domain, vocabulary };
  const queries = toQueries(subject, vocabulary);
  const { snapshot } = await describeFleet({ ...fleet, queries }, ec2, options);
  const isMeant = toMeaning(subject, request, vocabulary);
  const meant = snapshot.instances.filter(isMeant);
  if (meant.length === 0) throw nobodyMeant(subject, ec2.region, vocabulary);
  const question = toQuestion(request, meant, vocabulary);
  const now = explainAll(snapshot, question);
  const holder = subject.kind === 'word' ? holderOf(now, nameOf(subject.word)) : undefined;
  const ids = new Set(meant.map(({ instanceId }) => instanceId));
  const instances = inOrder(
    now.filter(({ instanceId }) => ids.has(instanceId)),
    holder,
  );
  const { region, takenAtMs } = snapshot;
  const told = { region, takenAtMs, holder, instances };
  if (whatIf.length === 0) return { ...told, whatIf: undefined };
  const instanceId = targetOf(subject, holder, meant);
  const said = meant
    .filter((one) => one.instanceId === instanceId)
    .flatMap((one) => [one, withTags(one, whatIf)])
    .flatMap((one) => wordsOf(one, request, vocabulary));
  const asked = [{ instanceIds: [instanceId] }, ...toRivalQueries(said, said, vocabulary)];
  const then = await describeFleet({ ...fleet, queries: asked }, ec2, options);
  // Who matters then and who matters now are looked at both times.
  const all = mergeSnapshots(then.snapshot, snapshot);
  const changes = changesBetween(
    explainAll(all, question),
    explainAll(retag(all, instanceId, whatIf), question),
  );
  return { ...told, whatIf: { instanceId, tags: whatIf, changes } };
}

function explainAll(snapshot: Snapshot, question: ExplainQuestion): readonly Explanation[] {
  return explainInstances({ snapshot, directory: toDirectory(snapshot, question) }, question);
}

/** Who has the word, then by name, nameless ones last, then by id, by which they are sorted. */
function inOrder(
  instances: readonly Explanation[],
  holder: Holder | undefined,
): readonly Explanation[] {
  const isHolder = ({ instanceId }: Explanation): boolean => instanceId === holder?.instanceId;
  const others = instances.filter((one) => !isHolder(one));
  return [
    ...instances.filter(isHolder),
    ...sortByName(
      others.filter(({ name }) => name !== undefined),
      ({ name }) => name ?? '',
    ),
    ...others.filter(({ name }) => name === undefined),
  ];
}

/** Whatever state they are in: who is stopped and says a name does not have it, and that is why. */
function toQueries(subject: Subject, vocabulary: Vocabulary): readonly InstanceQuery[] {
  if (subject.kind === 'instance') return [{ instanceIds: [subject.instanceId] }];
  const { claimKey, nameKey, aliasesKey, servicePrefix } = vocabulary;
  const name = anyCase(nameOf(subject.word));
  return [
    { tags: [{ key: claimKey, patterns: [`*${name}*`] }] },
    { tags: [{ key: nameKey, patterns: [`${name}*`] }] },
    { tags: [{ key: aliasesKey, patterns: [`*${name}*`] }] },
    { tagKey: servicePrefix + subject.word },
  ];
}

/** Of a word of whatever case; a service is exactly as it is written. */
function nameOf(word: string): string {
  return word.toLowerCase();
}

/** Whoever says the word, also in a tag that counts for nothing: that may be what is wrong. */
function toMeaning(
  subject: Subject,
  { domain }: DirectoryOptions,
  vocabulary: Vocabulary,
): (instance: Instance) => boolean {
  if (subject.kind === 'instance') return ({ instanceId }) => instanceId === subject.instanceId;
  const { nameKey, servicePrefix } = vocabulary;
  const name = nameOf(subject.word);
  return (instance) => {
    const { tags } = instance;
    const typed = tags.get(nameKey) ?? '';
    const parsed = parseName(typed, domain);
    const [firstLabel] = typed.toLowerCase().split('.');
    return (
      (parsed.kind === 'name' ? parsed.name : firstLabel) === name ||
      saysInClaim(instance, name, vocabulary) ||
      saysInAliases(instance, name, vocabulary) ||
      tags.has(servicePrefix + subject.word)
    );
  };
}

function saysInClaim(instance: Instance, name: string, vocabulary: Vocabulary): boolean {
  const state = claimOf(instance, vocabulary);
  if (state.kind === 'malformed') return wordsIn(state.text).includes(name);
  return state.kind !== 'none' && [state.claim.held, state.claim.ask].includes(name);
}

function saysInAliases(instance: Instance, name: string, vocabulary: Vocabulary): boolean {
  const claims = aliasClaimsOf(instance, vocabulary);
  if (claims !== undefined) return claims.some(({ alias }) => alias === name);
  return wordsIn(instance.tags.get(vocabulary.aliasesKey) ?? '').includes(name);
}

/** Of a text that is written wrongly, whatever stands between them. */
function wordsIn(text: string): readonly string[] {
  return text.toLowerCase().split(/[^a-z0-9-]+/);
}

/** Who asks for a service by its word asks who offers it. */
function toQuestion(
  { subject, selector, domain }: ExplainRequest,
  meant: readonly Instance[],
  vocabulary: Vocabulary,
): ExplainQuestion {
  if (subject.kind === 'instance') return { selector, domain, vocabulary };
  const service = subject.word;
  const isService = meant.some(({ tags }) => tags.has(vocabulary.servicePrefix + service));
  return { selector: isService ? { ...selector, service } : selector, domain, vocabulary };
}

function nobodyMeant(subject: Subject, region: string, vocabulary: Vocabulary): NametagError {
  if (subject.kind === 'instance') {
    const { instanceId } = subject;
    const doing = 'explain the instance';
    return new NametagError('NAMETAG_INSTANCE_NOT_FOUND', { doing, region, instanceId });
  }
  const { word } = subject;
  const tag = vocabulary.servicePrefix + word;
  const hint = `EC2 shows no instance with that name or alias, and none that is tagged ${tag}.`;
  return new NametagError('NAMETAG_NOBODY', { what: `"${word}"`, region, hint });
}

/** On which instance other tags are thought of. */
function targetOf(
  subject: Subject,
  holder: Holder | undefined,
  [only, second]: readonly Instance[],
): string {
  if (subject.kind === 'instance') return subject.instanceId;
  if (holder !== undefined) return holder.instanceId;
  if (only !== undefined && second === undefined) return only.instanceId;
  const problem = `\`--what-if\` is of one instance, and "${subject.word}" means several`;
  throw new NametagError('NAMETAG_USAGE', { problem, remedy: 'Pass the id of one' });
}

/** Whoever else says or claims one of these may gain or lose by what becomes of its tags. */
function wordsOf(
  instance: Instance,
  options: DirectoryOptions,
  vocabulary: Vocabulary,
): readonly string[] {
  const own = ownNameOf(instance, options);
  const claims = aliasClaimsOf(instance, vocabulary) ?? [];
  return [...(own.kind === 'none' ? [] : [own.name]), ...claims.map(({ alias }) => alias)];
}

function retag(snapshot: Snapshot, instanceId: string, tags: readonly TagTest[]): Snapshot {
  const instances = snapshot.instances.map((one) =>
    one.instanceId === instanceId ? withTags(one, tags) : one,
  );
  return { ...snapshot, instances };
}

function withTags(instance: Instance, tags: readonly TagTest[]): Instance {
  const other = tags.map(({ key, value }) => [key, value] as const);
  return { ...instance, tags: new Map([...instance.tags, ...other]) };
}
