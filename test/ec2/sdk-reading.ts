/**
 * The SDK's own reading of an answer, and from its objects to our instances: what the reader of
 * this program is compared with.
 */
import {
  DescribeInstancesCommand,
  EC2Client,
  type GroupIdentifier,
  type Instance as SdkInstance,
  type Tag,
} from '@aws-sdk/client-ec2';
import type { DescribePage } from '../../src/ec2/describe-reader.ts';
import { MalformedAnswer } from '../../src/ec2/malformed-answer.ts';
import {
  compareText,
  type Instance,
  type InstanceState,
  instanceStates,
  type SecurityGroup,
} from '../../src/model/instance.ts';

/** Reads a document as the SDK does; throws where it does, or where nothing can be made of it. */
export async function readBySdk(document: Buffer): Promise<DescribePage> {
  const client = new EC2Client({
    region: 'eu-west-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
    maxAttempts: 1,
    requestHandler: {
      handle: async () => ({ response: { statusCode: 200, headers: {}, body: document } }),
    },
  });
  const { Reservations, NextToken } = await client.send(new DescribeInstancesCommand({}));
  if (Reservations === undefined) throw new MalformedAnswer('it has no `reservationSet`');
  const instances = Reservations.flatMap(({ Instances }) => (Instances ?? []).map(decodeInstance));
  return { instances, nextToken: NextToken || undefined };
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
