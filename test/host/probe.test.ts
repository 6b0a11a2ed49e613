import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takesConnectionHere } from '../../src/host/probe.ts';

// Linux answers for all of 127.0.0.0/8, so that this stands for an address of a network interface.
const own = '127.0.0.2';
let port: number;
const server = createServer((socket) => socket.destroy());

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, own, resolve));
  const address = server.address();
  port = typeof address === 'object' ? (address?.port ?? 0) : 0;
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

test('finds a service that listens on one address of this machine only', async () => {
  expect(await takesConnectionHere(port, { addresses: ['127.0.0.1', '::1', own] })).toBe(true);
  expect(await takesConnectionHere(port, { addresses: ['127.0.0.1', '::1'] })).toBe(false);
});

test('ends with its signal', async () => {
  const reason = new Error('stopped');
  const options = { addresses: ['127.0.0.1', own], signal: AbortSignal.abort(reason) };
  await expect(takesConnectionHere(port, options)).rejects.toBe(reason);
});
