/**
 * Files that are old or new at every moment, whatever happens.
 *
 * New content goes to a file beside the old one and is renamed over it. Where that cannot work (a
 * bind mount, a folder that is read-only) it is written over the old, never shorter than the
 * shorter of the two, and the result says so. Nothing is left behind by a failure; what a killed
 * process leaves is removed by the next one that writes the same file.
 */
import { createHash, randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NametagError } from '../errors.ts';
import type { CallOptions, ComposedFile, FileChange, Files, FileUpdate } from '../ports.ts';
import type { Backups } from './backup.ts';
import { type FileOperations, systemFileOperations } from './file-operations.ts';
import { createJournal, isTorn, type Journal, overwrite, restore, writeAll } from './overwrite.ts';
import { openRuntimeFolder } from './runtime-folder.ts';
import { type SocketLock, trySocketLock } from './socket-lock.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/** How files are written on this machine. */
export interface FilesOptions {
  /** How long to wait for another process that writes the same file. @defaultValue `10_000` */
  readonly lockWaitMs?: number | undefined;
  /** @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** @defaultValue {@link systemFileOperations} */
  readonly operations?: FileOperations | undefined;
  /** What keeps the content that is written over. @defaultValue nothing does */
  readonly backups?: Backups | undefined;
}

const lockPollMs = 25;
// How often a file may change between reading it and replacing it before we say it is busy.
const maxAttempts = 5;
const newFileMode = 0o644;

// What rename(2), open(2) and chown(2) say where a file may be written but not replaced: a mount
// point, a folder closed to us, an owner we cannot give or (EINVAL) that this namespace lacks.
const replaceRefusals: readonly (string | undefined)[] = [
  'EACCES',
  'EBUSY',
  'EINVAL',
  'EPERM',
  'EROFS',
  'EXDEV',
];
const deniedCodes = ['EACCES', 'EISDIR', 'ELOOP', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'];

interface Target {
  /** With every symbolic link followed. */
  readonly path: string;
  readonly stats: Stats;
  readonly bytes: Buffer;
}

/**
 * Makes the files of this machine.
 *
 * A file keeps its owner, mode, access list, security label and extended attributes. Node has no
 * call for the last three, so GNU `cp` copies them; where there is only another `cp` they are lost.
 * A file that was not there gets the mode 0644.
 */
export function createFiles(options: FilesOptions = {}): Files {
  const { environment = process.env, lockWaitMs = 10_000, backups } = options;
  const operations = options.operations ?? systemFileOperations;
  const means = { operations, backups, journal: createJournal(environment) };
  return {
    read: async (path) => {
      const target = await readTarget(operations, path);
      const unfinished = target && (await means.journal.find(target.path));
      const torn = unfinished !== undefined && isTorn(target?.bytes ?? unfinished.old, unfinished);
      return torn ? unfinished.old : target?.bytes;
    },
    update: async (path, compose, callOptions = {}) => {
      try {
        const place = await resolveTarget(operations, path);
        const lock = await waitForLock(place, { environment, lockWaitMs, ...callOptions });
        try {
          return await composeAndWrite(means, { path: place, compose }, callOptions);
        } finally {
          await lock.release();
        }
      } catch (error) {
        throw toOutputError(path, error);
      }
    },
  };
}

interface Means {
  readonly operations: FileOperations;
  readonly backups: Backups | undefined;
  readonly journal: Journal;
}

async function composeAndWrite<Report>(
  means: Means,
  work: {
    readonly path: string;
    readonly compose: (old: Uint8Array | undefined) => ComposedFile<Report>;
  },
  { signal }: CallOptions,
): Promise<FileUpdate<Report>> {
  const { operations, backups } = means;
  const { path, compose } = work;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    signal?.throwIfAborted();
    const old = await readWhole(means, path);
    const { bytes, report } = compose(old?.bytes);
    if (old?.bytes.equals(bytes) === true)
      return { change: 'unchanged', report, noBackup: undefined };
    // A file that is marked as read-only is left alone, even where its folder would let us.
    if (old !== undefined) await operations.access(path, constants.W_OK);
    const noBackup = await keepBackup(backups, old);
    const change = await write(means, { path, old, bytes }, signal);
    if (change !== undefined) return { change, report, noBackup };
  }
  const fact = `something else changed it ${maxAttempts} times while it was being written`;
  throw new NametagError('NAMETAG_OUTPUT_BUSY', { path, fact });
}

/**
 * Reads a file, and first puts right what a killed run has left part old and part new.
 *
 * The other part must not be taken for what somebody wrote outside the block.
 */
async function readWhole(means: Means, path: string): Promise<Target | undefined> {
  const { operations, journal } = means;
  const target = await readTarget(operations, path);
  const unfinished = await journal.find(path);
  if (target === undefined || unfinished === undefined) return target;
  const torn = isTorn(target.bytes, unfinished);
  if (torn) await restore(operations, unfinished);
  await journal.end(path);
  return torn ? await readTarget(operations, path) : target;
}

/** Gives why it could not be kept: names that are right matter more than old ones. */
async function keepBackup(
  backups: Backups | undefined,
  old: Target | undefined,
): Promise<string | undefined> {
  if (backups === undefined || old === undefined) return undefined;
  try {
    await backups.keep(old.path, { bytes: old.bytes, mode: old.stats.mode });
    return undefined;
  } catch (error) {
    return systemErrorFact(error);
  }
}

interface Change {
  readonly path: string;
  readonly old: Target | undefined;
  readonly bytes: Uint8Array;
}

