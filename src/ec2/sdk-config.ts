import type { EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { ClientOptions } from './client.ts';

/** Makes the SDK's configuration, which finds nothing by itself that was found already. */
export function toSdkConfig({ settings, credentials }: ClientOptions): EC2ClientConfig {
  const { endpoint, signingRegion, maxAttempts, retryMode } = settings;
  return {
    region: signingRegion,
    credentials,
    endpoint,
    // Of the endpoint these are part already.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    maxAttempts,
    retryMode,
    requestHandler: {
      connectionTimeout: 2_000,
      // Until the first byte of the answer.
      requestTimeout: 10_000,
      throwOnRequestTimeout: true,
    },
  };
}
