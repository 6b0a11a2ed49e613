/**
 * What remains to be done for a set of files, on disk, so that the next run does it if this one is
 * killed.
 */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { FileOperations } from './file-operations.ts';
import { makeFolder } from './make-folder.ts';
import { systemErrorCode } from './system-error.ts';

/** What remains to be done; nothing at all when the three are empty. */
export interface Remainder {
  /** To be carried out first, in this order. */
  readonly moves: readonly Move[];
  /** To be removed after that. */
  readonly removals: readonly Removal[];
  /** Files whose command is to be run, by the paths that the caller gave them. */
  readonly pending: readonly string[];
}

/** A candidate that is to take the place of a file. */
export interface Move {
  readonly candidate: string;
  /** With every symbolic link followed. */
  readonly destination: string;
  /** Of the candidate's content. */
  readonly digest: string;
  /** Of the content that it takes the place of; without one there is to be no file. */
  readonly oldDigest?: string | undefined;
}

/** A file that is to go. */
export interface Removal {
  readonly path: string;
  /** Of the only content that may be removed; without one the file is a candidate of ours. */
  readonly digest?: string | undefined;
}

/** The journal of all sets. One process uses it at a time. */
export interface FileSetJournal {
  /** Throws {@link UnusableJournal}, or what the operating system says. */
  read(): Promise<Remainder>;
  /** Keeps this instead, on disk before it resolves; throws what the operating system says. */
  write(remainder: Remainder): Promise<void>;
  /** Puts an unusable journal out of the way, and gives where it is. */
  setAside(): Promise<string>;
}

/** The journal cannot be trusted; the message says why, to go behind a colon. */
export class UnusableJournal extends Error {
  override readonly name: string = 'UnusableJournal';
}

const journalVersion = 1;
const nothing: Remainder = { moves: [], removals: [], pending: [] };
const candidatePattern = /^\..*\.nametag-set-[0-9a-f]{12}$/s;
const digestPattern = /^[0-9a-f]{64}$/;

/** The name of a candidate; nothing but a file with such a name is removed unseen. */
export function candidateName(file: string, unique: string): string {
  // 255 bytes is what a name may have (limits.h, NAME_MAX); 40 characters are at most 160.
  return `.${file.slice(0, 40)}.nametag-set-${unique}`;
}

/** The SHA-256 of a content, in hex. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Makes the journal that is kept in this file; reads and makes nothing yet. */
export function createFileSetJournal(operations: FileOperations, path: string): FileSetJournal {
  const aside = `${path}.aside`;
  return {
    read: async () => await read(operations, path),
    write: async (remainder) => {
      if (isNothing(remainder)) await removeIfThere(operations, path);
      else await write(operations, path, remainder);
    },
    setAside: async () => {
      await operations.rename(path, aside);
      return aside;
    },
  };
}

/** Removes a file; one that is not there is no failure. */
export async function removeIfThere(operations: FileOperations, path: string): Promise<void> {
  try {
    await operations.unlink(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}

function isNothing({ moves, removals, pending }: Remainder): boolean {
  return moves.length + removals.length + pending.length === 0;
}

async function read(operations: FileOperations, path: string): Promise<Remainder> {
  let text: string;
  await removeIfThere(operations, temporaryOf(path));
  try {
    const handle = await operations.open(path, 'r');
    try {
      refuseForeign(await handle.stat());
      text = await handle.readFile('utf8');
    } finally {
      await handle.close().catch(() => undefined);
    }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return nothing;
    throw error;
  }
  return parse(text);
}

/** What is in it is carried out, so that nobody else may have a say in it. */
function refuseForeign(stats: Stats): void {
  const uid = process.getuid?.();
  if (!stats.isFile()) throw new UnusableJournal('it is not a plain file');
  if (uid !== undefined && (stats.uid !== uid || (stats.mode & 0o022) !== 0)) {
    throw new UnusableJournal('others may write it');
  }
}

async function write(
  operations: FileOperations,
  path: string,
  remainder: Remainder,
): Promise<void> {
  const body = JSON.stringify(remainder);
  const text = JSON.stringify({ version: journalVersion, digest: digestOf(Buffer.from(body)) });
  makeFolder(dirname(path));
  const temporary = temporaryOf(path);
  await removeIfThere(operations, temporary);
  const handle = await operations.open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${text}\n${body}\n`);
    await handle.sync();
  } catch (error) {
    await operations.unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    await handle.close().catch(() => undefined);
  }
  await operations.rename(temporary, path);
  await syncFolderForCertain(operations, dirname(path));
}

/** Always the same, so that what a killed process leaves is removed by the next. */
function temporaryOf(path: string): string {
  return `${path}.new`;
}

/** After a power failure, files must not be new whose journal is not. */
async function syncFolderForCertain(operations: FileOperations, folder: string): Promise<void> {
  const handle = await operations.open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // What fsync(2) says on file systems that cannot do it for folders, and need not.
    if (systemErrorCode(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close().catch(() => undefined);
  }
}

function parse(text: string): Remainder {
  const [header = '', body = ''] = text.split('\n');
  const { version, digest } = parseObject(header);
  if (typeof version !== 'number') throw new UnusableJournal('it is no journal, or was cut short');
  if (version !== journalVersion) {
    throw new UnusableJournal(`another version of this program wrote it, in format ${version}`);
  }
  if (digestOf(Buffer.from(body)) !== digest) {
    throw new UnusableJournal('it was cut short or changed');
  }
  const { moves, removals, pending } = parseObject(body);
  if (!isListOf(moves, isMove) || !isListOf(removals, isRemoval) || !isListOf(pending, isText)) {
    throw new UnusableJournal('it says what no journal says');
  }
  return { moves, removals, pending };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // As below.
  }
  throw new UnusableJournal('it is no journal, or was cut short');
}

function isListOf<Item>(
  value: unknown,
  isItem: (item: unknown) => item is Item,
): value is readonly Item[] {
  return Array.isArray(value) && value.every(isItem);
}

function isMove(value: unknown): value is Move {
  if (!isObject(value)) return false;
  const { candidate, destination, digest, oldDigest } = value;
  const isOldRight = oldDigest === undefined || isDigest(oldDigest);
  return isCandidate(candidate) && isText(destination) && isDigest(digest) && isOldRight;
}

function isRemoval(value: unknown): value is Removal {
  if (!isObject(value)) return false;
  const { path, digest } = value;
  return digest === undefined ? isCandidate(path) : isText(path) && isDigest(digest);
}

function isCandidate(value: unknown): value is string {
  return isText(value) && candidatePattern.test(basename(value));
}

function isDigest(value: unknown): value is string {
  return isText(value) && digestPattern.test(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
