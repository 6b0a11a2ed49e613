/**
 * Putting candidates in the place of files, so that a run that was killed can be gone on with.
 */
import { dirname } from 'node:path';
import type { FileOperations } from './file-operations.ts';
import { digestOf, type Move, type Removal, removeIfThere } from './file-set-journal.ts';
import { isTorn, type Journal, overwrite } from './overwrite.ts';
import { isReplaceRefusal, readOutput, readTarget, syncFolder } from './target-file.ts';

/** What files are moved with. */
export interface MoveMeans {
  readonly operations: FileOperations;
  /** Of what is being written in place. */
  readonly overwrites: Journal;
}

/**
 * Puts a candidate in its place: by rename, or where that cannot work by writing in place.
 *
 * The candidate is gone after it. One that lies in another folder is never renamed, since it was
 * put there because its destination's folder is closed.
 */
export async function move(means: MoveMeans, { candidate, destination }: Move): Promise<void> {
  const { operations } = means;
  if (dirname(candidate) === dirname(destination)) {
    try {
      await operations.rename(candidate, destination);
      return;
    } catch (error) {
      if (!isReplaceRefusal(error)) throw error;
    }
  }
  await moveInPlace(means, candidate, destination);
}

async function moveInPlace(
  { operations, overwrites }: MoveMeans,
  candidate: string,
  destination: string,
): Promise<void> {
  const [fresh, now] = [
    await readTarget(operations, candidate),
    await readTarget(operations, destination),
  ];
  if (fresh === undefined || now === undefined) {
    // Says what is missing.
    await operations.lstat(fresh === undefined ? candidate : destination);
    return;
  }
  const unfinished = await overwrites.find(destination);
  const torn = unfinished !== undefined && isTorn(now.bytes, unfinished);
  const change = { path: destination, old: torn ? unfinished.old : now.bytes, fresh: fresh.bytes };
  await overwrite({ operations, journal: overwrites }, change);
  if ((now.stats.mode ^ fresh.stats.mode) & 0o7777) {
    const handle = await operations.open(destination, 'r+');
    try {
      await handle.chmod(fresh.stats.mode & 0o7777);
    } finally {
      await handle.close().catch(() => undefined);
    }
  }
  await removeIfThere(operations, candidate);
}

/**
 * Makes a move that a killed run may have made already.
 *
 * Gives `lost` if the file has neither its old content nor the new: somebody else was here, and
 * what they wrote stays.
 */
export async function moveAgain(means: MoveMeans, toDo: Move): Promise<'moved' | 'lost'> {
  const { operations } = means;
  const candidate = await readTarget(operations, toDo.candidate);
  const now = await readState(means, toDo);
  if (candidate !== undefined && digestOf(candidate.bytes) === toDo.digest && now !== 'other') {
    await move(means, toDo);
    return 'moved';
  }
  // Somebody has changed one or the other, or a disk has.
  if (candidate !== undefined) await removeIfThere(operations, toDo.candidate);
  return now === 'new' ? 'moved' : 'lost';
}

/** Tells how far a move is, by the content of the file; `torn` is in the middle of it. */
export async function readState(
  { operations, overwrites }: MoveMeans,
  { destination, digest, oldDigest }: Move,
): Promise<'old' | 'new' | 'torn' | 'other'> {
  const file = await readOutput(operations, destination);
  const now = file && digestOf(file.bytes);
  if (now === digest) return 'new';
  if (now === oldDigest) return 'old';
  const unfinished = await overwrites.find(destination);
  const isOurs = unfinished !== undefined && digestOf(unfinished.old) === oldDigest;
  return isOurs && file !== undefined && isTorn(file.bytes, unfinished) ? 'torn' : 'other';
}

/** Removes a candidate, or a file if it has the content that it is to be removed with. */
export async function remove(operations: FileOperations, { path, digest }: Removal): Promise<void> {
  if (digest !== undefined) {
    const file = await readTarget(operations, path);
    if (file === undefined || digestOf(file.bytes) !== digest) return;
  }
  await removeIfThere(operations, path);
}

/** Has the disk hold what was renamed in the folders of these paths, where it can. */
export async function syncFolders(
  operations: FileOperations,
  paths: readonly string[],
): Promise<void> {
  for (const folder of new Set(paths.map((path) => dirname(path)))) {
    await syncFolder(operations, folder);
  }
}
