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
  readonly group?: string | undefined;
  /** Offered by a `service:<name>` tag of this name. */
  readonly service?: string | undefined;
  /** A label that the service tag has. Needs {@link service}. */
  readonly label?: string | undefined;
  /** 1 to 65535; else the port of the service tag, if it names one. */
  readonly port?: number | undefined;
  /** Whether only instances count that are tagged as in service. @defaultValue `true` */
  readonly ready?: boolean | undefined;
  /** How many endpoints there are at least; 0 allows `all` to be empty. @defaultValue `1` */
  readonly min?: number | undefined;
}

/** Services by the names under which they are looked up. */
export type ServiceDefinitions = Readonly<Record<string, ServiceDefinition>>;

/** Names that an opened directory uses itself, or that would make it look like a promise. */
export type ReservedServiceName = 'close' | 'on' | 'refresh' | 'then';

/**
 * The services themselves where the compiler finds nothing wrong. Where it does there is a text
 * instead, which it then shows as the type that it expected.
 */
export type CheckedServices<S> = {
  readonly [K in keyof S]: K extends ReservedServiceName
    ? 'a name that the directory does not use itself'
    : CheckedDefinition<S[K]>;
};

// The compiler falls back on the whole interface when a field is missing or of another type, and
// says so itself.
type CheckedDefinition<D> = ServiceDefinition extends D
  ? D
  : keyof D extends Exclude<keyof ServiceDefinition, 'group' | 'service'>
    ? 'a definition with a `group` or a `service`'
    : { readonly [F in keyof D]: CheckedField<D, F> };

type CheckedField<D, F extends keyof D> = F extends keyof ServiceDefinition
  ? F extends 'label'
    ? CheckedLabel<D, D[F]>
    : F extends 'min'
      ? CheckedMin<D, D[F]>
      : D[F]
  : 'a field of a service: pick, group, service, label, port, ready or min';

type CheckedLabel<D, Label> = 'service' extends keyof D ? Label : 'a `label` beside a `service`';

type CheckedMin<D, Min> = D extends { readonly pick: 'one'; readonly min: 0 }
  ? 'a `min` of at least 1'
  : Min;

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
  services: [S] extends [CheckedServices<S>] ? S : CheckedServices<S>,
): S;
export function defineServices(services: ServiceDefinitions): ServiceDefinitions {
  if (!isObject(services) || Array.isArray(services)) {
    throw new TypeError('Expected services as an object, with a definition of each by its name.');
  }
  for (const [name, definition] of Object.entries(services)) {
    const problem = reservedNames.includes(name)
      ? 'a name that the directory does not use itself'
      : findProblem(definition);
    if (problem !== undefined)
      throw new TypeError(`Expected service "${name}" to have ${problem}.`);
  }
  return services;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

// Plain JavaScript can say anything, so that no type is taken for granted.
function findProblem(definition: ServiceDefinition): string | undefined {
  if (!isObject(definition)) return 'an object as its definition';
  const { pick, group, service, label, port, ready, min } = definition;
  const unknown = Object.keys(definition).find((field) => !fields.includes(field));
  if (unknown !== undefined) return `no field \`${unknown}\` (there are: ${fields.join(', ')})`;
  if (pick !== 'one' && pick !== 'all') return "`pick` as 'one' or 'all'";
  if (group === undefined && service === undefined) return 'a `group` or a `service`';
  if (group !== undefined && !isText(group, (text) => text !== '')) {
    return 'a `group` that is a name or an id';
  }
  if (service !== undefined && !isText(service, (text) => parseName(text).kind !== 'refused')) {
    return 'a `service` that is a host name label';
  }
  if (label !== undefined && service === undefined) return 'a `service` that has the `label`';
  if (label !== undefined && !isText(label, isLabel)) return 'a `label` that is a lower-case word';
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    return 'a `port` from 1 to 65535';
  }
  if (ready !== undefined && typeof ready !== 'boolean') return '`ready` as true or false';
  if (min !== undefined && !(Number.isInteger(min) && min >= (pick === 'one' ? 1 : 0))) {
    return `a \`min\` of at least ${pick === 'one' ? 1 : 0}`;
  }
  return undefined;
}

function isText(value: unknown, isRight: (text: string) => boolean): boolean {
  return typeof value === 'string' && isRight(value);
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
  /** What the definition asks for, in words that follow "instances". */
  readonly wanted: string;
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
      const wanted = describe(definition);
      return { kind: 'short', shortage: { service, wanted, found: endpoints.length, min } };
    }
    resolved[service] = pick === 'one' ? endpoints[0] : Object.freeze([...endpoints]);
  }
  // Built above from the very keys and picks of the definitions.
  return { kind: 'resolved', services: Object.freeze(resolved) as ResolvedServices<S> };
}

function describe({ group, service, label, ready = true }: ServiceDefinition): string {
  const wanted = [
    ...(group === undefined ? [] : [`are in group "${group}"`]),
    ...(service === undefined ? [] : [`offer "${service}"`]),
    ...(label === undefined ? [] : [`are labelled "${label}"`]),
    ...(ready ? ['are ready'] : []),
  ];
  const [first = '', ...others] = wanted;
  const end = others.pop();
  return end === undefined ? first : `${[first, ...others].join(', ')} and ${end}`;
}
