/**
 * Writing a file in place, where it cannot be replaced: never cut short first, and put right by the
 * next run if this one is killed in the middle.
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { NametagError } from '../errors.ts';
import { findStateFolder } from './backup.ts';
import type { FileOperations } from './file-operations.ts';
import { makeFolder } from './make-folder.ts';
import { systemErrorFact } from './system-error.ts';

/** A file that is about to be written in place: what it says, and what it is to say. */
export interface Overwriting {
  /** With every symbolic link followed. */
  readonly path: string;
  readonly old: Buffer;
  readonly fresh: Uint8Array;
}

/** What is being written in place, kept on disk until it has been. */
export interface Journal {
  begin(overwriting: Overwriting): Promise<void>;
  end(path: string): Promise<void>;
  /** What a killed run has begun and not ended; `undefined` if there is nothing of the kind. */
  find(path: string): Promise<Overwriting | undefined>;
}

/**
 * Makes the journal of this machine, in the state folder, where it outlives a power failure.
 *
 * Where that folder cannot be written there is no journal, and that is no failure: a run that is
 * killed in the middle of writing in place is then a matter for the backup.
 */
export function createJournal(environment: NodeJS.ProcessEnv): Journal {
  const folder = join(findStateFolder(environment, process.getuid?.()), 'unfinished');
  const fileOf = (path: string): string =>
    join(folder, createHash('sha256').update(path).digest('hex').slice(0, 32));
  return {
    begin: async ({ path, old, fresh }) => {
      const text = JSON.stringify({
        path,
        old: old.toString('base64'),
        fresh: Buffer.from(fresh).toString('base64'),
      });
      try {
        makeFolder(folder);
        const temporary = `${fileOf(path)}.new`;
        const handle = await open(temporary, 'w', 0o600);
        try {
          await handle.writeFile(text);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(temporary, fileOf(path));
      } catch {
        // As said above.
      }
    },
    end: async (path) => await unlink(fileOf(path)).catch(() => undefined),
    find: async (path) => {
      const text = await readFile(fileOf(path), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : parse(text, path);
    },
  };
}

function parse(text: string, path: string): Overwriting | undefined {
  try {
    const { path: itsPath, old, fresh }: Record<string, unknown> = JSON.parse(text);
    if (itsPath !== path || typeof old !== 'string' || typeof fresh !== 'string') return undefined;
    return { path, old: Buffer.from(old, 'base64'), fresh: Buffer.from(fresh, 'base64') };
  } catch {
    return undefined;
  }
}

/** Tells whether a file's content is what a killed run may leave: part old, part new. */
export function isTorn(bytes: Buffer, { old, fresh }: Overwriting): boolean {
  if (bytes.equals(old) || bytes.equals(fresh)) return false;
  const [shorter, longer] = [old.length, fresh.length].sort((a, b) => a - b);
  if (bytes.length < (shorter ?? 0) || bytes.length > (longer ?? 0)) return false;
  return bytes.every((byte, i) => byte === old[i] || byte === (fresh[i] ?? filler));
}

// A blank line says nothing in any file of lines.
const filler = 0x0a;

/**
 * Writes over the old content without ever cutting it short first.
 *
 * What the new content is shorter by is blank lines until it is cut off, so that nobody reads the
 * end of an old line as a line.
 */
export async function overwrite(
  { operations, journal }: { readonly operations: FileOperations; readonly journal: Journal },
  change: Overwriting,
): Promise<void> {
  const { path, old, fresh } = change;
  const handle = await operations.open(path, 'r+');
  try {
    await journal.begin(change);
    const blank = Buffer.alloc(Math.max(0, old.length - fresh.length), filler);
    try {
      await writeAll(handle, Buffer.concat([fresh, blank]), path);
      await handle.sync();
      if (blank.length > 0) {
        await handle.truncate(fresh.length);
        await handle.sync();
      }
    } catch (error) {
      // Where that fails, the journal stays, so that the next run puts the file right.
      await putBack(handle, change, error);
      await journal.end(path);
      throw error;
    }
    await journal.end(path);
  } finally {
    // All of it is on disk by now, or the failure is known.
    await handle.close().catch(() => undefined);
  }
}

async function putBack(handle: FileHandle, change: Overwriting, cause: unknown): Promise<void> {
  try {
    await writeOld(handle, change);
  } catch {
    const { path } = change;
    const fact = systemErrorFact(cause);
    throw new NametagError('NAMETAG_OUTPUT_FAILED', { path, fact, torn: true }, { cause });
  }
}

async function writeOld(handle: FileHandle, { path, old }: Overwriting): Promise<void> {
  await writeAll(handle, old, path);
  await handle.truncate(old.length);
  await handle.sync();
}

/** Gives a file the content back that it had; a run that is killed in between may do it again. */
export async function restore(operations: FileOperations, change: Overwriting): Promise<void> {
  const handle = await operations.open(change.path, 'r+');
  try {
    await writeOld(handle, change);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

/** Writes all bytes from the file's start on. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, at);
    if (bytesWritten === 0) {
      throw new NametagError('NAMETAG_OUTPUT_FAILED', { path, fact: 'the disk takes no more' });
    }
    at += bytesWritten;
  }
}
