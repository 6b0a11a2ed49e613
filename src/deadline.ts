/**
 * Every call that leaves this process has a time limit and can be ended by its caller.
 *
 * `AbortSignal.any` would say the same in a line, but on Node 20 each use leaves about 2 kB on a
 * signal that lives as long as a daemon does.
 */

/** A call did not end within its time. */
export class DeadlineExceeded extends Error {
  override readonly name: string = 'DeadlineExceeded';

  constructor(deadlineMs: number) {
    super(`no answer within ${deadlineMs} ms`);
  }
}

/** Tells whether it is one; another bundle of the program has a class of its own. */
export function isDeadlineExceeded(error: unknown): boolean {
  return error instanceof Error && error.name === 'DeadlineExceeded';
}

/**
 * Runs `work` for at most `deadlineMs` milliseconds and no longer than `signal` lets it.
 *
 * The work is given a signal that says when either has happened. It is not waited for then, since
 * not everything listens to a signal.
 *
 * @throws {@link DeadlineExceeded}, `signal.reason` as it is, or what the work throws.
 */
export async function withDeadline<T>(
  deadlineMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(new DeadlineExceeded(deadlineMs)), deadlineMs);
  const onAbort = () => ended.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise<T>((resolve, reject) => {
      ended.signal.addEventListener('abort', () => reject(ended.signal.reason), { once: true });
      work(ended.signal).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
