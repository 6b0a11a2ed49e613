import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a user types, each a file of bin/. */
const programNames = ['nametag', 'resolve', 'claim-name'] as const;

/** The file of one of this package's programs, two folders above this one, built or not. */
export function programPath(name: (typeof programNames)[number]): string {
  return fileURLToPath(new URL(`../../bin/${name}.js`, import.meta.url));
}

/**
 * Makes a folder in which this very program is found under its own names, so that a command run in
 * a sandbox can call it whether it is installed or not.
 */
export async function linkPrograms(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all(programNames.map((name) => symlink(programPath(name), join(folder, name))));
}
