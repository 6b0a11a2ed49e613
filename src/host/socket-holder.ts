/** Who listens on an abstract socket, by what Linux tells root of all processes in `/proc`. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

/**
 * Tells whether a process of another user than root listens on the socket, seen as root.
 *
 * Any user can listen on any name, so that root, whose files nobody else may write, need not stand
 * back for such a one. `false` when this process is not root's, and when nobody is found: it ended
 * meanwhile, or is in another container, where it cannot be told whose it is.
 *
 * @param path - with the leading NUL that makes it abstract
 * @param self - the user id of this process, as `process.getuid` gives it
 */
export async function isHeldByOthers(
  path: string,
  self: number | undefined = process.getuid?.(),
): Promise<boolean> {
  if (self !== 0 || !path.startsWith('\0')) return false;
  const inodes = listenersOf(path, await readText('/proc/net/unix'));
  if (inodes.length === 0) return false;
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  for (const pid of await list('/proc')) {
    if (!/^\d+$/.test(pid) || !(await hasOpen(pid, sockets))) continue;
    // Not whose the folder is: a process may have it shown as root's.
    const uid = userOf(await readText(`/proc/${pid}/status`));
    return uid !== undefined && uid !== 0;
  }
  return false;
}

/**
 * Finds the inodes of those who listen on an abstract socket in the text of `/proc/net/unix`.
 *
 * Source: unix(7) and proc(5): a NUL of the name is shown as `@`, and flag 0x10000 is that of a
 * socket that listens.
 */
export function listenersOf(path: string, text: string): readonly string[] {
  const shown = path.replaceAll('\0', '@');
  return text.split('\n').flatMap((line) => {
    const [, , , flags = '', , , inode = '', ...name] = line.trim().split(/\s+/);
    const listens = (Number.parseInt(flags, 16) & 0x10000) !== 0;
    return listens && name.join(' ') === shown && /^\d+$/.test(inode) ? [inode] : [];
  });
}

/** Finds the effective user id in the text of `/proc/PID/status`. */
export function userOf(status: string): number | undefined {
  const uid = /^Uid:\s+\d+\s+(\d+)\s/m.exec(status)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

async function hasOpen(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  for (const descriptor of await list(folder)) {
    const target = await readlink(join(folder, descriptor)).catch(() => '');
    if (sockets.has(target)) return true;
  }
  return false;
}

/** A process may end while it is looked at; what is not there says nothing. */
async function list(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
