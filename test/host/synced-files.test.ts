/** What a power failure must not undo is on disk before what relies on it is done. */
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBackups } from '../../src/host/backup.ts';
import { createClaimLock } from '../../src/host/claim-lock.ts';
import { systemFileOperations } from '../../src/host/file-operations.ts';
import { createFileSets } from '../../src/host/file-set.ts';
import { createFileSetJournal } from '../../src/host/file-set-journal.ts';
import { createJournal } from '../../src/host/overwrite.ts';
import { createFiles } from '../../src/host/replace-file.ts';
import { systemError } from './failing-operations.ts';

let folder: string;
let path: string;
/** The names of what was synced, in order, and of what something was renamed to. */
let log: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  mkdirSync(join(folder, 'etc'));
  path = join(folder, 'etc', 'hosts');
  writeFileSync(path, 'much older\n');
  log = [];
  const handle = await open(path);
  const prototype: FileHandle = Object.getPrototypeOf(handle);
  await handle.close();
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    log.push(basename(readlinkSync(`/proc/self/fd/${this.fd}`)).replace(/[0-9a-f]{8,}/, 'HEX'));
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  NAMETAG_STATE_DIR: join(folder, 'state'),
  NAMETAG_RUNTIME_DIR: join(folder, 'run'),
});

/** Operations that note what is renamed over, and refuse to where only writing in place works. */
function operations({ inPlace = false } = {}) {
  return {
    ...systemFileOperations,
    rename: async (from: string, to: string) => {
      if (inPlace && to === path) throw systemError('EBUSY');
      log.push(`to ${basename(to)}`);
      await systemFileOperations.rename(from, to);
    },
  };
}

async function update(options: { inPlace?: boolean } = {}): Promise<void> {
  const files = createFiles({ environment: environment(), operations: operations(options) });
  await files.update(path, () => ({ bytes: Buffer.from('new\n'), report: undefined }));
}

async function render(options: { inPlace?: boolean } = {}): Promise<void> {
  const fileOperations = { operations: operations(options), warn: () => undefined };
  const set = await createFileSets({ environment: environment(), ...fileOperations }).open();
  await (await set.stage([{ path, bytes: Buffer.from('new\n'), hasCommand: true }])).commit();
  await set.close();
}

test('a file is, before it is in its place, and that it is there', async () => {
  await update();
  expect(log).toEqual(['.hosts.nametag-HEX', 'to hosts', 'etc']);
});

test('what a file said is, before it is written in place, and before it is cut off', async () => {
  await update({ inPlace: true });
  expect(log).toEqual(['.hosts.nametag-HEX', 'HEX.new', 'hosts', 'hosts']);
});

test('a file that is put right is, before it is written anew', async () => {
  const [old, fresh] = [Buffer.from('aaaa'), Buffer.from('bbbb')];
  await createJournal(environment()).begin({ path, old, fresh });
  writeFileSync(path, 'bbaa');
  log = [];
  await update();
  expect(log).toEqual(['hosts', '.hosts.nametag-HEX', 'to hosts', 'etc']);
});

test('what a run before has left to do is, when it has been done', async () => {
  const candidate = join(folder, 'etc', '.hosts.nametag-set-0123456789ab');
  const journal = createFileSetJournal(
    systemFileOperations,
    join(folder, 'state', 'render', 'journal'),
  );
  await journal.write({ moves: [], removals: [{ path: candidate }], pending: [] });
  writeFileSync(candidate, 'new');
  log = [];
  const sets = createFileSets({ environment: environment(), warn: () => undefined });
  await (await sets.open()).close();
  expect(log).toEqual(['etc']);
});

test('a backup is', async () => {
  const backups = createBackups({ environment: environment() });
  await backups.keep(path, { bytes: Buffer.from('old'), mode: 0o644 });
  expect(log).toEqual(['.unfinished.HEX']);
});

test('the mark of a claim is, and that it is there', async () => {
  const lock = await createClaimLock({ environment: environment() }).acquire('i-0');
  await lock.mark();
  await lock.release();
  expect(log).toEqual(['claim-i-0.mark', 'run']);
});

test('the journal of a set is, before its files are, and they before it ends', async () => {
  await render();
  const written = ['journal.new', 'to journal', 'render'];
  expect(log).toEqual([
    // That there will be a candidate; the candidate; that it is to be moved.
    ...[...written, '.hosts.nametag-set-HEX', 'etc', ...written],
    ...['to hosts', 'etc', ...written],
  ]);
});

test('the journal of a set is, before a file of it is written in place', async () => {
  await render({ inPlace: true });
  const written = ['journal.new', 'to journal', 'render'];
  expect(log).toEqual([
    ...[...written, '.hosts.nametag-set-HEX', 'etc', ...written],
    ...['HEX.new', 'hosts', 'hosts', 'etc', ...written],
  ]);
});
