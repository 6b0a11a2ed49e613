import { Ec2Error, invalidParameterValue } from './ec2-error.ts';
import type { Reading } from './history.ts';
import type { InstanceRecord, NetworkInterface } from './instance-record.ts';
import { compilePattern, type Matcher } from './pattern.ts';

/** A filter of a request: any of its values will do. */
export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Gives the values of a thing that a filter looks at. */
export type Field<T> = (thing: T, reading: Reading) => readonly string[];

/** The filters of one action: by name, or `undefined` for a name that it does not have. */
export type FieldOf<T> = (name: string) => Field<T> | undefined;

// "The maximum number of filter values specified on a single call is 200."
const valuesMax = 200;

// The same patterns come again with every call of every host.
const compiledMax = 1000;
const compiled = new Map<string, Matcher>();

/**
 * Makes one test of all filters: each must hold.
 *
 * @throws {@link Ec2Error} `InvalidParameterValue` for an unknown filter or one without a value,
 * `FilterLimitExceeded` for more than 200 values.
 */
export function compileFilters<T>(
  filters: readonly Filter[],
  fieldOf: FieldOf<T>,
): (thing: T, reading: Reading) => boolean {
  const count = filters.reduce((sum, filter) => sum + filter.values.length, 0);
  if (count > valuesMax) {
    throw new Ec2Error(
      'FilterLimitExceeded',
      `The maximum number of filter values specified on a single call is ${valuesMax}`,
    );
  }
  const tests = filters.map(({ name, values }) => {
    const field = fieldOf(name);
    if (field === undefined) throw invalidParameterValue(`The filter '${name}' is invalid`);
    if (values.length === 0) {
      throw invalidParameterValue(`The filter '${name}' must have at least one value`);
    }
    const matchers = values.map(matcherOf);
    return (thing: T, reading: Reading): boolean =>
      field(thing, reading).some((value) => matchers.some((matches) => matches(value)));
  });
  return (thing, reading) => tests.every((test) => test(thing, reading));
}

function matcherOf(pattern: string): Matcher {
  let matcher = compiled.get(pattern);
  if (matcher === undefined) {
    matcher = compilePattern(pattern);
    if (compiled.size >= compiledMax) compiled.clear();
    compiled.set(pattern, matcher);
  }
  return matcher;
}

/** Gives the field of a `tag:KEY` filter, or `undefined` if the name is not one. */
export function tagKeyOf(filterName: string): string | undefined {
  return filterName.startsWith('tag:') ? filterName.slice('tag:'.length) : undefined;
}

// EC2 numbers its states, DescribeInstances `instance-state-code`.
/** EC2's number for each state. */
export const stateCodes = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

function always(value: string): Field<InstanceRecord> {
  const values = [value];
  return () => values;
}

function ofFacts(field: (facts: InstanceRecord['facts']) => string): Field<InstanceRecord> {
  return ({ facts }) => [field(facts)];
}

// A terminated instance has lost its network interfaces, and what EC2 showed of them.
function hasNetwork(record: InstanceRecord, reading: Reading): boolean {
  return record.state.read(reading) !== 'terminated';
}

function ofNetwork(field: (facts: InstanceRecord['facts']) => string): Field<InstanceRecord> {
  return (record, reading) => (hasNetwork(record, reading) ? [field(record.facts)] : []);
}

function ofPrimary(field: (face: NetworkInterface) => readonly string[]): Field<InstanceRecord> {
  return (record, reading) =>
    hasNetwork(record, reading) ? field(record.facts.networkInterfaces[0]) : [];
}

function ofInterfaces(field: (face: NetworkInterface) => readonly string[]): Field<InstanceRecord> {
  return (record, reading) =>
    hasNetwork(record, reading) ? record.facts.networkInterfaces.flatMap(field) : [];
}

const groupIds = (face: NetworkInterface): readonly string[] => face.groups.map((g) => g.groupId);
const groupNames = (face: NetworkInterface): readonly string[] =>
  face.groups.map((g) => g.groupName);

const instanceFields: ReadonlyMap<string, Field<InstanceRecord>> = new Map<
  string,
  Field<InstanceRecord>
>([
  ['architecture', always('x86_64')],
  ['availability-zone', ofFacts((facts) => facts.availabilityZone)],
  ['client-token', ofFacts((facts) => facts.clientToken)],
  ['dns-name', (r, reading) => present(r.publicAddress.read(reading)?.dnsName)],
  ['image-id', ofFacts((facts) => facts.imageId)],
  ['instance-id', ofFacts((facts) => facts.instanceId)],
  ['instance-state-code', (r, reading) => [String(stateCodes[r.state.read(reading)])]],
  ['instance-state-name', (r, reading) => [r.state.read(reading)]],
  ['instance-type', ofFacts((facts) => facts.instanceType)],
  ['instance.group-id', ofPrimary(groupIds)],
  ['instance.group-name', ofPrimary(groupNames)],
  ['ip-address', (r, reading) => present(r.publicAddress.read(reading)?.ipAddress)],
  ['ipv6-address', ofInterfaces((face) => face.ipv6Addresses)],
  ['launch-index', ofFacts((facts) => String(facts.launchIndex))],
  ['launch-time', (r, reading) => [new Date(r.launchTimeMs.read(reading)).toISOString()]],
  ['network-interface.addresses.private-ip-address', ofInterfaces((f) => [f.privateIpAddress])],
  ['network-interface.attachment.device-index', ofInterfaces((f) => [String(f.deviceIndex)])],
  ['network-interface.availability-zone', ofNetwork((facts) => facts.availabilityZone)],
  ['network-interface.group-id', ofInterfaces(groupIds)],
  ['network-interface.group-name', ofInterfaces(groupNames)],
  ['network-interface.mac-address', ofInterfaces((face) => [face.macAddress])],
  ['network-interface.network-interface-id', ofInterfaces((f) => [f.networkInterfaceId])],
  ['network-interface.private-dns-name', ofInterfaces((face) => [face.privateDnsName])],
  ['network-interface.subnet-id', ofNetwork((facts) => facts.subnetId)],
  ['network-interface.vpc-id', ofNetwork((facts) => facts.vpcId)],
  ['private-dns-name', ofPrimary((face) => [face.privateDnsName])],
  ['private-ip-address', ofPrimary((face) => [face.privateIpAddress])],
  ['reservation-id', ofFacts((facts) => facts.reservationId)],
  ['subnet-id', ofNetwork((facts) => facts.subnetId)],
  ['tag-key', (r, reading) => keysOf(r, reading)],
  ['vpc-id', ofNetwork((facts) => facts.vpcId)],
]);

/** The filters of `DescribeInstances`. */
export function instanceFieldOf(name: string): Field<InstanceRecord> | undefined {
  const key = tagKeyOf(name);
  if (key === undefined) return instanceFields.get(name);
  return (record, reading) => present(record.tags.get(key)?.read(reading));
}

function present(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}

function keysOf(record: InstanceRecord, reading: Reading): readonly string[] {
  const keys: string[] = [];
  for (const [key, history] of record.tags) {
    if (history.read(reading) !== undefined) keys.push(key);
  }
  return keys;
}
