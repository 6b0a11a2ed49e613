/**
 * A process that kills itself at a step: every call of the file system is one, and a write is two,
 * with half of it between them.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { type FileOperations, systemFileOperations } from '../../src/host/file-operations.ts';

/** Gives the operations to use, of a process that kills itself at a step from now on. */
export async function dieAtStep(
  lastStep: number,
  options: {
    /** A file that is there. */
    readonly someFile: string;
    /** Files that cannot be renamed over. */
    readonly mounted: (path: string) => boolean;
  },
): Promise<FileOperations> {
  let steps = 0;

  function step(): void {
    steps += 1;
    if (steps >= lastStep) process.kill(process.pid, 'SIGKILL');
  }

  const stepping = (call: Call): Call =>
    async function (...words) {
      step();
      return await Reflect.apply(call, this, words);
    };

  const handle = await fs.open(options.someFile, 'r');
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  for (const name of ['chmod', 'chown', 'close', 'readFile', 'stat', 'sync', 'truncate']) {
    wrap(prototype, name, stepping);
  }
  wrap(
    prototype,
    'write',
    (call) =>
      async function (bytes, at, length, position) {
        step();
        const half = Math.ceil(Number(length) / 2);
        const first = await Reflect.apply(call, this, [bytes, at, half, position]);
        step();
        return first;
      },
  );
  wrap(
    prototype,
    'writeFile',
    (call) =>
      async function (content) {
        step();
        const text = Buffer.from(String(content));
        await Reflect.apply(call, this, [text.subarray(0, text.length / 2)]);
        step();
        await Reflect.apply(call, this, [text.subarray(text.length / 2)]);
        return undefined;
      },
  );
  const names = ['access', 'lstat', 'mkdir', 'open', 'readFile', 'readdir', 'realpath', 'unlink'];
  for (const name of names) wrap(fs, name, stepping);
  wrap(
    fs,
    'rename',
    (call) =>
      async function (from, to) {
        step();
        if (options.mounted(String(to))) {
          throw Object.assign(new TypeError('EBUSY'), { code: 'EBUSY', errno: -16 });
        }
        return await Reflect.apply(call, this, [from, to]);
      },
  );
  syncBuiltinESMExports();

  // The operations were taken from the module before they were wrapped.
  const { access, open, readdir, readlink, realpath, rename, unlink } = fs;
  const lstat = (place: string) => fs.lstat(place);
  const wrapped = { access, lstat, open, readdir, readlink, realpath, rename, unlink };
  // A process for each of many runs would only take time.
  return { ...systemFileOperations, ...wrapped, copyAttributes: async () => undefined };
}

type Call = (this: unknown, ...words: unknown[]) => Promise<unknown>;

function wrap(object: object, name: string, instead: (call: Call) => Call): void {
  const call: Call = Reflect.get(object, name);
  Reflect.set(object, name, instead(call));
}
