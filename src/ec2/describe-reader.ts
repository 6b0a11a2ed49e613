/**
 * From the bytes of an answer to `DescribeInstances` to our own instances.
 *
 * Read are the fields that an {@link Instance} has and nothing else, in EC2's order of instances
 * and in any order of elements. An instance without its id, its state or its launch time cannot be
 * named, judged or ordered, so an answer that has one is refused whole.
 *
 * Source of the element names: Amazon EC2 API Reference, "DescribeInstances" and "Instance".
 */
import {
  compareText,
  type Instance,
  type InstanceState,
  instanceStates,
  type SecurityGroup,
} from '../model/instance.ts';
import { MalformedAnswer } from './malformed-answer.ts';
import { createXmlScanner, type XmlElement, type XmlParent } from './xml-scanner.ts';

/** One page of a describe. */
export interface DescribePage {
  /** In EC2's order; empty when the page is, which does not make it the last. */
  readonly instances: readonly Instance[];
  /** What to ask for the next page with; `undefined` when there is none. */
  readonly nextToken: string | undefined;
}

/** Takes answers in chunks, which may end anywhere; once it has thrown, it is of no more use. */
export interface DescribeReader {
  /** @throws MalformedAnswer when what came is not the beginning of an answer. */
  feed(chunk: Buffer): void;
  /**
   * Ends an answer, after which another may begin.
   *
   * @throws MalformedAnswer when what came is not all of an answer.
   */
  end(): DescribePage;
}

/** What was read of an instance so far, as EC2 wrote it; empty text where there was none. */
interface Draft {
  instanceId: string;
  state: string;
  launchTime: string;
  launchIndex: string;
  instanceType: string;
  availabilityZone: string;
  vpcId: string;
  subnetId: string;
  privateIpAddress: string;
  publicIpAddress: string;
  privateDnsName: string;
  publicDnsName: string;
  readonly ipv6Addresses: string[];
  readonly ownGroups: SecurityGroup[];
  readonly interfaceGroups: SecurityGroup[];
  /** Keys and values in turn. */
  readonly tags: string[];
}

/** Makes a reader, which learns from one answer how the next will be laid out. */
export function createDescribeReader(): DescribeReader {
  let instances: Instance[] = [];
  let nextToken = '';
  let hasSet = false;
  const toInstance = instanceMaker();
  const scanner = createXmlScanner({
    DescribeInstancesResponse: {
      children: {
        nextToken: {
          text: (value) => {
            nextToken = value;
          },
        },
        reservationSet: {
          begin: () => {
            hasSet = true;
          },
          // Most reservations have one instance, and are alike as a whole; others have some.
          children: alikeItemsOf({
            children: {
              instancesSet: {
                children: alikeItemsOf(
                  instanceElement((draft) => instances.push(toInstance(draft))),
                ),
              },
            },
          }),
        },
      },
    },
  });
  return {
    feed: scanner.feed,
    end() {
      scanner.end();
      // An answer without instances has an empty set here; without the set it is not an answer.
      if (!hasSet) throw new MalformedAnswer('it has no `reservationSet`');
      const page = { instances, nextToken: nextToken || undefined };
      instances = [];
      nextToken = '';
      hasSet = false;
      return page;
    },
  };
}

function itemsOf(item: XmlParent): Readonly<Record<string, XmlElement>> {
  return { item: { each: item } };
}

function alikeItemsOf(item: XmlParent): Readonly<Record<string, XmlElement>> {
  return { item: { each: item, isAlike: true } };
}

function newDraft(): Draft {
  return {
    instanceId: '',
    state: '',
    launchTime: '',
    launchIndex: '',
    instanceType: '',
    availabilityZone: '',
    vpcId: '',
    subnetId: '',
    privateIpAddress: '',
    publicIpAddress: '',
    privateDnsName: '',
    publicDnsName: '',
    ipv6Addresses: [],
    ownGroups: [],
    interfaceGroups: [],
    tags: [],
  };
}

function instanceElement(onInstance: (draft: Draft) => void): XmlParent {
  let draft = newDraft();
  type Field = { [Key in keyof Draft]: Draft[Key] extends string ? Key : never }[keyof Draft];
  const field = (name: Field): XmlElement => ({
    text: (value) => {
      draft[name] = value;
    },
  });
  return {
    begin: () => {
      draft = newDraft();
    },
    end: () => onInstance(draft),
    children: {
      instanceId: field('instanceId'),
      instanceState: { children: { name: field('state') } },
      launchTime: field('launchTime'),
      amiLaunchIndex: field('launchIndex'),
      instanceType: field('instanceType'),
      placement: { children: { availabilityZone: field('availabilityZone') } },
      vpcId: field('vpcId'),
      subnetId: field('subnetId'),
      privateIpAddress: field('privateIpAddress'),
      ipAddress: field('publicIpAddress'),
      privateDnsName: field('privateDnsName'),
      dnsName: field('publicDnsName'),
      groupSet: groupsElement((group) => draft.ownGroups.push(group)),
      networkInterfaceSet: {
        children: itemsOf({
          children: {
            groupSet: groupsElement((group) => draft.interfaceGroups.push(group)),
            ipv6AddressesSet: pairsElement('ipv6Address', 'isPrimaryIpv6', (address) => {
              if (address !== '') draft.ipv6Addresses.push(address);
            }),
          },
        }),
      },
      tagSet: pairsElement('key', 'value', (key, value) => draft.tags.push(key, value)),
    },
  };
}

function groupsElement(onGroup: (group: SecurityGroup) => void): XmlParent {
  return pairsElement('groupId', 'groupName', (groupId, groupName) =>
    onGroup({ groupId, groupName }),
  );
}

