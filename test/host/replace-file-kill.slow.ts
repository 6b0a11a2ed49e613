/**
 * Real processes that replace a file and kill themselves at a step of it, each step in turn, and a
 * reader of its own process that looks on during ten thousand rewrites.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemFileOperations } from '../../src/host/file-operations.ts';
import { createFiles } from '../../src/host/replace-file.ts';

let folder: string;
let writer: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  writer = join(folder, 'writer.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'killed-writer.ts')],
    outfile: writer,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const long = '10.0.0.1\tweb-0\n'.repeat(40);
const short = '10.0.0.2\tweb-1\n'.repeat(10);

interface Killed {
  readonly path: string;
  /** Whether it came to an end before it was to kill itself. */
  readonly ended: boolean;
}

/** Lets a process replace `old` by `fresh` in a folder of its own, and kill itself at a step. */
async function killAt(step: number, way: string, old: string, fresh: string): Promise<Killed> {
  const own = mkdtempSync(join(folder, 'run-'));
  const path = join(own, 'hosts');
  writeFileSync(path, old);
  writeFileSync(`${path}.fresh`, fresh);
  const env = { ...process.env, NAMETAG_RUNTIME_DIR: join(folder, 'run') };
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, [writer, path, `${step}`, way], { env }, (error, _, stderr) => {
      if (error === null) resolve({ path, ended: true });
      else if (error.signal === 'SIGKILL') resolve({ path, ended: false });
      else reject(new TypeError(stderr));
    });
  });
}

/** Of two processes at a time, one for each step, until there are no more. */
async function killAtEachStep(
  way: string,
  old: string,
  fresh: string,
  check: (path: string) => void | Promise<void>,
): Promise<number> {
  for (let step = 1; ; step += 2) {
    const pair = await Promise.all([step, step + 1].map((n) => killAt(n, way, old, fresh)));
    for (const { path, ended } of pair) {
      await check(path);
      if (ended) return step;
    }
  }
}

async function appendLine(path: string): Promise<string> {
  const environment = { ...process.env, NAMETAG_STATE_DIR: `${path}.state` };
  await createFiles({ environment }).update(path, (old) => ({
    bytes: Buffer.from(`${Buffer.from(old ?? '').toString()}# next\n`),
    report: undefined,
  }));
  return readFileSync(path, 'utf8');
}

/** Those that are one by their name; what is unfinished is not. */
function backupsOf(path: string): readonly string[] {
  const place = join(`${path}.state`, 'backup');
  const names = existsSync(place) ? readdirSync(place) : [];
  return names.filter((name) => name.startsWith('hosts.')).map((name) => join(place, name));
}

const kept = ['hosts', 'hosts.fresh', 'hosts.state'];

describe('a process that is killed at any step of a write', { timeout: 300_000 }, () => {
  test.each([
    [long, short],
    [short, long],
  ])('by rename leaves old or new, and the next leaves nothing else', async (old, fresh) => {
    const seen = new Set<string>();
    const steps = await killAtEachStep('rename', old, fresh, async (path) => {
      const text = readFileSync(path, 'utf8');
      expect([old, fresh]).toContain(text);
      seen.add(text);
      expect(await appendLine(path)).toBe(`${text}# next\n`);
      expect(kept).toEqual(expect.arrayContaining(readdirSync(join(path, '..'))));
      for (const backup of backupsOf(path)) expect(readFileSync(backup, 'utf8')).toBe(old);
    });
    expect(seen).toEqual(new Set([old, fresh]));
    expect(steps).toBeGreaterThan(20);
  });

  test.each([
    [long, short],
    [short, long],
  ])('in place never leaves it short, and the next puts it right', async (old, fresh) => {
    const shortest = Math.min(old.length, fresh.length);
    let torn = 0;
    const steps = await killAtEachStep('in-place', old, fresh, async (path) => {
      const text = readFileSync(path, 'utf8');
      expect(text.length).toBeGreaterThanOrEqual(shortest);
      if (text !== old && text !== fresh) torn += 1;
      expect([`${old}# next\n`, `${fresh}# next\n`]).toContain(await appendLine(path));
      expect(kept).toEqual(expect.arrayContaining(readdirSync(join(path, '..'))));
    });
    expect(torn).toBeGreaterThan(0);
    expect(steps).toBeGreaterThan(20);
  });

  test('is found out when it truncates first (the control)', async () => {
    const path = join(mkdtempSync(join(folder, 'run-')), 'hosts');
    mkdirSync(`${path}.state`);
    writeFileSync(path, long);
    truncateSync(path);
    expect([`${long}# next\n`, `${short}# next\n`]).not.toContain(await appendLine(path));
  });
});

// Goal: whoever reads sees a whole file, old or new.
// Method: another process reads as fast as it can while this one writes. The control truncates.
describe('a reader of another process', () => {
  const contents = [long, short];

  async function brokenReads(
    rewrites: number,
    write: (path: string, text: string) => Promise<unknown>,
  ): Promise<{ readonly reads: number; readonly broken: number }> {
    const path = join(mkdtempSync(join(folder, 'run-')), 'hosts');
    writeFileSync(path, contents[0]!);
    const reader = fork(join(import.meta.dirname, 'hosts-reader.js'), [path, ...contents]);
    await once(reader, 'message');
    for (let n = 1; n <= rewrites; n += 1) await write(path, contents[n % 2]!);
    reader.send('stop');
    const [result] = await once(reader, 'message');
    return result;
  }

  test('sees whole files only, in ten thousand rewrites', { timeout: 600_000 }, async () => {
    const operations = { ...systemFileOperations, copyAttributes: async () => undefined };
    const files = createFiles({ operations });
    const { reads, broken } = await brokenReads(10_000, (path, text) =>
      files.update(path, () => ({ bytes: Buffer.from(text), report: undefined })),
    );
    expect(broken).toBe(0);
    expect(reads).toBeGreaterThan(10_000);
  });

  test('sees short files when they are truncated first (the control)', async () => {
    const { broken } = await brokenReads(2000, (path, text) => writeFile(path, text));
    expect(broken).toBeGreaterThan(0);
  });
});
