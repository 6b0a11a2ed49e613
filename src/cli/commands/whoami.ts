import { NametagError } from '../../errors.ts';
import type { Member } from '../../model/directory.ts';
import { servicesOf } from '../../model/instance-count.ts';
import type { Vocabulary } from '../../model/tags.ts';
import type { Identity } from '../../ports.ts';
import { readDirectory } from '../../read-directory.ts';
import { renderJson } from '../../render/json.ts';
import { renderFacts, renderTable, type WhoamiFacts } from '../../render/whoami.ts';
import type { Io } from '../io.ts';
import type { AwsOptions, ScopeOptions } from '../options.ts';
import { warnOfAliases, warnOfConflicts } from '../warnings.ts';
import { ec2Of, metadataOf, scopedEc2 } from '../wiring.ts';

/** What `whoami` was told. */
export interface WhoamiOptions extends AwsOptions, ScopeOptions {
  readonly format?: 'text' | 'json' | 'facts';
  readonly json?: true;
}

/** Prints what this instance is, from its metadata and from its tags in EC2. */
export async function runWhoami(options: WhoamiOptions, io: Io): Promise<number> {
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const identity = await metadata.identity(call);
  const { instanceId } = identity;
  const region = options.region ?? identity.region;
  const ec2 = await scopedEc2(
    await ec2Of({ ...options, region }, io, metadata),
    options,
    metadata,
    call,
  );
  const { vocabulary } = options;
  const query = { queries: [{ instanceIds: [instanceId] }], namesMatter: true, vocabulary };
  const directory = await readDirectory(query, ec2, call);
  const member = directory.members.find((m) => m.instance.instanceId === instanceId);
  if (member === undefined) {
    const doing = 'tell what this instance is called';
    throw new NametagError('NAMETAG_INSTANCE_NOT_FOUND', { doing, region, instanceId });
  }
  warnOfConflicts(directory.conflicts, io);
  warnOfAliases(directory.aliasOmissions, io);
  const facts = toFacts(identity, member, vocabulary);
  const format = options.json ? 'json' : (options.format ?? 'text');
  if (format === 'json') io.stdout(renderJson({ version: 1, ...facts }));
  else io.stdout(format === 'facts' ? renderFacts(facts) : renderTable(facts));
  return 0;
}

function toFacts(
  identity: Identity,
  member: Member,
  vocabulary: Vocabulary | undefined,
): WhoamiFacts {
  const { instance, name, aliases, generation, ready } = member;
  return {
    instanceId: identity.instanceId,
    region: identity.region,
    availabilityZone: identity.availabilityZone,
    privateIpAddress: identity.privateIpAddress,
    publicIpAddress: identity.publicIpAddress ?? null,
    vpcId: identity.vpcId ?? null,
    securityGroups: identity.securityGroups,
    name: name ?? null,
    aliases,
    generation: generation ?? null,
    ready,
    services: servicesOf(instance, vocabulary),
  };
}
