/**
 * Sets of files of which other programs find all old or all new.
 *
 * New content is written beside each file, a journal that names all of it is put on disk, and each
 * is renamed into its place. Until the journal is there a run that is killed has changed nothing;
 * from then on the next run completes what it began, be it of another set. What it cannot complete
 * it tells, and leaves to the run after it. The state folder is needed for that: without it, a set
 * is not written.
 */
import { basename, dirname, join } from 'node:path';
import { NametagError } from '../errors.ts';
import type { CallOptions, FileOfSet, FileSet, FileSets, StagedFiles } from '../ports.ts';
import { findStateFolder } from './backup.ts';
import { type FileOperations, systemFileOperations } from './file-operations.ts';
import {
  type Candidate,
  findChanges,
  moveFrom,
  newCandidatePath,
  toRemoval,
  writeCandidate,
  writeNew,
} from './file-set-candidates.ts';
import {
  createFileSetJournal,
  digestOf,
  type Move,
  type Remainder,
  type Removal,
} from './file-set-journal.ts';
import { move, readState, syncFolders } from './file-set-moves.ts';
import {
  finish,
  nothingLeft,
  type RecoveryMeans,
  recover,
  recoverOthers,
  supersede,
  writeJournal,
} from './file-set-recovery.ts';
import { createJournal } from './overwrite.ts';
import type { SocketLock } from './socket-lock.ts';
import { systemErrorFact } from './system-error.ts';
import {
  isStill,
  outputGuarded,
  readTarget,
  resolveTarget,
  type Target,
  toOutputError,
} from './target-file.ts';
import { waitForLock } from './waited-lock.ts';

/** How sets of files are written on this machine. */
export interface FileSetsOptions {
  /** Says one sentence to a person. */
  readonly warn: (sentence: string) => void;
  /** How long to wait for another process that has a set. @defaultValue `10_000` */
  readonly lockWaitMs?: number | undefined;
  /** @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** @defaultValue {@link systemFileOperations} */
  readonly operations?: FileOperations | undefined;
}

/**
 * Makes the sets of files of this machine, with one journal: `render/journal` in the state folder.
 *
 * Sets may share files, and one grows or shrinks when somebody lists other files the next time.
 * With a journal of each, one would bring back what another has replaced, or forget its commands.
 *
 * A file keeps its owner, mode and other attributes as {@link createFiles} has it.
 */
export function createFileSets(options: FileSetsOptions): FileSets {
  const { warn, environment = process.env, lockWaitMs = 10_000 } = options;
  const operations = options.operations ?? systemFileOperations;
  const folder = join(findStateFolder(environment, process.getuid?.()), 'render');
  return {
    open: async ({ signal } = {}) => {
      const journalPath = join(folder, 'journal');
      const lockName = `set-${digestOf(Buffer.from(journalPath)).slice(0, 32)}`;
      const lock = await waitForLock(lockName, { environment, lockWaitMs, signal });
      if (lock === undefined) {
        const fact = `another nametag process has been writing files for ${lockWaitMs} ms`;
        throw new NametagError('NAMETAG_OUTPUT_BUSY', { path: journalPath, fact });
      }
      const means: RecoveryMeans = {
        operations,
        overwrites: createJournal(environment),
        journal: createFileSetJournal(operations, journalPath),
        journalPath,
        warn,
        stuck: { moves: [], removals: [] },
      };
      try {
        return createFileSet(means, lock, await recoverOthers(means));
      } catch (error) {
        await lock.release();
        throw error;
      }
    },
  };
}

function createFileSet(means: RecoveryMeans, lock: SocketLock, found: readonly string[]): FileSet {
  let pending = found;
  let staged: StagedFiles | undefined;
  return {
    pending: () => pending,
    stage: async (files, options = {}) => {
      if (staged !== undefined) throw new TypeError('Expected one stage of a set at a time');
      // A commit that failed may have left something to do.
      pending = await recover(means);
      const candidates = await stage(means, files, pending, options);
      // A command may have been taken away; of files that are not in this set, others know.
      const kept = pending.filter(
        (path) => files.find((file) => file.path === path)?.hasCommand ?? true,
      );
      staged = {
        changed: candidates.map(({ file: { path }, toDo, old }) => ({
          path,
          candidatePath: toDo.candidate,
          old: old?.bytes,
        })),
        commit: async () => {
          if (staged === undefined) throw new TypeError('Expected files that are staged');
          staged = undefined;
          const changed = candidates.filter(({ file }) => file.hasCommand);
          const next = [...new Set([...kept, ...changed.map(({ file }) => file.path)])];
          await commit(means, candidates, { before: pending, after: next });
          pending = next;
        },
        discard: async () => {
          if (staged === undefined) return;
          staged = undefined;
          await discard(means, candidates, pending);
        },
      };
      return staged;
    },
    done: async (paths) => {
      const left = (await recover(means)).filter((path) => !paths.includes(path));
      await writeJournal(means, { ...nothingLeft, pending: left });
      pending = left;
    },
    close: async () => {
      try {
        await staged?.discard();
      } finally {
        await lock.release();
      }
    },
  };
}

