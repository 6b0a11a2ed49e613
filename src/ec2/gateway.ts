/**
 * EC2 as a port: whole describes, tag writes, and failures that say what to do.
 *
 * Throttling, server errors and broken connections are retried by the SDK alone. What is waited
 * for here is meaning: that EC2 knows a new instance, and that another tag write has ended.
 */
import pRetry from 'p-retry';
import { withDeadline } from '../deadline.ts';
import { isNametagError } from '../errors.ts';
import {
  type DescribeFilters,
  narrowsByGroup,
  toRequests,
  withoutGroups,
} from '../model/filters.ts';
import type { Instance } from '../model/instance.ts';
import { toSnapshot } from '../model/snapshot.ts';
import type { CallOptions, Ec2, Metadata } from '../ports.ts';
import type { Client } from './client.ts';
import { credentialProvider } from './credentials.ts';
import type { PageTurn } from './describe-command.ts';
import type { DescribePage } from './describe-reader.ts';
import { type Doing, refusesGroupFilter, toFailure } from './failure.ts';
import { MalformedAnswer } from './malformed-answer.ts';
import { type Environment, findEndpoint, findRegion } from './settings.ts';

/** What the gateway to one region is made from. */
export interface Ec2GatewayOptions {
  readonly region: string;
  /** Of the shared config files; without it the SDK's own choice. */
  readonly profile?: string | undefined;
  /** Of EC2; without it the SDK's own choice (`AWS_ENDPOINT_URL_EC2` and so on). */
  readonly endpoint?: string | undefined;
  /**
   * How long one request may take with all its retries, in milliseconds.
   *
   * @defaultValue `30_000`
   */
  readonly deadlineMs?: number | undefined;
  /** How often a request is made at most; without it the SDK's own choice (`AWS_MAX_ATTEMPTS`). */
  readonly attempts?: number | undefined;
  /**
   * Where credentials are looked for first. The SDK reads its own settings from `process.env`.
   *
   * @defaultValue `process.env`
   */
  readonly env?: Environment | undefined;
}

/** As {@link Ec2GatewayOptions}, with the region still to be found. */
export interface OpenEc2Options extends Omit<Ec2GatewayOptions, 'region'> {
  readonly region?: string | undefined;
  /** Asked for the region when no setting has one. */
  readonly metadata?: Pick<Metadata, 'region'> | undefined;
}

/**
 * Finds the region and makes the gateway to it; EC2 itself is not asked anything yet.
 *
 * @throws {@link NametagError} with code `NAMETAG_NO_REGION`, or `NAMETAG_USAGE` when the region or
 * the endpoint cannot be one.
 */
export async function openEc2(options: OpenEc2Options = {}, call?: CallOptions): Promise<Ec2> {
  const { env = process.env, region, profile, metadata } = options;
  return ec2Gateway({
    ...options,
    env,
    endpoint: findEndpoint(options.endpoint, env),
    region: await findRegion({ region, env, profile, metadata }, call),
  });
}

/** Makes the gateway to a region. The SDK is loaded at the first call. */
export function ec2Gateway(options: Ec2GatewayOptions): Ec2 {
  const { region, profile, endpoint, attempts, deadlineMs = 30_000, env = process.env } = options;
  let client: Client | undefined;

  async function call<T>(
    about: Pick<Doing, 'doing' | 'iamAction' | 'instanceId'>,
    signal: AbortSignal | undefined,
    run: (client: Client, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await withDeadline(deadlineMs, signal, async (callSignal) => {
        if (client === undefined) {
          const { createClient } = await import('./client.ts');
          const credentials = credentialProvider({ env, profile });
          client ??= createClient({ region, profile, endpoint, attempts, credentials });
        }
        return run(client, callSignal);
      });
    } catch (error) {
      signal?.throwIfAborted();
      const where = client?.endpoint() ?? endpoint ?? 'EC2';
      throw toFailure(error, { ...about, region, endpoint: where });
    }
  }

  return {
    region,

    async describeInstances(queries, { signal } = {}) {
      const requests = queries.flatMap(toRequests);
      if (requests.length === 0) throw new TypeError('Expected at least one query.');
      const takenAtMs = Date.now();
      const about = { doing: 'describe instances', iamAction: 'ec2:DescribeInstances' } as const;
      const parts = await mapBounded(requests, signal, (request, eitherSignal) =>
        readRequest(request, (narrowed, token, turn, seenTokens) =>
          call(about, eitherSignal, async (ec2, callSignal) => {
            const page = await ec2.describePage(narrowed, token, turn, callSignal);
            follow(page.nextToken, seenTokens);
            return page;
          }),
        ),
      );
      return toSnapshot(region, takenAtMs, parts.flat());
    },

    async createTags(instanceId, tags, { signal } = {}) {
      // Without tags EC2 refuses; a delete without tags, one slip away, deletes every tag.
      if (tags.size === 0) throw new TypeError('Expected at least one tag to write.');
      const doing = `tag ${instanceId}`;
      const about = { doing, iamAction: 'ec2:CreateTags', instanceId } as const;
      await waitForMeaning(signal, () =>
        call(about, signal, (ec2, callSignal) => ec2.createTags(instanceId, tags, callSignal)),
      );
    },
  };
}

