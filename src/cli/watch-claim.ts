/** The claim of a watcher, made of what a config file says. */
import type { ConfiguredClaim } from '../config/claim-keys.ts';
import { createClaimLock } from '../host/claim-lock.ts';
import { systemClock } from '../host/clock.ts';
import { systemHostname } from '../host/hostname.ts';
import { type ClaimKeeper, createClaimKeeper, type KeepClaimPorts } from '../keep-claim.ts';
import type { Metadata, Metrics } from '../ports.ts';
import type { Io } from './io.ts';
import type { AwsOptions, ScopeOptions } from './options.ts';
import { claimEc2Of, scopedEc2 } from './wiring.ts';

/** What else there is to a claim. */
export interface WatchClaimOptions extends AwsOptions, ScopeOptions {
  /** In milliseconds. */
  readonly settle?: number;
}

/** Makes the keeper of the name of this instance; nothing is claimed before it runs. */
export async function openClaim(
  { series, aliases, setHostname, reserveStopped }: ConfiguredClaim,
  options: WatchClaimOptions,
  { log, metrics }: Pick<KeepClaimPorts, 'log'> & { readonly metrics: Metrics },
  io: Io,
  metadata: Metadata,
): Promise<ClaimKeeper> {
  const call = { signal: io.signal };
  const environment = io.env;
  const { settle, vocabulary } = options;
  const ec2 = await scopedEc2(
    await claimEc2Of({ ...options, onRequest: metrics.requested }, io, metadata),
    options,
    metadata,
    call,
  );
  return createClaimKeeper(
    {
      ...{ ec2, log, metrics, clock: systemClock, random: Math.random },
      lock: createClaimLock({ environment }),
      hostname: setHostname ? systemHostname({ environment }) : undefined,
    },
    {
      ...{ series, aliases, reserveStopped },
      instanceId: await metadata.instanceId(call),
      ...(settle !== undefined && { settleMs: settle }),
      ...(vocabulary !== undefined && { vocabulary }),
    },
  );
}
