/**
 * Where credentials come from: the SDK's standard chain, in its order.
 *
 * The chain is as large as the client itself, so it is loaded when a request is signed, and not at
 * all when the first link of the chain, two environment variables, has the answer.
 */
import type { Environment } from './settings.ts';

/** Keys to sign with, as the SDK takes them. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** No link of the chain had credentials, or one of them failed; the message is that link's. */
export class CredentialsFailure extends Error {
  override readonly name: string = 'CredentialsFailure';
}

/** Tells by name, since the program has this class once in each of its bundles. */
export function isCredentialsFailure(error: Error): boolean {
  return error.name === 'CredentialsFailure';
}

/** Makes the function that the client asks for credentials when it signs. */
export function credentialProvider(options: {
  readonly env: Environment;
  readonly profile?: string | undefined;
}): () => Promise<Credentials> {
  const { env, profile } = options;
  // As in the chain, a profile that is asked for goes before the keys of the environment.
  const fixed = profile || env['AWS_PROFILE'] ? undefined : fromEnvironment(env);
  if (fixed !== undefined) return async () => checked(fixed);
  let chain: (() => Promise<Credentials>) | undefined;
  return async () => {
    if (chain === undefined) {
      const { credentialChain } = await import('./credential-chain.ts');
      chain ??= credentialChain(profile);
    }
    try {
      return checked(await chain());
    } catch (error) {
      // A refusal by another service, of a role to assume say, must not pass for one by EC2.
      const fact = error instanceof Error ? error.message : String(error);
      const chosen = profile || env['AWS_PROFILE'];
      const message = chosen ? `profile "${chosen}": ${fact}` : fact;
      throw new CredentialsFailure(message, { cause: error });
    }
  };
}

/** What is sent as it is must fit into a header; a file's text with its line feed does not. */
function checked(credentials: Credentials): Credentials {
  const { accessKeyId, sessionToken = '' } = credentials;
  const sent = [
    ['access key id', accessKeyId],
    ['session token', sessionToken],
  ] as const;
  for (const [name, text] of sent) {
    if (/^[\x21-\x7e]*$/.test(text)) continue;
    throw new CredentialsFailure(`the ${name} has a blank or another character that none has`);
  }
  return credentials;
}

/** The keys of the environment, unless they carry what only the chain can read. */
function fromEnvironment(env: Environment): Credentials | undefined {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  const sessionToken = env['AWS_SESSION_TOKEN'];
  if (!accessKeyId || !secretAccessKey) return undefined;
  if (env['AWS_CREDENTIAL_EXPIRATION'] || env['AWS_CREDENTIAL_SCOPE']) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}
