import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StatusServer, serveStatus } from '../../src/server/http.ts';

const host = '127.0.0.1';
let health = { alive: true, ready: true, detail: 'fine' };
let metricsText = async (): Promise<string> => 'up 1\n';
let server: StatusServer;

beforeEach(async () => {
  health = { alive: true, ready: true, detail: 'fine' };
  metricsText = async () => 'up 1\n';
  server = await serveStatus(
    { host, port: 0 },
    {
      metrics: {
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        text: () => metricsText(),
      },
      health: () => health,
    },
  );
});

afterEach(() => server.close());

async function ask(
  path: string,
  method = 'GET',
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const { port } = server.address;
  const outgoing = request({ host, port, path, method });
  outgoing.end();
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve).on('error', reject);
  });
  return { status: response.statusCode, body: await text(response) };
}

/** Sends bytes as they are, and gives all that comes back until the connection ends. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(server.address.port, host);
  socket.on('error', () => {});
  socket.end(bytes);
  return await text(socket).catch(() => 'reset');
}

describe('serveStatus', () => {
  it('has metrics, in the content type of Prometheus', async () => {
    expect(await ask('/metrics')).toEqual({ status: 200, body: 'up 1\n' });
    expect(await ask('/metrics?name[]=up')).toEqual({ status: 200, body: 'up 1\n' });
    const answer = await raw('GET /metrics HTTP/1.0\r\n\r\n');
    expect(answer).toContain('content-type: text/plain; version=0.0.4; charset=utf-8\r\n');
    expect(answer).toContain('cache-control: no-store\r\n');
  });

  it.each([
    ['/healthz', true, false, 200],
    ['/healthz', false, true, 503],
    ['/readyz', false, true, 200],
    ['/readyz', true, false, 503],
  ])('answers %s, alive %s and ready %s, with %i', async (path, alive, ready, status) => {
    health = { alive, ready, detail: 'the answer is 8 s old' };
    expect(await ask(path)).toEqual({ status, body: 'the answer is 8 s old\n' });
  });

  it('answers HEAD as GET, without the body', async () => {
    expect(await ask('/readyz', 'HEAD')).toEqual({ status: 200, body: '' });
    expect(await raw('HEAD /readyz HTTP/1.0\r\n\r\n')).toContain('content-length: 5\r\n');
  });

  it.each(['/', '/metrics/', '/Metrics', '//metrics', '/%6detrics', '/etc/passwd', '/healthz/..'])(
    'has nothing at %s',
    async (path) => {
      expect((await ask(path)).status).toBe(404);
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('refuses %s', async (method) => {
    expect((await ask('/metrics', method)).status).toBe(405);
    const answer = await raw(`${method} /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n`);
    expect(answer).toContain('allow: GET, HEAD\r\n');
    expect(answer).toContain('connection: close\r\n');
  });

  it('answers 500 without details when metrics fail', async () => {
    metricsText = () => Promise.reject(new TypeError('secret'));
    expect(await ask('/metrics')).toEqual({ status: 500, body: 'failed\n' });
  });

  it('refuses a large header and what is no HTTP, and goes on', async () => {
    const large = await raw(`GET /metrics HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(large).toMatch(/^HTTP\/1.1 431 |^reset|^$/);
    expect(await raw('\u0000\u0001\u0002\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect((await ask('/metrics')).status).toBe(200);
  });

  it('closes while connections are open', async () => {
    const socket = connect(server.address.port, host);
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve).on('error', () => {}));
    await server.close();
    await closed;
    await expect(ask('/metrics')).rejects.toThrow('ECONNREFUSED');
  });

  it('says why it cannot listen', async () => {
    const sources = { metrics: { contentType: '', text: metricsText }, health: () => health };
    await expect(serveStatus(server.address, sources)).rejects.toMatchObject({
      code: 'NAMETAG_LISTEN_FAILED',
      message: expect.stringMatching(
        /^Could not listen on 127\.0\.0\.1:\d+: another process listens there\. Choose/,
      ),
    });
    await expect(serveStatus({ host: '192.0.2.1', port: 0 }, sources)).rejects.toThrow(
      'Could not listen on 192.0.2.1:0: this machine does not have the address.',
    );
  });
});
