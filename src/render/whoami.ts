import { toPrintable } from '../model/untrusted-text.ts';

/** What an instance is and what it is called. `null` where there is none. */
export interface WhoamiFacts {
  readonly instanceId: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly privateIpAddress: string;
  readonly publicIpAddress: string | null;
  readonly vpcId: string | null;
  /** Names of security groups, in the metadata service's order. */
  readonly securityGroups: readonly string[];
  readonly name: string | null;
  /** Further names that it has, in order. */
  readonly aliases: readonly string[];
  readonly generation: number | null;
  readonly ready: boolean;
  /** Names of services offered by tags, in order. */
  readonly services: readonly string[];
}

/** One fact a line for people, `name  web-0`; what there is none of is left out. */
export function renderTable(facts: WhoamiFacts): string {
  const rows = toRows(facts);
  const width = Math.max(...rows.map(([key]) => key.length));
  return rows.map(([key, value]) => `${key.padEnd(width)}  ${value}\n`).join('');
}

/** External facts for facter, `nametag_name=web-0` a line; what there is none of is left out. */
export function renderFacts(facts: WhoamiFacts): string {
  return toRows(facts)
    .map(([key, value]) => `nametag_${key.replaceAll('-', '_')}=${value}\n`)
    .join('');
}

function toRows(facts: WhoamiFacts): readonly (readonly [string, string])[] {
  const rows: readonly (readonly [string, string | null])[] = [
    ['instance-id', facts.instanceId],
    ['region', facts.region],
    ['availability-zone', facts.availabilityZone],
    ['private-ip-address', facts.privateIpAddress],
    ['public-ip-address', facts.publicIpAddress],
    ['vpc-id', facts.vpcId],
    ['security-groups', facts.securityGroups.join(',')],
    ['name', facts.name],
    ['aliases', facts.aliases.join(',')],
    ['generation', facts.generation === null ? null : String(facts.generation)],
    ['ready', facts.ready ? 'true' : 'false'],
    ['services', facts.services.join(',')],
  ];
  return rows.flatMap(([key, value]) =>
    // A value that came from a tag or a group's name must not begin a line of its own.
    value === null || value === '' ? [] : [[key, toPrintable(value)] as const],
  );
}
