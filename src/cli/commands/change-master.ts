import { type ChangeMasterOutcome, changeMaster } from '../../change-master.ts';
import { NametagError } from '../../errors.ts';
import { createClaimLock } from '../../host/claim-lock.ts';
import { systemClock } from '../../host/clock.ts';
import { systemHostname } from '../../host/hostname.ts';
import type { SeriesWords } from '../../model/series.ts';
import { renderJson } from '../../render/json.ts';
import { checkHostnameUsage } from '../hostname-usage.ts';
import type { Io } from '../io.ts';
import type { AwsOptions, ScopeOptions } from '../options.ts';
import { claimEc2Of, metadataOf, scopedEc2 } from '../wiring.ts';

/** What `change-master` was told. */
export interface ChangeMasterOptions extends AwsOptions, ScopeOptions {
  readonly force?: true;
  readonly instanceId?: string;
  readonly words?: SeriesWords;
  readonly settle?: number;
  readonly timeout?: number;
  readonly setHostname?: true;
  readonly json?: true;
}

/** Makes a follower the master, and prints the name that it has then. */
export async function runChangeMaster(options: ChangeMasterOptions, io: Io): Promise<number> {
  checkHostnameUsage(options);
  const { words, settle, timeout, vocabulary } = options;
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const instanceId = options.instanceId ?? (await metadata.instanceId(call));
  const ec2 = await scopedEc2(await claimEc2Of(options, io, metadata), options, metadata, call);
  const request = {
    instanceId,
    isThisMachine: options.instanceId === undefined,
    force: options.force ?? false,
    ...(words && { words }),
    ...(settle !== undefined && { settleMs: settle }),
    ...(timeout !== undefined && { patienceMs: timeout }),
    ...(vocabulary && { vocabulary }),
  };
  const lock = createClaimLock({ environment: io.env });
  const ports = { ec2, clock: systemClock, random: Math.random, lock };
  const outcome = await changeMaster(request, ports, call);
  if (outcome.kind !== 'master') throw toError(outcome, { region: ec2.region, instanceId });
  const { name, generation, previous, withoutMasterMs } = outcome;
  const fields = { generation: generation ?? null, previous: previous ?? null, withoutMasterMs };
  io.stdout(
    options.json
      ? renderJson({ version: 1, name, instanceId, region: ec2.region, ...fields })
      : `${name}\n`,
  );
  if (options.setHostname) await systemHostname({ environment: io.env }).set(name, call);
  return 0;
}

function toError(
  outcome: Exclude<ChangeMasterOutcome, { kind: 'master' }>,
  about: { readonly region: string; readonly instanceId: string },
): NametagError {
  const { region, instanceId } = about;
  switch (outcome.kind) {
    case 'not a follower': {
      const { held } = outcome;
      const fact = held === undefined ? 'it holds no name' : `its name is ${held}`;
      return new NametagError('NAMETAG_NOT_A_FOLLOWER', { ...about, fact });
    }
    case 'held on': {
      const { name, by, waitedMs } = outcome;
      return new NametagError('NAMETAG_MASTER_HOLDS_ON', { name, region, by, waitedMs });
    }
    case 'asked for too': {
      const { name, by, waitedMs } = outcome;
      return new NametagError('NAMETAG_MASTER_ASKED_FOR', { name, region, by, waitedMs });
    }
    case 'undecided': {
      const { why, tally } = outcome.outcome;
      const service = 'the master';
      return new NametagError('NAMETAG_CLAIM_UNDECIDED', {
        ...{ service, region, instanceId },
        rounds: tally.scans,
        fact: why.kind,
      });
    }
  }
}
