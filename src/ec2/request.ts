/** What is told of a request to EC2 when it has ended, for whoever counts them. */
import { isDeadlineExceeded } from '../deadline.ts';
import type { OnRequest } from './client.ts';

/** Of which request it is told, and whom. */
export interface RequestAbout {
  /** As `DescribeInstances`. */
  readonly action: string;
  readonly onRequest: OnRequest | undefined;
  /** By which the request may be ended early. */
  readonly signal: AbortSignal;
}

/**
 * Makes the request, one attempt of it, and tells how it ended; nothing of one that is not made.
 *
 * @throws the signal's reason when that has come before, and what the request fails with.
 */
export async function tellRequest<T>(
  { action, onRequest, signal }: RequestAbout,
  make: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let result: T;
  try {
    result = await make();
  } catch (error) {
    onRequest?.(action, signal.aborted ? toEnd(signal.reason) : error);
    throw error;
  }
  onRequest?.(action);
  return result;
}

/** Its own time is what it failed with. The failure of another request, which ended it, is not. */
function toEnd(reason: unknown): unknown {
  return isDeadlineExceeded(reason) ? reason : new Error('It was ended early.');
}
