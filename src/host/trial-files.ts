/** Files that are made to be looked at, and are never in anybody's place. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NametagError } from '../errors.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/**
 * Writes a file of this name, since checks go by endings, in a folder of its own among the
 * temporary ones, for this user alone; `remove` takes both away.
 *
 * @throws {@link NametagError} with code `NAMETAG_OUTPUT_FAILED`.
 */
export async function writeTrialFile(
  name: string,
  text: string,
): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const root = tmpdir();
  let folder: string | undefined;
  const remove = async (): Promise<void> => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    folder = await mkdtemp(join(root, 'nametag-trial-'));
    const path = join(folder, name);
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
    return { path, remove };
  } catch (cause) {
    await remove().catch(() => undefined);
    if (systemErrorCode(cause) === undefined) throw cause;
    const details = { path: join(folder ?? root, name), fact: systemErrorFact(cause) };
    throw new NametagError('NAMETAG_OUTPUT_FAILED', details, { cause });
  }
}
