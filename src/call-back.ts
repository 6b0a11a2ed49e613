/**
 * Calls what a caller of ours wants to be told by.
 *
 * What it throws is an unhandled rejection, as of a callback that is asynchronous: a mistake of the
 * caller's, which keeps neither others from being told nor us from going on.
 */
export async function callBack(callback: (() => void) | undefined): Promise<void> {
  callback?.();
}
