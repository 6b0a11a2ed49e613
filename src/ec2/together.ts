/** Several calls at a time: how many, and what becomes of the others when one fails. */

/** Runs some at a time, and the others when their turn comes. */
export type Slots = <T>(run: () => Promise<T>) => Promise<T>;

/** Makes slots for so many at a time; whoever came first is first. */
export function createSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** Runs all and gives what they give, in order; the first failure ends the others and is thrown. */
export async function runTogether<In, Out>(
  items: readonly In[],
  signal: AbortSignal | undefined,
  run: (item: In, signal: AbortSignal) => Promise<Out>,
): Promise<Out[]> {
  const ended = new AbortController();
  const onAbort = () => ended.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.all(
      items.map((item) =>
        run(item, ended.signal).catch((error: unknown) => {
          ended.abort(error);
          throw error;
        }),
      ),
    );
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
