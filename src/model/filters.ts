/**
 * From a query to the filters of `DescribeInstances`.
 *
 * Filters only narrow: what they let through is looked at again in code. So a query that EC2
 * cannot take in one request may be asked in several, whose answers together are the answer.
 */
import { type InstanceQuery, literal } from './query.ts';

/** One filter of a request: the instance must have one of the values. */
export interface DescribeFilter {
  readonly name: string;
  readonly values: readonly string[];
}

/** The filters of one request, all of which must hold. Empty means every instance there is. */
export type DescribeFilters = readonly DescribeFilter[];

/**
 * How many filter values one request may have, over all its filters.
 *
 * Source: EC2 answers `FilterLimitExceeded` with "The maximum number of filter values specified on
 * a single call is 200".
 */
export const maxFilterValues = 200;

/**
 * Turns a query into the requests that together ask for it, at least one.
 *
 * Instance ids go into a filter and not into the request's own list of ids, because one unknown id
 * in that list fails the whole request, and an instance is unknown for a while after its launch.
 * Security groups are looked for on every network interface: `instance.group-name` would see only
 * those of the first.
 *
 * @throws TypeError when a condition has no values: EC2 reads an empty list as no condition.
 */
export function toRequests(query: InstanceQuery): readonly DescribeFilters[] {
  const narrow = conditionsOf(query);
  const groups = groupConditions(query.groups);
  const whole = groups.length === 0 ? [narrow] : groups.map((group) => [...narrow, group]);
  return whole.flatMap(split);
}

/** Tells whether a request narrows by security group, the filter that work-alikes often lack. */
export function narrowsByGroup(request: DescribeFilters): boolean {
  return request.some(isGroupFilter);
}

/** The same request without the filters on security groups: more will be answered, never less. */
export function withoutGroups(request: DescribeFilters): DescribeFilters {
  return request.filter((filter) => !isGroupFilter(filter));
}

const groupFilterPrefix = 'network-interface.group-';

function isGroupFilter(filter: DescribeFilter): boolean {
  return filter.name.startsWith(groupFilterPrefix);
}

function conditionsOf(query: InstanceQuery): DescribeFilters {
  return [
    ...literalCondition('instance-id', query.instanceIds),
    ...literalCondition('instance-state-name', query.states),
    ...literalCondition('vpc-id', query.vpcIds),
    ...literalCondition('availability-zone', query.availabilityZones),
    ...tagConditions(query.tags),
    ...(query.tagKey === undefined ? [] : literalCondition('tag-key', [query.tagKey])),
  ];
}

function tagConditions(tags: InstanceQuery['tags']): DescribeFilters {
  if (tags === undefined) return [];
  requireSome('tags', tags);
  return tags.map(({ key, patterns }) => toFilter(`tag:${key}`, patterns));
}

/** None, or one for the names and one for the ids: EC2 cannot ask for either of them at once. */
function groupConditions(groups: readonly string[] | undefined): DescribeFilters {
  if (groups === undefined) return [];
  requireSome('groups', groups);
  // No group has a name that begins so. Source: CreateSecurityGroup, "Cannot start with sg-".
  const ids = groups.filter((group) => group.startsWith('sg-'));
  const names = groups.filter((group) => !group.startsWith('sg-'));
  return [
    ...(names.length === 0 ? [] : literalCondition(`${groupFilterPrefix}name`, names)),
    ...(ids.length === 0 ? [] : literalCondition(`${groupFilterPrefix}id`, ids)),
  ];
}

function literalCondition(name: string, values: readonly string[] | undefined): DescribeFilters {
  return values === undefined ? [] : [toFilter(name, values.map(literal))];
}

function toFilter(name: string, values: readonly string[]): DescribeFilter {
  requireSome(name, values);
  return { name: name, values: [...new Set(values)] };
}

function requireSome(name: string, values: readonly unknown[]): void {
  if (values.length === 0) {
    throw new TypeError(`Expected at least one value for \`${name}\`; EC2 reads none as "all".`);
  }
}

/** Cuts the longest condition until each request has at most {@link maxFilterValues} values. */
function split(request: DescribeFilters): readonly DescribeFilters[] {
  const total = request.reduce((sum, filter) => sum + filter.values.length, 0);
  if (total <= maxFilterValues) return [request];
  const longest = request.reduce((a, b) => (b.values.length > a.values.length ? b : a));
  const length = longest.values.length;
  // Over 200 conditions of one value each: leave some out, since a condition only narrows.
  if (length === 1) return [request.slice(0, maxFilterValues)];
  const others = total - length;
  // Fill each request where the rest leaves room for that, else halve and look again.
  const size = others <= maxFilterValues / 2 ? maxFilterValues - others : Math.ceil(length / 2);
  const parts: DescribeFilters[] = [];
  for (let start = 0; start < length; start += size) {
    const part = { name: longest.name, values: longest.values.slice(start, start + size) };
    parts.push(...split(request.map((filter) => (filter === longest ? part : filter))));
  }
  return parts;
}
