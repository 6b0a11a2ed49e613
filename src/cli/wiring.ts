/** The adapters that most commands use, made from the options and the environment. */
import { claimAttempts } from '../claim-name.ts';
import { openEc2 } from '../ec2/gateway.ts';
import { NametagError } from '../errors.ts';
import { imdsMetadata } from '../host/metadata.ts';
import type { CallOptions, Ec2, Metadata, Metrics } from '../ports.ts';
import { withinVpc } from '../within-vpc.ts';
import type { Io } from './io.ts';
import type { AwsOptions, ScopeOptions } from './options.ts';

/** The metadata service of the machine this runs on. */
export function metadataOf(io: Io): Metadata {
  return imdsMetadata({ env: io.env });
}

/** Which EC2 is meant, and who counts the requests to it. */
export interface Ec2Options extends AwsOptions {
  readonly onRequest?: Metrics['requested'] | undefined;
}

/** EC2 in the region that the options, the environment, the profile or the machine say. */
export async function ec2Of(
  { region, profile, onRequest }: Ec2Options,
  io: Io,
  metadata: Metadata = metadataOf(io),
): Promise<Ec2> {
  const options = { region, profile, env: io.env, metadata, onRequest };
  return await openEc2(options, { signal: io.signal });
}

/**
 * As {@link ec2Of}, for a claim and for what follows it, which hosts that boot together write
 * together: it tries longer, unless `AWS_MAX_ATTEMPTS` says how often.
 */
export async function claimEc2Of(
  { region, profile, onRequest }: Ec2Options,
  io: Io,
  metadata: Metadata,
): Promise<Ec2> {
  const { env } = io;
  const attempts = env['AWS_MAX_ATTEMPTS'] === undefined ? claimAttempts : undefined;
  // As long as the SDK's waits can be between so many attempts, and for those themselves as much.
  const deadlineMs = 150_000;
  const call = { signal: io.signal };
  const where = { region, profile, env, metadata, onRequest };
  return await openEc2({ ...where, attempts, deadlineMs }, call);
}

/** Of which VPC the names are meant, where they are unique in their VPC only. */
export interface ScopeOf {
  /** Given by hand; at most one makes sense. */
  readonly vpc?: readonly string[] | undefined;
  /** Another instance than this one. */
  readonly instanceId?: string | undefined;
}

/**
 * EC2 as far as names are unique: all of the region, or with `--scope vpc` one VPC.
 *
 * @throws {@link NametagError} as {@link scopeVpcOf} does.
 */
export async function scopedEc2(
  ec2: Ec2,
  options: ScopeOptions & ScopeOf,
  metadata: Metadata,
  call: CallOptions,
): Promise<Ec2> {
  const vpcId = await scopeVpcOf(ec2, options, metadata, call);
  return vpcId === undefined ? ec2 : withinVpc(ec2, vpcId);
}

/**
 * The VPC in which names are unique; `undefined` when they are in all of the region.
 *
 * That is the one that was given, else that of the instance that was, else this instance's own.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE` when that is no VPC, or more than one.
 */
export async function scopeVpcOf(
  ec2: Ec2,
  { scope, vpc = [], instanceId }: ScopeOptions & ScopeOf,
  metadata: Metadata,
  call: CallOptions,
): Promise<string | undefined> {
  if (scope !== 'vpc') return undefined;
  const [first, second] = vpc;
  if (second !== undefined) {
    const remedy = 'Pass one `--vpc`, or none for that of this instance';
    throw new NametagError('NAMETAG_USAGE', { problem: '`--scope vpc` is of one VPC', remedy });
  }
  const vpcId = first ?? (await vpcOf(instanceId, ec2, metadata, call));
  if (vpcId !== undefined) return vpcId;
  const problem = `\`--scope vpc\` needs a VPC, and ${instanceId ?? 'this instance'} is in none`;
  throw new NametagError('NAMETAG_USAGE', { problem, remedy: 'Pass `--scope region`' });
}

async function vpcOf(
  instanceId: string | undefined,
  ec2: Ec2,
  metadata: Metadata,
  call: CallOptions,
): Promise<string | undefined> {
  if (instanceId === undefined) return (await metadata.identity(call)).vpcId;
  const { instances } = await ec2.describeInstances([{ instanceIds: [instanceId] }], call);
  const found = instances.find((instance) => instance.instanceId === instanceId);
  if (found !== undefined) return found.vpcId;
  const doing = 'find the VPC of the instance';
  const { region } = ec2;
  throw new NametagError('NAMETAG_INSTANCE_NOT_FOUND', { doing, region, instanceId });
}
