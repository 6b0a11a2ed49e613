/**
 * The conditions of a selector one by one: whether an instance meets each, and what was seen of it.
 *
 * What `matches` decides, told at length. It stops at the first condition that fails, and a person
 * who asks why wants to see the others too.
 */
import { type Instance, isInGroup } from './instance.ts';
import { type Selector, showTag } from './selector.ts';
import { isReady, parseServiceTag, type Vocabulary } from './tags.ts';

/** Something that an instance has to be, whether it is, and what that was told from. */
export interface Condition {
  readonly holds: boolean;
  /** Reads on from "it": `runs`, `is tagged env=prod`. */
  readonly what: string;
  /** As EC2 and tags have it; empty when there is nothing to add. */
  readonly seen: string;
}

/**
 * Gives every condition of a selector but names, in the order in which `matches` looks at them. For
 * an instance that runs all of them hold if and only if it finds a match.
 */
export function conditionsOf(
  selector: Selector,
  instance: Instance,
  vocabulary: Vocabulary,
): readonly Condition[] {
  return [
    ...toGroups(selector, instance),
    ...toPlaces(selector, instance),
    ...toTags(selector, instance),
    ...(selector.ready ? [toReady(instance, vocabulary)] : []),
    ...toService(selector, instance, vocabulary),
  ];
}

/** Only what runs is ever in an answer. */
export function toRunning({ state, launchTimeMs }: Instance): Condition {
  const since = new Date(launchTimeMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return { holds: state === 'running', what: 'runs', seen: `${state}, launched ${since}` };
}

/** Whether it is tagged as in service. */
export function toReady(instance: Instance, vocabulary: Vocabulary): Condition {
  const { readyKey, readyValue } = vocabulary;
  return {
    holds: isReady(instance, vocabulary),
    what: `is tagged ${readyKey}=${readyValue}`,
    seen: showTag(instance, readyKey),
  };
}

/** Whether it offers a service by a tag that can be read. */
export function toOffer(instance: Instance, service: string, vocabulary: Vocabulary): Condition {
  const key = vocabulary.servicePrefix + service;
  const text = instance.tags.get(key);
  const tag = text === undefined ? undefined : parseServiceTag(text);
  const what = `offers ${service}`;
  const seen = showTag(instance, key);
  if (tag !== undefined && 'refused' in tag) {
    return { holds: false, what, seen: `${seen}, which cannot be read: ${tag.refused}` };
  }
  return { holds: tag !== undefined, what, seen };
}

function toGroups({ groups, anyGroup }: Selector, instance: Instance): readonly Condition[] {
  if (groups === undefined) return [];
  const seen = instance.securityGroups.map(({ groupName }) => groupName).join(', ') || 'in none';
  if (anyGroup) {
    const holds = groups.some((group) => isInGroup(instance, group));
    return [{ holds, what: `is in one of the security groups ${groups.join(', ')}`, seen }];
  }
  return groups.map((group) => ({
    holds: isInGroup(instance, group),
    what: `is in the security group ${group}`,
    seen,
  }));
}

function toPlaces(selector: Selector, instance: Instance): readonly Condition[] {
  const { vpcIds, availabilityZones, notInstanceIds } = selector;
  const { instanceId, vpcId, availabilityZone } = instance;
  const toPlace = (what: string, wanted: readonly string[], seen = ''): Condition => ({
    holds: wanted.includes(seen),
    what: `is in ${what} ${wanted.join(' or ')}`,
    seen: seen || 'in none',
  });
  return [
    ...(vpcIds ? [toPlace('VPC', vpcIds, vpcId)] : []),
    ...(availabilityZones ? [toPlace('zone', availabilityZones, availabilityZone)] : []),
    ...(notInstanceIds ?? []).map((self) => ({
      holds: self !== instanceId,
      what: 'is another instance than this one',
      seen: `this is ${self}`,
    })),
  ];
}

function toTags({ tags = [], notTags = [] }: Selector, instance: Instance): readonly Condition[] {
  const keys = [...new Set(tags.map(({ key }) => key))];
  return [
    ...keys.map((key) => {
      const wanted = tags.filter((test) => test.key === key);
      return {
        holds: wanted.some(({ value }) => instance.tags.get(key) === value),
        what: `is tagged ${wanted.map(({ value }) => `${key}=${value}`).join(' or ')}`,
        seen: showTag(instance, key),
      };
    }),
    ...notTags.map(({ key, value }) => ({
      holds: instance.tags.get(key) !== value,
      what: `is without the tag ${key}=${value}`,
      seen: showTag(instance, key),
    })),
  ];
}

function toService(
  { service, label }: Selector,
  instance: Instance,
  vocabulary: Vocabulary,
): readonly Condition[] {
  if (service === undefined) return [];
  const offer = toOffer(instance, service, vocabulary);
  if (label === undefined) return [offer];
  const tag = parseServiceTag(instance.tags.get(vocabulary.servicePrefix + service) ?? '');
  const labels = 'refused' in tag ? [] : tag.labels;
  const holds = offer.holds && labels.includes(label);
  return [offer, { holds, what: `has the label ${label}`, seen: labels.join(' ') || 'none' }];
}
