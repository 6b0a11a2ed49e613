/** What is told of a request to EC2 when it has ended, for whoever counts them. */
import type { OnRequest } from './client.ts';

/** Of which request it is told, and whom. */
export interface RequestAbout {
  /** As `DescribeInstances`. */
  readonly action: string;
  readonly onRequest: OnRequest | undefined;
  /** By which the request may be ended early: then that is what it failed with. */
  readonly signal: AbortSignal;
}

/** Makes the request, one attempt of it, and tells how it ended. */
export async function tellRequest<T>(
  { action, onRequest, signal }: RequestAbout,
  make: () => Promise<T>,
): Promise<T> {
  try {
    const result = await make();
    onRequest?.(action);
    return result;
  } catch (error) {
    onRequest?.(action, signal.aborted ? signal.reason : error);
    throw error;
  }
}
