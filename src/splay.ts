import type { CallOptions, Clock, Random } from './ports.ts';

/**
 * Waits a moment of chance, at least 0 and less than `maxMs` milliseconds.
 *
 * Cron starts a thousand hosts in the same second, and EC2 throttles an account as a whole. By
 * chance, and not by something of the host: machines made from one image may have it in common.
 */
export async function splay(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  maxMs: number,
  options: CallOptions = {},
): Promise<void> {
  await clock.wait(Math.floor(random() * maxMs), options);
}
