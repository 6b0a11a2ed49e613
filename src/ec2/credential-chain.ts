/** The only file that loads the SDK's credential providers. */
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import type { Credentials } from './credentials.ts';

/** The chain would tell cron of every choice between two sources, though its order is known. */
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** The standard chain: environment, profile, SSO, process, web identity, container, instance. */
export function credentialChain(profile: string | undefined): () => Promise<Credentials> {
  const options = profile === undefined ? {} : { profile };
  return fromNodeProviderChain({ ...options, logger: quiet });
}
