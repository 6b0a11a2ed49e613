import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClaimLock } from '../../src/host/claim-lock.ts';
import { shortDigest } from '../../src/host/digest.ts';
import { findRuntimeFolder, openFolder, openRuntimeFolder } from '../../src/host/runtime-folder.ts';

let folder: string;
let instanceId: string;
let serial = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  // Locks are known to the whole machine, and another run of these tests may be under way.
  serial += 1;
  instanceId = `i-${process.pid.toString(16).padStart(8, '0')}${serial.toString(16)}`;
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

// `linux` has sockets without a file, `darwin` stands for the systems that have not.
const platforms = ['linux', 'darwin'] as const;

function create(platform: NodeJS.Platform = 'linux') {
  return createClaimLock({ environment: { NAMETAG_RUNTIME_DIR: folder }, platform });
}

describe.each(platforms)('the claim lock on %s', (platform) => {
  test('is had by one at a time, for each instance', async () => {
    const held = await create(platform).acquire(instanceId);
    await expect(create(platform).acquire(instanceId)).rejects.toMatchObject({
      code: 'NAMETAG_CLAIM_BUSY',
      details: { instanceId },
    });
    const other = await create(platform).acquire(`${instanceId}0`);
    await other.release();
    await held.release();
    const again = await create(platform).acquire(instanceId);
    await again.release();
  });

  test('finds the mark that a run before left, until it is cleared', async () => {
    const first = await create(platform).acquire(instanceId);
    expect(first.foundMark).toBe(false);
    await first.mark();
    await first.mark();
    await first.release();

    const second = await create(platform).acquire(instanceId);
    expect(second.foundMark).toBe(true);
    await second.clearMark();
    await second.clearMark();
    await second.release();

    const third = await create(platform).acquire(instanceId);
    expect(third.foundMark).toBe(false);
    await third.release();
    expect(readdirSync(folder)).toEqual([`claim-${instanceId}.written`]);
  });

  test('tells how long ago a run before was certain of its writes', async () => {
    const first = await create(platform).acquire(instanceId);
    expect(first.sinceWriteMs).toBeUndefined();
    await first.clearMark();
    await first.release();

    const second = await create(platform).acquire(instanceId);
    expect(second.sinceWriteMs).toBeGreaterThanOrEqual(0);
    expect(second.sinceWriteMs).toBeLessThan(60_000);
    await second.release();

    const path = join(folder, `claim-${instanceId}.written`);
    // In milliseconds of the uptime, which another version of this program may have written.
    writeFileSync(path, String(Math.round(uptime() * 1000) - 5000));
    const later = await create(platform).acquire(instanceId);
    expect(later.sinceWriteMs).toBeGreaterThanOrEqual(5000);
    expect(later.sinceWriteMs).toBeLessThan(65_000);
    await later.release();

    for (const unreadable of ['', 'later', '99999999999999']) {
      writeFileSync(path, unreadable);
      const third = await create(platform).acquire(instanceId);
      expect(third.sinceWriteMs).toBeUndefined();
      await third.release();
    }
  });
});

