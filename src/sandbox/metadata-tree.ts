import type { SecurityGroup } from '../model/instance.ts';
import type { InstanceDescription, NetworkInterface } from './instance-record.ts';

/** What is at a path: a value, or a folder. */
export type MetadataNode = string | ReadonlyMap<string, MetadataNode>;

/** What the metadata service knows beside the instance itself. */
export interface MetadataContext {
  readonly region: string;
  readonly ownerId: string;
  /** Whether instance tags are enabled. */
  readonly instanceTags: boolean;
  readonly nowMs: number;
}

const roleName = 'nametag-sandbox';
const credentialsLastMs = 6 * 3_600_000;

/**
 * Builds all that an instance can read of itself.
 *
 * Source: EC2 User Guide, "Instance metadata categories".
 */
export function metadataTree(
  instance: InstanceDescription,
  context: MetadataContext,
): MetadataNode {
  return folder({
    latest: folder({
      dynamic: folder({
        'instance-identity': folder({ document: identityDocument(instance, context) }),
      }),
      'meta-data': metaData(instance, context),
    }),
  });
}

function metaData(instance: InstanceDescription, context: MetadataContext): MetadataNode {
  const { facts, publicAddress, tags } = instance;
  const { region, ownerId, instanceTags } = context;
  const [primary] = facts.networkInterfaces;
  const macs = facts.networkInterfaces.map((face): [string, MetadataNode] => [
    face.macAddress,
    interfaceFolder(face, instance, ownerId),
  ]);
  return folder({
    'ami-id': facts.imageId,
    'ami-launch-index': String(facts.launchIndex),
    hostname: primary.privateDnsName,
    iam: folder({
      'security-credentials': folder({ [roleName]: credentials(context) }),
    }),
    'instance-id': facts.instanceId,
    'instance-life-cycle': 'on-demand',
    'instance-type': facts.instanceType,
    ipv6: primary.ipv6Addresses[0],
    'local-hostname': primary.privateDnsName,
    'local-ipv4': primary.privateIpAddress,
    mac: primary.macAddress,
    network: folder({ interfaces: folder({ macs: new Map(macs) }) }),
    placement: folder({ 'availability-zone': facts.availabilityZone, region }),
    'public-ipv4': publicAddress?.ipAddress,
    'reservation-id': facts.reservationId,
    'security-groups': groupNames(primary.groups),
    tags: instanceTags ? folder({ instance: tags }) : undefined,
  });
}

function interfaceFolder(
  face: NetworkInterface,
  instance: InstanceDescription,
  ownerId: string,
): MetadataNode {
  const { facts, publicAddress } = instance;
  return folder({
    'device-number': String(face.deviceIndex),
    'interface-id': face.networkInterfaceId,
    ipv6s: face.ipv6Addresses.length === 0 ? undefined : face.ipv6Addresses.join('\n'),
    'local-hostname': face.privateDnsName,
    'local-ipv4s': face.privateIpAddress,
    mac: face.macAddress,
    'owner-id': ownerId,
    'public-ipv4s': face.deviceIndex === 0 ? publicAddress?.ipAddress : undefined,
    'security-group-ids': face.groups.map(({ groupId }) => groupId).join('\n'),
    'security-groups': groupNames(face.groups),
    'subnet-id': facts.subnetId,
    'vpc-id': facts.vpcId,
  });
}

function identityDocument(
  { facts, launchTimeMs }: InstanceDescription,
  { region, ownerId }: MetadataContext,
): string {
  const document = {
    accountId: ownerId,
    architecture: 'x86_64',
    availabilityZone: facts.availabilityZone,
    billingProducts: null,
    imageId: facts.imageId,
    instanceId: facts.instanceId,
    instanceType: facts.instanceType,
    kernelId: null,
    pendingTime: isoSeconds(launchTimeMs),
    privateIp: facts.networkInterfaces[0].privateIpAddress,
    ramdiskId: null,
    region,
    version: '2017-09-30',
  };
  return JSON.stringify(document, undefined, 2);
}

/** Credentials that open nothing: whatever they are sent to does not look at them, or refuses. */
function credentials({ nowMs }: MetadataContext): string {
  const given = {
    Code: 'Success',
    LastUpdated: isoSeconds(nowMs),
    Type: 'AWS-HMAC',
    AccessKeyId: sandboxKeys.accessKeyId,
    SecretAccessKey: sandboxKeys.secretAccessKey,
    Token: 'sandbox',
    Expiration: isoSeconds(nowMs + credentialsLastMs),
  };
  return JSON.stringify(given, undefined, 2);
}

/** Keys that no account has. */
export const sandboxKeys: { readonly accessKeyId: string; readonly secretAccessKey: string } = {
  accessKeyId: 'ASIASANDBOXSANDBOX00',
  secretAccessKey: 'sandbox',
};

function folder(
  entries: Readonly<Record<string, MetadataNode | undefined>>,
): ReadonlyMap<string, MetadataNode> {
  const map = new Map<string, MetadataNode>();
  for (const [name, node] of Object.entries(entries)) if (node !== undefined) map.set(name, node);
  return map;
}

function groupNames(groups: readonly SecurityGroup[]): string {
  return groups.map(({ groupName }) => groupName).join('\n');
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
