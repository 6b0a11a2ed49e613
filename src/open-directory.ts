import { NametagError } from './errors.ts';
import { toQuery } from './model/selector.ts';
import {
  type ResolvedServices,
  resolveServices,
  type ServiceDefinition,
  type ServiceDefinitions,
  toSelector,
} from './model/service.ts';
import { defaultVocabulary } from './model/tags.ts';
import type { CallOptions, Ec2 } from './ports.ts';
import { readDirectory } from './read-directory.ts';

/** Services that were resolved, each a property, and the means to resolve them again. */
export type ServiceDirectory<S extends ServiceDefinitions> = ResolvedServices<S> & {
  /**
   * Asks EC2 again and replaces all lookups at once; when that fails, all stay as they were.
   *
   * A call while another is under way shares its result.
   *
   * @throws {@link NametagError} with code `NAMETAG_NO_ENDPOINT`, or as opening does.
   */
  refresh(): Promise<void>;
  /** Ends a refresh that is under way and refuses later ones. The lookups keep their values. */
  close(): void;
};

/**
 * Resolves services from one read of EC2.
 *
 * A lookup is a property read: no I/O, no allocation. Endpoints that were read before a refresh
 * stay as they are, since a refresh replaces the whole frozen value.
 *
 * @throws {@link NametagError} with code `NAMETAG_NO_ENDPOINT` when a service has too few
 * endpoints, or as {@link Ec2} does.
 */
export async function openServices<const S extends ServiceDefinitions>(
  services: S,
  ec2: Ec2,
  options: CallOptions = {},
): Promise<ServiceDirectory<S>> {
  const closing = new AbortController();
  const signal =
    options.signal === undefined
      ? closing.signal
      : AbortSignal.any([closing.signal, options.signal]);
  let current = await readServices(services, ec2, { signal });
  let underWay: Promise<void> | undefined;
  const refresh = (): Promise<void> => {
    underWay ??= readServices(services, ec2, { signal })
      .then((resolved) => {
        current = resolved;
      })
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };
  const close = (): void => closing.abort(new Error('The directory was closed.'));
  const directory = { refresh, close };
  for (const name of Object.keys(services)) {
    Object.defineProperty(directory, name, { get: () => current[name], enumerable: true });
  }
  // The getters above are the properties that the type promises.
  return Object.freeze(directory) as ServiceDirectory<S>;
}

async function readServices<S extends ServiceDefinitions>(
  services: S,
  ec2: Ec2,
  options: CallOptions,
): Promise<ResolvedServices<S>> {
  const queries = Object.values<ServiceDefinition>(services).map((definition) =>
    toQuery(toSelector(definition), defaultVocabulary),
  );
  const directory = await readDirectory({ queries, namesMatter: true }, ec2, options);
  const answer = resolveServices(services, directory);
  if (answer.kind === 'resolved') return answer.services;
  const { region } = directory;
  throw new NametagError('NAMETAG_NO_ENDPOINT', { ...answer.shortage, region });
}
