/**
 * The new content of the files of a set, beside them where nobody sees it.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { NametagError } from '../errors.ts';
import type { FileOfSet } from '../ports.ts';
import type { FileOperations } from './file-operations.ts';
import { candidateName, digestOf, type Move, type Removal } from './file-set-journal.ts';
import { writeAll } from './overwrite.ts';
import {
  isReplaceRefusal,
  outputGuarded,
  readOutput,
  resolveTarget,
  type Target,
  takeAttributes,
} from './target-file.ts';

/** A file that differs, and what its change takes. */
export interface Candidate {
  readonly file: FileOfSet;
  readonly old: Target | undefined;
  readonly toDo: Move;
}

/**
 * Finds the files that are not as they are to be, and says where their candidates go.
 *
 * @throws {@link NametagError} with code `NAMETAG_OUTPUT_DENIED` or `NAMETAG_OUTPUT_FAILED`.
 */
export async function findChanges(
  operations: FileOperations,
  files: readonly FileOfSet[],
): Promise<readonly Candidate[]> {
  const plans: Candidate[] = [];
  const destinations = new Set<string>();
  for (const file of files) {
    const { path, bytes, mode } = file;
    if (!isAbsolute(path)) throw new TypeError(`Expected an absolute path, got ${path}`);
    const destination = await outputGuarded(path, () => resolveTarget(operations, path));
    if (destinations.has(destination)) {
      const fact = 'it is the same file as another of its set';
      throw new NametagError('NAMETAG_OUTPUT_FAILED', { path, fact });
    }
    destinations.add(destination);
    const old = await readOutput(operations, path, destination);
    const isRight = mode === undefined || ((old?.stats.mode ?? 0) & 0o7777) === mode;
    if (old !== undefined && isRight && old.bytes.equals(bytes)) continue;
    // A file that is marked as read-only is left alone, even where its folder would let us.
    if (old !== undefined) await outputGuarded(path, () => operations.access(path, constants.W_OK));
    const candidate = newCandidatePath(destination);
    const oldDigest = old && digestOf(old.bytes);
    plans.push({
      file,
      old,
      toDo: { candidate, destination, digest: digestOf(bytes), oldDigest },
    });
  }
  return plans;
}

/** A candidate beside its destination, of a name that nothing has. */
export function newCandidatePath(destination: string): string {
  const unique = randomBytes(6).toString('hex');
  return join(dirname(destination), candidateName(basename(destination), unique));
}

/** The same with its candidate in another folder, as that of a file whose folder is closed. */
export function moveFrom(folder: string, toDo: Move): Move {
  return { ...toDo, candidate: join(folder, basename(toDo.candidate)) };
}

/** The removal of a move's candidate. */
export function toRemoval({ candidate }: Move): Removal {
  return { path: candidate };
}

/** Writes a candidate, in the closed folder's stead in this one, and gives where it is. */
export async function writeCandidate(
  operations: FileOperations,
  plan: Candidate,
  otherFolder: string,
): Promise<Candidate> {
  const { file, old, toDo } = plan;
  const { bytes, mode } = file;
  try {
    await writeNew(operations, toDo.candidate, { bytes, old, mode });
    return plan;
  } catch (error) {
    if (old === undefined || !isReplaceRefusal(error)) throw error;
  }
  // It will be written in place, which keeps all but the mode.
  const elsewhere = moveFrom(otherFolder, toDo);
  const content = { bytes, old: undefined, mode: mode ?? old.stats.mode };
  await writeNew(operations, elsewhere.candidate, content);
  return { ...plan, toDo: elsewhere };
}

/** Writes a new file, with the attributes of an old one if there is one; on disk, or gone. */
export async function writeNew(
  operations: FileOperations,
  path: string,
  content: {
    readonly bytes: Uint8Array;
    readonly old: Target | undefined;
    readonly mode: number | undefined;
  },
): Promise<void> {
  const { bytes, old, mode } = content;
  const handle = await operations.open(path, 'wx', 0o600);
  try {
    try {
      await writeAll(handle, bytes, path);
      await takeAttributes(operations, { handle, path }, old, mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await operations.unlink(path).catch(() => undefined);
    throw error;
  }
}
