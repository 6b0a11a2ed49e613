/**
 * One process at a time, by a lock that the kernel lets go of when its holder dies.
 *
 * Who listens on the lock's socket has it. On Linux the socket has no file (unix(7), "Abstract
 * sockets"), so nothing is ever left behind and nothing goes stale; containers that share a
 * network namespace, as those of one Kubernetes pod do with their hosts file, share the lock. Any
 * user of the machine can take it, and for as long as he keeps it no other user gets it, but for
 * root by {@link lockDespiteOthers}: they wait, say so and do nothing. On Linux `/proc/net/unix`
 * shows the lock's name.
 */
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { isHeldByOthers } from './socket-holder.ts';
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
  /**
   * Gets the connection of everyone who looks whether the lock is taken, while it is. One that is
   * not closed keeps the process from ending, unless it is unreferenced. Closes it by default.
   */
  readonly onConnection?: ((socket: Socket) => void) | undefined;
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
  const { platform = process.platform, onConnection = hangUp } = options;
  const path = await socketLockPath(name, options);
  const lock = await tryListen(path, onConnection);
  if (lock !== undefined || platform === 'linux' || (await isListenedOn(path))) return lock;
  // Its process died. Two that find this out in the same instant could both get in here; the file
  // system has no way to remove a file only if it is still that one.
  await unlink(path).catch(() => undefined);
  return await tryListen(path, onConnection);
}

/**
 * Gives root a lock that is none, where a process of another user has the lock; else `undefined`.
 *
 * For when it has been waited for, and where two at once cost one an update that comes again:
 * nobody is to keep root from its own files by listening on a socket.
 */
export async function lockDespiteOthers(
  name: string,
  options: SocketLockOptions,
): Promise<SocketLock | undefined> {
  if (!(await isHeldByOthers(await socketLockPath(name, options)))) return undefined;
  return { release: async () => undefined };
}

/** The path of the lock's socket, to connect to. */
export async function socketLockPath(
  name: string,
  { folder, platform = process.platform }: SocketLockOptions,
): Promise<string> {
  return platform === 'linux'
    ? `\0nametag-${name}`.padEnd(abstractNameLength, '.')
    : join(await folder(), `${name}.sock`);
}

/** Whoever connects only wants to know whether somebody is there. */
function hangUp(socket: Socket): void {
  socket.destroy();
}

async function tryListen(
  path: string,
  onConnection: (socket: Socket) => void,
): Promise<SocketLock | undefined> {
  const server = createServer(onConnection);
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
