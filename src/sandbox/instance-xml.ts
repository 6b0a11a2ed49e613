import type { InstanceState, SecurityGroup } from '../model/instance.ts';
import { stateCodes } from './filters.ts';
import {
  type InstanceDescription,
  type NetworkInterface,
  networkInterfacesOf,
} from './instance-record.ts';
import type { Xml } from './xml.ts';

/** Writes instances as EC2 groups them: by the launch they came from. */
export function reservationsXml(instances: readonly InstanceDescription[], ownerId: string): Xml {
  const byReservation = new Map<string, InstanceDescription[]>();
  for (const instance of instances) {
    const { reservationId } = instance.facts;
    const together = byReservation.get(reservationId);
    if (together === undefined) byReservation.set(reservationId, [instance]);
    else together.push(instance);
  }
  return [...byReservation.values()].map((together) => reservationXml(together, ownerId));
}

/** Writes the instances of one launch. */
export function reservationXml(
  instances: readonly InstanceDescription[],
  ownerId: string,
): { readonly [name: string]: Xml } {
  return {
    reservationId: instances[0]?.facts.reservationId,
    ownerId,
    groupSet: [],
    instancesSet: instances.map((instance) => instanceXml(instance, ownerId)),
  };
}

/** Writes a state with EC2's number for it. */
export function stateXml(state: InstanceState): Xml {
  return { code: stateCodes[state], name: state };
}

/** Writes tags as a `tagSet`. */
export function tagsXml(tags: ReadonlyMap<string, string>): Xml {
  return [...tags].map(([key, value]) => ({ key, value }));
}

function instanceXml(instance: InstanceDescription, ownerId: string): Xml {
  const { facts, state, publicAddress } = instance;
  const interfaces = networkInterfacesOf(instance);
  const [primary] = interfaces;
  return {
    instanceId: facts.instanceId,
    imageId: facts.imageId,
    instanceState: stateXml(state),
    // "This name is not available until the instance enters the running state."
    privateDnsName: state === 'pending' ? '' : (primary?.privateDnsName ?? ''),
    dnsName: publicAddress?.dnsName ?? '',
    reason: state === 'running' || state === 'pending' ? '' : 'User initiated',
    amiLaunchIndex: facts.launchIndex,
    productCodes: [],
    instanceType: facts.instanceType,
    launchTime: new Date(instance.launchTimeMs).toISOString(),
    placement: { availabilityZone: facts.availabilityZone, groupName: '', tenancy: 'default' },
    monitoring: { state: 'disabled' },
    subnetId: primary && facts.subnetId,
    vpcId: primary && facts.vpcId,
    privateIpAddress: primary?.privateIpAddress,
    ipAddress: publicAddress?.ipAddress,
    sourceDestCheck: primary && true,
    groupSet: groupsXml(primary?.groups ?? []),
    architecture: 'x86_64',
    rootDeviceType: 'ebs',
    rootDeviceName: '/dev/xvda',
    blockDeviceMapping: [],
    virtualizationType: 'hvm',
    clientToken: facts.clientToken,
    tagSet: instance.tags.size === 0 ? undefined : tagsXml(instance.tags),
    hypervisor: 'xen',
    networkInterfaceSet: interfaces.map((face) => interfaceXml(face, instance, ownerId)),
    ebsOptimized: false,
  };
}

function interfaceXml(face: NetworkInterface, instance: InstanceDescription, ownerId: string): Xml {
  const { facts, publicAddress } = instance;
  const association =
    face.deviceIndex === 0 && publicAddress !== undefined
      ? {
          publicIp: publicAddress.ipAddress,
          publicDnsName: publicAddress.dnsName,
          ipOwnerId: 'amazon',
        }
      : undefined;
  return {
    networkInterfaceId: face.networkInterfaceId,
    subnetId: facts.subnetId,
    vpcId: facts.vpcId,
    description: '',
    ownerId,
    status: 'in-use',
    macAddress: face.macAddress,
    privateIpAddress: face.privateIpAddress,
    privateDnsName: face.privateDnsName,
    sourceDestCheck: true,
    groupSet: groupsXml(face.groups),
    attachment: {
      attachmentId: face.attachmentId,
      deviceIndex: face.deviceIndex,
      status: 'attached',
      attachTime: new Date(Math.floor(facts.createdAtMs / 1000) * 1000).toISOString(),
      deleteOnTermination: true,
    },
    association,
    privateIpAddressesSet: [
      {
        privateIpAddress: face.privateIpAddress,
        privateDnsName: face.privateDnsName,
        primary: true,
        association,
      },
    ],
    ipv6AddressesSet: face.ipv6Addresses.map((ipv6Address) => ({ ipv6Address })),
    interfaceType: 'interface',
  };
}

function groupsXml(groups: readonly SecurityGroup[]): Xml {
  return groups.map(({ groupId, groupName }) => ({ groupId, groupName }));
}
