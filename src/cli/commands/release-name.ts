import { createClaimLock } from '../../host/claim-lock.ts';
import { systemClock } from '../../host/clock.ts';
import { releaseName } from '../../release-name.ts';
import type { Io } from '../io.ts';
import type { AwsOptions } from '../options.ts';
import { ec2Of, metadataOf } from '../wiring.ts';

/** What `release-name` was told. */
export interface ReleaseNameOptions extends AwsOptions {
  readonly instanceId?: string;
  readonly settle?: number;
}

/** Releases the name. Quiet, whether there was one or not: afterwards there is none. */
export async function runReleaseName(options: ReleaseNameOptions, io: Io): Promise<number> {
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const instanceId = options.instanceId ?? (await metadata.instanceId(call));
  const ec2 = await ec2Of(options, io, metadata);
  const { settle, vocabulary } = options;
  await releaseName(
    {
      instanceId,
      ...(settle !== undefined && { settleMs: settle }),
      ...(vocabulary && { vocabulary }),
    },
    { ec2, clock: systemClock, lock: createClaimLock({ environment: io.env }) },
    call,
  );
  return 0;
}
