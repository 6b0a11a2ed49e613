/**
 * Doing what the journal of sets of files says is left to do: what this run began, or one before.
 */
import { type ErrorCode, isNametagError } from '../errors.ts';
import {
  type FileSetJournal,
  type Move,
  type Remainder,
  type Removal,
  UnusableJournal,
} from './file-set-journal.ts';
import { type MoveMeans, moveAgain, remove, syncFolders } from './file-set-moves.ts';
import { systemErrorCode } from './system-error.ts';
import { outputGuarded } from './target-file.ts';

/** What the journal is kept and carried out with. */
export interface RecoveryMeans extends MoveMeans {
  readonly journal: FileSetJournal;
  readonly journalPath: string;
  readonly warn: (sentence: string) => void;
  /** What a run before has left and this one cannot do either; it stays in the journal. */
  stuck: Pick<Remainder, 'moves' | 'removals'>;
}

const stateHint = 'NAMETAG_STATE_DIR names another state folder';

/** Nothing left to do. */
export const nothingLeft: Remainder = { moves: [], removals: [], pending: [] };

/**
 * Does what runs before this one have left to do, of whichever set, as far as it can be done, and
 * gives whose commands are to be run.
 *
 * A file that cannot be written is told, and is no reason to leave all others as they are: their
 * sets may be of other programs. It is tried again by each run, until it is part of a new set.
 */
export async function recoverOthers(means: RecoveryMeans): Promise<readonly string[]> {
  const { moves, removals, pending } = await readJournal(means);
  const stuckMoves: Move[] = [];
  for (const toDo of moves) {
    const fact = await failureOf(toDo.destination, async () => await complete(means, toDo));
    if (fact === undefined) continue;
    stuckMoves.push(toDo);
    means.warn(
      `Could not complete ${toDo.destination} as a run that was killed began it: ${fact}. ` +
        'Other files go on; the next run tries it again.',
    );
  }
  const stuckRemovals: Removal[] = [];
  for (const removal of removals) {
    const { path } = removal;
    const fact = await failureOf(path, async () => await remove(means.operations, removal));
    if (fact === undefined) continue;
    stuckRemovals.push(removal);
    means.warn(
      `Could not remove ${path}, which a run that was killed has left: ${fact}. ` +
        'The next run tries it again.',
    );
  }
  means.stuck = { moves: stuckMoves, removals: stuckRemovals };
  const isStuck = stuckMoves.length + stuckRemovals.length > 0;
  // A file that is yet to be made may have a command; else one that is gone has nobody left.
  const left = isStuck ? pending : await whichAreThere(means, pending);
  const done = moves.length - stuckMoves.length + removals.length - stuckRemovals.length;
  if (done > 0) await syncAll(means, { moves, removals });
  if (done > 0 || left.length < pending.length) {
    await writeJournal(means, { ...nothingLeft, pending: left });
  }
  return left;
}

// What the operating system says of a file; anything else is a mistake, or the state folder's.
const failures: readonly ErrorCode[] = [
  'NAMETAG_INPUT_UNREADABLE',
  'NAMETAG_OUTPUT_DENIED',
  'NAMETAG_OUTPUT_FAILED',
];

/** Tells why some work on a file cannot be done, to go behind a colon. */
async function failureOf(path: string, work: () => Promise<void>): Promise<string | undefined> {
  try {
    await outputGuarded(path, work);
    return undefined;
  } catch (error) {
    if (!isNametagError(error) || !failures.includes(error.code)) throw error;
    return 'fact' in error.details ? String(error.details.fact) : error.message;
  }
}

async function whichAreThere(
  { operations }: RecoveryMeans,
  paths: readonly string[],
): Promise<readonly string[]> {
  const there: string[] = [];
  for (const path of paths) {
    try {
      await operations.realpath(path);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') continue;
    }
    there.push(path);
  }
  return there;
}

/** Does what this run has left to do, all of it, and gives whose commands are to be run. */
export async function recover(means: RecoveryMeans): Promise<readonly string[]> {
  const left = await readJournal(means);
  const moves = left.moves.filter((move) => !isStuck(means, move.candidate));
  const removals = left.removals.filter(({ path }) => !isStuck(means, path));
  if (moves.length + removals.length === 0) return left.pending;
  for (const toDo of moves) {
    await outputGuarded(toDo.destination, async () => await complete(means, toDo));
  }
  await finish(means, { ...left, moves, removals });
  return left.pending;
}

function isStuck({ stuck: { moves, removals } }: RecoveryMeans, path: string): boolean {
  return moves.some((move) => move.candidate === path) || removals.some((r) => r.path === path);
}

async function complete(means: RecoveryMeans, toDo: Move): Promise<void> {
  if ((await moveAgain(means, toDo)) !== 'lost') return;
  means.warn(
    `Could not complete ${toDo.destination} as a run that was killed began it: something else ` +
      'has changed it. It goes on with what is there.',
  );
}

/** Removes what is to go, after the moves, and says so in the journal. */
export async function finish(means: RecoveryMeans, left: Remainder): Promise<void> {
  for (const removal of left.removals) {
    await outputGuarded(removal.path, () => remove(means.operations, removal));
  }
  await syncAll(means, left);
  await writeJournal(means, { ...nothingLeft, pending: left.pending });
}

async function syncAll(
  { operations }: RecoveryMeans,
  { moves, removals }: Pick<Remainder, 'moves' | 'removals'>,
): Promise<void> {
  const paths = [...moves.map((m) => m.destination), ...removals.map((r) => r.path)];
  await syncFolders(operations, paths);
}

/**
 * Takes back what is stuck on its way to one of these: a new set says what is to be there.
 *
 * Its candidate remains to be removed. The journal has to be written after it.
 */
export function supersede(means: RecoveryMeans, destinations: ReadonlySet<string>): void {
  const { moves, removals } = means.stuck;
  const stale = moves.filter(({ destination }) => destinations.has(destination));
  means.stuck = {
    moves: moves.filter((move) => !stale.includes(move)),
    removals: [...removals, ...stale.map(({ candidate }) => ({ path: candidate }))],
  };
}

/** Keeps in the journal what is left to do, beside what is stuck. */
export async function writeJournal(means: RecoveryMeans, left: Remainder): Promise<void> {
  const { journal, journalPath, stuck } = means;
  const moves = [...stuck.moves, ...left.moves];
  const removals = [...stuck.removals, ...left.removals];
  await outputGuarded(
    journalPath,
    () => journal.write({ moves, removals, pending: left.pending }),
    stateHint,
  );
}

async function readJournal(means: RecoveryMeans): Promise<Remainder> {
  const { journal, journalPath, warn } = means;
  const reading = async (): Promise<Remainder> => {
    try {
      return await journal.read();
    } catch (error) {
      if (!(error instanceof UnusableJournal)) throw error;
      const aside = await journal.setAside();
      warn(
        `Could not use ${journalPath}: ${error.message}. It is ${aside} now; commands that a run ` +
          'before this one left to be run are not known.',
      );
      return nothingLeft;
    }
  };
  return await outputGuarded(journalPath, reading, stateHint);
}
