/**
 * The socket by which the watcher of this machine is asked to refresh.
 *
 * It is the lock of the one who listens, so nothing is left behind by a watcher that died, and no
 * process is signalled by a number that may be another's by now. Any user of the machine can
 * connect, such as that of a Serf agent: the pace of the watcher bounds what comes of it.
 */
import { connect } from 'node:net';
import { shortDigest } from './digest.ts';
import { openRuntimeFolder } from './runtime-folder.ts';
import { type SocketLock, socketLockPath, trySocketLock } from './socket-lock.ts';

// It is on this machine: whoever does not answer at once is stopped.
const pokeMs = 2000;

/** Listens until it is released; `undefined` when another watcher of this machine does. */
export async function listenForPokes(
  environment: NodeJS.ProcessEnv,
  onPoke: () => void,
): Promise<SocketLock | undefined> {
  return await trySocketLock(nameIn(environment), {
    folder: () => openRuntimeFolder(environment),
    onConnection: (socket) => {
      socket.destroy();
      onPoke();
    },
  });
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
