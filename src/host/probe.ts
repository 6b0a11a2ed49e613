import { connect } from 'node:net';

/** How a probe goes about it. */
export interface ProbeOptions {
  /** How long a connection may take, in milliseconds. @defaultValue `1000` */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Tells whether something takes a TCP connection there. Nothing is sent. */
export async function takesConnection(
  host: string,
  port: number,
  { timeoutMs = 1000, signal }: ProbeOptions = {},
): Promise<boolean> {
  signal?.throwIfAborted();
  const socket = connect({ host, port });
  const abort = (): void => void socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.setTimeout(timeoutMs, () => resolve(false));
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** Runs `work` over items, at most `limit` at a time, and gives the results in the items' order. */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
