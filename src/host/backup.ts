/**
 * What a file said before it was written over, kept outside its folder: a folder like /etc is read
 * by people and by programs that take every file of it.
 */
import { createHash } from 'node:crypto';
import { open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { makeFolder } from './make-folder.ts';

/** Where old contents go. */
export interface Backups {
  /**
   * Keeps a file's content, unless the last that was kept of it is the same.
   *
   * Called by one process at a time for each file. Throws what the operating system says.
   *
   * @param path - with every symbolic link followed
   */
  keep(path: string, content: { readonly bytes: Uint8Array; readonly mode: number }): Promise<void>;
}

/** How backups are kept on this machine. */
export interface BackupsOptions {
  /** @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Milliseconds since 1970. @defaultValue `Date.now` */
  readonly now?: (() => number) | undefined;
}

const keptCount = 10;

/**
 * Makes the backups of this machine: the last ten contents of each file, in the state folder.
 *
 * `hosts.20260131T235959.000Z` is what `/etc/hosts` said until then; a file that is not in `/etc`
 * has 8 hex digits of its path's digest too, as in `hosts.20260131T235959.000Z.1f2e3d4c`. A backup
 * has the mode of its file, in a folder of this user alone, and none is ever written over.
 */
export function createBackups(options: BackupsOptions = {}): Backups {
  const { environment = process.env, now = Date.now } = options;
  const folder = join(findStateFolder(environment, process.getuid?.()), 'backup');
  return {
    keep: async (path, content) => {
      makeFolder(folder);
      const kept = await listBackups(folder, path);
      const last = kept.at(-1);
      // A run that fails to write is run again: it must not push older contents out.
      if (last !== undefined && (await isSame(join(folder, last), content.bytes))) return;
      const name = freeName(path, now(), last);
      const temporary = join(folder, `.unfinished.${digestOf(path)}`);
      await writeWhole({ path: join(folder, name), temporary }, content);
      for (const old of kept.slice(0, Math.max(0, kept.length + 1 - keptCount))) {
        await unlink(join(folder, old));
      }
    },
  };
}

/**
 * Finds the folder for what is kept for good.
 *
 * `NAMETAG_STATE_DIR`, else systemd's `STATE_DIRECTORY`, else `/var/lib/nametag` for root, else
 * `nametag` in `XDG_STATE_HOME`, by default `~/.local/state` (XDG base directories).
 */
export function findStateFolder(environment: NodeJS.ProcessEnv, uid: number | undefined): string {
  const own = environment['NAMETAG_STATE_DIR'];
  if (own) return resolve(own);
  // systemd.exec(5): several folders are separated by colons.
  const [systemd] = (environment['STATE_DIRECTORY'] ?? '').split(':');
  if (systemd) return systemd;
  if (uid === 0) return '/var/lib/nametag';
  const home = environment['HOME'] || homedir();
  return join(environment['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'nametag');
}

const timePattern = /^\d{8}T\d{6}\.\d{3}Z$/;

/** The backups of a file, oldest first. */
async function listBackups(folder: string, path: string): Promise<readonly string[]> {
  const start = `${basename(path)}.`;
  const end = suffixOf(path);
  const names = await readdir(folder);
  return names
    .filter(
      (name) =>
        name.startsWith(start) &&
        name.endsWith(end) &&
        timePattern.test(name.slice(start.length, name.length - end.length)),
    )
    .sort();
}

/** A name behind all that there are, even if the clock was set back or the last is as new. */
function freeName(path: string, nowMs: number, last: string | undefined): string {
  const start = `${basename(path)}.`;
  const lastMs = last === undefined ? 0 : parseTime(last.slice(start.length, start.length + 20));
  return `${start}${formatTime(Math.max(nowMs, lastMs + 1))}${suffixOf(path)}`;
}

function suffixOf(path: string): string {
  return dirname(path) === '/etc' ? '' : `.${digestOf(path)}`;
}

function digestOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 8);
}

/** ISO 8601 without what a file name is better without: `20260131T235959.000Z`. */
function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]/g, '');
}

function parseTime(text: string): number {
  const iso = text.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:');
  return Date.parse(iso);
}

async function isSame(path: string, bytes: Uint8Array): Promise<boolean> {
  const old = await readFile(path).catch(() => undefined);
  return old?.equals(bytes) === true;
}

/**
 * Under another name first: half a backup is worse than none. It is always the same one for a file,
 * so that what a killed process leaves is written over by the next.
 */
async function writeWhole(
  { path, temporary }: { readonly path: string; readonly temporary: string },
  { bytes, mode }: { readonly bytes: Uint8Array; readonly mode: number },
): Promise<void> {
  const handle = await open(temporary, 'w', 0o600);
  try {
    try {
      await handle.writeFile(bytes);
      await handle.chmod(mode & 0o7777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}
