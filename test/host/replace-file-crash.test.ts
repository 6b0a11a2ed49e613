import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemFileOperations } from '../../src/host/file-operations.ts';
import { createFiles } from '../../src/host/replace-file.ts';
import type { Files } from '../../src/ports.ts';
import { failing, systemError } from './failing-operations.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  path = join(folder, 'hosts');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function replace(text: string, on: Files = createFiles()): Promise<void> {
  await on.update(path, () => ({ bytes: Buffer.from(text), report: undefined }));
}

// Goal: whatever happens at whatever moment, the file is old or new.
// Method: the N-th system call fails, for every N; once alone, and once with all after it, as if
// the process had been killed there.
describe('at every step', () => {
  const old = 'the old content, which is longer\n';
  const fresh = 'the new content\n';

  async function run(failsAt: (count: number) => boolean): Promise<number> {
    await writeFile(path, old);
    let count = 0;
    const operations = failing(() => {
      count += 1;
      return failsAt(count) ? systemError('EIO') : undefined;
    });
    await replace(fresh, createFiles({ operations })).catch(() => undefined);
    return count;
  }

  test('a failure leaves old or new, and no other file', async () => {
    const calls = await run(() => false);
    expect(calls).toBeGreaterThan(12);
    const seen = new Set<string>();
    for (let n = 1; n <= calls; n += 1) {
      await run((count) => count === n);
      seen.add(readFileSync(path, 'utf8'));
      expect(readdirSync(folder)).toEqual(['hosts']);
    }
    expect(seen).toEqual(new Set([old, fresh]));
  });

  test('a kill leaves old or new, and the next run leaves no other file', async () => {
    const calls = await run(() => false);
    let leftovers = 0;
    for (let n = 1; n <= calls; n += 1) {
      await run((count) => count >= n);
      expect([old, fresh]).toContain(readFileSync(path, 'utf8'));
      leftovers += readdirSync(folder).length - 1;
      await replace('the next content');
      expect(readFileSync(path, 'utf8')).toBe('the next content');
      expect(readdirSync(folder)).toEqual(['hosts']);
    }
    expect(leftovers).toBeGreaterThan(0);
  });
});

// Goal: a reader never sees part of a file.
// Method: read as fast as possible during many rewrites. The control truncates and writes.
describe('a reader in a loop', () => {
  const contents = ['a', 'b'].map((letter) => `${letter.repeat(70)}\n`.repeat(2000));
  const rewrites = 300;

  async function readWhile(writing: (content: string) => Promise<unknown>): Promise<number> {
    await writeFile(path, contents[0]!);
    let done = false;
    let broken = 0;
    const reading = (async () => {
      while (!done) {
        if (!contents.includes(await readFile(path, 'utf8'))) broken += 1;
      }
    })();
    for (let i = 1; i <= rewrites; i += 1) await writing(contents[i % 2]!);
    done = true;
    await reading;
    return broken;
  }

  test('sees whole files only', async () => {
    const operations = { ...systemFileOperations, copyAttributes: async () => undefined };
    const on = createFiles({ operations });
    expect(await readWhile((content) => replace(content, on))).toBe(0);
  });

  test('sees short files when they are truncated first (the control)', async () => {
    const truncateAndWrite = async (content: string): Promise<void> => {
      await truncate(path);
      await stat(path);
      const handle = await open(path, 'r+');
      await handle.writeFile(content);
      await handle.close();
    };
    expect(await readWhile(truncateAndWrite)).toBeGreaterThan(0);
  });
});
