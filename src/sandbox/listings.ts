import { type Field, tagKeyOf } from './filters.ts';
import type { Reading } from './history.ts';
import type { InstanceRecord } from './instance-record.ts';
import type { GroupDescription } from './network.ts';

/** One tag of one resource, as `DescribeTags` lists it. */
export interface TagDescription {
  readonly resourceId: string;
  readonly key: string;
  readonly value: string;
}

/** A tag with its place in EC2's answers. */
export interface RankedTag extends TagDescription {
  readonly rank: number;
}

/** Goes through the tags of instances, in the order of their rank. */
export function* tagsOf(records: Iterable<InstanceRecord>, reading: Reading): Generator<RankedTag> {
  for (const record of records) {
    // A key keeps its place in the map, so a tag keeps its rank. Ranks are whole numbers.
    const step = 2 ** -20;
    let index = 0;
    for (const [key, history] of record.tags) {
      const value = history.read(reading);
      const rank = record.rank + index * step;
      index += 1;
      if (value === undefined) continue;
      yield { resourceId: record.facts.instanceId, key, value, rank };
    }
  }
}

const tagFields: ReadonlyMap<string, Field<TagDescription>> = new Map<
  string,
  Field<TagDescription>
>([
  ['key', (tag) => [tag.key]],
  ['value', (tag) => [tag.value]],
  ['resource-id', (tag) => [tag.resourceId]],
  ['resource-type', () => ['instance']],
]);

/** The filters of `DescribeTags`. */
export function tagFieldOf(name: string): Field<TagDescription> | undefined {
  const key = tagKeyOf(name);
  if (key === undefined) return tagFields.get(name);
  return (tag) => (tag.key === key ? [tag.value] : []);
}

const groupFields: ReadonlyMap<string, Field<GroupDescription>> = new Map<
  string,
  Field<GroupDescription>
>([
  ['description', (group) => [group.description]],
  ['group-id', (group) => [group.groupId]],
  ['group-name', (group) => [group.groupName]],
  ['vpc-id', (group) => [group.vpcId]],
]);

/** The filters of `DescribeSecurityGroups`. */
export function groupFieldOf(name: string): Field<GroupDescription> | undefined {
  return groupFields.get(name);
}

/** Goes through the things of which the test holds, looking at each when it is asked for. */
export function* select<T>(things: Iterable<T>, test: (thing: T) => boolean): Generator<T> {
  for (const thing of things) if (test(thing)) yield thing;
}
