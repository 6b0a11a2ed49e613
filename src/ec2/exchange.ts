/** One request and the head of its answer, by Node's own HTTP, over connections that are kept. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Answer, TornAnswer } from './answer-body.ts';

/** Sends a form with these headers, and gives the answer when its head has arrived. */
export type Exchange = (
  form: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<Answer>;

/** How long it is waited for what, in milliseconds. */
export interface ExchangeLimits {
  /** For the connection. @defaultValue `2_000` */
  readonly connectMs?: number | undefined;
  /**
   * For the first byte of the answer. EC2 takes up to some seconds for a page of 1000.
   *
   * @defaultValue `10_000`
   */
  readonly answerMs?: number | undefined;
}

/** Nothing came within its time. To whoever tries again it is what its code says. */
export class ExchangeTimeout extends Error {
  override readonly name: string = 'ExchangeTimeout';
  readonly code: string = 'ETIMEDOUT';
}

/** Makes what sends requests to one endpoint. */
export function createExchange(
  endpoint: URL,
  { connectMs = 2_000, answerMs = 10_000 }: ExchangeLimits = {},
): Exchange {
  // The program loads TLS, which takes long, only where it is used.
  const isTls = endpoint.protocol === 'https:';
  const agent = isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const open = isTls ? httpsRequest : httpRequest;
  return async (form, headers, signal) => {
    signal.throwIfAborted();
    const request = open(endpoint, { method: 'POST', headers, agent });
    const give = (problem: Error) => () => void request.destroy(problem);
    const stop = (): void => void request.destroy();
    signal.addEventListener('abort', stop, { once: true });
    request.once('close', () => signal.removeEventListener('abort', stop));
    const late = new ExchangeTimeout(`no answer within ${answerMs} ms`);
    const timer = setTimeout(give(late), answerMs);
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const unconnected = new ExchangeTimeout(`no connection within ${connectMs} ms`);
      const connecting = setTimeout(give(unconnected), connectMs);
      const connected = (): void => clearTimeout(connecting);
      socket.once('connect', connected).once('close', connected);
    });
    try {
      return await new Promise<Answer>((resolve, reject) => {
        request.on('error', reject).once('response', (answer) => resolve(toAnswer(answer)));
        // All that Node tells where an upgrade is offered that nobody asked for.
        request.once('close', () =>
          reject(new TornAnswer('the connection ended before an answer')),
        );
        request.end(form);
      });
    } finally {
      clearTimeout(timer);
    }
  };
}

function toAnswer(message: IncomingMessage): Answer {
  const { statusCode = 0, headers } = message;
  return { statusCode, headers, body: message };
}
