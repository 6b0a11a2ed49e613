import type { Instance } from '../../src/model/instance.ts';
import { type Snapshot, toSnapshot } from '../../src/model/snapshot.ts';

/** When instances were started, unless a test says otherwise. */
export const launchTimeMs: number = Date.UTC(2026, 10, 20, 12, 0, 0);

/** The word of a claim that was made in the life of such an instance. */
export const boot = 'boot=2026-11-20T12:00:00Z';

/** What a test says of an instance; the rest is that of a running one with a private address. */
export interface InstanceFields extends Partial<Omit<Instance, 'tags'>> {
  readonly tags?: ReadonlyMap<string, string> | Readonly<Record<string, string>>;
  /** Names of security groups; the id of `tphon` is `sg-tphon`. */
  readonly groups?: readonly string[];
}

export function instance({ tags = {}, groups = [], ...fields }: InstanceFields = {}): Instance {
  return {
    instanceId: 'i-1',
    state: 'running',
    launchTimeMs,
    launchIndex: 0,
    instanceType: 't3.micro',
    availabilityZone: 'eu-west-1a',
    vpcId: 'vpc-1',
    subnetId: 'subnet-1',
    privateIpAddress: '10.0.0.1',
    publicIpAddress: undefined,
    ipv6Addresses: [],
    privateDnsName: undefined,
    publicDnsName: undefined,
    securityGroups: groups.map((groupName) => ({ groupId: `sg-${groupName}`, groupName })),
    tags: tags instanceof Map ? tags : new Map(Object.entries(tags)),
    ...fields,
  };
}

export function snapshot(...instances: readonly Instance[]): Snapshot {
  return toSnapshot('eu-west-1', launchTimeMs + 60_000, instances);
}

/** The same with a `Map` of each instance's tags, to compare with what was never on disk. */
export function withMaps(stored: Snapshot | undefined): Snapshot {
  if (stored === undefined) throw new Error('There is no snapshot.');
  const instances = stored.instances.map((one) => ({ ...one, tags: new Map(one.tags) }));
  return { ...stored, instances };
}
