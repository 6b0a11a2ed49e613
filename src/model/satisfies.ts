import { type Instance, isInGroup } from './instance.ts';
import type { InstanceQuery } from './query.ts';

/**
 * Tells whether an instance has everything that a query asks for, going by its own fields.
 *
 * What EC2's filters do there, this does here: for data that came by another question.
 */
export function satisfies(query: InstanceQuery, instance: Instance): boolean {
  const { instanceIds, states, groups, vpcIds, availabilityZones, tags, tagKey } = query;
  return (
    (instanceIds?.includes(instance.instanceId) ?? true) &&
    (states?.includes(instance.state) ?? true) &&
    (groups?.some((group) => isInGroup(instance, group)) ?? true) &&
    (vpcIds?.includes(instance.vpcId ?? '') ?? true) &&
    (availabilityZones?.includes(instance.availabilityZone ?? '') ?? true) &&
    (tagKey === undefined || instance.tags.has(tagKey)) &&
    (tags ?? []).every(({ key, patterns }) => {
      const value = instance.tags.get(key);
      return value !== undefined && patterns.some((pattern) => matchesPattern(pattern, value));
    })
  );
}

/** Tells whether an instance is in the answer to any of several queries. */
export function satisfiesAny(queries: readonly InstanceQuery[], instance: Instance): boolean {
  return queries.some((query) => satisfies(query, instance));
}

/**
 * Tells whether a value matches a pattern of EC2's filters, as a whole and by case: `*` is any
 * text, `?` at most one character, `\` makes the next one literal.
 *
 * In time that grows with the product of the two lengths at worst, whatever the pattern. Source:
 * EC2 User Guide, "List and filter using the CLI and API".
 */
export function matchesPattern(pattern: string, value: string): boolean {
  // Most have nothing special, and a whole fleet is looked at.
  if (!special.test(pattern)) return pattern === value;
  const chars = [...value];
  // Where in the value the pattern so far can end.
  let ends = new Set([0]);
  let escaped = false;
  for (const char of pattern) {
    if (!escaped && char === '\\') {
      escaped = true;
      continue;
    }
    ends = step(escaped ? 'text' : char, char, chars, ends);
    escaped = false;
    if (ends.size === 0) return false;
  }
  // A last backslash with nothing to escape stands for itself.
  if (escaped) ends = step('text', '\\', chars, ends);
  return ends.has(chars.length);
}

const special = /[*?\\]/;

function step(
  kind: string,
  char: string,
  chars: readonly string[],
  ends: ReadonlySet<number>,
): Set<number> {
  if (kind === '*') {
    const first = Math.min(...ends);
    return new Set(Array.from({ length: chars.length - first + 1 }, (_, i) => first + i));
  }
  if (kind === '?') {
    return new Set([...ends].flatMap((end) => (end < chars.length ? [end, end + 1] : [end])));
  }
  return new Set([...ends].filter((end) => chars[end] === char).map((end) => end + 1));
}
