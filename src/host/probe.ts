import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';

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

/**
 * Tells whether something on this machine takes a TCP connection: on one of the loopback addresses,
 * or on one of its own, since many a service listens on a single one of them.
 */
export async function takesConnectionHere(
  port: number,
  { addresses = ownAddresses(), ...options }: ProbeOptions & OwnAddresses = {},
): Promise<boolean> {
  for (const host of addresses) {
    if (await takesConnection(host, port, options)) return true;
  }
  return false;
}

/** Which addresses are tried, in order. */
export interface OwnAddresses {
  /** @defaultValue loopback's, and those of this machine's network interfaces */
  readonly addresses?: readonly string[];
}

function ownAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // An address of one link needs to be told with that link.
  const others = all.filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0);
  return ['127.0.0.1', '::1', ...others.map(({ address }) => address)];
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
