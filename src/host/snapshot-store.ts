/**
 * The last good snapshot of each question, in a folder of this user's on this machine.
 *
 * A file is old or new at every moment, by rename. It is not flushed to the disk: losing one costs
 * a call, and one that a power cut tore is noticed by its digest. Nothing here is ever an error to
 * the caller, who can always ask EC2; what cannot be kept or trusted is said once.
 *
 * The system is called at once, and not by other threads: to load those calls, and to wait for
 * another thread each time, takes three times as long as all of them do.
 */
import { randomBytes, randomInt } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Snapshot } from '../model/snapshot.ts';
import type { Clock, LoadOptions, SnapshotKey, SnapshotStore } from '../ports.ts';
import { systemClock } from './clock.ts';
import { fnvDigest } from './fnv.ts';
import { makeFolder } from './make-folder.ts';
import { openRuntimeFolder } from './runtime-folder.ts';
import { decodeSnapshot, encodeSnapshot, snapshotFormat } from './snapshot-file.ts';
import { readBoot, readMachine } from './snapshot-machine.ts';
import type { EndTurn } from './snapshot-turn.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';
import { UnusableSnapshot } from './unusable-snapshot.ts';

/** Where snapshots are kept, and what the store needs of its process. */
export interface SnapshotStoreOptions {
  /** As `cacheFolderOf` gives it; without one nothing is kept. */
  readonly folder: string | undefined;
  /** Says one sentence to a person; each is said once. */
  readonly warn: (sentence: string) => void;
  /** @defaultValue {@link systemClock} */
  readonly clock?: Pick<Clock, 'wallMs'> | undefined;
  /** @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** @defaultValue `process.platform` */
  readonly platform?: NodeJS.Platform | undefined;
  /**
   * How long to wait for the turn at most, since whoever has it may be stopped.
   *
   * @defaultValue 30 seconds: a describe in trouble takes as long, and cron comes back in 60
   */
  readonly turnWaitMaxMs?: number | undefined;
}

/** What every function here is given. */
interface Place {
  readonly folder: string;
  readonly warn: (sentence: string) => void;
  readonly clock: Pick<Clock, 'wallMs'>;
}

// A clock that is set back by less is being kept in time; by more, ages mean nothing.
const futureMaxMs = 60_000;
// Ten times what 100,000 instances take.
const fileBytesMax = 256 * 1024 * 1024;
// To how much a file system may round the time of a file: FAT does to two seconds.
const timeGrainMaxMs = 2000;
// Nobody asks that question any more.
const unusedMaxMs = 7 * 24 * 60 * 60 * 1000;
// A save takes milliseconds: whoever wrote this has died.
const temporaryMaxMs = 10 * 60 * 1000;
// Reading them leaves garbage, on top of which memory for the file and the answer would be taken:
// of 100,000 a fifth of all. Fewer do not need as much, and would take longer for it.
const largeFleetMin = 50_000;
// How many files a save looks at for these two, so that no folder makes it slow.
const sweepMax = 16;
// A daemon with a large fleet has other things to do as well. To make and to write 100,000
// instances takes half a second, and nothing else waits for more than 0.2 s of it.
const writtenAtOnceBytes = 1024 * 1024;

// Those of formats before 4 have twice as many digits.
const ourPattern = /^(?:[0-9a-f]{16}){1,2}\.(?:snapshot(?:\.aside)?|failed|[0-9a-f]{16}\.tmp)$/;

