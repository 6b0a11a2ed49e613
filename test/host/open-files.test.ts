import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBackups } from '../../src/host/backup.ts';
import { createClaimLock } from '../../src/host/claim-lock.ts';
import { type FileOperations, systemFileOperations } from '../../src/host/file-operations.ts';
import { createFileSets } from '../../src/host/file-set.ts';
import { createJournal } from '../../src/host/overwrite.ts';
import { readBounded } from '../../src/host/read-bounded.ts';
import { createFiles } from '../../src/host/replace-file.ts';
import { failing, systemError } from './failing-operations.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  mkdirSync(join(folder, 'files'));
  path = join(folder, 'files', 'hosts');
  writeFileSync(path, 'old\n');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What this process has open below the folder, proc(5). */
function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const target = readlinkSync(join('/proc/self/fd', descriptor));
      return target.startsWith(folder) ? [target] : [];
    } catch {
      // The list itself was open while it was made.
      return [];
    }
  });
}

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  NAMETAG_STATE_DIR: join(folder, 'state'),
  NAMETAG_RUNTIME_DIR: join(folder, 'run'),
});

async function update(operations: FileOperations, text = 'new\n'): Promise<void> {
  const backups = createBackups({ environment: environment() });
  const files = createFiles({ environment: environment(), operations, backups });
  await files.update(path, () => ({ bytes: Buffer.from(text), report: undefined }));
}

async function render(operations: FileOperations, mode?: number): Promise<void> {
  const sets = createFileSets({ warn: () => undefined, environment: environment(), operations });
  const set = await sets.open();
  try {
    const file = { path, bytes: Buffer.from('new\n'), hasCommand: true, mode };
    await (await set.stage([file])).commit();
    await set.done([path]);
  } finally {
    await set.close();
  }
}

/** Operations that can write the file in place only, and fail at this call. */
function inPlace(failsAt?: string): FileOperations {
  const operations = failing((call) => (call === failsAt ? systemError('EIO') : undefined));
  return {
    ...operations,
    rename: async (from, to) => {
      if (to === path) throw systemError('EBUSY');
      await operations.rename(from, to);
    },
  };
}

/** Operations of which this call fails. */
const failingAt = (failsAt: string): FileOperations =>
  failing((call) => (call === failsAt ? systemError('EIO') : undefined));

async function restoreTorn(operations: FileOperations): Promise<void> {
  const torn = { path, old: Buffer.from('aaaa'), fresh: Buffer.from('bbbb') };
  await createJournal(environment()).begin(torn);
  writeFileSync(path, 'bbaa');
  await update(operations);
}

async function claim(): Promise<void> {
  const lock = await createClaimLock({ environment: environment() }).acquire('i-0');
  await lock.mark();
  await lock.clearMark();
  await lock.release();
}

// Whoever watches does all of this for months.
describe('no file is left open', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['by replacing one', async () => await update(systemFileOperations)],
    ['by writing one in place', async () => await update(inPlace())],
    ['by putting one right', async () => await restoreTorn(systemFileOperations)],
    ['by writing a set', async () => await render(systemFileOperations)],
    ['by writing a set in place, with a mode', async () => await render(inPlace(), 0o600)],
    ['by reading a bounded one', async () => await readBounded(path, 100)],
    ['by a claim', claim],
  ])('%s', async (_, work) => {
    await work();
    expect(openFiles()).toEqual([]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['replacing one', async () => await update(failingAt('write wx'))],
    ['reading one', async () => await update(failingAt('readFile r'))],
    ['writing one in place', async () => await update(inPlace('write r+'))],
    ['putting one right', async () => await restoreTorn(failingAt('write r+'))],
    ['writing a set', async () => await render(failingAt('write wx'))],
    ['writing the journal of a set', async () => await render(failingAt('writeFile wx'))],
    ['waiting for the disk', async () => await render(failingAt('sync r'))],
    ['giving a file its mode', async () => await render(inPlace('chmod r+'), 0o600)],
    ['reading a folder as a file', async () => await readBounded(folder, 100)],
  ])('when %s fails', async (_, work) => {
    await expect(work()).rejects.toThrow();
    expect(openFiles()).toEqual([]);
  });

  test('and one that is would be seen (the control)', async () => {
    const handle = await open(path);
    expect(openFiles()).toEqual([path]);
    await handle.close();
    expect(openFiles()).toEqual([]);
  });
});
