/**
 * Goal: many processes share one store and one turn, and one that is killed harms neither.
 * Method: real processes of the real store, which the kernel schedules and we kill.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSnapshotStore } from '../../src/host/snapshot-store.ts';
import type { SnapshotKey } from '../../src/ports.ts';
import { instance, snapshot, withMaps } from '../helpers/instances.ts';

const key: SnapshotKey = { credentials: 'c', region: 'eu-west-1', endpoint: '', question: 'q' };
const large = snapshot(
  ...Array.from({ length: 500 }, (_, n) => instance({ instanceId: `i-${1000 + n}` })),
);

let root: string;
let bundle: string;
let folder: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  bundle = join(root, 'process.mjs');
  await build({
    stdin: {
      contents: `
        import { appendFileSync } from 'node:fs';
        import { createSnapshotStore } from './src/host/snapshot-store.ts';
        import { instance, snapshot } from './test/helpers/instances.ts';
        const [folder, log, platform, how] = process.argv.slice(2);
        const key = ${JSON.stringify(key)};
        const environment = { NAMETAG_RUNTIME_DIR: folder };
        const store = createSnapshotStore({ folder, platform, environment, warn: console.error });
        const say = (text) => appendFileSync(log, text + '\\n');
        if (how === 'share') {
          const end = await store.takeTurn(key);
          say('begin');
          if ((await store.load(key)) === undefined) {
            say('call');
            await store.save(key, snapshot(instance()));
          }
          say('end');
          await end();
        } else if (how === 'hold') {
          await store.takeTurn(key);
          console.log('held');
          setInterval(() => {}, 1000);
        } else if (how === 'leave') {
          await store.takeTurn(key);
          console.log('held');
        } else {
          const large = snapshot(
            ...Array.from({ length: 500 }, (_, n) => instance({ instanceId: 'i-' + (1000 + n) })),
          );
          for (;;) {
            await store.save(key, large);
            console.log('saved');
          }
        }
      `,
      resolveDir: join(import.meta.dirname, '..', '..'),
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: bundle,
    logLevel: 'error',
  });
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  said = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

type How = 'share' | 'hold' | 'leave' | 'save';

function start(how: How, platform: NodeJS.Platform = 'linux'): ChildProcess {
  const args = [bundle, folder, join(folder, 'log'), platform, how];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

function create(platform: NodeJS.Platform = 'linux', turnWaitMaxMs?: number) {
  return createSnapshotStore({
    folder,
    platform,
    turnWaitMaxMs,
    environment: { NAMETAG_RUNTIME_DIR: folder },
    warn: (sentence) => void said.push(sentence),
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

// `linux` has sockets without a file, `darwin` stands for the systems that have not.
const platforms = ['linux', 'darwin'] as const;

/** Whether nobody began before the one before had ended. */
function isOneByOne(lines: readonly string[]): boolean {
  const inside = lines.filter((line) => line !== 'call');
  return inside.every((line, place) => line === (place % 2 === 0 ? 'begin' : 'end'));
}

// Not where sockets have files: there the lock says itself that two can get in at a death.
test('turns are had one by one, and only the first of many processes asks', async () => {
  const children = Array.from({ length: 12 }, () => start('share'));
  const exits = await Promise.all(children.map((child) => once(child, 'exit')));
  expect(exits.map(([code]) => code)).toEqual(children.map(() => 0));
  const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
  expect(lines.filter((line) => line === 'call')).toHaveLength(1);
  expect(lines).toHaveLength(2 * children.length + 1);
  expect(isOneByOne(lines)).toBe(true);
  // The control: two that overlap are seen.
  expect(isOneByOne(['begin', 'begin', 'end', 'end'])).toBe(false);
});

describe.each(platforms)('turns on %s', (platform) => {
  test('come to everybody who waits, within one process too', async () => {
    const order: number[] = [];
    const store = create(platform);
    const first = await store.takeTurn(key);
    const others = [1, 2, 3].map(async (n) => {
      const end = await store.takeTurn(key);
      order.push(n);
      await end();
    });
    await store.save(key, large);
    expect(order).toEqual([]);
    await first();
    await Promise.all(others);
    expect(order.toSorted()).toEqual([1, 2, 3]);
  });

  test('of other keys are not waited for', async () => {
    const end = await create(platform).takeTurn(key);
    const endOther = await create(platform).takeTurn({ ...key, question: 'other' });
    await endOther();
    await end();
  });

  test('end with the process that had it, even when it is killed', async () => {
    const child = start('hold', platform);
    await once(child.stdout!, 'data');
    const turn = create(platform).takeTurn(key);
    await kill(child);
    const end = await turn;
    await end();
    expect(said).toEqual([]);
  });

  test('are given up when the caller gives up, and by the next one as well', async () => {
    const end = await create(platform).takeTurn(key);
    const given = new AbortController();
    const turn = create(platform).takeTurn(key, { signal: given.signal });
    const reason = new Error('enough');
    given.abort(reason);
    await expect(turn).rejects.toBe(reason);
    await end();
    const endNext = await create(platform).takeTurn(key);
    await endNext();
  });

  test('are not waited for without end when who has it was stopped', async () => {
    const child = start('hold', platform);
    await once(child.stdout!, 'data');
    child.kill('SIGSTOP');
    const end = await create(platform, 20).takeTurn(key);
    await end();
    await kill(child);
  });
});

test('a process ends although it has a turn that others wait for', async () => {
  const child = start('leave');
  const ended = once(child, 'exit');
  await once(child.stdout!, 'data');
  const end = await create().takeTurn(key);
  expect(await ended).toEqual([0, null]);
  await end();
});

test('processes that are killed while they save leave a whole snapshot, or none', async () => {
  for (let round = 0; round < 5; round += 1) {
    const children = [start('save'), start('save')];
    // Later in each round, in bytes that were said and not in time.
    for (let saves = 0; saves <= round; saves += 1) await once(children[0]!.stdout!, 'data');
    await Promise.all(children.map(kill));
    expect(withMaps(await create().load(key))).toEqual(large);
  }
  expect(said).toEqual([]);
  await create().save(key, large);
  expect(readdirSync(folder).filter((name) => name.endsWith('.snapshot'))).toHaveLength(1);
});
