/**
 * Waiting for a lock that another process has.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CallOptions } from '../ports.ts';
import { openRuntimeFolder } from './runtime-folder.ts';
import { type SocketLock, trySocketLock } from './socket-lock.ts';

/** How long to wait, and where locks are. */
export interface WaitedLockOptions extends CallOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly lockWaitMs: number;
}

const lockPollMs = 25;

/** Takes the lock of this name; `undefined` when another process has it for all of the wait. */
export async function waitForLock(
  name: string,
  options: WaitedLockOptions,
): Promise<SocketLock | undefined> {
  const { environment, lockWaitMs, signal } = options;
  const folder = (): Promise<string> => openRuntimeFolder(environment);
  for (let waitedMs = 0; ; waitedMs += lockPollMs) {
    signal?.throwIfAborted();
    const lock = await trySocketLock(name, { folder });
    if (lock !== undefined || waitedMs >= lockWaitMs) return lock;
    await delay(lockPollMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}
