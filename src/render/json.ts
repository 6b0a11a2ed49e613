import type { AliasOmission } from '../model/alias.ts';
import type { Conflict } from '../model/directory.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Omission } from '../model/selector.ts';

/** What `resolve -o json` prints; its own type, so that the model may change without it. */
export interface ResolveJson {
  readonly version: 1;
  readonly regions: readonly string[];
  /** EC2 could not be heard, so this is the last good answer. */
  readonly stale: boolean;
  /** In whole seconds; 0 when EC2 has just given the answer. Of several regions, the oldest. */
  readonly ageSeconds: number;
  /** The ids of those asked for that EC2 did not show, and that nothing says are gone. */
  readonly unconfirmed: readonly string[];
  readonly endpoints: readonly EndpointJson[];
  /** The names that an endpoint and others say; empty when each has its own. */
  readonly conflicts: readonly Conflict[];
  /** Those that EC2 was asked for and that do not match, by instance id, with the first reason. */
  readonly omitted: readonly Omission[];
  /** The aliases that an endpoint claims and does not have. */
  readonly aliasOmissions: readonly AliasOmission[];
}

/** One endpoint. Fields that have no value are `null`, so that every line has every key. */
export interface EndpointJson {
  readonly name: string | null;
  readonly aliases: readonly string[];
  readonly host: string;
  readonly port: number | null;
  readonly instanceId: string;
  readonly region: string;
  readonly availabilityZone: string | null;
  readonly priority: number;
  readonly weight: number;
}

/** Prints endpoints as JSON, in order, and why others were left out. */
export function renderResolveJson(answer: {
  readonly regions: readonly string[];
  readonly stale: boolean;
  readonly ageMs: number;
  readonly unconfirmed: readonly string[];
  readonly endpoints: readonly Endpoint[];
  readonly conflicts: readonly Conflict[];
  readonly omitted: readonly Omission[];
  readonly aliasOmissions: readonly AliasOmission[];
}): string {
  const { regions, stale, unconfirmed, endpoints, conflicts, omitted, aliasOmissions } = answer;
  const value: ResolveJson = {
    version: 1,
    regions,
    stale,
    ageSeconds: Math.floor(answer.ageMs / 1000),
    unconfirmed,
    endpoints: endpoints.map(toEndpointJson),
    conflicts,
    omitted,
    aliasOmissions,
  };
  return renderJson(value);
}

/** Prints any value as JSON with two spaces of indent. */
export function renderJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function toEndpointJson(endpoint: Endpoint): EndpointJson {
  return {
    name: endpoint.name ?? null,
    aliases: endpoint.aliases,
    host: endpoint.host,
    port: endpoint.port ?? null,
    instanceId: endpoint.instanceId,
    region: endpoint.region,
    availabilityZone: endpoint.availabilityZone ?? null,
    priority: endpoint.priority,
    weight: endpoint.weight,
  };
}
