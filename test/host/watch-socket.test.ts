import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { listenForPokes, pokeWatcher } from '../../src/host/watch-socket.ts';
import { ManualClock } from '../../src/sandbox/manual-clock.ts';

let folder: string;
let environment: NodeJS.ProcessEnv;
let clock: ManualClock;
let heard: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watch-socket-'));
  environment = { NAMETAG_RUNTIME_DIR: folder };
  clock = new ManualClock();
  heard = [];
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const listen = (name: string) =>
  listenForPokes(environment, {
    onPoke: () => heard.push(`${name} is poked`),
    onOther: () => heard.push(`${name} is another`),
    onTaken: () => heard.push(`${name} takes over`),
    clock,
  });

/** Pokes, and waits until somebody has heard it. */
async function poke(): Promise<void> {
  const before = heard.length;
  expect(await pokeWatcher(environment)).toBe(true);
  await vi.waitFor(() => expect(heard.length).toBeGreaterThan(before));
}

test('the first watcher of a machine is poked, and the next one after its end', async () => {
  const first = await listen('first');
  const second = await listen('second');
  await poke();
  await clock.advance(60_000);
  await poke();
  await first.release();
  // The control: not before a minute is over.
  expect(await pokeWatcher(environment)).toBe(false);
  await clock.advance(60_000);
  await vi.waitFor(() => expect(heard).toContain('second takes over'));
  await poke();
  await second.release();
  expect(await pokeWatcher(environment)).toBe(false);
  expect(heard).toEqual([
    'second is another',
    ...['first is poked', 'first is poked', 'second takes over', 'second is poked'],
  ]);
});

test.each([
  ['before that one', true],
  ['after that one', false],
])('a watcher that ends %s, while it is another one, never takes over', async (_, isFirst) => {
  const first = await listen('first');
  const second = await listen('second');
  if (!isFirst) await first.release();
  await second.release();
  if (isFirst) await first.release();
  await clock.advance(120_000);
  expect(await pokeWatcher(environment)).toBe(false);
  expect(heard).toEqual(['second is another']);
});
