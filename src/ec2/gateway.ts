/**
 * EC2 as a port: whole describes, tag writes, and failures that say what to do.
 *
 * Throttling, server errors and broken connections are retried by the client alone. What is waited
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
import type { CallOptions, Ec2, Metadata, Metrics } from '../ports.ts';
import type { Client, OnRequest } from './client.ts';
import { type Doing, refusesGroupFilter, resultOf, toFailure } from './failure.ts';
import { follow, type ReadPage } from './pages.ts';
import { readProfile } from './profile.ts';
import { type Environment, findEndpoint, findRegion } from './settings.ts';
import { createRequestReader } from './streams.ts';
import { createSlots, runTogether } from './together.ts';

/** What the gateway to one region is made from. */
export interface Ec2GatewayOptions {
  readonly region: string;
  /** Of the shared config files; without it that of `AWS_PROFILE`, else the default one. */
  readonly profile?: string | undefined;
  /** Of EC2; without it what is set (`AWS_ENDPOINT_URL_EC2` and so on), else AWS's own. */
  readonly endpoint?: string | undefined;
  /**
   * How long one request may take with all its retries, in milliseconds.
   *
   * @defaultValue `30_000`
   */
  readonly deadlineMs?: number | undefined;
  /** How often a request is made at most; without it what is set (`AWS_MAX_ATTEMPTS`), else 3. */
  readonly attempts?: number | undefined;
  /**
   * Where settings and credentials are looked for. Beyond keys, the SDK looks for credentials in
   * `process.env`.
   *
   * @defaultValue `process.env`
   */
  readonly env?: Environment | undefined;
  /**
   * Told of each request that was made, another attempt too, and how it ended; `failed` is also
   * what was ended early, as another request of the same call had failed. It must not throw.
   */
  readonly onRequest?: Metrics['requested'] | undefined;
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
    endpoint: findEndpoint(options.endpoint, env, readProfile(env, profile)),
    region: await findRegion({ region, env, profile, metadata }, call),
  });
}

/** Makes the gateway to a region. What makes the calls is loaded at the first. */
export function ec2Gateway(options: Ec2GatewayOptions): Ec2 {
  const { env = process.env, deadlineMs = 30_000, region, onRequest } = options;
  const tell: OnRequest = (action, error) => {
    const about = { doing: action, region, endpoint: '', iamAction: `ec2:${action}` } as const;
    onRequest?.(action, error === undefined ? 'ok' : resultOf(error, about));
  };
  const openClient = async (): Promise<Client> => {
    const { createClient } = await import('./client.ts');
    return createClient({ ...options, env }, onRequest && tell);
  };
  return clientGateway({ region, deadlineMs, openClient });
}

/** As {@link Ec2GatewayOptions}, with what makes the requests. */
export interface ClientGatewayOptions {
  readonly region: string;
  readonly deadlineMs: number;
  /** Called by the first calls; of what it gives several at once, one is used. */
  readonly openClient: () => Promise<Client>;
}

/** Makes the gateway to a region from what makes its requests. */
export function clientGateway(options: ClientGatewayOptions): Ec2 {
  const { region, deadlineMs, openClient } = options;
  let client: Client | undefined;
  const readRequest = createRequestReader();

  async function call<T>(
    about: Pick<Doing, 'doing' | 'iamAction' | 'instanceId'>,
    signal: AbortSignal | undefined,
    run: (client: Client, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await withDeadline(deadlineMs, signal, async (callSignal) => {
        if (client === undefined) {
          const opened = await openClient();
          client ??= opened;
        }
        return run(client, callSignal);
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw toFailure(error, { ...about, region, endpoint: client?.origin ?? 'EC2' });
    }
  }

  return {
    region,

    async describeInstances(queries, { signal } = {}) {
      const requests = queries.flatMap(toRequests);
      if (requests.length === 0) throw new TypeError('Expected at least one query.');
      const takenAtMs = Date.now();
      const about = { doing: 'describe instances', iamAction: 'ec2:DescribeInstances' } as const;
      const inSlot = createSlots(maxConcurrentRequests);
      const readPage: ReadPage = ({ filters, token, turn, seenTokens, signal: pageSignal }) =>
        call(about, pageSignal, async (ec2, callSignal) => {
          const page = await ec2.describePage(filters, token, turn, callSignal);
          follow(page.nextToken, seenTokens);
          return page;
        });
      const parts = await runTogether(requests, signal, (request, eitherSignal) =>
        readAnyhow(request, (filters) =>
          readRequest(filters, { readPage, inSlot, signal: eitherSignal }),
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

/** How many requests of one describe are under way at once; EC2's bucket refills by 20 a second. */
const maxConcurrentRequests = 4;

/**
 * Reads every page of one request, and where EC2 is played by something that cannot filter by
 * security group, once more without that filter: who is in a group is decided in code anyway.
 */
async function readAnyhow(
  request: DescribeFilters,
  read: (request: DescribeFilters) => Promise<readonly Instance[]>,
): Promise<readonly Instance[]> {
  try {
    return await read(request);
  } catch (error) {
    const cause = isNametagError(error) ? error.cause : undefined;
    if (!narrowsByGroup(request) || !refusesGroupFilter(cause)) throw error;
    return read(withoutGroups(request));
  }
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
