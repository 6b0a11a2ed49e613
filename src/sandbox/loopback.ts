import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { NametagError } from '../errors.ts';

/** What a listener sends; `undefined` closes the connection without an answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an HTTP request says, read to its end. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request. */
export type Handler = (request: HttpRequest) => Promise<HttpAnswer | undefined>;

/** Something that listens on 127.0.0.1. */
export interface Listener {
  /** Such as `http://127.0.0.1:49152`. */
  readonly url: string;
  /** Ends all connections, also those that are kept alive. */
  close(): Promise<void>;
}

const address = '127.0.0.1';
// More than EC2's largest request: 1000 resources and 1000 tags fit many times.
const bodyLengthMax = 4 * 1024 * 1024;

/**
 * Listens on 127.0.0.1 and nowhere else; nothing of the sandbox is for other machines.
 *
 * @throws {@link NametagError} `NAMETAG_SANDBOX_FAILED` when the port is taken.
 */
export async function listen(port: number, handler: Handler): Promise<Listener> {
  const server = createServer((request, response) => {
    serve(request, response, handler).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) response.destroy();
      else send(response, { status: 500, body: String(error) });
    });
  });
  await started(server, port);
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('Expected a TCP address.');
  return {
    url: `http://${address}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function started(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const details = { doing: 'start', fact: cause.message };
      reject(new NametagError('NAMETAG_SANDBOX_FAILED', details, { cause }));
    });
    server.listen(port, address, resolve);
  });
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  handler: Handler,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = request;
  if (Number(headers['content-length'] ?? 0) > bodyLengthMax) {
    send(response, { status: 413, body: '' });
    return;
  }
  const answer = await handler({ method, target: url, headers, body: await text(request) });
  if (answer === undefined) response.destroy();
  else send(response, answer);
}

function send(response: ServerResponse, { status, body, headers }: HttpAnswer): void {
  response.writeHead(status, {
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
