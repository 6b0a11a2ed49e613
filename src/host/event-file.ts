/** Files with what a handler is told, in the runtime folder. */
import { randomBytes } from 'node:crypto';
import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NametagError } from '../errors.ts';
import type { EventFiles } from '../ports.ts';
import { denied, openRuntimeFolder } from './runtime-folder.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/** Makes the files of this process, below the folder of {@link openRuntimeFolder}. */
export function createEventFiles(environment: NodeJS.ProcessEnv = process.env): EventFiles {
  return {
    write: async (text) => {
      const folder = await openRuntimeFolder(environment);
      // Not by the process id: containers that share the folder have the same ones.
      const path = join(folder, `event-${randomBytes(8).toString('hex')}.json`);
      try {
        await writeFile(path, text, { flag: 'wx', mode: 0o600 });
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === undefined) throw error;
        const fact = systemErrorFact(error);
        if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
          throw denied(path, fact, error);
        }
        await removeIfThere(path);
        throw new NametagError('NAMETAG_OUTPUT_FAILED', { path, fact }, { cause: error });
      }
      return { path, remove: async () => await removeIfThere(path) };
    },
  };
}

/** A file that is gone, or cannot be removed, stops nobody: its folder ends with this boot. */
async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}
