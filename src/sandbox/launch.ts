import type { Random } from '../ports.ts';
import { Ec2Error, invalidParameterValue, missingParameter } from './ec2-error.ts';
import type { InterfaceSpec, Network } from './network.ts';
import { drawHex } from './random.ts';
import type { LaunchPlan } from './store.ts';
import { checkTagCount, checkTagsToSet, type RequestTag } from './tag-rules.ts';

/** One network interface of a `RunInstances` request. */
export interface LaunchInterface {
  readonly subnetId?: string | undefined;
  readonly groupIds?: readonly string[] | undefined;
  readonly privateIpAddress?: string | undefined;
}

/** A `RunInstances` request. */
export interface LaunchRequest {
  readonly imageId?: string | undefined;
  readonly minCount: number;
  readonly maxCount: number;
  readonly instanceType?: string | undefined;
  readonly availabilityZone?: string | undefined;
  readonly subnetId?: string | undefined;
  readonly groupIds?: readonly string[] | undefined;
  readonly groupNames?: readonly string[] | undefined;
  readonly privateIpAddress?: string | undefined;
  /** In the order of their device index; with one, the groups and subnet stand there. */
  readonly networkInterfaces?: readonly LaunchInterface[] | undefined;
  readonly tags?: readonly RequestTag[] | undefined;
  /** A second request with the same one is answered with the first one's instances. */
  readonly clientToken?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

const imageId = /^ami-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;
// The default of the API Reference, RunInstances.
const defaultInstanceType = 'm1.small';
const launchMax = 1000;

/**
 * Settles all that the instances of a launch have in common.
 *
 * @throws {@link Ec2Error} for what EC2 would refuse.
 */
export function planLaunch(request: LaunchRequest, network: Network, random: Random): LaunchPlan {
  if (request.imageId === undefined) throw missingParameter('ImageId');
  if (!imageId.test(request.imageId)) {
    throw new Ec2Error('InvalidAMIID.Malformed', `Invalid id: "${request.imageId}"`);
  }
  checkCounts(request);
  const { vpcId, zone } = findPlace(request, network);
  const tags = request.tags?.length ? checkTagsToSet(request.tags) : new Map<string, string>();
  checkTagCount(new Set(tags.keys()));
  return {
    reservationId: `r-0${drawHex(random, 16)}`,
    clientToken: request.clientToken ?? '',
    imageId: request.imageId,
    instanceType: request.instanceType ?? defaultInstanceType,
    availabilityZone: zone,
    vpcId,
    subnetId: network.subnet(vpcId, zone),
    interfaces: planInterfaces(request, network, vpcId),
    tags,
  };
}

function checkCounts({ minCount, maxCount }: LaunchRequest): void {
  for (const count of [minCount, maxCount]) {
    if (Number.isInteger(count) && count >= 1 && count <= launchMax) continue;
    throw invalidParameterValue(`Value (${count}) for an instance count is invalid`);
  }
  if (minCount > maxCount) {
    throw invalidParameterValue('MinCount must not be greater than MaxCount');
  }
}

function findPlace(
  request: LaunchRequest,
  network: Network,
): { readonly vpcId: string; readonly zone: string } {
  const subnetId = request.subnetId ?? request.networkInterfaces?.[0]?.subnetId;
  if (subnetId !== undefined) return network.findSubnet(subnetId);
  const first = network.groups.find((g) => request.groupIds?.[0] === g.groupId);
  return {
    vpcId: first?.vpcId ?? network.defaultVpcId,
    zone: network.zone(request.availabilityZone),
  };
}

function planInterfaces(
  request: LaunchRequest,
  network: Network,
  vpcId: string,
): readonly [InterfaceSpec, ...InterfaceSpec[]] {
  const { networkInterfaces = [], groupIds = [], groupNames = [] } = request;
  const [primary, ...others] = networkInterfaces.map((face) => ({
    groups: network.findGroups(vpcId, face.groupIds ?? [], []),
    privateIpAddress: face.privateIpAddress,
  }));
  if (primary === undefined) {
    const groups = network.findGroups(vpcId, groupIds, groupNames);
    return [{ groups, privateIpAddress: request.privateIpAddress }];
  }
  if (groupIds.length + groupNames.length > 0) {
    throw new Ec2Error(
      'InvalidParameterCombination',
      'Network interfaces and an instance-level security groups may not be specified on the ' +
        'same request',
    );
  }
  return [primary, ...others];
}
