import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFiles } from '../../src/host/replace-file.ts';
import { isHeldByOthers, listenersOf, userOf } from '../../src/host/socket-holder.ts';
import { socketLockPath } from '../../src/host/socket-lock.ts';

describe('listenersOf', () => {
  const text = `Num       RefCount Protocol Flags    Type St Inode Path
000000002b5e7e7e: 00000003 00000000 00000000 0001 03 1278840
000000004b7619a8: 00000002 00000000 00010000 0001 01 17 @nametag-a
000000004b7619a9: 00000003 00000000 00000000 0001 03 18 @nametag-a
000000004b7619aa: 00000002 00000000 00010000 0001 01 19 @nametag-ab
000000004b7619ab: 00000002 00000000 00010000 0001 01 20 /run/a b
`;

  test.each([
    ['\0nametag-a', ['17']],
    ['\0nametag-ab', ['19']],
    ['\0nametag-b', []],
    ['/run/a b', ['20']],
  ])('of %j gives %j', (path, inodes) => {
    expect(listenersOf(path, text)).toEqual(inodes);
  });
});

test.each([
  ['Name:\tnode\nUid:\t1000\t1001\t1000\t1000\n', 1001],
  ['Name:\tUid: 5\nUid:\t0\t0\t0\t0\n', 0],
  ['', undefined],
])('userOf %j is the effective user, %j', (status, uid) => {
  expect(userOf(status)).toBe(uid);
});

// Only root may start a process as another user, and only Linux has sockets without a file.
describe.runIf(process.platform === 'linux' && process.getuid?.() === 0)('seen as root', () => {
  const nobody = 65_534;
  let folder: string;
  let environment: NodeJS.ProcessEnv;
  let holder: ChildProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
    environment = { NAMETAG_RUNTIME_DIR: folder };
  });

  afterEach(() => {
    holder?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const lockNameOf = (path: string): string =>
    `file-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;

  /** Has another process, of this user, listen on the socket of a lock. */
  async function hold(name: string, uid: number): Promise<string> {
    const path = await socketLockPath(name, { folder: async () => folder });
    const script = `require('net').createServer().listen(process.env.HELD.replace('@', '\\0'), () =>
      console.log('held'))`;
    holder = spawn(process.execPath, ['-e', script], {
      uid,
      cwd: '/',
      env: { HELD: path.replace('\0', '@') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout!, 'data');
    return path;
  }

  const replace = (path: string) =>
    createFiles({ environment, lockWaitMs: 0 }).update(path, () => ({
      bytes: Buffer.from('new'),
      report: undefined,
    }));

  test('a file is written though another user keeps its lock', async () => {
    const path = join(folder, 'hosts');
    const socket = await hold(lockNameOf(path), nobody);
    expect(await isHeldByOthers(socket)).toBe(true);
    await replace(path);
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  test('it is not while another process of root does (the control)', async () => {
    const path = join(folder, 'hosts');
    const socket = await hold(lockNameOf(path), 0);
    expect(await isHeldByOthers(socket)).toBe(false);
    expect(await isHeldByOthers(socket, nobody)).toBe(false);
    await expect(replace(path)).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_BUSY' });
  });

  test('a lock that nobody keeps is held by no other', async () => {
    expect(await isHeldByOthers('\0nametag-test-none')).toBe(false);
  });
});
