import { type Instance, isInGroup } from './instance.ts';
import { type InstanceQuery, literal } from './query.ts';
import { isReady, parseServiceTag, type ServiceTag, type Vocabulary } from './tags.ts';

/** A tag key and a value it is compared with, exactly. */
export interface TagTest {
  readonly key: string;
  readonly value: string;
}

/**
 * Which instances are meant. Every given condition must hold; an absent one says nothing.
 *
 * Only running instances are ever meant.
 */
export interface Selector {
  /** Names or ids of security groups; in all of them, unless {@link anyGroup}. */
  readonly groups?: readonly string[];
  /** In one of the groups is enough. */
  readonly anyGroup?: boolean;
  /** Tagged as in service. */
  readonly ready?: boolean;
  /** Tags with these values; several values of one key mean any of them. */
  readonly tags?: readonly TagTest[];
  /** None of these tags with these values. */
  readonly notTags?: readonly TagTest[];
  /** Names or aliases, with `*` for any text and `?` for one character; any of them. */
  readonly names?: readonly string[];
  readonly availabilityZones?: readonly string[];
  readonly vpcIds?: readonly string[];
  readonly notInstanceIds?: readonly string[];
  /** Offers this service by a tag. */
  readonly service?: string;
  /** Has this label in its service tag. */
  readonly label?: string;
}

/** Why an instance was left out of an answer; a closed list. */
export type OmissionReason =
  | 'not running'
  | 'not in the security group'
  | 'not ready'
  | 'tag differs'
  | 'tag excluded'
  | 'other availability zone'
  | 'other VPC'
  | 'is this instance'
  | 'does not offer the service'
  | 'service tag unreadable'
  | 'lacks the label'
  | 'no name'
  | 'name refused'
  | 'name held by another'
  | 'name differs'
  | 'claim unreadable'
  | 'claim of an earlier life'
  | 'no such address'
  | 'address refused'
  | 'no port'
  | 'port closed';

/** An instance that was left out, and why. */
export interface Omission {
  readonly instanceId: string;
  readonly reason: OmissionReason;
  /** What was seen instead, in a few words; empty when the reason says it all. */
  readonly seen: string;
}

/** Whether a selector means an instance, going by all but its name. */
export type Match =
  | { readonly kind: 'match'; readonly service: ServiceTag | undefined }
  | { readonly kind: 'omitted'; readonly reason: OmissionReason; readonly seen: string };

/**
 * Decides whether the selector means this instance. Names are left to the directory, which knows
 * who holds them.
 *
 * The first condition that fails is the one that is told, in the order in which a person would ask.
 */
export function matches(selector: Selector, instance: Instance, vocabulary: Vocabulary): Match {
  if (instance.state !== 'running') return omitted('not running', instance.state);
  if (!inGroups(selector, instance)) {
    return omitted(
      'not in the security group',
      instance.securityGroups.map((g) => g.groupName).join(' '),
    );
  }
  const vpcs = selector.vpcIds;
  if (vpcs !== undefined && !vpcs.includes(instance.vpcId ?? '')) {
    return omitted('other VPC', instance.vpcId);
  }
  const zones = selector.availabilityZones;
  if (zones !== undefined && !zones.includes(instance.availabilityZone ?? '')) {
    return omitted('other availability zone', instance.availabilityZone);
  }
  if (selector.notInstanceIds?.includes(instance.instanceId)) return omitted('is this instance');
  const tag = failingTag(selector, instance);
  if (tag !== undefined) return omitted(tag.reason, tag.seen);
  if (selector.ready && !isReady(instance, vocabulary)) {
    return omitted('not ready', showTag(instance, vocabulary.readyKey));
  }
  return matchService(selector, instance, vocabulary);
}

const noTests: readonly TagTest[] = [];
const plainMatch: Match = { kind: 'match', service: undefined };

function omitted(reason: OmissionReason, seen = ''): Match {
  return { kind: 'omitted', reason, seen };
}

function inGroups(selector: Selector, instance: Instance): boolean {
  const groups = selector.groups;
  if (groups === undefined) return true;
  return selector.anyGroup
    ? groups.some((group) => isInGroup(instance, group))
    : groups.every((group) => isInGroup(instance, group));
}

function failingTag(
  selector: Selector,
  instance: Instance,
): { reason: OmissionReason; seen: string } | undefined {
  const { tags: tests = noTests } = selector;
  // They are few, and a table of them for each instance would take longer than to look at all.
  for (const { key } of tests) {
    const value = instance.tags.get(key);
    if (!tests.some((test) => test.key === key && test.value === value)) {
      return { reason: 'tag differs', seen: showTag(instance, key) };
    }
  }
  const excluded = selector.notTags?.find((test) => instance.tags.get(test.key) === test.value);
  return excluded && { reason: 'tag excluded', seen: showTag(instance, excluded.key) };
}

