/**
 * The folder for what matters until the next boot: marks, and sockets where locks need files.
 */
import { lstat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { NametagError } from '../errors.ts';
import { makeFolder } from './make-folder.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/**
 * Finds the runtime folder, and makes it for this user alone if it is not there.
 *
 * `NAMETAG_RUNTIME_DIR`, else systemd's `RUNTIME_DIRECTORY`, else `/run/nametag` for root, else
 * `nametag` in `XDG_RUNTIME_DIR`, else `nametag-<uid>` in the folder for temporary files.
 *
 * @throws {@link NametagError} with code `NAMETAG_OUTPUT_DENIED`.
 */
export async function openRuntimeFolder(environment: NodeJS.ProcessEnv): Promise<string> {
  const uid = process.getuid?.();
  return await openFolder(findRuntimeFolder(environment, { uid, temporary: tmpdir() }), uid);
}

/** A folder, and whether other users can make one of its name. */
export interface RuntimeFolder {
  readonly path: string;
  readonly shared: boolean;
}

/** Makes the folder if it is not there; in a shared place it has to be ours alone. */
export async function openFolder(
  { path, shared }: RuntimeFolder,
  uid: number | undefined,
): Promise<string> {
  try {
    makeFolder(path);
    if (shared && uid !== undefined) {
      const stats = await lstat(path);
      if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & 0o022) !== 0) {
        throw denied(path, 'it is there, but not a folder of this user alone');
      }
    }
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw denied(path, systemErrorFact(error), error);
  }
  return path;
}

/** The error for a runtime folder, or a file in it, that cannot be written. */
export function denied(
  path: string,
  fact: string,
  cause?: unknown,
): NametagError<'NAMETAG_OUTPUT_DENIED'> {
  const hint = 'NAMETAG_RUNTIME_DIR names another runtime folder';
  return new NametagError('NAMETAG_OUTPUT_DENIED', { path, fact: `${fact} (${hint})` }, { cause });
}

/** Chooses the folder by the rule of {@link openRuntimeFolder}; makes nothing. */
export function findRuntimeFolder(
  environment: NodeJS.ProcessEnv,
  machine: { readonly uid: number | undefined; readonly temporary: string },
): RuntimeFolder {
  const own = environment['NAMETAG_RUNTIME_DIR'];
  if (isSet(own)) return { path: resolve(own), shared: false };
  // systemd.exec(5): several folders are separated by colons.
  const [systemd] = (environment['RUNTIME_DIRECTORY'] ?? '').split(':');
  if (isSet(systemd)) return { path: systemd, shared: false };
  if (machine.uid === 0) return { path: '/run/nametag', shared: false };
  const session = environment['XDG_RUNTIME_DIR'];
  if (isSet(session)) return { path: join(session, 'nametag'), shared: false };
  return { path: join(machine.temporary, `nametag-${machine.uid ?? 'user'}`), shared: true };
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}
