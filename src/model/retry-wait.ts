// About as long as between two readings of a quiet fleet, times ten.
const maxRetryMs = 300_000;

/**
 * How long something that fails waits before it is run again: `retryMs`, 5 s unless said otherwise,
 * after its first failure in a row, then twice that, and so on up to 5 minutes. In milliseconds.
 */
export function retryWaitMs(failures: number, retryMs = 5000): number {
  return Math.min(retryMs * 2 ** (failures - 1), maxRetryMs);
}
