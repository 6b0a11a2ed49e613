/**
 * A file that is about to be replaced: where it is, what it says, and what its successor keeps.
 */
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { NametagError } from '../errors.ts';
import type { FileOperations } from './file-operations.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/** A file that is there. */
export interface Target {
  /** With every symbolic link followed. */
  readonly path: string;
  readonly stats: Stats;
  readonly bytes: Buffer;
}

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
const newFileMode = 0o644;
const deniedCodes = ['EACCES', 'EISDIR', 'ELOOP', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'];

/** Tells whether an error says that a file cannot be replaced, though perhaps written in place. */
export function isReplaceRefusal(error: unknown): boolean {
  return replaceRefusals.includes(systemErrorCode(error));
}

/**
 * Gives a new file the owner, mode and other attributes of the old one, or the mode 0644.
 *
 * @param mode - instead of the old one's
 */
export async function takeAttributes(
  operations: FileOperations,
  fresh: { readonly handle: FileHandle; readonly path: string },
  old: Target | undefined,
  mode: number = old?.stats.mode ?? newFileMode,
): Promise<void> {
  const { handle } = fresh;
  if (old === undefined) {
    await handle.chmod(mode);
    return;
  }
  await operations.copyAttributes(old.path, fresh.path);
  const { uid, gid } = await handle.stat();
  if (uid !== old.stats.uid || gid !== old.stats.gid) {
    await handle.chown(old.stats.uid, old.stats.gid);
  }
  // Last, since a change of owner may take bits of the mode away.
  await handle.chmod(mode & 0o7777);
}

/** Has the disk hold what was renamed in a folder, where it can. */
export async function syncFolder(operations: FileOperations, folder: string): Promise<void> {
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

/**
 * Reads a file; `undefined` when there is none.
 *
 * @throws {@link NametagError} with code `NAMETAG_INPUT_UNREADABLE`.
 */
export async function readTarget(
  operations: FileOperations,
  path: string,
): Promise<Target | undefined> {
  try {
    return await readPlain(operations, path);
  } catch (error) {
    const fact = error instanceof NotPlain ? error.message : systemErrorFact(error);
    if (!(error instanceof NotPlain) && systemErrorCode(error) === undefined) throw error;
    throw new NametagError('NAMETAG_INPUT_UNREADABLE', { path, fact }, { cause: error });
  }
}

/**
 * Reads a file that is to be written; `undefined` when there is none.
 *
 * @param place - where it is, if that is known
 * @throws {@link NametagError} with code `NAMETAG_OUTPUT_DENIED` or `NAMETAG_OUTPUT_FAILED`.
 */
export async function readOutput(
  operations: FileOperations,
  path: string,
  place: string = path,
): Promise<Target | undefined> {
  try {
    return await readPlain(operations, place);
  } catch (error) {
    if (!(error instanceof NotPlain)) throw toOutputError(path, error);
    const details = { path, fact: error.message };
    throw new NametagError('NAMETAG_OUTPUT_DENIED', details, { cause: error });
  }
}

/** What is there is no plain file; the message says what it is, to go behind a colon. */
class NotPlain extends Error {
  override readonly name: string = 'NotPlain';
}

async function readPlain(operations: FileOperations, path: string): Promise<Target | undefined> {
  try {
    const place = await operations.realpath(path);
    // Before it is opened: opening a pipe waits for whoever is at its other end.
    const stats = await operations.lstat(place);
    if (!stats.isFile()) {
      throw new NotPlain(stats.isDirectory() ? 'it is a folder' : 'it is not a plain file');
    }
    const handle = await operations.open(place, 'r');
    try {
      return { path: place, stats, bytes: await handle.readFile() };
    } finally {
      await handle.close().catch(() => undefined);
    }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Tells whether nobody has changed the file, or made it, since it was read. */
export async function isStill(
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
export async function resolveTarget(operations: FileOperations, path: string): Promise<string> {
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

/**
 * Makes what the operating system says a failure to write; any other error is as it was.
 *
 * @param hint - one more thing to know, to go behind the fact in brackets
 */
export function toOutputError(path: string, error: unknown, hint?: string): unknown {
  const code = systemErrorCode(error);
  if (code === undefined) return error;
  const fact = systemErrorFact(error);
  const details = { path, fact: hint === undefined ? fact : `${fact} (${hint})` };
  return deniedCodes.includes(code)
    ? new NametagError('NAMETAG_OUTPUT_DENIED', details, { cause: error })
    : new NametagError('NAMETAG_OUTPUT_FAILED', details, { cause: error });
}

/** Does some work, of which {@link toOutputError} tells the failure. */
export async function outputGuarded<Result>(
  path: string,
  work: () => Promise<Result>,
  hint?: string,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toOutputError(path, error, hint);
  }
}
