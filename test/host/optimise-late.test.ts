import { execFile } from 'node:child_process';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { optimiseLate } from '../../src/host/optimise-late.ts';

let types: string[] = [];
let sizeBytes = 0;
const server = createServer((_, answer) => {
  answer.setHeader('content-type', types.shift() ?? '').end(' '.repeat(sizeBytes));
});

beforeEach(async () => {
  sizeBytes = 32 * 1024;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  types = [];
  server.close();
});

async function ask(...answered: readonly string[]): Promise<void> {
  types = [...answered];
  const { port } = server.address() as AddressInfo;
  for (const _ of answered) {
    await new Promise<void>((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent: false }, (answer) =>
        answer.resume().on('end', resolve),
      ).on('error', reject);
    });
  }
  await turn();
}

test('sets the flags once, at the first large answer in XML', async () => {
  const set: string[] = [];
  optimiseLate('20.20.2', (flags) => void set.push(flags));
  await ask('text/plain', 'application/json');
  sizeBytes -= 1;
  await ask('text/xml');
  expect(set).toEqual([]);
  sizeBytes += 1;
  await ask('text/xml;charset=UTF-8', 'text/xml;charset=UTF-8');
  expect(set).toEqual(['--interrupt-budget=1320000']);
});

test.each(['21.0.0', '26.1.0', '2.0.0', ''])('sets nothing for Node %j', async (node) => {
  const set: string[] = [];
  optimiseLate(node, (flags) => void set.push(flags));
  await ask('text/xml');
  expect(set).toEqual([]);
});

test('sets a flag that this runtime has', async () => {
  const set: string[] = [];
  optimiseLate(process.versions.node, (flags) => void set.push(flags));
  await ask('application/xml');
  const { stdout } = await promisify(execFile)(process.execPath, ['--v8-options']);
  const isKnown = (flag: string): boolean => stdout.includes(`\n  ${flag.split('=')[0]} (`);
  expect(set.filter((flag) => !isKnown(flag))).toEqual([]);
  // The control: one that it does not have would be found.
  expect([isKnown('--stack-size=1'), isKnown('--no-such-flag=1')]).toEqual([true, false]);
});