/** Makes the store of a folder; reads and makes nothing yet. */
export function createSnapshotStore(options: SnapshotStoreOptions): SnapshotStore {
  const { folder, clock = systemClock, environment = process.env, platform } = options;
  const warn = onceEach(options.warn);
  if (folder === undefined) return createAbsentStore(warn);
  const place: Place = { folder, warn, clock };
  const slotOf = createSlots(folder);
  return {
    load: async (key, options = {}) => {
      options.signal?.throwIfAborted();
      return load(place, slotOf(key), key.region, options);
    },
    save: async (key, snapshot, { signal } = {}) => {
      signal?.throwIfAborted();
      await save(place, slotOf(key), snapshot);
    },
    takeTurn: async (key, { signal } = {}) => {
      signal?.throwIfAborted();
      // Without a store nobody has anything from waiting for others.
      if (!canWrite(place)) return noTurn;
      const name = `turn-${fnvDigest(`${process.getuid?.()} ${slotOf(key).path}`)}`;
      try {
        // Not before it is needed: sockets take as long to load as a young snapshot to be read.
        const { takeTurn } = await import('./snapshot-turn.ts');
        return await takeTurn(name, {
          folder: () => openRuntimeFolder(environment),
          platform,
          signal,
          waitMaxMs: options.turnWaitMaxMs ?? 30_000,
        });
      } catch (error) {
        signal?.throwIfAborted();
        warn(`Could not wait for other processes that ask EC2: ${factOf(error)}. It goes on.`);
        return noTurn;
      }
    },
    noteFailure: async (key, atMs) => noteTime(toFailurePath(slotOf(key)), atMs),
    lastFailureMs: async (key) => readTime(toFailurePath(slotOf(key))),
  };
}

const noTurn: EndTurn = async () => undefined;

function createAbsentStore(warn: (sentence: string) => void): SnapshotStore {
  return {
    load: async () => undefined,
    save: async () =>
      warn(
        'Could not keep what EC2 answered: neither HOME nor XDG_CACHE_HOME is set. ' +
          'Set one of them, or NAMETAG_CACHE_DIR.',
      ),
    takeTurn: async () => noTurn,
    noteFailure: async () => undefined,
    lastFailureMs: async () => undefined,
  };
}

function onceEach(warn: (sentence: string) => void): (sentence: string) => void {
  const said = new Set<string>();
  return (sentence) => {
    if (said.has(sentence)) return;
    said.add(sentence);
    warn(sentence);
  };
}

/** Where the snapshots of a key are, and what their file says that it is an answer to. */
interface Slot {
  readonly key: string;
  readonly path: string;
}

function toFailurePath({ path }: Slot): string {
  return path.replace(/snapshot$/, 'failed');
}

/** Keeps a time as that of an empty file; where that cannot be, nobody is told. */
function noteTime(path: string, atMs: number): void {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW = 0 } = constants;
  isDone(() => {
    const file = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600);
    try {
      futimesSync(file, new Date(atMs), new Date(atMs));
    } finally {
      closeSync(file);
    }
  });
}

function readTime(path: string): number | undefined {
  let timeMs: number | undefined;
  isDone(() => {
    timeMs = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  });
  return timeMs;
}

/**
 * The format is in the path, so that two versions of this program do not take turns to spoil a
 * file. Two keys that had one path would do that, and no more: the file says which key it is of.
 */
function createSlots(folder: string): (key: SnapshotKey) => Slot {
  // One reading names its key up to five times.
  const slots = new WeakMap<SnapshotKey, Slot>();
  let machine: string | undefined;
  return (key) => {
    const known = slots.get(key);
    if (known !== undefined) return known;
    const { credentials, region, endpoint, question } = key;
    machine ??= readMachine();
    const text = JSON.stringify([machine, credentials, region, endpoint, question]);
    const path = join(folder, `${fnvDigest(`${snapshotFormat} ${text}`)}.snapshot`);
    const slot: Slot = { key: text, path };
    slots.set(key, slot);
    return slot;
  };
}

function load(
  place: Place,
  { key, path }: Slot,
  region: string,
  { sinceMs = 0, except }: LoadOptions,
): Snapshot | undefined {
  try {
    const bytes = readOwn(path, sinceMs);
    if (bytes === undefined) return undefined;
    const latestMs = place.clock.wallMs() + futureMaxMs;
    const snapshot = decodeSnapshot(bytes, { key, region, latestMs, except, boot: readBoot() });
    return snapshot.takenAtMs < sinceMs ? undefined : snapshot;
  } catch (error) {
    setAside(place, path, error);
    return undefined;
  }
}

/**
 * Reads a file that only this user can have written; `undefined` when there is none, or when its
 * time tells without a look into it that it was taken before `sinceMs`.
 */
