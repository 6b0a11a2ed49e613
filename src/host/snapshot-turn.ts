/**
 * Turns: one process of this machine at a time, and the others in line behind it.
 *
 * Whoever has the turn listens on a socket, and those who wait stay connected to it, so that they
 * are woken by its end, however it ends, and nobody polls. Who ends its turn in order tells each
 * of them its place in the line; they come back in that order, a little apart, and so a hundred of
 * them neither rush in at once nor pass one another.
 */
import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DeadlineExceeded, withDeadline } from '../deadline.ts';
import type { CallOptions } from '../ports.ts';
import { type SocketLockOptions, socketLockPath, trySocketLock } from './socket-lock.ts';

/** How a turn is taken. */
export interface TurnOptions extends CallOptions, Omit<SocketLockOptions, 'onConnection'> {
  /** After this long the turn is taken with no regard to others, as one of them may be stopped. */
  readonly waitMaxMs: number;
}

/** Ends a turn. */
export type EndTurn = () => Promise<void>;

// About what a turn takes whose holder finds that the one before it did the work.
const apartMs = 5;
// The place in line beyond which it makes no difference: a second is long enough to stay away.
const placeMax = 200;
// For those whose holder died without a word, and who do not know their place.
const jitterMs = 50;

/**
 * Waits for the turn of this name and takes it; call what it gives to end it.
 *
 * @throws `signal.reason`, or the system's error when there can be no socket.
 */
export async function takeTurn(name: string, options: TurnOptions): Promise<EndTurn> {
  try {
    return await withDeadline(options.waitMaxMs, options.signal, (signal) =>
      waitInLine(name, { ...options, signal }),
    );
  } catch (error) {
    if (error instanceof DeadlineExceeded) return async () => undefined;
    throw error;
  }
}

async function waitInLine(
  name: string,
  options: TurnOptions & { readonly signal: AbortSignal },
): Promise<EndTurn> {
  const { signal } = options;
  const path = await socketLockPath(name, options);
  // Ends by the signal at the latest, which has a deadline.
  for (;;) {
    const endTurn = await tryTurn(name, options);
    if (signal.aborted) await endTurn?.();
    signal.throwIfAborted();
    if (endTurn !== undefined) return endTurn;
    const place = await waitForEnd(path, signal);
    const pauseMs = place === undefined ? randomInt(jitterMs) : place * apartMs;
    await delay(1 + pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function tryTurn(name: string, options: TurnOptions): Promise<EndTurn | undefined> {
  const line = new Set<Socket>();
  const lock = await trySocketLock(name, {
    ...options,
    onConnection: (socket) => {
      line.add(socket);
      // Nobody's waiting keeps this process from ending, and what they say is of no interest.
      socket.unref().resume();
      socket.on('error', () => socket.destroy()).once('close', () => line.delete(socket));
    },
  });
  if (lock === undefined) return undefined;
  return async () => {
    // First the lock, so that it is free when the others hear of it.
    const released = lock.release();
    for (const [place, socket] of [...line].entries()) {
      socket.end(`${place}\n`, () => socket.destroy());
    }
    await released;
  };
}

/** Stays connected until the holder's turn ends; gives the place in line if it told one. */
async function waitForEnd(path: string, signal: AbortSignal): Promise<number | undefined> {
  return await new Promise((resolve) => {
    let said = '';
    const socket = connect(path);
    const leave = (): void => void socket.destroy();
    signal.addEventListener('abort', leave, { once: true });
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      if (said.length < 8) said += text.slice(0, 8);
    });
    // That nobody listens any more is an end as well.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      signal.removeEventListener('abort', leave);
      const place = /^(\d{1,6})\n/.exec(said)?.[1];
      resolve(place === undefined ? undefined : Math.min(Number(place), placeMax));
    });
  });
}
