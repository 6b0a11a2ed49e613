/** The actions of EC2's API that the sandbox has. */
export const actionNames = [
  'CreateTags',
  'DeleteTags',
  'DescribeInstances',
  'DescribeSecurityGroups',
  'DescribeTags',
  'RunInstances',
  'StartInstances',
  'StopInstances',
  'TerminateInstances',
] as const;

/** One of {@link actionNames}. */
export type ActionName = (typeof actionNames)[number];
