import dns from 'node:dns';
import { getEventListeners, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Answer, readBody } from '../../src/ec2/answer-body.ts';
import { createExchange, type Exchange, ExchangeTimeout } from '../../src/ec2/exchange.ts';
import * as untrusted from './untrusted-certificate.ts';

type Respond = (response: ServerResponse, request: IncomingMessage) => void;

let server: Server;
let respond: Respond;
let connections: number;

const fine: Respond = (response) => response.end('answer');

beforeEach(async () => {
  // The limits are in whole seconds, of which none passes here. Node's own timers are real.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  respond = fine;
  connections = 0;
  server = createServer((request, response) => {
    // What is sent is there before anything is answered.
    request.on('end', () => respond(response, request)).resume();
  });
  server.on('connection', () => {
    connections += 1;
  });
  await listen(server);
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await close(server);
});

async function listen(listener: Server): Promise<void> {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
}

async function close(listener: Server): Promise<void> {
  listener.closeAllConnections();
  await new Promise((resolve) => listener.close(resolve));
}

const endpoint = (path = '/'): URL =>
  new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
const never = (): AbortSignal => new AbortController().signal;
const ask = (exchange: Exchange, signal = never()) => exchange('a=b', {}, signal);
const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

async function textOf(answer: Answer): Promise<string> {
  let text = '';
  await readBody(answer, (chunk) => {
    text += chunk.toString();
    return undefined;
  });
  return text;
}

describe('an exchange', () => {
  test('sends the form with its headers, and gives the answer', async () => {
    const seen: unknown[] = [];
    respond = (response, { method, url, headers }) => {
      const { host, authorization, 'content-length': length } = headers;
      seen.push({ method, url, host, authorization, length });
      response.writeHead(503, { 'content-type': 'text/xml' }).end('answer');
    };
    const url = endpoint('/ec2/');
    // What would make an `authorization` of its own must not go before the signature.
    url.username = 'user';
    url.password = 'pass';
    const headers = { host: 'signed.invalid', authorization: 'signed', 'content-length': '3' };
    const answer = await createExchange(url)('a=b', headers, never());
    expect(answer).toMatchObject({ statusCode: 503, headers: { 'content-type': 'text/xml' } });
    expect(await textOf(answer)).toBe('answer');
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/ec2/',
        host: 'signed.invalid',
        authorization: 'signed',
        length: '3',
      },
    ]);
  });

  test('keeps its connection and uses it again', async () => {
    const exchange = createExchange(endpoint());
    for (let count = 0; count < 4; count += 1) await textOf(await ask(exchange));
    expect(connections).toBe(1);
  });

  test('has as many connections as are needed at once', async () => {
    const exchange = createExchange(endpoint());
    const waiting: ServerResponse[] = [];
    respond = (response) => {
      if (waiting.push(response) === 3) for (const each of waiting) each.end('answer');
    };
    const three = [ask(exchange), ask(exchange), ask(exchange)];
    const answers = await Promise.all(three);
    await Promise.all(answers.map(textOf));
    expect(connections).toBe(3);
  });

  test('has a connection anew after one that ended', async () => {
    const exchange = createExchange(endpoint());
    respond = (response) => response.writeHead(200, { connection: 'close' }).end('answer');
    await textOf(await ask(exchange));
    await textOf(await ask(exchange));
    expect(connections).toBe(2);
  });

  test.each<[string, () => URL, string]>([
    ['nobody listens', () => new URL('http://127.0.0.1:1'), 'ECONNREFUSED'],
    ['nobody has that name', () => new URL('http://nowhere.invalid'), 'ENOTFOUND'],
    ['the other side hangs up', () => endpoint(), 'ECONNRESET'],
  ])('fails with its code where %s', async (_, where, code) => {
    respond = (response) => response.destroy();
    await expect(ask(createExchange(where()))).rejects.toMatchObject({ code });
  });

  test('fails where an upgrade is offered in place of an answer', async () => {
    respond = ({ socket }) =>
      socket?.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      );
    const error = await thrownBy(ask(createExchange(endpoint())));
    expect(error).toMatchObject({ name: 'TornAnswer', code: 'ECONNRESET' });
  });

  test('fails where a certificate is not trusted', async () => {
    const tls = createTlsServer(untrusted, (_, response) => response.end('answer'));
    await listen(tls);
    const { port } = tls.address() as AddressInfo;
    const asked = thrownBy(ask(createExchange(new URL(`https://127.0.0.1:${port}`))));
    expect(await asked).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await close(tls);
  });
});

