/**
 * A process that writes a file and kills itself at a step of it: `node writer.js PATH STEP WAY`.
 *
 * Every call of the file system is a step, and a write is two, with half of it between them. With
 * the way `in-place` the file cannot be renamed over. Exits with 0 when there were fewer steps.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { createBackups } from '../../src/host/backup.ts';
import { systemFileOperations } from '../../src/host/file-operations.ts';
import { createFiles } from '../../src/host/replace-file.ts';

const [path = '', lastStep = '', way = ''] = process.argv.slice(2);
const fresh = await fs.readFile(`${path}.fresh`);
let steps = 0;

function step(): void {
  steps += 1;
  if (steps >= Number(lastStep)) process.kill(process.pid, 'SIGKILL');
}

type Call = (this: unknown, ...words: unknown[]) => Promise<unknown>;

function wrap(object: object, name: string, instead: (call: Call) => Call): void {
  const call: Call = Reflect.get(object, name);
  Reflect.set(object, name, instead(call));
}

const stepping = (call: Call): Call =>
  async function (...words) {
    step();
    return await Reflect.apply(call, this, words);
  };

const handle = await fs.open(`${path}.fresh`, 'r');
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
      if (way === 'in-place' && to === path) {
        throw Object.assign(new TypeError('EBUSY'), { code: 'EBUSY', errno: -16 });
      }
      return await Reflect.apply(call, this, [from, to]);
    },
);
syncBuiltinESMExports();

const environment = { ...process.env, NAMETAG_STATE_DIR: `${path}.state` };
const files = createFiles({
  environment,
  backups: createBackups({ environment }),
  // A process for each of many runs would only take time.
  operations: { ...systemFileOperations, ...pick(fs), copyAttributes: async () => undefined },
});
await files.update(path, () => ({ bytes: fresh, report: undefined }));

/** The operations were taken from the module before they were wrapped. */
function pick(module: typeof fs) {
  const { access, open, readdir, readlink, realpath, rename, unlink } = module;
  const lstat = (place: string) => module.lstat(place);
  return { access, lstat, open, readdir, readlink, realpath, rename, unlink };
}
