import { describeFleet, type FleetRequest } from './describe-fleet.ts';
import { type Directory, toDirectory } from './model/directory.ts';
import type { CallOptions, Ec2 } from './ports.ts';

/**
 * Reads a directory from EC2 itself, remembering nothing: for whoever must not go by memory.
 *
 * @throws as {@link Ec2} does.
 */
export async function readDirectory(
  request: FleetRequest,
  ec2: Ec2,
  options: CallOptions = {},
): Promise<Directory> {
  const { snapshot } = await describeFleet(request, ec2, options);
  return toDirectory(snapshot, request);
}