function matchService(selector: Selector, instance: Instance, vocabulary: Vocabulary): Match {
  if (selector.service === undefined) return plainMatch;
  const text = instance.tags.get(vocabulary.servicePrefix + selector.service);
  if (text === undefined) return omitted('does not offer the service');
  const service = parseServiceTag(text);
  if ('refused' in service) return omitted('service tag unreadable', service.refused);
  if (selector.label !== undefined && !service.labels.includes(selector.label)) {
    return omitted('lacks the label', service.labels.join(' '));
  }
  return { kind: 'match', service };
}

/** Gives a tag of an instance as `KEY=VALUE`, or says that there is none. */
export function showTag(instance: Instance, key: string): string {
  const value = instance.tags.get(key);
  return value === undefined ? `no tag ${key}` : `${key}=${value}`;
}

function valuesByKey(tests: readonly TagTest[]): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>();
  for (const { key, value } of tests) {
    const values = map.get(key);
    if (values === undefined) map.set(key, [value]);
    else values.push(value);
  }
  return map;
}

/**
 * Tells what to ask EC2 for, so that everything {@link matches} accepts is in the answer.
 *
 * Left to `matches` alone: names (their owner is decided among all who claim them), and what must
 * not be there (EC2 has no negation).
 */
export function toQuery(selector: Selector, vocabulary: Vocabulary): InstanceQuery {
  const tags = [...valuesByKey(selector.tags ?? [])].map(([key, values]) => ({
    key,
    patterns: values.map(literal),
  }));
  if (selector.ready) {
    tags.push({ key: vocabulary.readyKey, patterns: [literal(vocabulary.readyValue)] });
  }
  const groups = groupsToAsk(selector);
  return {
    states: ['running'],
    ...(groups === undefined ? {} : { groups }),
    ...(selector.vpcIds === undefined ? {} : { vpcIds: selector.vpcIds }),
    ...(selector.availabilityZones === undefined
      ? {}
      : { availabilityZones: selector.availabilityZones }),
    ...(tags.length === 0 ? {} : { tags: tags.filter(firstOfItsKey) }),
    ...(selector.service === undefined
      ? {}
      : { tagKey: vocabulary.servicePrefix + selector.service }),
  };
}

/** One filter holds one key; a second condition on the same key is left to `matches`. */
function firstOfItsKey(
  tag: { readonly key: string },
  index: number,
  all: readonly { readonly key: string }[],
): boolean {
  return all.findIndex((other) => other.key === tag.key) === index;
}

function groupsToAsk(selector: Selector): readonly string[] | undefined {
  const groups = selector.groups;
  if (groups === undefined) return undefined;
  // In all of them implies in the first, and a filter cannot ask for more.
  return selector.anyGroup ? groups : groups.slice(0, 1);
}

/** Tells whether a query of {@link toQuery} leaves out no running instance. */
export function meansEveryone(query: InstanceQuery): boolean {
  const { instanceIds, groups, vpcIds, availabilityZones, tags, tagKey } = query;
  return !instanceIds && !groups && !vpcIds && !availabilityZones && !tags && !tagKey;
}

/** Describes a selector in the words of the command line, for messages. */
export function showSelector(selector: Selector): string {
  const words = [
    ...(selector.service === undefined ? [] : [`service ${selector.service}`]),
    ...(selector.label === undefined ? [] : [`label ${selector.label}`]),
    ...(selector.groups ?? []).map((group) => `--group ${group}`),
    ...(selector.anyGroup ? ['--any-group'] : []),
    ...(selector.ready ? ['--ready'] : []),
    ...(selector.tags ?? []).map(({ key, value }) => `--tag ${key}=${value}`),
    ...(selector.notTags ?? []).map(({ key, value }) => `--not-tag ${key}=${value}`),
    ...(selector.names ?? []).map((name) => `--name ${name}`),
    ...(selector.availabilityZones ?? []).map((zone) => `--az ${zone}`),
    ...(selector.vpcIds ?? []).map((vpc) => `--vpc ${vpc}`),
    ...(selector.notInstanceIds === undefined ? [] : ['--not-self']),
  ];
  return words.length === 0 ? 'any instance' : `"${words.join(' ')}"`;
}

/**
 * Tells whether a name matches a pattern in which `*` is any text and `?` any one character.
 *
 * In time that grows with the product of the two lengths at worst, whatever the pattern.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let retry = 0;
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      retry = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** The states of instances that can have a name. */
export const aliveStates = ['pending', 'running'] as const;

/** Narrowed to those that can have a name, whoever they are. */
export const everyoneAlive: InstanceQuery = { states: aliveStates };
