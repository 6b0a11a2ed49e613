import type { CallOptions, Ec2 } from './ports.ts';

/**
 * Gives an EC2 in which there is nothing but one VPC, for names that are unique in their VPC only.
 *
 * Whoever claims and whoever reads must go through the same one: a reader of the whole region sees
 * the `web-0` of every VPC as a conflict. The condition goes to EC2, and is looked at again in the
 * answer, like every other.
 */
export function withinVpc(ec2: Ec2, vpcId: string): Ec2 {
  return {
    region: ec2.region,
    async describeInstances(queries, options?: CallOptions) {
      const narrowed = queries.map((query) => ({ ...query, vpcIds: [vpcId] }));
      const snapshot = await ec2.describeInstances(narrowed, options);
      const instances = snapshot.instances.filter((instance) => instance.vpcId === vpcId);
      return { ...snapshot, instances };
    },
    createTags: (instanceId, tags, options) => ec2.createTags(instanceId, tags, options),
  };
}
