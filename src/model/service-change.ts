/** What a refresh has changed, service by service. */
import type { Endpoint } from './endpoint.ts';
import type { ResolvedServices, ServiceDefinitions } from './service.ts';

/** What has become of the endpoints of one service; each list is in order of name. */
export interface ServiceChange {
  readonly added: readonly Endpoint[];
  /** As they were. */
  readonly removed: readonly Endpoint[];
  /** Those of the same instances of which something else is different, as they are now. */
  readonly updated: readonly Endpoint[];
}

/** The services that are not as they were; one that is as it was is not in it. */
export type ServicesDifference<S extends ServiceDefinitions> = {
  readonly [K in keyof S]?: ServiceChange;
};

/** Compares two answers; `undefined` when no lookup would tell them apart. */
export function differenceOf<S extends ServiceDefinitions>(
  services: S,
  before: ResolvedServices<S>,
  after: ResolvedServices<S>,
): ServicesDifference<S> | undefined {
  const changes: [string, ServiceChange][] = [];
  for (const name of Object.keys(services)) {
    const change = changeBetween(listOf(before[name]), listOf(after[name]));
    if (change !== undefined) changes.push([name, change]);
  }
  if (changes.length === 0) return undefined;
  // Its keys are some of those of the services.
  return Object.freeze(Object.fromEntries(changes)) as ServicesDifference<S>;
}

function listOf(lookup: Endpoint | readonly Endpoint[] | undefined): readonly Endpoint[] {
  if (lookup === undefined) return [];
  return 'instanceId' in lookup ? [lookup] : lookup;
}

function changeBetween(
  before: readonly Endpoint[],
  after: readonly Endpoint[],
): ServiceChange | undefined {
  const old = new Map(before.map((endpoint) => [endpoint.instanceId, endpoint] as const));
  const now = new Set(after.map(({ instanceId }) => instanceId));
  const added = after.filter(({ instanceId }) => !old.has(instanceId));
  const removed = before.filter(({ instanceId }) => !now.has(instanceId));
  const updated = after.filter((endpoint) => {
    const was = old.get(endpoint.instanceId);
    return was !== undefined && !isSame(was, endpoint);
  });
  if (added.length + removed.length + updated.length === 0) return undefined;
  return Object.freeze({ added, removed, updated });
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return (
    a.host === b.host &&
    a.port === b.port &&
    a.name === b.name &&
    a.aliases.join(' ') === b.aliases.join(' ') &&
    a.availabilityZone === b.availabilityZone &&
    a.priority === b.priority &&
    a.weight === b.weight
  );
}
