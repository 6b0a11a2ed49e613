/**
 * Makes a request again where that may help, by the SDK's own rules for what is worth another
 * attempt, after what wait, and when there were too many failures for one.
 */
import {
  AdaptiveRetryStrategy,
  isServerError,
  isThrottlingError,
  isTransientError,
  StandardRetryStrategy,
} from '@smithy/core/retry';
import { isCredentialsFailure } from './credentials.ts';
import type { ServiceSettings } from './service-settings.ts';

/** Makes attempts until one succeeds or none is left; the failure of the last is thrown. */
export type Attempts = <T>(signal: AbortSignal, attempt: () => Promise<T>) => Promise<T>;

/** What both of the SDK's strategies can. */
interface RetryStrategy {
  acquireInitialRetryToken(scope: string): Promise<RetryToken>;
  refreshRetryTokenForRetry(token: RetryToken, failure: RetryErrorInfo): Promise<RetryToken>;
  recordSuccess(token: RetryToken): void;
}

type RetryToken = Awaited<ReturnType<AdaptiveRetryStrategy['acquireInitialRetryToken']>>;
type RetryErrorInfo = Parameters<AdaptiveRetryStrategy['refreshRetryTokenForRetry']>[1];

/** Makes what makes attempts; it remembers of all requests of a client how they went. */
export function createAttempts({
  maxAttempts,
  retryMode,
}: Pick<ServiceSettings, 'maxAttempts' | 'retryMode'>): Attempts {
  const strategy: RetryStrategy =
    retryMode === 'adaptive'
      ? new AdaptiveRetryStrategy(async () => maxAttempts)
      : new StandardRetryStrategy(maxAttempts);
  return async (signal, attempt) => {
    let token = await strategy.acquireInitialRetryToken('');
    for (let attempts = 1; ; attempts += 1) {
      signal.throwIfAborted();
      try {
        const result = await attempt();
        strategy.recordSuccess(token);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Error)) throw error;
        tellAttempts(error, attempts);
        try {
          // Ends when the wait is over. Whoever has stopped meanwhile is not waiting for this.
          token = await strategy.refreshRetryTokenForRetry(token, {
            errorType: errorTypeOf(error),
          });
        } catch {
          throw error;
        }
      }
    }
  };
}

/** What the SDK knows an error by; all of it may be missing. */
interface SdkError extends Error {
  $metadata?: { httpStatusCode?: number; attempts?: number };
}

function tellAttempts(error: SdkError, attempts: number): void {
  error.$metadata = { ...error.$metadata, attempts };
}

function errorTypeOf(error: Error): RetryErrorInfo['errorType'] {
  // Whoever gives credentials has tried again already, and its cause would pass for one of EC2's.
  if (isCredentialsFailure(error)) return 'CLIENT_ERROR';
  // The SDK's type wants all that it may know; its functions look at each with care.
  const known = error as Parameters<typeof isThrottlingError>[0];
  if (isThrottlingError(known)) return 'THROTTLING';
  if (isTransientError(known)) return 'TRANSIENT';
  return isServerError(known) ? 'SERVER_ERROR' : 'CLIENT_ERROR';
}
