import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemErrorCode } from './system-error.ts';

/**
 * Makes a folder and those above it, for this user alone; one that is there stays as it is.
 *
 * Node's own `recursive` never ends where a folder is there and nothing can be made in it for a
 * reason that sounds as if it were not, as below `/proc`. At once, since most often it is there,
 * and to hear that from another thread would take ten times as long.
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return;
    if (systemErrorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    try {
      mkdirSync(path, { mode: 0o700 });
    } catch (again) {
      if (systemErrorCode(again) !== 'EEXIST') throw again;
    }
  }
}
