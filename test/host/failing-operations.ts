/**
 * The real file operations, but for the calls that a test wants to fail.
 */
import type { FileHandle } from 'node:fs/promises';
import { type FileOperations, systemFileOperations } from '../../src/host/file-operations.ts';

/** Decides for one call, such as `rename`, `open wx` or `sync r+`, with which error it fails. */
export type Fail = (call: string) => Error | undefined;

/** An error as Node throws it for a system call. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, errno: -1 });
}

/**
 * Asks `fail` before each call, also before those of opened files.
 *
 * With `foreignOwner`, a new file looks as if somebody else had it, so that it is given away. With
 * `withoutDisk`, nothing waits for the disk, which no failure but that of the machine needs.
 */
export function failing(
  fail: Fail,
  options: { foreignOwner?: boolean; withoutDisk?: boolean } = {},
): FileOperations {
  const check = (call: string): void => {
    const error = fail(call);
    if (error !== undefined) throw error;
  };
  const operations = Object.entries(systemFileOperations).map(([name, operation]) => {
    const checked = async (...args: string[]) => {
      check(name === 'open' ? `open ${args[1]}` : name);
      // Its own tests copy attributes; here a process for each of many runs would only take time.
      if (name === 'copyAttributes') return undefined;
      const result: unknown = await Reflect.apply(operation, undefined, args);
      return name === 'open' ? wrap(result as FileHandle, args[1] ?? '') : result;
    };
    return [name, checked];
  });

  function wrap(handle: FileHandle, flags: string): FileHandle {
    return new Proxy(handle, {
      get(target, key) {
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== 'function' || typeof key !== 'string') return method;
        return async (...args: unknown[]) => {
          const error = fail(key === 'chown' ? key : `${key} ${flags}`);
          // A file is closed even when closing it fails, close(2).
          if (error !== undefined && key === 'close') await target.close();
          if (error !== undefined) throw error;
          if (key === 'sync' && options.withoutDisk === true) return undefined;
          const result: unknown = await Reflect.apply(method, target, args);
          const foreign = key === 'stat' && options.foreignOwner === true && flags === 'wx';
          return foreign ? Object.assign(result as object, { uid: 4242 }) : result;
        };
      },
    });
  }
  return Object.fromEntries(operations) as FileOperations;
}
