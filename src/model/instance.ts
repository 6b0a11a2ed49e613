/**
 * An EC2 instance as this program sees it: EC2's own words, plain data, no SDK types.
 */

/** The states of an instance, in the order of its life. */
export const instanceStates = [
  'pending',
  'running',
  'stopping',
  'stopped',
  'shutting-down',
  'terminated',
] as const;

/** The state of an instance, in EC2's words. */
export type InstanceState = (typeof instanceStates)[number];

/** A security group that an instance is in. */
export interface SecurityGroup {
  readonly groupId: string;
  readonly groupName: string;
}

/** One instance of a describe. Absent fields are `undefined`, never empty strings. */
export interface Instance {
  readonly instanceId: string;
  readonly state: InstanceState;
  /** When it was last started, in milliseconds since 1970. Changes at every stop and start. */
  readonly launchTimeMs: number;
  /** Its place among the instances of one launch, from 0. */
  readonly launchIndex: number;
  readonly instanceType: string | undefined;
  readonly availabilityZone: string | undefined;
  readonly vpcId: string | undefined;
  readonly subnetId: string | undefined;
  readonly privateIpAddress: string | undefined;
  readonly publicIpAddress: string | undefined;
  /** Of all its network interfaces, in EC2's order. */
  readonly ipv6Addresses: readonly string[];
  readonly privateDnsName: string | undefined;
  readonly publicDnsName: string | undefined;
  /** Of the instance and of all its network interfaces, each once, by group id. */
  readonly securityGroups: readonly SecurityGroup[];
  /** A `Map`, because a tag key is untrusted and may be `__proto__`. */
  readonly tags: ReadonlyMap<string, string>;
}

/** Tells whether it runs or is about to: only such an instance has or asks for a name. */
export function isAlive(instance: Instance): boolean {
  return instance.state === 'running' || instance.state === 'pending';
}

/** Tells whether it is in the security group of this name or id. */
export function isInGroup(instance: Instance, group: string): boolean {
  return instance.securityGroups.some((g) => g.groupName === group || g.groupId === group);
}

/** Orders text by code unit: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Orders instances by launch time, then launch index, then id.
 *
 * The one order in which claimants take precedence and conflicts are settled. It is total, and
 * every machine that sees the same instances computes the same one.
 */
export function comparePrecedence(a: Instance, b: Instance): number {
  return (
    a.launchTimeMs - b.launchTimeMs ||
    a.launchIndex - b.launchIndex ||
    compareText(a.instanceId, b.instanceId)
  );
}