// Goal: the lock of a process that died is free, its mark is still there, and a process that has
// the lock can end. Method: real processes, killed.
describe('a process', () => {
  let bundleFolder: string;
  let bundle: string;

  beforeAll(async () => {
    bundleFolder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
    bundle = join(bundleFolder, 'hold.mjs');
    await build({
      stdin: {
        contents: `
          import cluster from 'node:cluster';
          import { createClaimLock } from './src/host/claim-lock.ts';
          const [folder, instanceId, platform, how] = process.argv.slice(2);
          const lock = createClaimLock({ environment: { NAMETAG_RUNTIME_DIR: folder }, platform });
          const said = [];
          cluster.on('message', (_, text) => {
            if (said.push(text) < 2) return;
            console.log(said.sort().join());
            process.exit();
          });
          if (how === 'fork' && cluster.isPrimary) {
            cluster.fork();
            cluster.fork();
          } else if (how === 'fork') {
            process.send(await lock.acquire(instanceId).then(() => 'held', ({ code }) => code));
          } else {
            const held = await lock.acquire(instanceId);
            await held.mark();
            console.log('held');
            if (how === 'stay') setInterval(() => {}, 1000);
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
    rmSync(bundleFolder, { recursive: true, force: true });
  });

  async function start(platform: string, how: 'stay' | 'end'): Promise<ChildProcess> {
    const child = run(platform, how);
    await once(child.stdout!, 'data');
    return child;
  }

  function run(platform: string, how: 'stay' | 'end' | 'fork'): ChildProcess {
    const args = [bundle, folder, instanceId, platform, how];
    return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  test('that is a worker of a cluster has the lock for itself', async () => {
    const [said] = await once(run('linux', 'fork').stdout!, 'data');
    expect(String(said)).toBe('NAMETAG_CLAIM_BUSY,held\n');
  });

  test.each(platforms)(
    'that is killed on %s loses the lock and leaves the mark',
    async (system) => {
      const child = await start(system, 'stay');
      await expect(create(system).acquire(instanceId)).rejects.toMatchObject({
        code: 'NAMETAG_CLAIM_BUSY',
      });
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      expect(readdirSync(folder).filter((name) => name.endsWith('.sock'))).toHaveLength(
        system === 'linux' ? 0 : 1,
      );
      const held = await create(system).acquire(instanceId);
      expect(held.foundMark).toBe(true);
      await held.release();
    },
  );

  test('ends although it has the lock, even when somebody is connected to it', async () => {
    const child = await start('linux', 'stay');
    const ended = once(child, 'exit');
    const name = `\0nametag-claim-${instanceId}-${shortDigest(folder)}`;
    const socket = createConnection(name.padEnd(108, '.'));
    // It hangs up: a connection would keep it from ending.
    socket.resume();
    await once(socket, 'close');
    child.kill('SIGKILL');
    await ended;

    const brief = await start('linux', 'end');
    expect(await once(brief, 'exit')).toEqual([0, null]);
  });
});

describe('acquire', () => {
  test.each([
    '',
    'i-',
    'web-1',
    'i-../../etc/x',
    '../i-0',
    'i-0/1',
    'i-A',
    'i-0\n',
    `i-${'0'.repeat(70)}`,
  ])('takes %j for a mistake', async (text) => {
    await expect(create().acquire(text)).rejects.toThrow(TypeError);
  });

  test('says which runtime folder cannot be made, and how to name another', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const lock = createClaimLock({ environment: { NAMETAG_RUNTIME_DIR: join(file, 'nametag') } });
    await expect(lock.acquire(instanceId)).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_DENIED',
      details: { path: join(file, 'nametag') },
      message: expect.stringContaining('NAMETAG_RUNTIME_DIR'),
    });
  });

  test('fails in the same way when the mark cannot be written', async () => {
    const held = await create().acquire(instanceId);
    rmSync(folder, { recursive: true });
    await expect(held.mark()).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_DENIED' });
    await held.release();
  });

  test('lets the lock go when what a run before has left cannot be read', async () => {
    const left = join(folder, `claim-${instanceId}.written`);
    mkdirSync(left);
    await expect(create().acquire(instanceId)).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_DENIED',
    });
    rmSync(left, { recursive: true });
    await (await create().acquire(instanceId)).release();
  });

  test('writes the mark for this user alone', async () => {
    const held = await create().acquire(instanceId);
    await held.mark();
    expect(statSync(join(folder, `claim-${instanceId}.mark`)).mode & 0o7777).toBe(0o600);
    await held.clearMark();
    expect(statSync(join(folder, `claim-${instanceId}.written`)).mode & 0o7777).toBe(0o600);
    // One that is cleared is gone, and that is no failure.
    await held.clearMark();
    await held.release();
  });

  test('does not pass for cleared when the mark cannot be removed', async () => {
    const held = await create().acquire(instanceId);
    mkdirSync(join(folder, `claim-${instanceId}.mark`));
    await expect(held.clearMark()).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_DENIED' });
    await held.release();
  });
});

describe('openRuntimeFolder', () => {
  test('takes the first of the folders that are set', async () => {
    const at = (name: string): string => join(folder, name);
    const environment = {
      NAMETAG_RUNTIME_DIR: at('own'),
      RUNTIME_DIRECTORY: `${at('first')}:${at('second')}`,
    };
    expect(await openRuntimeFolder(environment)).toBe(at('own'));
    expect(await openRuntimeFolder({ ...environment, NAMETAG_RUNTIME_DIR: '' })).toBe(at('first'));
    expect(existsSync(at('second'))).toBe(false);
    expect(statSync(at('own')).mode & 0o7777).toBe(0o700);
  });

  test.each([
    [0, {}, '/run/nametag', false],
    [0, { XDG_RUNTIME_DIR: '/run/user/0' }, '/run/nametag', false],
    [0, { NAMETAG_RUNTIME_DIR: '/own' }, '/own', false],
    [0, { RUNTIME_DIRECTORY: '/service:/other' }, '/service', false],
    [1000, { XDG_RUNTIME_DIR: '/xdg' }, '/xdg/nametag', false],
    [1000, {}, '/tmp-of-test/nametag-1000', true],
    [undefined, {}, '/tmp-of-test/nametag-user', true],
  ])('for uid %j and %j is %s, shared: %s', (uid, environment, path, shared) => {
    const found = findRuntimeFolder(environment, { uid, temporary: '/tmp-of-test' });
    expect(found).toEqual({ path, shared });
  });

  test('refuses a shared folder that somebody else could have made', async () => {
    const uid = process.getuid?.() ?? 0;
    const open = async (name: string) =>
      openFolder({ path: join(folder, name), shared: true }, uid);
    mkdirSync(join(folder, 'target'), { mode: 0o700 });
    symlinkSync('target', join(folder, 'link'));
    mkdirSync(join(folder, 'open'));
    chmodSync(join(folder, 'open'), 0o777);
    expect(await open('target')).toBe(join(folder, 'target'));
    for (const name of ['link', 'open']) {
      await expect(open(name)).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_DENIED' });
    }
  });
});