/** Writes the candidates of the files that differ, all or none. */
async function stage(
  means: RecoveryMeans,
  files: readonly FileOfSet[],
  pending: readonly string[],
  { signal }: CallOptions,
): Promise<readonly Candidate[]> {
  const plans = await findChanges(means.operations, files);
  await takeBack(means, files, pending);
  if (plans.length === 0) return [];
  const beside = plans.map(({ toDo }) => toDo);
  const folder = dirname(means.journalPath);
  const elsewhere = beside.map((toDo) => moveFrom(folder, toDo));
  const removals = [...beside, ...elsewhere].map(toRemoval);
  // Before they are there, so that a run that is killed leaves none that nobody knows of.
  await writeJournal(means, { moves: [], removals, pending });
  const candidates: Candidate[] = [];
  try {
    for (const plan of plans) {
      signal?.throwIfAborted();
      const writing = () => writeCandidate(means.operations, plan, folder);
      candidates.push(await outputGuarded(plan.file.path, writing));
    }
    signal?.throwIfAborted();
    const paths = candidates.map(({ toDo }) => toDo.candidate);
    await syncFolders(means.operations, paths);
    return candidates;
  } catch (error) {
    // What cannot be removed now is in the journal.
    await recover(means).catch(() => undefined);
    throw error;
  }
}

/** Lets go of what is stuck on its way to one of these files. */
async function takeBack(
  means: RecoveryMeans,
  files: readonly FileOfSet[],
  pending: readonly string[],
): Promise<void> {
  if (means.stuck.moves.length === 0) return;
  const destinations = new Set<string>();
  for (const { path } of files) {
    destinations.add(await outputGuarded(path, () => resolveTarget(means.operations, path)));
  }
  supersede(means, destinations);
  await writeJournal(means, { ...nothingLeft, pending });
}

async function commit(
  means: RecoveryMeans,
  candidates: readonly Candidate[],
  pending: { readonly before: readonly string[]; readonly after: readonly string[] },
): Promise<void> {
  if (candidates.length === 0) return;
  const moves = candidates.map(({ toDo }) => toDo);
  const left: Remainder = { moves, removals: [], pending: pending.after };
  try {
    for (const candidate of candidates) await requireStill(means, candidate);
    await writeJournal(means, left);
  } catch (error) {
    await discard(means, candidates, pending.before).catch(() => undefined);
    throw error;
  }
  for (const candidate of candidates) {
    const { file, toDo } = candidate;
    try {
      // Somebody with an editor knows nothing of our lock. This leaves an instant, not a while.
      await requireStill(means, candidate);
      await move(means, toDo);
    } catch (error) {
      await undo(means, candidates, left, pending.before).catch((cause: unknown) => {
        const also = 'The next run completes its set, or puts all of it back.';
        const fact = systemErrorFact(error);
        throw new NametagError('NAMETAG_OUTPUT_FAILED', { path: file.path, fact }, { cause, also });
      });
      throw toOutputError(file.path, error);
    }
  }
  // All of them are new, and the journal says what is left even if this fails.
  await finish(means, left).catch(() => undefined);
}

/** What somebody has written since the content was made is not ours to replace. */
async function requireStill(
  { operations }: RecoveryMeans,
  { file, old, toDo }: Candidate,
): Promise<void> {
  const { path } = file;
  if (await outputGuarded(path, () => isStill(operations, toDo.destination, old))) return;
  const fact = 'something else changed it while it was being written';
  throw new NametagError('NAMETAG_OUTPUT_BUSY', { path, fact });
}

/** Gives every file the content back that it had, as a set of its own, but those of others. */
async function undo(
  means: RecoveryMeans,
  candidates: readonly Candidate[],
  left: Remainder,
  pending: readonly string[],
): Promise<void> {
  const { operations } = means;
  const removals: Removal[] = left.moves.map(toRemoval);
  const restored: { readonly content: Target; readonly toDo: Move }[] = [];
  for (const { old, toDo } of candidates) {
    const { destination, digest, candidate } = toDo;
    if ((await readState(means, toDo)) === 'other') continue;
    const now = await readTarget(operations, destination);
    if (old === undefined) removals.push({ path: destination, digest });
    else if (now?.bytes.equals(old.bytes) !== true || now.stats.mode !== old.stats.mode) {
      const name = basename(newCandidatePath(destination));
      const back = { candidate: join(dirname(candidate), name), destination };
      const digests = { digest: digestOf(old.bytes), oldDigest: now && digestOf(now.bytes) };
      restored.push({ content: old, toDo: { ...back, ...digests } });
    }
  }
  const moves = restored.map(({ toDo }) => toDo);
  await writeJournal(means, { ...left, removals: moves.map(toRemoval) });
  for (const { content, toDo } of restored) {
    const { bytes, stats } = content;
    const isBeside = dirname(toDo.candidate) === dirname(toDo.destination);
    const old = isBeside ? content : undefined;
    await writeNew(operations, toDo.candidate, { bytes, old, mode: stats.mode });
  }
  await writeJournal(means, { moves, removals, pending });
  await recover(means);
}

async function discard(
  means: RecoveryMeans,
  candidates: readonly Candidate[],
  pending: readonly string[],
): Promise<void> {
  if (candidates.length === 0) return;
  const removals = candidates.map(({ toDo }) => toRemoval(toDo));
  await finish(means, { moves: [], removals, pending });
}
