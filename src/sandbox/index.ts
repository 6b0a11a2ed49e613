/**
 * An EC2 to try things on, and to test against: in this process or over HTTP on loopback.
 *
 * See docs/sandbox.md.
 */

export { builtInFleet } from './built-in-fleet.ts';
export { Ec2Error, LostAnswer } from './ec2-error.ts';
export { createWorldEc2, type WorldEc2Options } from './ec2-port.ts';
export { faultNames, parseFaults } from './faults.ts';
export type { Filter } from './filters.ts';
export { parseFleet, populate, readFleet } from './fleet.ts';
export type { Fleet, FleetGroup, FleetInstance } from './fleet-shape.ts';
export type {
  InstanceDescription,
  InstanceFacts,
  NetworkInterface,
} from './instance-record.ts';
export { defaultKnobs, type Knobs } from './knobs.ts';
export type { LaunchInterface, LaunchRequest } from './launch.ts';
export type { TagDescription } from './listings.ts';
export { type Machine, ManualClock } from './manual-clock.ts';
export type { GroupDescription, GroupSpec, InterfaceSpec } from './network.ts';
export type { Page, PageRequest } from './pages.ts';
export { createRandom } from './random.ts';
export { type RunOptions, type RunOutcome, runInSandbox } from './run.ts';
export { type Sandbox, type SandboxOptions, startSandbox } from './server.ts';
export type { InstanceSpec, OnChange } from './store.ts';
export type { RequestTag } from './tag-rules.ts';
export {
  type DescribeGroupsRequest,
  type DescribeInstancesRequest,
  type InstancesRequest,
  type ListRequest,
  type StateChange,
  type TagsRequest,
  World,
  type WorldOptions,
} from './world.ts';
