import type { ClaimOutcome } from '../../claim/protocol.ts';
import { type AliasOutcome, claimAliases } from '../../claim-aliases.ts';
import { type ClaimPorts, type ClaimRequest, claimName, planClaim } from '../../claim-name.ts';
import { NametagError } from '../../errors.ts';
import { createClaimLock } from '../../host/claim-lock.ts';
import { systemClock } from '../../host/clock.ts';
import { systemHostname } from '../../host/hostname.ts';
import type { InstanceState } from '../../model/instance.ts';
import type { Series } from '../../model/series.ts';
import { renderJson } from '../../render/json.ts';
import { readIntent } from '../claim-intent.ts';
import type { NamingOptions } from '../claim-options.ts';
import { noExitCode } from '../exit-code.ts';
import { checkHostnameUsage } from '../hostname-usage.ts';
import { type Io, say } from '../io.ts';
import type { AwsOptions, ScopeOptions } from '../options.ts';
import { warnOfOwnAliases } from '../warnings.ts';
import { claimEc2Of, metadataOf, scopedEc2 } from '../wiring.ts';

/** What `claim-name` was told. */
export interface ClaimNameOptions extends NamingOptions, ScopeOptions, AwsOptions {
  readonly settle?: number;
  readonly instanceId?: string;
  readonly reserveStopped?: true;
  readonly setHostname?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

/** Claims a name and prints it; 1 when one that was held had to be given up for it. */
export async function runClaimName(options: ClaimNameOptions, io: Io): Promise<number> {
  checkHostnameUsage(options);
  const { series, aliases } = await readIntent(options, io);
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const instanceId = options.instanceId ?? (await metadata.instanceId(call));
  const ec2 = await scopedEc2(await claimEc2Of(options, io, metadata), options, metadata, call);
  const { settle, reserveStopped, vocabulary } = options;
  const request: ClaimRequest = {
    instanceId,
    series,
    isThisMachine: options.instanceId === undefined,
    ...(settle !== undefined && { settleMs: settle }),
    ...(reserveStopped && { reserveStopped }),
    ...(vocabulary && { vocabulary }),
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
  const claimed = await finish({ name, aliases }, { request, ports, options }, io);
  const fields = { generation: generation ?? null, aliases: claimed?.held ?? null };
  print({ name, ...fields, ...tally, lost: tally.lost ?? null }, about, options, io);
  return tally.lost === undefined ? 0 : noExitCode;
}

/** Does what comes after the name: whatever fails of it, the name stays held. */
async function finish(
  { name, aliases }: { readonly name: string; readonly aliases: readonly string[] },
  about: {
    readonly request: ClaimRequest;
    readonly ports: ClaimPorts;
    readonly options: ClaimNameOptions;
  },
  io: Io,
): Promise<AliasOutcome | undefined> {
  const { request, ports, options } = about;
  const call = { signal: io.signal };
  try {
    const claimed =
      aliases.length === 0 ? undefined : await claimAliases({ ...request, aliases }, ports, call);
    warnOfOwnAliases(claimed?.omitted ?? [], io);
    if (options.setHostname) await systemHostname({ environment: io.env }).set(name, call);
    return claimed;
  } catch (error) {
    say(io, `${request.instanceId} holds ${name}; what comes after that failed.`);
    throw error;
  }
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
