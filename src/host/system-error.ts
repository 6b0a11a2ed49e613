/**
 * What the operating system says when a call fails, in words.
 */

const facts: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk reports an input/output error',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links lead in a circle',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space is left on the disk',
  ENOTDIR: 'part of its path is not a folder',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
};

/** The symbolic code of a failed system call, like `ENOENT`; `undefined` for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  // Only a system error has both; Node's own errors have a code and no errno.
  return error instanceof Error &&
    'errno' in error &&
    'code' in error &&
    typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** Says what happened, to go behind a colon: "permission denied". */
export function systemErrorFact(error: unknown): string {
  const code = systemErrorCode(error);
  return (code === undefined ? undefined : facts[code]) ?? code ?? String(error);
}