describe('an exchange that is waited for', () => {
  test('ends after ten seconds without an answer', async () => {
    respond = () => vi.advanceTimersByTime(10_000);
    const error = await thrownBy(ask(createExchange(endpoint())));
    expect(error).toBeInstanceOf(ExchangeTimeout);
    expect(error).toMatchObject({ code: 'ETIMEDOUT', message: 'no answer within 10000 ms' });
  });

  test('does not end before, nor after when an answer has begun', async () => {
    respond = (response) => {
      vi.advanceTimersByTime(9_999);
      response.write('answer');
      setImmediate(() => response.end(' to its end'));
    };
    const answer = await ask(createExchange(endpoint()));
    vi.advanceTimersByTime(60_000);
    expect(await textOf(answer)).toBe('answer to its end');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends after two seconds without a connection', async () => {
    vi.spyOn(dns, 'lookup').mockImplementation((): never => {
      setImmediate(() => vi.advanceTimersByTime(2_000));
      return undefined as never;
    });
    const error = await thrownBy(ask(createExchange(new URL('http://slow.invalid'))));
    expect(error).toBeInstanceOf(ExchangeTimeout);
    expect(error).toMatchObject({ code: 'ETIMEDOUT', message: 'no connection within 2000 ms' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('has its limits set', async () => {
    const exchange = createExchange(endpoint(), { answerMs: 5 });
    respond = () => vi.advanceTimersByTime(5);
    await expect(ask(exchange)).rejects.toThrow('no answer within 5 ms');
    const unconnected = createExchange(new URL('http://slow.invalid'), { connectMs: 5 });
    vi.spyOn(dns, 'lookup').mockImplementation((): never => {
      setImmediate(() => vi.advanceTimersByTime(5));
      return undefined as never;
    });
    await expect(ask(unconnected)).rejects.toThrow('no connection within 5 ms');
  });

  test('does not wait for a connection that it has', async () => {
    const exchange = createExchange(endpoint(), { connectMs: 5 });
    await textOf(await ask(exchange));
    respond = (response) => {
      vi.advanceTimersByTime(5);
      response.end('answer');
    };
    expect(await textOf(await ask(exchange))).toBe('answer');
    expect(connections).toBe(1);
  });
});

describe('a signal', () => {
  const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
  const hungUp = (response: ServerResponse): Promise<unknown> => once(response, 'close');

  test('that was given before lets nothing be sent', async () => {
    const signal = AbortSignal.abort('enough');
    expect(await thrownBy(ask(createExchange(endpoint()), signal))).toBe('enough');
    expect(connections).toBe(0);
    expect(listeners(signal)).toBe(0);
  });

  test('ends a request that waits for its answer, and its connection', async () => {
    const stop = new AbortController();
    let closed: Promise<unknown> | undefined;
    respond = (response) => {
      closed = hungUp(response);
      stop.abort('enough');
    };
    const error = await thrownBy(ask(createExchange(endpoint()), stop.signal));
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    await closed;
    expect(listeners(stop.signal)).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends an answer that is being read, and its connection', async () => {
    const stop = new AbortController();
    let closed: Promise<unknown> | undefined;
    respond = (response) => {
      closed = hungUp(response);
      response.write('answer');
    };
    const answer = await ask(createExchange(endpoint()), stop.signal);
    const read = readBody(answer, () => void stop.abort('enough'));
    expect(await thrownBy(read)).toMatchObject({ name: 'TornAnswer', code: 'ECONNRESET' });
    await closed;
  });

  test('is left alone after the answer', async () => {
    const { signal } = new AbortController();
    const meanwhile: number[] = [];
    respond = (response) => {
      meanwhile.push(listeners(signal));
      response.end('answer');
    };
    const exchange = createExchange(endpoint());
    for (let count = 0; count < 3; count += 1) await textOf(await ask(exchange, signal));
    // The last request ends just after its answer does.
    await new Promise(setImmediate);
    expect(listeners(signal)).toBe(0);
    expect(meanwhile).toEqual([1, 1, 1]);
  });
});
