/**
 * From EC2's answer to our own instances. No type of the SDK goes further than this file.
 *
 * An instance without its id, its state or its launch time cannot be named, judged or ordered, so
 * an answer that has one is refused whole.
 */
import type {
  GroupIdentifier,
  Reservation,
  Instance as SdkInstance,
  Tag,
} from '@aws-sdk/client-ec2';
import {
  compareText,
  type Instance,
  type InstanceState,
  instanceStates,
  type SecurityGroup,
} from '../model/instance.ts';

/** The answer does not say what an answer of EC2 says; the message tells where. */
export class MalformedAnswer extends Error {
  override readonly name: string = 'MalformedAnswer';
}

/**
 * Reads the instances of one page, in EC2's order; empty when the page is.
 *
 * @throws {@link MalformedAnswer} when the page has no reservation set at all, as when something
 * that is not EC2 answered, or when an instance lacks what every instance has.
 */
export function decodeReservations(reservations: readonly Reservation[] | undefined): Instance[] {
  // An answer without instances has an empty set here; without the set it is not an answer.
  if (reservations === undefined) throw new MalformedAnswer('it has no `reservationSet`');
  return reservations.flatMap((reservation) => (reservation.Instances ?? []).map(decodeInstance));
}

function decodeInstance(instance: SdkInstance): Instance {
  const instanceId = text(instance.InstanceId);
  if (instanceId === undefined) throw new MalformedAnswer('an instance has no `instanceId`');
  const interfaces = instance.NetworkInterfaces ?? [];
  return {
    instanceId,
    state: decodeState(instanceId, instance.State?.Name),
    launchTimeMs: decodeTime(instanceId, instance.LaunchTime),
    launchIndex: instance.AmiLaunchIndex ?? 0,
    instanceType: text(instance.InstanceType),
    availabilityZone: text(instance.Placement?.AvailabilityZone),
    vpcId: text(instance.VpcId),
    subnetId: text(instance.SubnetId),
    privateIpAddress: text(instance.PrivateIpAddress),
    publicIpAddress: text(instance.PublicIpAddress),
    ipv6Addresses: interfaces.flatMap((networkInterface) =>
      (networkInterface.Ipv6Addresses ?? []).flatMap(({ Ipv6Address }) => text(Ipv6Address) ?? []),
    ),
    privateDnsName: text(instance.PrivateDnsName),
    publicDnsName: text(instance.PublicDnsName),
    securityGroups: decodeGroups([
      ...(instance.SecurityGroups ?? []),
      ...interfaces.flatMap((networkInterface) => networkInterface.Groups ?? []),
    ]),
    tags: decodeTags(instanceId, instance.Tags ?? []),
  };
}

function decodeState(instanceId: string, name: string | undefined): InstanceState {
  if (!name) throw new MalformedAnswer(`instance ${instanceId} has no \`instanceState\``);
  const state = instanceStates.find((known) => known === name);
  if (state === undefined) {
    throw new MalformedAnswer(`instance ${instanceId} is in the unknown state "${name}"`);
  }
  return state;
}

function decodeTime(instanceId: string, time: Date | undefined): number {
  const ms = time?.getTime() ?? Number.NaN;
  if (Number.isNaN(ms)) throw new MalformedAnswer(`instance ${instanceId} has no \`launchTime\``);
  return ms;
}

/** Each group once, ordered by id; one without an id, which EC2 never answers, by its name. */
function decodeGroups(groups: readonly GroupIdentifier[]): SecurityGroup[] {
  const byId = new Map<string, SecurityGroup>();
  for (const { GroupId: groupId = '', GroupName: groupName = '' } of groups) {
    const key = groupId || groupName;
    if (!byId.has(key)) byId.set(key, { groupId, groupName });
  }
  return [...byId].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group);
}

function decodeTags(instanceId: string, tags: readonly Tag[]): ReadonlyMap<string, string> {
  return new Map(
    tags.map(({ Key, Value }) => {
      if (!Key) throw new MalformedAnswer(`a tag of instance ${instanceId} has no \`key\``);
      return [Key, Value ?? ''];
    }),
  );
}

/** EC2 writes an empty element for a name or address that is not there yet. */
function text(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
