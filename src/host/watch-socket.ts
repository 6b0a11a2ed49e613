/**
 * The socket by which the watcher of this machine is asked to refresh.
 *
 * It is the lock of the one who listens, so nothing is left behind by a watcher that died, and no
 * process is signalled by a number that may be another's by now. Any user of the machine can
 * connect, such as that of a Serf agent: the pace of the watcher bounds what comes of it.
 */
import { connect } from 'node:net';
import type { Clock } from '../ports.ts';
import { idleClock } from './clock.ts';
import { shortDigest } from './digest.ts';
import { openRuntimeFolder } from './runtime-folder.ts';
import { type SocketLock, socketLockPath, trySocketLock } from './socket-lock.ts';

// It is on this machine: whoever does not answer at once is stopped.
const pokeMs = 2000;

// Where a socket has a file, whoever looks whether somebody listens pokes that one.
const lookAgainMs = 60_000;

/** What is told of pokes. */
export interface PokeListener {
  /** Called for each. */
  readonly onPoke: () => void;
  /** Called when another watcher of this machine gets them, at first. */
  readonly onOther: () => void;
  /** Called when that one has ended, and this one gets them. */
  readonly onTaken: () => void;
  /** @defaultValue {@link idleClock} */
  readonly clock?: Pick<Clock, 'wait'> | undefined;
}

/**
 * Listens until it is released, at once or within a minute after the watcher that does has ended:
 * a watcher that is put in the place of another one is begun before that ends.
 */
export async function listenForPokes(
  environment: NodeJS.ProcessEnv,
  { onPoke, onOther, onTaken, clock = idleClock }: PokeListener,
): Promise<SocketLock> {
  const listen = (): Promise<SocketLock | undefined> =>
    trySocketLock(nameIn(environment), {
      folder: () => openRuntimeFolder(environment),
      onConnection: (socket) => {
        socket.destroy();
        onPoke();
      },
    });
  const first = await listen();
  if (first !== undefined) return first;
  onOther();
  const released = new AbortController();
  const later = listenLater(listen, clock, released.signal).then((lock) => {
    if (lock !== undefined && !released.signal.aborted) onTaken();
    return lock;
  });
  return {
    release: async () => {
      released.abort();
      await (await later)?.release();
    },
  };
}

/** Gives `undefined` when the signal comes first. */
async function listenLater(
  listen: () => Promise<SocketLock | undefined>,
  clock: Pick<Clock, 'wait'>,
  signal: AbortSignal,
): Promise<SocketLock | undefined> {
  while (!signal.aborted) {
    await clock.wait(lookAgainMs, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    // What is in the way now, as a folder that is gone, may not be in a minute.
    const lock = await listen().catch(() => undefined);
    if (lock !== undefined) return lock;
  }
  return undefined;
}

/** Asks the watcher of this machine to refresh; `false` when nobody listens. */
export async function pokeWatcher(environment: NodeJS.ProcessEnv): Promise<boolean> {
  const path = await socketLockPath(nameIn(environment), {
    folder: () => openRuntimeFolder(environment),
  });
  return await new Promise((resolve) => {
    const socket = connect(path);
    const end = (heard: boolean): void => {
      socket.destroy();
      resolve(heard);
    };
    socket.setTimeout(pokeMs, () => end(false));
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

/** Who has set a runtime folder, as a sandbox has, pokes only watchers of others who have. */
function nameIn({ NAMETAG_RUNTIME_DIR: folder }: NodeJS.ProcessEnv): string {
  return folder ? `watch-${shortDigest(folder)}` : 'watch';
}
