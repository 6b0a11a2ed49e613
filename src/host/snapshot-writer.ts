/** How an instance is written in a snapshot's file. */
import { type Instance, instanceStates, type SecurityGroup } from '../model/instance.ts';
import { createTextLists, createTexts, inTurn, type List, type PlaceOf } from './snapshot-lists.ts';

/** What a file is made of. */
export interface FileLists {
  readonly texts: List<string>;
  /** Of places of texts. */
  readonly keyLists: List<readonly number[]>;
  /** Of places of ids and names, in turn. */
  readonly groupLists: List<readonly number[]>;
  /** These may be too large for a cell. */
  readonly launchTimesMs: List<number>;
  readonly launchIndexes: List<number>;
  readonly cells: List<number>;
}

/** Makes what writes one instance after the other into the lists. */
export function createWriter(file: FileLists): (instance: Instance) => void {
  const { text, own } = createTexts(file.texts);
  const { push } = file.cells;
  const groupList = createTextLists(file.groupLists, text);
  const groups = inTurn((list: readonly SecurityGroup[]) => groupList(list.flatMap(toTexts)));
  const [type, zone, vpc, subnet] = [inTurn(text), inTurn(text), inTurn(text), inTurn(text)];
  const writeTags = createTagWriter(file, text);
  return (instance) => {
    file.launchTimesMs.push(instance.launchTimeMs);
    file.launchIndexes.push(instance.launchIndex);
    push(own(instance.instanceId));
    push(instanceStates.indexOf(instance.state));
    push(type(instance.instanceType));
    push(zone(instance.availabilityZone));
    push(vpc(instance.vpcId));
    push(subnet(instance.subnetId));
    push(own(instance.privateIpAddress));
    push(own(instance.publicIpAddress));
    push(instance.ipv6Addresses.length);
    for (const address of instance.ipv6Addresses) push(own(address));
    push(own(instance.privateDnsName));
    push(own(instance.publicDnsName));
    push(groups(instance.securityGroups));
    writeTags(instance.tags);
  };
}

/** Writes the place of the keys, and then that of each value. */
function createTagWriter(
  { keyLists, cells: { push } }: FileLists,
  text: PlaceOf,
): (tags: ReadonlyMap<string, string>) => void {
  const keyList = createTextLists(keyLists, text);
  const values: PlaceOf[] = [];
  let keys: readonly string[] = [];
  let place = keyList(keys);
  return (tags) => {
    if (!hasKeys(tags, keys)) {
      keys = [...tags.keys()];
      place = keyList(keys);
    }
    push(place);
    let at = 0;
    for (const value of tags.values()) {
      values[at] ??= inTurn(text);
      push(values[at]?.(value) ?? 0);
      at += 1;
    }
  };
}

function hasKeys(tags: ReadonlyMap<string, string>, keys: readonly string[]): boolean {
  if (tags.size !== keys.length) return false;
  let at = 0;
  for (const key of tags.keys()) {
    if (key !== keys[at]) return false;
    at += 1;
  }
  return true;
}

function toTexts({ groupId, groupName }: SecurityGroup): readonly string[] {
  return [groupId, groupName];
}
