/**
 * Real processes that write a set of files and kill themselves at a step of it, each step in turn.
 */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFileSets } from '../../src/host/file-set.ts';

let folder: string;
let otherFolder: string;
let writer: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  // Mostly another file system.
  const other = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  otherFolder = mkdtempSync(join(other, 'nametag-test-'));
  writer = join(folder, 'writer.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'killed-set-writer.ts')],
    outfile: writer,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(otherFolder, { recursive: true, force: true });
});

const fresh = 'new\n'.repeat(20);

interface Killed {
  readonly state: string;
  readonly paths: readonly string[];
  readonly ended: boolean;
}

/** Lets a process write three files in folders of its own, and kill itself at a step. */
async function killAt(step: number, way: string): Promise<Killed> {
  const own = mkdtempSync(join(folder, 'run-'));
  const other = mkdtempSync(join(otherFolder, 'run-'));
  const state = join(own, 'state');
  mkdirSync(join(own, 'etc'));
  const paths = [join(own, 'etc', 'one'), join(other, 'two'), join(own, 'etc', 'three')];
  for (const path of paths) writeFileSync(path, 'old');
  const env = { ...process.env, NAMETAG_RUNTIME_DIR: join(folder, 'run') };
  const words = [writer, state, `${step}`, way, ...paths];
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, words, { env }, (error, _, stderr) => {
      if (error === null) resolve({ state, paths, ended: true });
      else if (error.signal === 'SIGKILL') resolve({ state, paths, ended: false });
      else reject(new TypeError(stderr));
    });
  });
}

function kindOf(paths: readonly string[]): string {
  const texts = paths.map((path) => readFileSync(path, 'utf8'));
  if (texts.every((text) => text === 'old')) return 'old';
  return texts.every((text) => text === fresh) ? 'new' : 'a mix';
}

/** Opens the set as the next run does; gives how many commands it is to run. */
async function openNext(state: string): Promise<number> {
  const sets = createFileSets({
    environment: { ...process.env, NAMETAG_STATE_DIR: state },
    warn: (sentence) => expect.fail(sentence),
  });
  const set = await sets.open();
  await set.close();
  return set.pending().length;
}

/** Of two processes at a time, one for each step, until there are no more. */
async function killAtEachStep(
  way: string,
  check: (killed: Killed) => Promise<void>,
): Promise<number> {
  for (let step = 1; ; step += 2) {
    const pair = await Promise.all([step, step + 1].map((n) => killAt(n, way)));
    for (const killed of pair) await check(killed);
    if (pair.some(({ ended }) => ended)) return step;
  }
}

describe.each(['rename', 'in-place'])('a process that is killed, by %s', (way) => {
  test('leaves a set that the next run finds old or makes new', { timeout: 300_000 }, async () => {
    const found = new Set<string>();
    const made = new Set<string>();
    const steps = await killAtEachStep(way, async ({ state, paths }) => {
      found.add(kindOf(paths));
      const commands = await openNext(state);
      const kind = kindOf(paths);
      made.add(kind);
      expect(commands).toBe(kind === 'new' ? 3 : 0);
      expect(readdirSync(join(paths[0]!, '..')).sort()).toEqual(['one', 'three']);
      expect(readdirSync(join(paths[1]!, '..'))).toEqual(['two']);
      const render = join(state, 'render');
      const journals = existsSync(render) ? readdirSync(render) : [];
      expect(journals).toEqual(kind === 'new' ? ['journal'] : []);
    });
    expect(steps).toBeGreaterThan(50);
    // What is found would stay so without the journal, which is the control.
    expect([...found].sort()).toEqual(['a mix', 'new', 'old']);
    expect([...made].sort()).toEqual(['new', 'old']);
  });
});
