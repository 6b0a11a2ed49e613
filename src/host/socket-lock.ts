/**
 * One process at a time, by a lock that the kernel lets go of when its holder dies.
 *
 * Who listens on the lock's socket has it. On Linux the socket has no file (unix(7), "Abstract
 * sockets"), so nothing is ever left behind and nothing goes stale; containers that share a
 * network namespace, as those of one Kubernetes pod do with their hosts file, share the lock. Any
 * user of the machine can take it: that delays the others, who say so, and harms nothing else.
 */
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { systemErrorCode } from './system-error.ts';

/** A lock that this process has. */
export interface SocketLock {
  release(): Promise<void>;
}

/** Where the locks of a machine are. */
export interface SocketLockOptions {
  /** Makes or finds the folder for socket files, where the system needs them. */
  readonly folder: () => Promise<string>;
  /** @defaultValue `process.platform` */
  readonly platform?: NodeJS.Platform | undefined;
}

// The whole of sun_path (unix(7)). Versions of Node differ in whether they send the name's length
// or all of sun_path; a name that fills it is the same lock to all of them.
const abstractNameLength = 108;

/**
 * Takes the lock of this name, or gives `undefined` when a process has it, be it this one.
 *
 * It does not keep the process from ending.
 */
export async function trySocketLock(
  name: string,
  options: SocketLockOptions,
): Promise<SocketLock | undefined> {
  const { platform = process.platform } = options;
  if (platform === 'linux') {
    return await tryListen(`\0nametag-${name}`.padEnd(abstractNameLength, '.'));
  }
  const path = join(await options.folder(), `${name}.sock`);
  const lock = await tryListen(path);
  if (lock !== undefined || (await isListenedOn(path))) return lock;
  // Its process died. Two that find this out in the same instant could both get in here; the file
  // system has no way to remove a file only if it is still that one.
  await unlink(path).catch(() => undefined);
  return await tryListen(path);
}

async function tryListen(path: string): Promise<SocketLock | undefined> {
  // Whoever connects only wants to know whether somebody is there.
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // Exclusive, since in a worker of `node:cluster` all workers would have one socket.
      server.listen({ path, exclusive: true }, resolve);
    });
  } catch (error) {
    if (systemErrorCode(error) === 'EADDRINUSE') return undefined;
    throw error;
  }
  return { release: () => close(server) };
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    // The callback's error says that it is closed already.
    server.close(() => resolve());
  });
}

async function isListenedOn(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
