/**
 * What the compiler says of services and lookups. Nothing here is run: `test/types.test.ts`
 * compiles it, and a line after `@ts-expect-error` must not compile.
 */
import {
  defineServices,
  type Endpoint,
  openDirectory,
  type ServiceDefinition,
  type ServiceDefinitions,
  type ServiceDirectory,
} from '../../src/index.ts';

const services = defineServices({
  postgres: { group: 'tphon', port: 5432, pick: 'one' },
  replicas: { service: 'postgres', label: 'readonly', pick: 'all', min: 1 },
});
const directory = await openDirectory({ services, region: 'eu-west-1' });

export const one: Endpoint<number> = directory.postgres;
export const host: string = directory.postgres.host;
export const port: number = directory.postgres.port;
export const all: readonly Endpoint[] = directory.replicas;
export const urls: string[] = directory.replicas.map((endpoint) => endpoint.url('http'));
export const refreshed: Promise<void> = directory.refresh();
directory.close();

// An unknown service.
// @ts-expect-error
export const unknownService = directory.postgre;

// A lookup that is one endpoint is no list, and the other way round.
// @ts-expect-error
export const listOfOne = directory.postgres.map;
// @ts-expect-error
export const oneOfList = directory.replicas.host;

// Without `port`, a port is known only if the service tag names one.
declare const replica: (typeof directory.replicas)[number];
// @ts-expect-error
export const portOfTag: number = replica.port;

// Nothing can be written.
// @ts-expect-error
directory.postgres = one;
// @ts-expect-error
directory.postgres.host = '10.0.0.1';
// @ts-expect-error
directory.replicas.push(one);

// A misspelt field, a field of another type, and one that is missing.
// @ts-expect-error
defineServices({ postgres: { group: 'tphon', prot: 5432, pick: 'one' } });
// @ts-expect-error
defineServices({ postgres: { group: 'tphon', port: '5432', pick: 'one' } });
// @ts-expect-error
defineServices({ postgres: { group: 'tphon', pick: 'first' } });
// @ts-expect-error
defineServices({ postgres: { group: 'tphon' } });

// What no definition can mean.
// @ts-expect-error
defineServices({ postgres: { pick: 'one' } });
// @ts-expect-error
defineServices({ postgres: { group: 'tphon', label: 'readonly', pick: 'all' } });
// @ts-expect-error
defineServices({ postgres: { group: 'tphon', min: 0, pick: 'one' } });

// What is not known is left out.
declare const unknownPort: number | undefined;
declare const unknownText: string | undefined;
const sparse = defineServices({ postgres: { group: 'tphon', port: unknownPort, pick: 'one' } });
const found = await openDirectory({
  services: sparse,
  region: unknownText,
  refreshEveryMs: undefined,
});
export const portIfKnown: number | undefined = found.postgres.port;
// @ts-expect-error
export const portNotKnown: number = found.postgres.port;

// Definitions from elsewhere, of which the compiler knows less.
declare const loaded: ServiceDefinitions;
export const some: Endpoint | readonly Endpoint[] | undefined = (
  await openDirectory({ services: defineServices(loaded) })
)['postgres'];
const written = { postgres: { group: 'tphon', port: 5432, pick: 'one' } } as const;
export const kept: 5432 = defineServices(written).postgres.port;
/** A program's own way to open one. */
export function openHere<const S extends ServiceDefinitions>(
  ownServices: S,
): Promise<ServiceDirectory<S>> {
  return openDirectory({ services: ownServices, region: 'eu-west-1' });
}

// Names that the directory uses itself, or that would make it look like a promise.
// @ts-expect-error
defineServices({ close: { group: 'tphon', pick: 'one' } });
// @ts-expect-error
defineServices({ on: { group: 'tphon', pick: 'one' } });
// @ts-expect-error
defineServices({ refresh: { group: 'tphon', pick: 'one' } });
const promised = 'then';
// @ts-expect-error
defineServices({ [promised]: { group: 'tphon', pick: 'one' } });

// Where the compiler cannot know which of the two it is, both must be thought of.
declare const either: ServiceDefinition['pick'];
const open = await openDirectory({
  services: defineServices({ postgres: { group: 'tphon', pick: either } }),
});
export const both: Endpoint | readonly Endpoint[] = open.postgres;
// @ts-expect-error
export const notSurelyOne: Endpoint = open.postgres;
