/**
 * The only file that loads the SDK's commands for dry runs, and never another command.
 *
 * It is imported when the first attempt is made, so that no other command's bundle has what nametag
 * does not need. Each request says `DryRun` where it is made, and none leaves without it.
 */
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeInstancesCommand,
  EC2Client,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { Attempt } from '../model/permission.ts';
import type { ClientOptions } from './client.ts';
import { toSdkConfig } from './sdk-config.ts';

/** Sends dry runs. */
export interface DryRunClient {
  /** Resolves only when the request was carried out, which a dry run never is. */
  send(
    attempt: Attempt,
    options: {
      readonly abortSignal: AbortSignal;
      /** Told of the date of each answer. */
      readonly onDate: (date: Date) => void;
    },
  ): Promise<void>;
}

/** Makes a client, with the settings of the ordinary one. */
export function createDryRunClient(options: ClientOptions): DryRunClient {
  return {
    async send(attempt, { abortSignal, onDate }) {
      // A client for each attempt, since what watches its answers belongs to the attempt.
      const client = guardedClient(options);
      watchDates(client, onDate);
      try {
        await sendAttempt(client, attempt, abortSignal);
      } finally {
        client.destroy();
      }
    },
  };
}

// So that even what does not know a dry run would delete nothing: a value must match.
const value = 'nametag-dry-run';

async function sendAttempt(
  client: EC2Client,
  attempt: Attempt,
  abortSignal: AbortSignal,
): Promise<void> {
  const options = { abortSignal };
  switch (attempt.action) {
    case 'DescribeInstances':
      await client.send(new DescribeInstancesCommand({ DryRun: true, MaxResults: 5 }), options);
      return;
    case 'CreateTags':
      await client.send(new CreateTagsCommand({ DryRun: true, ...toTagging(attempt) }), options);
      return;
    case 'DeleteTags':
      await client.send(new DeleteTagsCommand({ DryRun: true, ...toTagging(attempt) }), options);
      return;
    case 'TerminateInstances': {
      const InstanceIds = [attempt.instanceId];
      await client.send(new TerminateInstancesCommand({ DryRun: true, InstanceIds }), options);
    }
  }
}

function toTagging({ instanceId, keys }: Extract<Attempt, { readonly keys: unknown }>): {
  Resources: string[];
  Tags: { Key: string; Value: string }[];
} {
  return { Resources: [instanceId], Tags: keys.map((Key) => ({ Key, Value: value })) };
}

/** Makes an SDK client that refuses to send anything but a dry run. */
export function guardedClient(options: ClientOptions): EC2Client {
  const client = new EC2Client(toSdkConfig(options));
  client.middlewareStack.add(
    (next) => (args) => {
      if (!isDryRun(args.request)) throw new TypeError('Expected a request with DryRun=true.');
      return next(args);
    },
    // The last step before the request is sent.
    { step: 'finalizeRequest', priority: 'low', name: 'refuseOthersThanDryRuns' },
  );
  return client;
}

function isDryRun(request: unknown): boolean {
  if (typeof request !== 'object' || request === null || !('body' in request)) return false;
  const { body } = request;
  return typeof body === 'string' && new URLSearchParams(body).get('DryRun') === 'true';
}

function watchDates(client: EC2Client, onDate: (date: Date) => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const date = dateOf(result.response);
      if (date !== undefined) onDate(date);
      return result;
    },
    // Below what reads the answer, which throws when it is an error.
    { step: 'deserialize', priority: 'low', name: 'watchDates' },
  );
}

function dateOf(response: unknown): Date | undefined {
  const { headers } = response as { readonly headers?: Readonly<Record<string, string>> };
  const date = new Date(headers?.['date'] ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}