/** A set of items of which two texts are wanted; one that is not there is empty. */
function pairsElement(
  first: string,
  second: string,
  onPair: (first: string, second: string) => void,
): XmlParent {
  let a = '';
  let b = '';
  return {
    children: itemsOf({
      begin: () => {
        a = '';
        b = '';
      },
      end: () => onPair(a, b),
      children: {
        [first]: {
          text: (value) => {
            a = value;
          },
        },
        [second]: {
          text: (value) => {
            b = value;
          },
        },
      },
    }),
  };
}

const noAddresses: readonly string[] = Object.freeze([]);

/** Instances of one launch are in the same groups, and then share one list of them. */
function instanceMaker(): (draft: Draft) => Instance {
  let before = newDraft();
  let groups: readonly SecurityGroup[] = [];
  let launchTimeMs = Number.NaN;
  return (draft) => {
    const { instanceId } = draft;
    if (instanceId === '') throw new MalformedAnswer('an instance has no `instanceId`');
    if (!hasSameGroups(before, draft)) groups = groupsOf(draft);
    if (before.launchTime === '' || before.launchTime !== draft.launchTime) {
      launchTimeMs = decodeTime(instanceId, draft.launchTime);
    }
    before = draft;
    return {
      instanceId,
      state: decodeState(instanceId, draft.state),
      launchTimeMs,
      launchIndex: decodeIndex(instanceId, draft.launchIndex),
      // EC2 writes an empty element for a name or address that is not there yet.
      instanceType: draft.instanceType || undefined,
      availabilityZone: draft.availabilityZone || undefined,
      vpcId: draft.vpcId || undefined,
      subnetId: draft.subnetId || undefined,
      privateIpAddress: draft.privateIpAddress || undefined,
      publicIpAddress: draft.publicIpAddress || undefined,
      ipv6Addresses: draft.ipv6Addresses.length === 0 ? noAddresses : draft.ipv6Addresses,
      privateDnsName: draft.privateDnsName || undefined,
      publicDnsName: draft.publicDnsName || undefined,
      securityGroups: groups,
      tags: decodeTags(instanceId, draft.tags),
    };
  };
}

function decodeState(instanceId: string, name: string): InstanceState {
  if (name === '') throw new MalformedAnswer(`instance ${instanceId} has no \`instanceState\``);
  const state = instanceStates.find((known) => known === name);
  if (state === undefined) {
    throw new MalformedAnswer(`instance ${instanceId} is in the unknown state "${name}"`);
  }
  return state;
}

// What EC2 writes, with nothing left to be refused but a month or day that there is not.
const utcTime = /^[1-9]\d{3}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3})?Z$/;
const timestamp =
  /^([1-9]\d{3})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-]\d\d):(\d\d))$/i;

/** Reads a time as RFC 3339 writes it, to the millisecond. */
function decodeTime(instanceId: string, time: string): number {
  if (time === '') throw new MalformedAnswer(`instance ${instanceId} has no \`launchTime\``);
  const utcMs = utcTime.test(time) ? Date.parse(time) : Number.NaN;
  if (!Number.isNaN(utcMs)) return utcMs;
  const [, year, month, day, hour, minute, second, fraction, offsetHour, offsetMinute] =
    timestamp.exec(time) ?? [];
  const wallMs = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    Math.round(Number(fraction ?? 0) * 1000),
  );
  const isInRange =
    inRange(month, 1, 12) &&
    inRange(day, 1, 31) &&
    inRange(hour, 0, 23) &&
    inRange(minute, 0, 59) &&
    inRange(second, 0, 60);
  if (!isInRange) {
    throw new MalformedAnswer(`instance ${instanceId} has the \`launchTime\` "${time}"`);
  }
  const sign = offsetHour?.startsWith('-') ? -1 : 1;
  return wallMs - (Number(offsetHour ?? 0) * 60 + sign * Number(offsetMinute ?? 0)) * 60_000;
}

function inRange(digits: string | undefined, least: number, most: number): boolean {
  const number = Number(digits);
  return number >= least && number <= most;
}

function decodeIndex(instanceId: string, index: string): number {
  if (!/^\d{0,9}$/.test(index)) {
    throw new MalformedAnswer(`instance ${instanceId} has the \`amiLaunchIndex\` "${index}"`);
  }
  return Number(index);
}

function hasSameGroups(a: Draft, b: Draft): boolean {
  return isSame(a.ownGroups, b.ownGroups) && isSame(a.interfaceGroups, b.interfaceGroups);
}

function isSame(a: readonly SecurityGroup[], b: readonly SecurityGroup[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      ({ groupId, groupName }, place) =>
        groupId === b[place]?.groupId && groupName === b[place]?.groupName,
    )
  );
}

/** Each group once, ordered by id; one without an id, which EC2 never answers, by its name. */
function groupsOf({ ownGroups, interfaceGroups }: Draft): SecurityGroup[] {
  const byId = new Map<string, SecurityGroup>();
  for (const group of [...ownGroups, ...interfaceGroups]) {
    const key = group.groupId || group.groupName;
    if (!byId.has(key)) byId.set(key, group);
  }
  return [...byId].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group);
}

function decodeTags(instanceId: string, pairs: readonly string[]): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (let place = 0; place < pairs.length; place += 2) {
    const key = pairs[place] ?? '';
    if (key === '') throw new MalformedAnswer(`a tag of instance ${instanceId} has no \`key\``);
    tags.set(key, pairs[place + 1] ?? '');
  }
  return tags;
}
