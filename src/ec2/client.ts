/** The two calls that are made to EC2, each as often as it takes. */
import type { DescribeFilters } from '../model/filters.ts';
import { type Credentials, credentialProvider } from './credentials.ts';
import { createDescribeClient } from './describe-client.ts';
import type { PageTurn } from './describe-page.ts';
import type { DescribePage } from './describe-reader.ts';
import {
  findServiceSettings,
  type ServiceSettings,
  type ServiceSettingsSources,
} from './service-settings.ts';
import type { TagClient } from './tag-client.ts';

/** Where EC2 is and how it is spoken to, and who does. */
export interface ClientOptions {
  readonly settings: ServiceSettings;
  readonly credentials: () => Promise<Credentials>;
  readonly onRequest?: OnRequest | undefined;
}

/**
 * Told of each request that was made, another attempt too, when it has ended: an action as
 * `DescribeInstances`, and what it failed with.
 */
export type OnRequest = (action: string, error?: unknown) => void;

/** Makes requests to the EC2 of one region. */
export interface Client {
  /** Where requests go, for people to read. */
  readonly origin: string;
  /** @throws Refusal, MalformedAnswer, CredentialsFailure, or the error of the system. */
  describePage(
    filters: DescribeFilters,
    token: string | undefined,
    turn: PageTurn,
    signal: AbortSignal,
  ): Promise<DescribePage>;
  /** @throws CredentialsFailure, or the error of the SDK. */
  createTags(
    instanceId: string,
    tags: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<void>;
}

/**
 * Makes a client. The SDK's is loaded for the first write.
 *
 * @throws {@link NametagError} as {@link findServiceSettings} does.
 */
export function createClient(sources: ServiceSettingsSources, onRequest?: OnRequest): Client {
  const settings = findServiceSettings(sources);
  const options = { settings, credentials: credentialProvider(sources), onRequest };
  let tagClient: TagClient | undefined;
  return {
    origin: settings.origin,
    describePage: createDescribeClient(options),
    async createTags(instanceId, tags, signal) {
      if (tagClient === undefined) {
        const { createTagClient } = await import('./tag-client.ts');
        tagClient ??= createTagClient(options);
      }
      await tagClient(instanceId, tags, signal);
    },
  };
}
