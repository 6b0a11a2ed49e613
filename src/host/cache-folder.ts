/** The folder for what can be asked for again: losing it costs time, never truth. */
import { isAbsolute, join, resolve } from 'node:path';

/**
 * Finds the folder for snapshots; `undefined` when nothing says where this user's files are.
 *
 * `NAMETAG_CACHE_DIR`, else systemd's `CACHE_DIRECTORY`, else `/var/cache/nametag` for root, else
 * `nametag` in `XDG_CACHE_HOME` or in `.cache` of `HOME` (XDG Base Directory Specification).
 * Empty settings count as not set. Makes nothing.
 */
export function cacheFolderOf(
  env: Readonly<Record<string, string | undefined>>,
  uid: number | undefined,
): string | undefined {
  const own = env['NAMETAG_CACHE_DIR'];
  if (own) return resolve(own);
  // systemd.exec(5): several folders are separated by colons.
  const [systemd] = (env['CACHE_DIRECTORY'] ?? '').split(':');
  if (systemd) return systemd;
  if (uid === 0) return '/var/cache/nametag';
  const { XDG_CACHE_HOME: xdg, HOME: home } = env;
  // By the specification a path there that is not absolute is to be passed over.
  if (xdg && isAbsolute(xdg)) return join(xdg, 'nametag');
  return home ? join(home, '.cache', 'nametag') : undefined;
}
