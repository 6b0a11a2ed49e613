import { compareText, type SecurityGroup } from '../model/instance.ts';
import type { Random } from '../ports.ts';
import { Ec2Error, invalidParameterValue } from './ec2-error.ts';
import type { NetworkInterface, PublicAddress } from './instance-record.ts';
import { drawHex } from './random.ts';

/** A security group as `DescribeSecurityGroups` shows it. */
export interface GroupDescription extends SecurityGroup {
  readonly description: string;
  readonly vpcId: string;
}

/** A new security group; what is not given is drawn. */
export interface GroupSpec {
  readonly groupName: string;
  readonly groupId?: string | undefined;
  readonly description?: string | undefined;
  readonly vpcId?: string | undefined;
}

/** A new network interface; what is not given is drawn. */
export interface InterfaceSpec {
  readonly groups: readonly SecurityGroup[];
  readonly privateIpAddress?: string | undefined;
  readonly ipv6Addresses?: readonly string[] | undefined;
}

const zoneLetters = 'abcdef';

/** The VPCs of a region, with their subnets, security groups and addresses. */
export class Network {
  readonly region: string;
  readonly defaultVpcId: string;
  readonly #random: Random;
  readonly #vpcs = new Map<string, number>();
  readonly #subnets = new Map<string, string>();
  readonly #hostsOf = new Map<string, number>();
  readonly #used = new Set<string>();
  readonly #groups: GroupDescription[] = [];
  #publicAddresses = 0;

  constructor(region: string, random: Random) {
    this.region = region;
    this.#random = random;
    this.defaultVpcId = `vpc-0${drawHex(random, 16)}`;
    this.#vpcNumber(this.defaultVpcId);
  }

  get groups(): readonly GroupDescription[] {
    return this.#groups;
  }

  addGroup(spec: GroupSpec): GroupDescription {
    const group: GroupDescription = {
      groupName: spec.groupName,
      groupId: spec.groupId ?? `sg-0${drawHex(this.#random, 16)}`,
      description: spec.description ?? spec.groupName,
      vpcId: spec.vpcId ?? this.defaultVpcId,
    };
    this.#groups.push(group);
    return group;
  }

  /**
   * Finds groups of a VPC by id and by name; its group `default` when none is named.
   *
   * @throws {@link Ec2Error} `InvalidGroup.NotFound`.
   */
  findGroups(vpcId: string, ids: readonly string[], names: readonly string[]): SecurityGroup[] {
    const wanted = ids.length + names.length === 0 ? ['default'] : names;
    const found = [
      ...ids.map((id) => this.#groupOf(vpcId, id, 'groupId')),
      ...wanted.map((name) => this.#groupOf(vpcId, name, 'groupName')),
    ];
    return [...new Set(found)]
      .map(({ groupId, groupName }) => ({ groupId, groupName }))
      .sort((a, b) => compareText(a.groupId, b.groupId));
  }

  #groupOf(vpcId: string, wanted: string, field: 'groupId' | 'groupName'): GroupDescription {
    const group = this.#groups.find((g) => g[field] === wanted && g.vpcId === vpcId);
    if (group !== undefined) return group;
    if (field === 'groupName' && wanted === 'default') {
      return this.addGroup({ groupName: wanted, description: 'default VPC security group', vpcId });
    }
    throw new Ec2Error(
      'InvalidGroup.NotFound',
      `The security group '${wanted}' does not exist in VPC '${vpcId}'`,
    );
  }

  /** Gives the zone that is meant, the first one when none is named. */
  zone(name: string | undefined): string {
    if (name === undefined) return `${this.region}a`;
    if (!this.#zoneNames().includes(name)) {
      throw invalidParameterValue(`Invalid availability zone: [${name}]`);
    }
    return name;
  }

  #zoneNames(): string[] {
    return [...zoneLetters].map((letter) => `${this.region}${letter}`);
  }

  /** Gives the one subnet that a VPC has in a zone. */
  subnet(vpcId: string, zone: string): string {
    const key = `${vpcId}/${zone}`;
    let subnetId = this.#subnets.get(key);
    if (subnetId === undefined) {
      subnetId = `subnet-0${drawHex(this.#random, 16)}`;
      this.#subnets.set(key, subnetId);
    }
    return subnetId;
  }

  /** Finds the VPC and the zone of a subnet. */
  findSubnet(subnetId: string): { readonly vpcId: string; readonly zone: string } {
    for (const [key, id] of this.#subnets) {
      const [vpcId, zone] = key.split('/');
      if (id === subnetId && vpcId !== undefined && zone !== undefined) return { vpcId, zone };
    }
    throw new Ec2Error('InvalidSubnetID.NotFound', `The subnet ID '${subnetId}' does not exist`);
  }

  addInterface(
    vpcId: string,
    zone: string,
    deviceIndex: number,
    spec: InterfaceSpec,
  ): NetworkInterface {
    const privateIpAddress = spec.privateIpAddress ?? this.#drawAddress(vpcId, zone);
    this.#used.add(`${vpcId}/${privateIpAddress}`);
    // The low bits of the first octet say: one station, locally administered.
    const mac = `02${drawHex(this.#random, 10)}`;
    return {
      networkInterfaceId: `eni-0${drawHex(this.#random, 16)}`,
      attachmentId: `eni-attach-0${drawHex(this.#random, 16)}`,
      deviceIndex,
      macAddress: (mac.match(/../g) ?? []).join(':'),
      privateIpAddress,
      privateDnsName: this.privateDnsName(privateIpAddress),
      ipv6Addresses: spec.ipv6Addresses ?? [],
      groups: spec.groups,
    };
  }

  /** The name that EC2 makes of a private address. */
  privateDnsName(address: string): string {
    const zone = this.region === 'us-east-1' ? 'ec2.internal' : `${this.region}.compute.internal`;
    return `ip-${address.replaceAll('.', '-')}.${zone}`;
  }

  /**
   * Gives a public address with its name; one that is not given is drawn from 198.18.0.0/15, which
   * nothing on the internet has (RFC 2544).
   */
  publicAddress(given: string | undefined): PublicAddress {
    const ipAddress = given ?? this.#drawPublicAddress();
    const domain =
      this.region === 'us-east-1'
        ? 'compute-1.amazonaws.com'
        : `${this.region}.compute.amazonaws.com`;
    return { ipAddress, dnsName: `ec2-${ipAddress.replaceAll('.', '-')}.${domain}` };
  }

  #drawPublicAddress(): string {
    this.#publicAddresses += 1;
    const n = this.#publicAddresses;
    return `198.${18 + ((n >> 16) & 1)}.${(n >> 8) & 255}.${n & 255}`;
  }

  #drawAddress(vpcId: string, zone: string): string {
    const subnet = `${vpcId}/${zone}`;
    const vpc = this.#vpcNumber(vpcId);
    const prefix = vpc === 0 ? '172.31' : `10.${vpc & 255}`;
    const third = Math.max(0, zoneLetters.indexOf(zone.slice(-1))) * 16;
    for (;;) {
      // EC2 keeps the first four addresses of a subnet for itself.
      const host = this.#hostsOf.get(subnet) ?? 4;
      this.#hostsOf.set(subnet, host + 1);
      const address = `${prefix}.${third + (host >> 8)}.${host & 255}`;
      if (!this.#used.has(`${vpcId}/${address}`)) return address;
    }
  }

  #vpcNumber(vpcId: string): number {
    let number = this.#vpcs.get(vpcId);
    if (number === undefined) {
      number = this.#vpcs.size;
      this.#vpcs.set(vpcId, number);
    }
    return number;
  }
}
