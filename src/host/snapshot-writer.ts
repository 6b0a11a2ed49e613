/** How an instance is written in a snapshot's file. */
import { type Instance, instanceStates, type SecurityGroup } from '../model/instance.ts';
import type { NumberList, PlaceLists, TextList } from './snapshot-lists.ts';

/** What a file is made of. */
export interface FileLists {
  readonly texts: TextList;
  /** Of each instance when it was launched, and its place in the launch: too large for a cell. */
  readonly launches: NumberList<Float64Array>;
  readonly cells: NumberList<Uint32Array>;
  /** Of keys. */
  readonly keyLists: PlaceLists;
  /** Of ids and names, in turn. */
  readonly groupLists: PlaceLists;
}

/** How many cells an instance has beside its addresses and tags. */
export const fixedCells = 13;

/** Makes what writes one instance after the other into the lists. */
export function createWriter(file: FileLists): (instance: Instance) => void {
  const { texts, launches, cells, groupLists } = file;
  const text = (): PlaceOf<string | undefined> =>
    inTurn((wanted) => (wanted === undefined ? 0 : texts.place(wanted)));
  const [type, zone, vpc, subnet] = [text(), text(), text(), text()];
  const groups = inTurn((list: readonly SecurityGroup[]) =>
    groupLists.place(list.flatMap(({ groupId, groupName }) => [groupId, groupName])),
  );
  const writeTags = createTagWriter(file);
  return (instance) => {
    const launch = launches.take(2);
    launches.row[launch] = instance.launchTimeMs;
    launches.row[launch + 1] = instance.launchIndex;
    const { ipv6Addresses, tags } = instance;
    const at = cells.take(fixedCells + ipv6Addresses.length + tags.size);
    const { row } = cells;
    row[at] = texts.ownPlace(instance.instanceId);
    row[at + 1] = instanceStates.indexOf(instance.state);
    row[at + 2] = type(instance.instanceType);
    row[at + 3] = zone(instance.availabilityZone);
    row[at + 4] = vpc(instance.vpcId);
    row[at + 5] = subnet(instance.subnetId);
    row[at + 6] = texts.ownPlace(instance.privateIpAddress);
    row[at + 7] = texts.ownPlace(instance.publicIpAddress);
    row[at + 8] = ipv6Addresses.length;
    let rest = at + 9;
    for (const address of ipv6Addresses) {
      row[rest] = texts.ownPlace(address);
      rest += 1;
    }
    row[rest] = texts.ownPlace(instance.privateDnsName);
    row[rest + 1] = texts.ownPlace(instance.publicDnsName);
    row[rest + 2] = groups(instance.securityGroups);
    writeTags(tags, row, rest + 3);
  };
}

/** Gives the place of an item, from 1; 0 is "absent". */
type PlaceOf<Item> = (item: Item) => number;

/** Makes what writes the place of the keys, and then that of each value. */
function createTagWriter({ texts, keyLists }: FileLists) {
  let keys: readonly string[] = [];
  let keysPlace = keyLists.place(keys);
  // Of the tags by their order.
  const places: PlaceOf<string>[] = [];
  return (tags: ReadonlyMap<string, string>, row: Uint32Array, start: number): void => {
    if (!hasKeys(tags, keys)) {
      keys = [...tags.keys()];
      keysPlace = keyLists.place(keys);
    }
    row[start] = keysPlace;
    let index = 0;
    for (const value of tags.values()) {
      places[index] ??= inTurn(unlessNew(texts));
      row[start + 1 + index] = places[index]?.(value) ?? 0;
      index += 1;
    }
  };
}

/** Looks for a place only where the item is not the one before: neighbours have much in common. */
function inTurn<Item>(placeOf: PlaceOf<Item>): PlaceOf<Item> {
  let last: { readonly item: Item; readonly place: number } | undefined;
  return (item) => {
    if (last === undefined || last.item !== item) last = { item, place: placeOf(item) };
    return last.place;
  };
}

/** After how many texts in a row that were new none is looked for: they are names and the like. */
const newTextsMax = 64;

function unlessNew(texts: TextList): PlaceOf<string> {
  let news = 0;
  return (text) => {
    if (news === newTextsMax) return texts.ownPlace(text);
    const before = texts.count;
    const place = texts.place(text);
    news = place > before ? news + 1 : 0;
    return place;
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
