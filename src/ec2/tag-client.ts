/**
 * The file that loads the SDK's client to write tags; for dry runs, dry-run-client.ts does.
 *
 * Its names are imported one by one, so that the bundle has this operation and not the other seven
 * hundred.
 */
import { CreateTagsCommand, EC2Client } from '@aws-sdk/client-ec2';
import type { ClientOptions } from './client.ts';
import { tellRequest } from './request.ts';
import { toSdkConfig } from './sdk-config.ts';

/** Writes these tags on one instance. */
export type TagClient = (
  instanceId: string,
  tags: ReadonlyMap<string, string>,
  signal: AbortSignal,
) => Promise<void>;

/** Makes what writes tags. */
export function createTagClient(options: ClientOptions): TagClient {
  const client = new EC2Client(toSdkConfig(options));
  return async (instanceId, tags, abortSignal) => {
    const Tags = [...tags].map(([Key, Value]) => ({ Key, Value }));
    const command = new CreateTagsCommand({ Resources: [instanceId], Tags });
    const about = { action: 'CreateTags', onRequest: options.onRequest, signal: abortSignal };
    // Each attempt comes through this step, and the errors that are made of answers.
    command.middlewareStack.add((next) => (args) => tellRequest(about, () => next(args)), {
      step: 'deserialize',
      priority: 'high',
    });
    await client.send(command, { abortSignal });
  };
}
