/**
 * The {@link ClaimLock} of this machine: a lock that ends with its process, and a mark that stays.
 */
import { open, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { dirname, join } from 'node:path';
import { NametagError } from '../errors.ts';
import type { ClaimLock, HeldClaimLock } from '../ports.ts';
import { shortDigest } from './digest.ts';
import { denied, openRuntimeFolder } from './runtime-folder.ts';
import { type SocketLock, trySocketLock } from './socket-lock.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/** How the lock of this machine is found. */
export interface ClaimLockOptions {
  /** @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** @defaultValue `process.platform` */
  readonly platform?: NodeJS.Platform | undefined;
}

// An id becomes part of a path. EC2's have 8 or 17 hex digits; other EC2s are less strict.
const instanceIdPattern = /^i-[0-9a-z](?:[0-9a-z-]{0,62}[0-9a-z])?$/;

/**
 * Makes the claim lock of this machine.
 *
 * Without a runtime folder that can be written there is no lock: the protocol needs the mark to
 * know after a crash that a write may still land, so it is not claimed without one.
 */
export function createClaimLock(options: ClaimLockOptions = {}): ClaimLock {
  const { environment = process.env, platform } = options;
  return {
    acquire: async (instanceId) => {
      if (!instanceIdPattern.test(instanceId)) {
        throw new TypeError(`Expected an instance id, got ${JSON.stringify(instanceId)}`);
      }
      const folder = await openRuntimeFolder(environment);
      const path = join(folder, `claim-${instanceId}`);
      return await guarded(folder, async () => {
        const lock = await trySocketLock(lockName(instanceId, environment), {
          folder: async () => folder,
          platform,
        });
        if (lock === undefined) throw new NametagError('NAMETAG_CLAIM_BUSY', { instanceId });
        return await hold(lock, path);
      });
    },
  };
}

/** Who has set a runtime folder, as a sandbox has, shares its locks only with others who have. */
function lockName(instanceId: string, environment: NodeJS.ProcessEnv): string {
  const folder = environment['NAMETAG_RUNTIME_DIR'];
  return folder ? `claim-${instanceId}-${shortDigest(folder)}` : `claim-${instanceId}`;
}

async function hold(lock: SocketLock, path: string): Promise<HeldClaimLock> {
  const markPath = `${path}.mark`;
  const writtenPath = `${path}.written`;
  try {
    return {
      foundMark: await exists(markPath),
      sinceWriteMs: await readSince(writtenPath),
      mark: () => guarded(markPath, () => writeMark(markPath)),
      clearMark: () =>
        guarded(writtenPath, async () => {
          await writeFile(writtenPath, String(uptimeMs()), { mode: 0o600 });
          await removeMark(markPath);
        }),
      release: lock.release,
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** By the system's uptime, which no change of the date disturbs and which starts anew at boot. */
function uptimeMs(): number {
  return Math.round(uptime() * 1000);
}

async function readSince(path: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const since = uptimeMs() - Number(text);
  // Written before the system booted, or cut short: nothing is known.
  return text !== '' && since >= 0 ? since : undefined;
}

async function writeMark(path: string): Promise<void> {
  await syncPath(path, 'a');
  // The folder too: a mark is of use only if it outlives what comes next.
  await syncPath(dirname(path), 'r');
}

async function removeMark(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

async function syncPath(path: string, flags: 'a' | 'r'): Promise<void> {
  const handle = await open(path, flags, 0o600);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function guarded<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw denied(path, systemErrorFact(error), error);
  }
}