function readOwn(path: string, sinceMs: number): Buffer | undefined {
  // Neither follows a link nor waits for the other end of a pipe.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  let file: number;
  try {
    file = openSync(path, flags);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    if (systemErrorCode(error) === 'ELOOP') throw new UnusableSnapshot('it is a symbolic link');
    throw error;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new UnusableSnapshot('it is no ordinary file');
    const self = process.getuid?.();
    if (self !== undefined && (stats.uid !== self || (stats.mode & 0o022) !== 0)) {
      throw new UnusableSnapshot('another user could have written it');
    }
    if (stats.mtimeMs + timeGrainMaxMs < sinceMs) return undefined;
    if (stats.size > fileBytesMax) throw new UnusableSnapshot('it is too large');
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Keeps what cannot be trusted for a person to look at, the newest of each key. */
function setAside({ warn }: Place, path: string, error: unknown): void {
  if (!(error instanceof UnusableSnapshot)) {
    if (systemErrorCode(error) === undefined) throw error;
    warn(`Could not read the snapshot ${path}: ${factOf(error)}. EC2 is asked instead.`);
    return;
  }
  const aside = `${path}.aside`;
  // If another process saved a good one since, that is lost, and costs a call.
  const moved = isDone(() => renameSync(path, aside));
  const where = moved ? `It is now ${aside}` : 'It is not used';
  warn(`Could not use the snapshot ${path}: ${error.message}. ${where}; EC2 is asked instead.`);
}

async function save(place: Place, { key, path }: Slot, snapshot: Snapshot): Promise<void> {
  const { folder, warn } = place;
  if (!canWrite(place)) return;
  const temporary = path.replace(/snapshot$/, `${randomBytes(8).toString('hex')}.tmp`);
  if (snapshot.instances.length >= largeFleetMin) {
    const { collectGarbage } = await import('./collect-garbage.ts');
    collectGarbage();
  }
  const { pieces, header } = encodeSnapshot(key, snapshot, readBoot());
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      let written = 0;
      for (const piece of pieces) {
        writeAll(file, piece, written);
        written += piece.length;
        if (written % writtenAtOnceBytes < piece.length) await setImmediate();
      }
      writeAll(file, header(), 0);
      // So that whoever needs a newer one does not read it, and no clock but ours has a say.
      const takenAt = new Date(snapshot.takenAtMs);
      futimesSync(file, takenAt, takenAt);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    sweep(place, basename(path));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    isDone(() => unlinkSync(temporary));
    // By an older one the removals since would be found anew, and in the end undone: EC2 forgets.
    isDone(() => unlinkSync(path));
    warn(cannotKeep(folder, error));
  }
}

/** The system may write less than it is given; it says how much. */
function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}

/** Whether the system did it; one that refuses says no. */
function isDone(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

function canWrite({ folder, warn }: Place): boolean {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    warn(cannotKeep(folder, error));
    return false;
  }
}

function cannotKeep(folder: string, error: unknown): string {
  return (
    `Could not keep what EC2 answered in ${folder}: ${factOf(error)}. ` +
    'EC2 is asked anew each time; name another folder in NAMETAG_CACHE_DIR.'
  );
}

function factOf(error: unknown): string {
  return error instanceof Error && systemErrorCode(error) === undefined
    ? error.message
    : systemErrorFact(error);
}

/** Removes what nobody asks for any more, and what killed processes left; some of it each time. */
function sweep({ folder, clock }: Place, saved: string): void {
  const names = listOf(folder).filter((name) => ourPattern.test(name) && name !== saved);
  // Begins anywhere, so that in time every file is looked at.
  const start = randomInt(Math.max(names.length, 1));
  const chosen = [...names.slice(start), ...names.slice(0, start)].slice(0, sweepMax);
  for (const name of chosen) {
    const path = join(folder, name);
    const ageMaxMs = name.endsWith('.tmp') ? temporaryMaxMs : unusedMaxMs;
    try {
      // Not when it was modified: a save makes that the time of its snapshot.
      const { ctimeMs } = lstatSync(path);
      if (clock.wallMs() - ctimeMs > ageMaxMs) unlinkSync(path);
    } catch {
      // Another process was faster, or it is not ours to remove.
    }
  }
}

/** A folder that can be written and not be read is no harm to what was saved. */
function listOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
