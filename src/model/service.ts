/**
 * Services as a program declares them, and what a lookup of one gives.
 */
import type { Directory } from './directory.ts';
import { type Endpoint, select } from './endpoint.ts';
import { isLabel, parseName } from './name.ts';
import type { Selector } from './selector.ts';

/** What a program wants of one service. */
export interface ServiceDefinition {
  /** `one` gives the first endpoint by name, `all` gives every one. */
  readonly pick: 'one' | 'all';
  /** Name or id of the security group whose instances offer it. */
  readonly group?: string;
  /** Offered by a `service:<name>` tag of this name. */
  readonly service?: string;
  /** A label that the service tag has. Needs {@link service}. */
  readonly label?: string;
  /** 1 to 65535; else the port of the service tag, if it names one. */
  readonly port?: number;
  /** Whether the instance is tagged as in service. @defaultValue `true` */
  readonly ready?: boolean;
  /** How many endpoints there are at least; 0 allows `all` to be empty. @defaultValue `1` */
  readonly min?: number;
}

/** Services by the names under which they are looked up. */
export type ServiceDefinitions = Readonly<Record<string, ServiceDefinition>>;

/** Names that an opened directory uses itself, or that would make it look like a promise. */
export type ReservedServiceName = 'close' | 'on' | 'refresh' | 'then';

/** Refuses reserved names and misspelt fields when compiled. */
export type CheckedServices<S> = {
  readonly [K in keyof S]: K extends ReservedServiceName
    ? never
    : { readonly [F in keyof S[K]]: F extends keyof ServiceDefinition ? S[K][F] : never };
};

type PortOf<D> = D extends { readonly port: number } ? number : number | undefined;

// Over each member of a union, so that a `pick` that is not known when compiled gives either.
type LookupOf<D extends ServiceDefinition, Pick = D['pick']> = Pick extends 'all'
  ? readonly Endpoint<PortOf<D>>[]
  : Endpoint<PortOf<D>>;

/** What the lookups give: an {@link Endpoint} for `one`, a list in order of name for `all`. */
export type ResolvedServices<S extends ServiceDefinitions> = {
  readonly [K in keyof S]: LookupOf<S[K]>;
};

const reservedNames: readonly string[] = ['close', 'on', 'refresh', 'then'];
const fields: readonly string[] = ['pick', 'group', 'service', 'label', 'port', 'ready', 'min'];

/**
 * Declares services, so that the compiler knows each of them.
 *
 * @throws `TypeError` when a definition cannot mean anything; the same mistakes that the compiler
 * finds are found in plain JavaScript too.
 */
export function defineServices<const S extends ServiceDefinitions>(
  services: S & CheckedServices<S>,
): S {
  for (const [name, definition] of Object.entries<ServiceDefinition>(services)) {
    const problem = reservedNames.includes(name)
      ? 'a name that the directory does not use itself'
      : findProblem(definition);
    if (problem !== undefined)
      throw new TypeError(`Expected service "${name}" to have ${problem}.`);
  }
  return services;
}

function findProblem(definition: ServiceDefinition): string | undefined {
  const { pick, group, service, label, port, min } = definition;
  const unknown = Object.keys(definition).find((field) => !fields.includes(field));
  if (unknown !== undefined) return `no field \`${unknown}\` (there are: ${fields.join(', ')})`;
  if (pick !== 'one' && pick !== 'all') return "`pick` as 'one' or 'all'";
  if (group === undefined && service === undefined) return 'a `group` or a `service`';
  if (group === '') return 'a `group` that is not empty';
  if (service !== undefined && parseName(service).kind === 'refused') {
    return 'a `service` that is a host name label';
  }
  if (label !== undefined && service === undefined) return 'a `service` that has the `label`';
  if (label !== undefined && !isLabel(label)) return 'a `label` that is a lower-case word';
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    return 'a `port` from 1 to 65535';
  }
  if (min !== undefined && !(Number.isInteger(min) && min >= (pick === 'one' ? 1 : 0))) {
    return `a \`min\` of at least ${pick === 'one' ? 1 : 0}`;
  }
  return undefined;
}

/** The selector that a definition means. */
export function toSelector({ group, service, label, ready }: ServiceDefinition): Selector {
  return {
    ready: ready ?? true,
    ...(group === undefined ? {} : { groups: [group] }),
    ...(service === undefined ? {} : { service }),
    ...(label === undefined ? {} : { label }),
  };
}

/** A service that fewer instances offer than its definition needs. */
export interface Shortage {
  readonly service: string;
  readonly found: number;
  readonly min: number;
}

/** Every service resolved, or the first that has too few endpoints. */
export type ServicesAnswer<S extends ServiceDefinitions> =
  | { readonly kind: 'resolved'; readonly services: ResolvedServices<S> }
  | { readonly kind: 'short'; readonly shortage: Shortage };

/** Reads all services off one directory, so that they agree; the result is frozen throughout. */
export function resolveServices<S extends ServiceDefinitions>(
  definitions: S,
  directory: Directory,
): ServicesAnswer<S> {
  const resolved: Record<string, unknown> = Object.create(null);
  for (const [service, definition] of Object.entries<ServiceDefinition>(definitions)) {
    const { port, pick, min = 1 } = definition;
    const { endpoints } = select(directory, { selector: toSelector(definition), port });
    if (endpoints.length < min) {
      return { kind: 'short', shortage: { service, found: endpoints.length, min } };
    }
    resolved[service] = pick === 'one' ? endpoints[0] : Object.freeze([...endpoints]);
  }
  // Built above from the very keys and picks of the definitions.
  return { kind: 'resolved', services: Object.freeze(resolved) as ResolvedServices<S> };
}
