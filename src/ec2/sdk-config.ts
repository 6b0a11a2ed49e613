import type { EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { Credentials } from './credentials.ts';

/** What a client is made from. */
export interface ClientOptions {
  readonly region: string;
  readonly credentials: () => Promise<Credentials>;
  readonly profile?: string | undefined;
  readonly endpoint?: string | undefined;
  /** How often a request is made at most; without it the SDK's own choice. */
  readonly attempts?: number | undefined;
}

/**
 * Makes the SDK's configuration. Attempts, retry mode and endpoint are the SDK's own settings
 * (`AWS_MAX_ATTEMPTS`, `AWS_RETRY_MODE`, `AWS_ENDPOINT_URL_EC2`, the profile) where not given.
 */
export function toSdkConfig({
  region,
  credentials,
  profile,
  endpoint,
  attempts,
}: ClientOptions): EC2ClientConfig {
  return {
    region,
    credentials,
    ...(profile !== undefined && { profile }),
    ...(endpoint !== undefined && { endpoint }),
    ...(attempts !== undefined && { maxAttempts: attempts }),
    requestHandler: {
      connectionTimeout: 2_000,
      // Until the first byte of the answer. EC2 takes up to some seconds for a page of 1000.
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
    },
  };
}
