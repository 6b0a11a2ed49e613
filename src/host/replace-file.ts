/**
 * Files that are old or new at every moment, whatever happens.
 *
 * New content goes to a file beside the old one and is renamed over it. Where that cannot work (a
 * bind mount, a folder that is read-only) it is written over the old, never shorter than the
 * shorter of the two, and the result says so. Nothing is left behind by a failure; what a killed
 * process leaves is removed by the next one that writes the same file.
 */
import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { NametagError } from '../errors.ts';
import type { CallOptions, ComposedFile, FileChange, Files, FileUpdate } from '../ports.ts';
import type { Backups } from './backup.ts';
import { type FileOperations, systemFileOperations } from './file-operations.ts';
import { createJournal, isTorn, type Journal, overwrite, restore, writeAll } from './overwrite.ts';
import { openRuntimeFolder } from './runtime-folder.ts';
import { lockDespiteOthers, type SocketLock } from './socket-lock.ts';
import { systemErrorFact } from './system-error.ts';
import {
  isReplaceRefusal,
  isStill,
  readTarget,
  resolveTarget,
  syncFolder,
  type Target,
  takeAttributes,
  toOutputError,
} from './target-file.ts';
import { type WaitedLockOptions, waitForLock } from './waited-lock.ts';

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

// How often a file may change between reading it and replacing it before we say it is busy.
const maxAttempts = 5;

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
        const lock = await lockFile(place, { environment, lockWaitMs, ...callOptions });
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
    if (old === undefined || !isReplaceRefusal(error)) throw error;
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

async function lockFile(path: string, options: WaitedLockOptions): Promise<SocketLock> {
  const name = `file-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  const folder = (): Promise<string> => openRuntimeFolder(options.environment);
  const lock = (await waitForLock(name, options)) ?? (await lockDespiteOthers(name, { folder }));
  if (lock !== undefined) return lock;
  const fact = `another nametag process has been writing it for ${options.lockWaitMs} ms`;
  throw new NametagError('NAMETAG_OUTPUT_BUSY', { path, fact });
}
