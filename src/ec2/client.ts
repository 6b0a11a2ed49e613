/**
 * The file that loads the SDK's EC2 client; for dry runs, dry-run-client.ts does.
 *
 * It is itself loaded when the first call is made. The names are imported one by one, so that the
 * bundle has these two operations and not the other seven hundred.
 */
import { CreateTagsCommand, EC2Client } from '@aws-sdk/client-ec2';
import type { DescribeFilter, DescribeFilters } from '../model/filters.ts';
import { describeCommand, type PageTurn, pageOf, type Readers } from './describe-command.ts';
import { createDescribeReader, type DescribePage, type DescribeReader } from './describe-reader.ts';
import { type ClientOptions, toSdkConfig } from './sdk-config.ts';

/** The two calls that are made to EC2, each one request with the SDK's retries. */
export interface Client {
  describePage(
    request: DescribeFilters,
    token: string | undefined,
    turn: PageTurn,
    abortSignal: AbortSignal,
  ): Promise<DescribePage>;
  createTags(
    instanceId: string,
    tags: ReadonlyMap<string, string>,
    abortSignal: AbortSignal,
  ): Promise<void>;
  /** Where the last request went, for telling of its failure. */
  endpoint(): string | undefined;
}

/** How many instances one page may have: the most that EC2 gives. */
const pageSize = 1000;

/** Makes a client. */
export function createClient(options: ClientOptions): Client {
  const client = new EC2Client(toSdkConfig(options));
  const endpoint = rememberEndpoint(client);
  const readers = createReaders();
  return {
    endpoint,
    async describePage(request, token, turn, abortSignal) {
      const input = {
        MaxResults: pageSize,
        ...(request.length > 0 && { Filters: request.map(toSdkFilter) }),
        ...(token !== undefined && { NextToken: token }),
      };
      return pageOf(await client.send(describeCommand(input, readers, turn), { abortSignal }));
    },
    async createTags(instanceId, tags, abortSignal) {
      await client.send(
        new CreateTagsCommand({
          Resources: [instanceId],
          Tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
        }),
        { abortSignal },
      );
    },
  };
}

/** Readers that have read an answer know how the next will be laid out. */
function createReaders(): Readers {
  const idle: DescribeReader[] = [];
  return {
    take: () => idle.pop() ?? createDescribeReader(),
    giveBack: (reader) => idle.push(reader),
  };
}

function toSdkFilter({ name, values }: DescribeFilter): { Name: string; Values: string[] } {
  return { Name: name, Values: [...values] };
}

/** The endpoint is resolved by the SDK from many settings; the request itself tells the truth. */
function rememberEndpoint(client: EC2Client): () => string | undefined {
  let endpoint: string | undefined;
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (hasHost(request)) {
        const port = request.port === undefined ? '' : `:${request.port}`;
        endpoint = `${request.protocol}//${request.hostname}${port}`;
      }
      return next(args);
    },
    { step: 'build', name: 'rememberEndpoint' },
  );
  return () => endpoint;
}

interface Host {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
}

function hasHost(request: unknown): request is Host {
  return typeof request === 'object' && request !== null && 'hostname' in request;
}
