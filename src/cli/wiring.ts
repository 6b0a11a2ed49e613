/** The adapters that most commands use, made from the options and the environment. */
import { openEc2 } from '../ec2/gateway.ts';
import { imdsMetadata } from '../host/metadata.ts';
import type { Ec2, Metadata } from '../ports.ts';
import type { Io } from './io.ts';
import type { AwsOptions } from './options.ts';

/** The metadata service of the machine this runs on. */
export function metadataOf(io: Io): Metadata {
  return imdsMetadata({ env: io.env });
}

/** EC2 in the region that the options, the environment, the profile or the machine say. */
export async function ec2Of(
  { region, profile }: AwsOptions,
  io: Io,
  metadata: Metadata = metadataOf(io),
): Promise<Ec2> {
  return await openEc2({ region, profile, env: io.env, metadata }, { signal: io.signal });
}
