/** The watcher's HTTP server: `/metrics`, `/healthz` and `/readyz`, to be read and nothing else. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { NametagError } from '../errors.ts';
import { toHostport } from '../model/address.ts';
import type { WatchHealth } from '../model/health.ts';
import type { ListenAddress } from '../model/listen-address.ts';
import type { ReadableMetrics } from './metrics.ts';

/** What is served. */
export interface StatusSources {
  readonly metrics: Pick<ReadableMetrics, 'contentType' | 'text'>;
  readonly health: () => WatchHealth;
}

/** A server that takes connections. */
export interface StatusServer {
  /** With the port that it got, if any was asked for. */
  readonly address: ListenAddress;
  /** Ends it, and every connection that it has. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

// A request is a line and a few headers: what is larger, slower or more than this is no scraper.
const maxHeaderSize = 8192;
const maxHeaderCount = 100;
const maxConnections = 32;
const timeoutMs = 5000;
// How often connections are looked at for those bounds.
const checkMs = 1000;

/**
 * Serves until it is closed.
 *
 * Answers GET and HEAD only: 200, or 503 when `/healthz` is not alive or `/readyz` not ready; 404
 * for other paths and 405 for other methods.
 *
 * @throws {@link NametagError} with code `NAMETAG_LISTEN_FAILED`.
 */
export async function serveStatus(
  address: ListenAddress,
  sources: StatusSources,
): Promise<StatusServer> {
  const server = createServer(
    {
      maxHeaderSize,
      headersTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      keepAliveTimeout: timeoutMs,
      connectionsCheckingInterval: checkMs,
    },
    (request, response) => {
      answer(request, sources).then(
        (found) => send(request, response, found),
        () => send(request, response, { status: 500, body: 'failed\n' }),
      );
    },
  );
  server.maxConnections = maxConnections;
  server.maxHeadersCount = maxHeaderCount;
  await listen(server, address);
  const bound = server.address();
  const port = bound === null || typeof bound === 'string' ? address.port : bound.port;
  return {
    address: { ...address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const details = { address: toHostport(host, port), fact: toFact(cause) };
      reject(new NametagError('NAMETAG_LISTEN_FAILED', details, { cause }));
    });
    server.listen({ host, port, exclusive: true }, resolve);
  });
}

const facts: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use the port',
  EADDRINUSE: 'another process listens there',
  EADDRNOTAVAIL: 'this machine does not have the address',
};

function toFact({ code = '', message }: NodeJS.ErrnoException): string {
  return facts[code] ?? message;
}

async function answer({ method, url = '' }: IncomingMessage, from: StatusSources): Promise<Answer> {
  const [path] = url.split('?', 1);
  if (path !== '/metrics' && path !== '/healthz' && path !== '/readyz') {
    return { status: 404, body: 'Not found. There are /metrics, /healthz and /readyz.\n' };
  }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'GET and HEAD only.\n' };
  if (path === '/metrics') {
    const { contentType } = from.metrics;
    return { status: 200, body: await from.metrics.text(), contentType };
  }
  const { alive, ready, detail } = from.health();
  return { status: (path === '/healthz' ? alive : ready) ? 200 : 503, body: `${detail}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, found: Answer): void {
  const { status, body, contentType = 'text/plain; charset=utf-8' } = found;
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 405 && { allow: 'GET, HEAD' }),
    // A body that nobody reads would be in the way of the next request.
    ...(mayHaveBody(request) && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function mayHaveBody({ method, headers }: IncomingMessage): boolean {
  const said = headers['content-length'] ?? headers['transfer-encoding'];
  return said !== undefined || (method !== 'GET' && method !== 'HEAD');
}
