/**
 * The folder of handlers: `<folder>/<event>/*`, run in the order of their names, as the event
 * router that Serf's users know.
 */
import { constants, type Stats } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { eventNames } from '../model/handler-spec.ts';
import { quoteForSh } from '../model/sh.ts';
import { suggest } from '../model/suggest.ts';
import type { HandlersFolder, HandlersListing } from '../ports.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

// Hidden files, and what editors and package managers leave beside a file.
const leftover = /^\.|~$|\.(?:bak|old|orig|rej|swp|tmp|dpkg-[a-z]+|rpm[a-z]+|ucf-[a-z]+)$/;

/**
 * Makes the handlers of a folder, such as `/etc/nametag/handlers`.
 *
 * A program is refused when somebody other than its owner can write it or a folder that it is in,
 * up to this one, or when its owner or theirs is neither root nor this user: whoever can write
 * there would run commands as this user.
 */
export function createHandlersFolder(
  folder: string,
  uid: number | undefined = process.getuid?.(),
): HandlersFolder {
  return { list: async (event) => await listPrograms(folder, event, uid) };
}

async function listPrograms(
  root: string,
  event: string,
  uid: number | undefined,
): Promise<HandlersListing> {
  const folder = join(root, event);
  const commands: string[] = [];
  const refused: { path: string; fact: string }[] = [];
  try {
    // By code unit: the same on every machine, as run-parts(8) has it.
    const names = (await readdir(folder)).filter((name) => !leftover.test(name)).sort();
    for (const path of names.length === 0 ? [] : [root, folder]) {
      const fact = distrust(await stat(path), uid);
      if (fact !== undefined) return { commands, refused: [{ path, fact }] };
    }
    for (const name of names) {
      const path = join(folder, name);
      const fact = await whyNot(path, uid);
      if (fact === undefined) commands.push(quoteForSh(path));
      else refused.push({ path, fact });
    }
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code !== 'ENOENT') refused.push({ path: folder, fact: systemErrorFact(error) });
  }
  return { commands, refused };
}

/**
 * Finds what is in the folder and is never run, as by a slip of the pen; or why there is nothing in
 * it. Plain files that cannot be run, such as a README, may be there.
 */
export async function findStrays(folder: string): Promise<HandlersListing['refused']> {
  const strays: { path: string; fact: string }[] = [];
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const { name } = entry;
      if (leftover.test(name) || eventNames.some((event) => event === name)) continue;
      const path = join(folder, name);
      if (entry.isDirectory()) {
        strays.push({ path, fact: `no event has this name${suggest(name, eventNames)}` });
      } else if ((await whyNot(path, undefined)) === undefined) {
        strays.push({ path, fact: 'it is not in the folder of an event' });
      }
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [{ path: folder, fact: systemErrorFact(error) }];
  }
  return strays;
}

async function whyNot(path: string, uid: number | undefined): Promise<string | undefined> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) return 'it is not a file';
    await access(path, constants.X_OK);
    return distrust(stats, uid);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return systemErrorCode(error) === 'EACCES' ? 'it is not executable' : systemErrorFact(error);
  }
}

const writableByOthers = 0o022;

function distrust(stats: Stats, uid: number | undefined): string | undefined {
  if (uid === undefined) return undefined;
  if ((stats.mode & writableByOthers) !== 0) return 'others than its owner can write it';
  return stats.uid === 0 || stats.uid === uid ? undefined : 'it belongs to another user';
}