/** Writes it one way or the other; `undefined` if the file is not the old one any more. */
async function write(
  means: Means,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<FileChange | undefined> {
  const { operations } = means;
  const { old, bytes, path } = change;
  try {
    const renamed = await writeByRename(operations, change, signal);
    if (!renamed) return undefined;
    return old === undefined ? 'created' : 'replaced';
  } catch (error) {
    if (old === undefined || !replaceRefusals.includes(systemErrorCode(error))) throw error;
  }
  signal?.throwIfAborted();
  if (!(await isStill(operations, path, old))) return undefined;
  await overwrite(means, { path: old.path, old: old.bytes, fresh: bytes });
  return 'overwritten-in-place';
}

async function writeByRename(
  operations: FileOperations,
  { path, old, bytes }: Change,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const prefix = join(dirname(path), `.${basename(path).slice(0, 60)}.nametag-`);
  await removeLeftovers(operations, prefix);
  const temporary = `${prefix}${randomBytes(6).toString('hex')}`;
  const handle = await operations.open(temporary, 'wx', 0o600);
  try {
    try {
      await writeAll(handle, bytes, path);
      await takeAttributes(operations, { handle, path: temporary }, old);
      await handle.sync();
    } finally {
      await handle.close();
    }
    signal?.throwIfAborted();
    // A person with an editor knows nothing of our lock. This leaves them an instant, not a while.
    if (!(await isStill(operations, path, old))) {
      await operations.unlink(temporary);
      return false;
    }
    await operations.rename(temporary, path);
  } catch (error) {
    await operations.unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(operations, dirname(path));
  return true;
}

/** Removes what killed processes left. Under the lock, so that nobody is using one of them. */
async function removeLeftovers(operations: FileOperations, prefix: string): Promise<void> {
  const start = basename(prefix);
  // A folder that cannot be listed can still be written to.
  const names = await operations.readdir(dirname(prefix)).catch(() => []);
  for (const name of names) {
    if (name.startsWith(start) && /^[0-9a-f]{12}$/.test(name.slice(start.length))) {
      await operations.unlink(join(dirname(prefix), name)).catch(() => undefined);
    }
  }
}

async function takeAttributes(
  operations: FileOperations,
  fresh: { readonly handle: FileHandle; readonly path: string },
  old: Target | undefined,
): Promise<void> {
  const { handle } = fresh;
  if (old === undefined) {
    await handle.chmod(newFileMode);
    return;
  }
  await operations.copyAttributes(old.path, fresh.path);
  const { uid, gid } = await handle.stat();
  if (uid !== old.stats.uid || gid !== old.stats.gid) {
    await handle.chown(old.stats.uid, old.stats.gid);
  }
  // Last, since a change of owner may take bits of the mode away.
  await handle.chmod(old.stats.mode & 0o7777);
}

async function syncFolder(operations: FileOperations, folder: string): Promise<void> {
  try {
    const handle = await operations.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The new file is there, and whole. Should a power failure undo the rename, the old one is
    // back, whole too, and the next run replaces it again.
  }
}

async function readTarget(operations: FileOperations, path: string): Promise<Target | undefined> {
  try {
    const place = await operations.realpath(path);
    // Before it is opened: opening a pipe waits for whoever is at its other end.
    const stats = await operations.lstat(place);
    if (!stats.isFile()) {
      throw new NametagError('NAMETAG_INPUT_UNREADABLE', { path, fact: 'it is not a plain file' });
    }
    const handle = await operations.open(place, 'r');
    try {
      return { path: place, stats, bytes: await handle.readFile() };
    } finally {
      await handle.close().catch(() => undefined);
    }
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT') return undefined;
    if (code === undefined) throw error;
    const fact = systemErrorFact(error);
    throw new NametagError('NAMETAG_INPUT_UNREADABLE', { path, fact }, { cause: error });
  }
}

async function isStill(
  operations: FileOperations,
  path: string,
  old: Target | undefined,
): Promise<boolean> {
  try {
    const now = await operations.lstat(path);
    return (
      old !== undefined &&
      now.ino === old.stats.ino &&
      now.size === old.stats.size &&
      now.mtimeMs === old.stats.mtimeMs &&
      now.ctimeMs === old.stats.ctimeMs
    );
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    return old === undefined;
  }
}

/** Follows every symbolic link, also to a file that is not there yet. */
async function resolveTarget(operations: FileOperations, path: string): Promise<string> {
  try {
    return await operations.realpath(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  const folder = await operations.realpath(dirname(path));
  const place = join(folder, basename(path));
  try {
    // A circle of links was ELOOP above, so this ends.
    return await resolveTarget(operations, resolve(folder, await operations.readlink(place)));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return place;
    throw error;
  }
}

async function waitForLock(
  path: string,
  options: CallOptions & {
    readonly environment: NodeJS.ProcessEnv;
    readonly lockWaitMs: number;
  },
): Promise<SocketLock> {
  const { environment, lockWaitMs, signal } = options;
  const name = `file-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  const folder = (): Promise<string> => openRuntimeFolder(environment);
  for (let waitedMs = 0; ; waitedMs += lockPollMs) {
    signal?.throwIfAborted();
    const lock = await trySocketLock(name, { folder });
    if (lock !== undefined) return lock;
    if (waitedMs >= lockWaitMs) break;
    await delay(lockPollMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
  const fact = `another nametag process has been writing it for ${lockWaitMs} ms`;
  throw new NametagError('NAMETAG_OUTPUT_BUSY', { path, fact });
}

function toOutputError(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  const details = { path, fact: systemErrorFact(error) };
  return deniedCodes.includes(code)
    ? new NametagError('NAMETAG_OUTPUT_DENIED', details, { cause: error })
    : new NametagError('NAMETAG_OUTPUT_FAILED', details, { cause: error });
}