type ReadPage = (
  request: DescribeFilters,
  token: string | undefined,
  turn: PageTurn,
  seenTokens: Set<string>,
) => Promise<DescribePage>;

/**
 * Reads every page of one request, and where EC2 is played by something that cannot filter by
 * security group, once more without that filter: who is in a group is decided in code anyway.
 */
async function readRequest(request: DescribeFilters, readPage: ReadPage): Promise<Instance[]> {
  try {
    return await readPages(request, readPage);
  } catch (error) {
    const cause = isNametagError(error) ? error.cause : undefined;
    if (!narrowsByGroup(request) || !refusesGroupFilter(cause)) throw error;
    return readPages(withoutGroups(request), readPage);
  }
}

/** Each page is asked for as soon as the one before has arrived, while that is still read. */
async function readPages(request: DescribeFilters, readPage: ReadPage): Promise<Instance[]> {
  const instances: Instance[] = [];
  const seenTokens = new Set<string>();
  const ahead = new Map<string, Promise<DescribePage>>();
  const ask = (token: string | undefined, before: Promise<unknown>): Promise<DescribePage> => {
    const onToken = (next: string): void => {
      // Only of a page that has its turn: no more than one has arrived and is not read.
      void before.then(() => {
        if (!ahead.has(next) && !seenTokens.has(next)) ahead.set(next, ask(next, page));
      }, ignore);
    };
    const page = readPage(request, token, { before, onToken }, seenTokens);
    // Told when it is its turn.
    page.catch(ignore);
    return page;
  };
  let next = ask(undefined, Promise.resolve());
  for (;;) {
    const { instances: more, nextToken } = await next;
    // A page may be empty and still not be the last. Source: EC2 API Reference, "Pagination".
    for (const instance of more) instances.push(instance);
    if (nextToken === undefined) return instances;
    next = ahead.get(nextToken) ?? ask(nextToken, next);
    ahead.delete(nextToken);
  }
}

const ignore = (): void => undefined;

/** How many pages a request may have, 10 million instances: a bound where EC2 drives the loop. */
const maxPages = 10_000;

function follow(next: string | undefined, seenTokens: Set<string>): void {
  if (next === undefined) return;
  if (seenTokens.has(next)) throw new MalformedAnswer('it names a page that was read already');
  if (seenTokens.size >= maxPages) throw new MalformedAnswer(`it has over ${maxPages} pages`);
  seenTokens.add(next);
}

/** How many requests of one describe are under way at once; EC2's bucket refills by 20 a second. */
const maxConcurrentRequests = 4;

/** Runs all, some at a time; the first failure ends the others and is what is thrown. */
async function mapBounded<In, Out>(
  items: readonly In[],
  signal: AbortSignal | undefined,
  run: (item: In, signal: AbortSignal) => Promise<Out>,
): Promise<Out[]> {
  const ended = new AbortController();
  const onAbort = () => ended.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  const results: Out[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results[index] = await run(item, ended.signal);
  };
  const workers = Array.from({ length: Math.min(maxConcurrentRequests, items.length) }, () =>
    work().catch((error: unknown) => {
      ended.abort(error);
      throw error;
    }),
  );
  try {
    await Promise.all(workers);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  return results;
}

/**
 * Writes again while EC2 does not know the instance yet or is busy with another tag write.
 *
 * Five tries in about ten seconds: a new instance was seen to be unknown for about two seconds. The
 * waits have jitter, since the other writer is waiting too.
 */
async function waitForMeaning(
  signal: AbortSignal | undefined,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await pRetry(write, {
      retries: 4,
      minTimeout: 400,
      factor: 2,
      randomize: true,
      maxRetryTime: 10_000,
      ...(signal !== undefined && { signal }),
      shouldRetry: ({ error }) =>
        isNametagError(error, 'NAMETAG_EC2_BUSY') ||
        isNametagError(error, 'NAMETAG_INSTANCE_NOT_FOUND'),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
