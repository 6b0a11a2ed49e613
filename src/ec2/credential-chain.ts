/** The only file that loads the SDK's credential providers. */
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import type { Credentials } from './credentials.ts';

/** The standard chain: environment, profile, SSO, process, web identity, container, instance. */
export function credentialChain(profile: string | undefined): () => Promise<Credentials> {
  return fromNodeProviderChain(profile === undefined ? {} : { profile });
}
