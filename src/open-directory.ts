import { callBack } from './call-back.ts';
import type { FleetRequest } from './describe-fleet.ts';
import { NametagError } from './errors.ts';
import { type KeepFreshOptions, keepFresh } from './keep-fresh.ts';
import { toDirectory } from './model/directory.ts';
import { toQuery } from './model/selector.ts';
import {
  type ResolvedServices,
  resolveServices,
  type ServiceDefinitions,
  toSelector,
} from './model/service.ts';
import { differenceOf, type ServicesDifference } from './model/service-change.ts';
import type { Snapshot } from './model/snapshot.ts';
import { defaultVocabulary } from './model/tags.ts';
import type { CallOptions, Clock, Ec2 } from './ports.ts';
import {
  type Refresh,
  type RefreshTerms,
  refreshSnapshot,
  takeOrThrow,
} from './refresh-snapshot.ts';

/** Services that were resolved, each a property, and the means to resolve them again. */
export type ServiceDirectory<S extends ServiceDefinitions> = ResolvedServices<S> & {
  /**
   * Asks EC2 again and replaces all lookups at once; when that fails, all stay as they were.
   *
   * Whoever is missing from the new answer stays, unless EC2 shows when asked for the id that it is
   * gone. A call while another is under way shares its result, but one with `force` never that of
   * one without: it is made when that has ended, once for all who ask for it meanwhile.
   *
   * @throws {@link NametagError} with code `NAMETAG_GUARD_HELD` when too many were missing for too
   * long; with `force` they go without evidence. Else as opening does.
   */
  refresh(options?: RefreshOptions): Promise<void>;
  /**
   * Calls the listener after each refresh by which a lookup is another one, until what it gives is
   * called. What a listener throws is an unhandled rejection, and keeps no other from being told.
   */
  on(event: 'change', listener: (difference: ServicesDifference<S>) => void): () => void;
  /** Ends refreshes, also those to come, and refuses others. The lookups keep their values. */
  close(): void;
};

/** How lookups are replaced. */
export interface RefreshOptions {
  /** Lets go whoever EC2 does not show, without evidence. @defaultValue `false` */
  readonly force?: boolean | undefined;
}

/** Where services are read from, and by what time. */
export interface OpenServicesPorts {
  readonly ec2: Ec2;
  readonly clock: Clock;
}

/**
 * For how long, and how far, a refresh goes by what EC2 showed before; and when it is made by
 * itself, if at all.
 */
export interface OpenServicesOptions
  extends CallOptions,
    Pick<RefreshTerms, 'maxStaleMs' | 'maxRemove'> {
  /** Its signal is that of the whole. @defaultValue refreshes are made when they are asked for */
  readonly fresh?: Omit<KeepFreshOptions, 'signal' | 'clock'> | undefined;
}

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
  { ec2, clock }: OpenServicesPorts,
  options: OpenServicesOptions = {},
): Promise<ServiceDirectory<S>> {
  const closing = new AbortController();
  const signal =
    options.signal === undefined
      ? closing.signal
      : AbortSignal.any([closing.signal, options.signal]);
  const request = toFleetRequest(services);
  const { maxStaleMs, maxRemove } = options;
  let last: Snapshot | undefined;
  let failedMs: number | undefined;
  const ask = async (terms: RefreshTerms): Promise<Refresh> => {
    try {
      return await refreshSnapshot(request, async () => last, ec2, terms, { signal });
    } catch (error) {
      // So that an outage is not taken for a time in which nobody asked.
      failedMs = clock.wallMs();
      throw error;
    }
  };
  const read = async (force: boolean): Promise<ResolvedServices<S>> => {
    const terms = { maxStaleMs, maxRemove, force, failedMs };
    const refreshed = await ask(terms);
    last = refreshed.snapshot;
    return resolveAll(services, takeOrThrow(refreshed, terms).snapshot);
  };
  let current = await read(false);
  const { on, tell } = createListeners<ServicesDifference<S>>();
  const refresh = oneAtATime(async (force) => {
    const before = current;
    current = await read(force);
    const difference = differenceOf(services, before, current);
    if (difference !== undefined) tell(difference);
  });
  const close = (): void => closing.abort(new Error('The directory was closed.'));
  const directory = { refresh, on, close };
  for (const name of Object.keys(services)) {
    Object.defineProperty(directory, name, { get: () => current[name], enumerable: true });
  }
  if (options.fresh !== undefined) void keepFresh(refresh, { ...options.fresh, clock, signal });
  // The getters above are the properties that the type promises.
  return Object.freeze(directory) as ServiceDirectory<S>;
}

/** Who wants to be told of changes. */
function createListeners<Difference>(): {
  on(event: 'change', listener: (difference: Difference) => void): () => void;
  tell(difference: Difference): void;
} {
  const listeners = new Set<{ readonly listener: (difference: Difference) => void }>();
  return {
    on(event, listener) {
      if (event !== 'change') throw new TypeError(`Expected the event "change", got "${event}".`);
      const entry = { listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    tell(difference) {
      for (const { listener } of [...listeners]) void callBack(() => listener(difference));
    },
  };
}

interface Run {
  readonly force: boolean;
  readonly ended: Promise<void>;
}

/** Shares what is under way with all who ask meanwhile, if it does what they ask for. */
function oneAtATime(
  refresh: (force: boolean) => Promise<void>,
): (options?: RefreshOptions) => Promise<void> {
  let underWay: Run | undefined;
  let queued: Run | undefined;
  const run = async (force: boolean, before?: Run): Promise<void> => {
    // Whoever asked for the one before hears how that ended.
    if (before !== undefined) await before.ended.catch(() => {});
    try {
      await refresh(force);
    } finally {
      // In one step, so that nobody begins another in between.
      underWay = queued;
      queued = undefined;
    }
  };
  return ({ force = false } = {}) => {
    underWay ??= { force, ended: run(force) };
    if (!force || underWay.force) return underWay.ended;
    queued ??= { force, ended: run(force, underWay) };
    return queued.ended;
  };
}

function toFleetRequest(services: ServiceDefinitions): FleetRequest {
  const queries = Object.values(services).map((definition) =>
    toQuery(toSelector(definition), defaultVocabulary),
  );
  return { queries, namesMatter: true };
}

function resolveAll<S extends ServiceDefinitions>(
  services: S,
  snapshot: Snapshot,
): ResolvedServices<S> {
  const answer = resolveServices(services, toDirectory(snapshot));
  if (answer.kind === 'resolved') return answer.services;
  const { region } = snapshot;
  throw new NametagError('NAMETAG_NO_ENDPOINT', { ...answer.shortage, region });
}
