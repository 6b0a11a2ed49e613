/** Files with what a handler is told, in the runtime folder. */
import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NametagError } from '../errors.ts';
import type { EventFiles } from '../ports.ts';
import { denied, openRuntimeFolder } from './runtime-folder.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/** Makes the files of this process, below the folder of {@link openRuntimeFolder}. */
export function createEventFiles(environment: NodeJS.ProcessEnv = process.env): EventFiles {
  let count = 0;
  return {
    write: async (text) => {
      const folder = await openRuntimeFolder(environment);
      count += 1;
      const path = join(folder, `event-${process.pid}-${count}.json`);
      // Nobody else writes this name while this process has its id: what is there was left behind.
      await removeIfThere(path);
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
