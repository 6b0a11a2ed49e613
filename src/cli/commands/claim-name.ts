import type { ClaimOutcome } from '../../claim/protocol.ts';
import { type ClaimRequest, claimName, planClaim } from '../../claim-name.ts';
import { NametagError } from '../../errors.ts';
import { createClaimLock } from '../../host/claim-lock.ts';
import { systemClock } from '../../host/clock.ts';
import type { InstanceState } from '../../model/instance.ts';
import {
  parseSeries,
  type Series,
  type SeriesWords,
  type ServiceType,
} from '../../model/series.ts';
import { renderJson } from '../../render/json.ts';
import { noExitCode } from '../exit-code.ts';
import { type Io, say } from '../io.ts';
import type { AwsOptions } from '../options.ts';
import { ec2Of, metadataOf } from '../wiring.ts';

/** What `claim-name` was told. */
export interface ClaimNameOptions extends AwsOptions {
  readonly service?: string;
  readonly type?: ServiceType;
  readonly words?: SeriesWords;
  readonly settle?: number;
  readonly instanceId?: string;
  readonly reserveStopped?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** Claims a name and prints it; 1 when one that was held had to be given up for it. */
export async function runClaimName(options: ClaimNameOptions, io: Io): Promise<number> {
  const series = seriesOf(options);
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const instanceId = options.instanceId ?? (await metadata.instanceId(call));
  const ec2 = await ec2Of(options, io, metadata);
  const { settle, reserveStopped } = options;
  const request: ClaimRequest = {
    instanceId,
    series,
    isThisMachine: options.instanceId === undefined,
    ...(settle !== undefined && { settleMs: settle }),
    ...(reserveStopped && { reserveStopped }),
  };
  const about = { series, region: ec2.region, instanceId };
  if (options.dryRun) {
    const plan = await planClaim(request, { ec2 }, call);
    if (plan.kind === 'unseen') throw notSeen(about, plan.state);
    print({ name: plan.name, dryRun: true }, about, options, io);
    return 0;
  }
  const lock = createClaimLock({ environment: io.env });
  const ports = { ec2, clock: systemClock, random: Math.random, lock };
  const outcome = await claimName(request, ports, call);
  if (outcome.kind === 'undecided') throw toError(outcome, about);
  const { name, generation, tally } = outcome;
  if (tally.lost !== undefined) {
    const told = `${instanceId} held ${tally.lost} together with another instance, which keeps it`;
    say(io, `${told}; it holds ${name} now.`);
  }
  print(
    { name, generation: generation ?? null, ...tally, lost: tally.lost ?? null },
    about,
    options,
    io,
  );
  return tally.lost === undefined ? 0 : noExitCode;
}

function seriesOf({ service, type = 'iterative', words }: ClaimNameOptions): Series {
  if (service === undefined) {
    throw new NametagError('NAMETAG_USAGE', {
      problem: '`claim-name` needs a service',
      remedy: 'Pass `--service`, as `--service web`',
    });
  }
  const parsed = parseSeries(service, type, words);
  if (parsed.kind === 'series') return parsed.series;
  throw new NametagError('NAMETAG_INVALID_SERVICE', { service, reason: parsed.reason });
}

interface About {
  readonly series: Series;
  readonly region: string;
  readonly instanceId: string;
}

function print(
  fields: { readonly name: string; readonly [key: string]: unknown },
  { series, region, instanceId }: About,
  { json }: ClaimNameOptions,
  io: Io,
): void {
  const { service } = series;
  const { name, ...rest } = fields;
  io.stdout(
    json ? renderJson({ version: 1, name, service, instanceId, region, ...rest }) : `${name}\n`,
  );
}

function toError(
  { why, tally }: Extract<ClaimOutcome, { kind: 'undecided' }>,
  about: About,
): NametagError {
  if (why.kind === 'instance not seen') return notSeen(about, why.state);
  const { series, region, instanceId } = about;
  return new NametagError('NAMETAG_CLAIM_UNDECIDED', {
    service: series.service,
    region,
    instanceId,
    rounds: tally.scans,
    fact: why.kind,
  });
}

function notSeen({ series, region, instanceId }: About, state?: InstanceState): NametagError {
  const doing = `claim a name for ${series.service}`;
  return state === undefined
    ? new NametagError('NAMETAG_INSTANCE_NOT_FOUND', { doing, region, instanceId })
    : new NametagError('NAMETAG_INSTANCE_NOT_ALIVE', { doing, region, instanceId, state });
}
