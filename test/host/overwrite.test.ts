import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileOperations, systemFileOperations } from '../../src/host/file-operations.ts';
import { createJournal, isTorn, writeAll } from '../../src/host/overwrite.ts';
import { createFiles } from '../../src/host/replace-file.ts';
import { failing, systemError } from './failing-operations.ts';

const old = 'aaaa\nbbbb\ncccc\n';
const fresh = 'dddd\n';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  path = join(folder, 'hosts');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({ ...process.env, NAMETAG_STATE_DIR: join(folder, 'state') });

/** As a run leaves it that was killed while it wrote in place. */
async function leave(text: string): Promise<void> {
  writeFileSync(path, text);
  const journal = createJournal(environment());
  await journal.begin({ path, old: Buffer.from(old), fresh: Buffer.from(fresh) });
}

const journals = (): string[] => readdirSync(join(folder, 'state', 'unfinished'));

async function append(): Promise<string> {
  const files = createFiles({ environment: environment() });
  await files.update(path, (bytes) => ({
    bytes: Buffer.from(`${Buffer.from(bytes ?? []).toString()}next\n`),
    report: undefined,
  }));
  return readFileSync(path, 'utf8');
}

describe('a file that a killed run was writing in place', () => {
  test.each([
    ['half of the new content', 'ddaa\nbbbb\ncccc\n', `${old}next\n`],
    ['blank lines behind the new content', `${fresh}${'\n'.repeat(10)}`, `${old}next\n`],
    ['some of those cut off', `${fresh}\n\n`, `${old}next\n`],
    ['the old content', old, `${old}next\n`],
    ['the new content', fresh, `${fresh}next\n`],
    ['what somebody wrote since', 'aaaa\nbbbb\neeee\n', 'aaaa\nbbbb\neeee\nnext\n'],
    ['less than either', 'dd', 'ddnext\n'],
  ])('is put right when it has %s', async (_, left, expected) => {
    await leave(left);
    expect(await append()).toBe(expected);
    expect(journals()).toEqual([]);
  });

  test('is read as it was', async () => {
    await leave('ddaa\nbbbb\ncccc\n');
    const [name] = journals();
    expect(statSync(join(folder, 'state', 'unfinished', name!)).mode & 0o7777).toBe(0o600);
    const bytes = await createFiles({ environment: environment() }).read(path);
    expect(Buffer.from(bytes ?? []).toString()).toBe(old);
  });

  test('is left alone when the journal is of another file, or is damaged', async () => {
    const torn = 'ddaa\nbbbb\ncccc\n';
    await leave(torn);
    const [name] = journals();
    const place = join(folder, 'state', 'unfinished', name!);
    const text = readFileSync(place, 'utf8');
    for (const damaged of [text.slice(0, -5), '{}', text.replace(path, '/etc/other')]) {
      writeFileSync(path, torn);
      writeFileSync(place, damaged);
      expect(await append()).toBe(`${torn}next\n`);
    }
  });
});

test('a file that can neither be written nor put back is put right by the next run', async () => {
  writeFileSync(path, old);
  let isDead = false;
  const operations: FileOperations = {
    ...systemFileOperations,
    rename: async () => await Promise.reject(systemError('EBUSY')),
    open: async (...args) => {
      const handle = await systemFileOperations.open(...args);
      const write = async (bytes: Buffer): Promise<unknown> => {
        if (isDead) throw systemError('EIO');
        isDead = true;
        return await systemWrite(bytes.subarray(0, 2));
      };
      const systemWrite = handle.write.bind(handle);
      return args[1] === 'r+' ? Object.assign(handle, { write }) : handle;
    },
  };
  const files = createFiles({ environment: environment(), operations });
  const update = files.update(path, () => ({ bytes: Buffer.from(fresh), report: undefined }));
  await expect(update).rejects.toMatchObject({ details: { torn: true } });
  expect(readFileSync(path, 'utf8')).toBe('ddaa\nbbbb\ncccc\n');
  expect(await append()).toBe(`${old}next\n`);
  expect(journals()).toEqual([]);
});

test.each(['', 'x', old.slice(1), `${old}x`, `${old}${old}`])(
  'a file is %j in place',
  async (text) => {
    writeFileSync(path, old);
    const operations = failing((call) => (call === 'rename' ? systemError('EBUSY') : undefined));
    const files = createFiles({ environment: environment(), operations });
    await files.update(path, () => ({ bytes: Buffer.from(text), report: undefined }));
    expect(readFileSync(path, 'utf8')).toBe(text);
  },
);

test('a file is never longer than the longer of what it says and is to say', async () => {
  writeFileSync(path, old);
  let isDead = false;
  const operations = failing((call) => {
    if (call === 'rename') return systemError('EBUSY');
    isDead ||= call === 'truncate r+';
    return isDead ? systemError('EIO') : undefined;
  });
  const files = createFiles({ environment: environment(), operations });
  const update = files.update(path, () => ({ bytes: Buffer.from(fresh), report: undefined }));
  await expect(update).rejects.toMatchObject({ details: { torn: true } });
  expect(readFileSync(path, 'utf8')).toBe(`${fresh}${'\n'.repeat(10)}`);
  expect(await append()).toBe(`${old}next\n`);
});

test('a file that was put back at once has no journal any more', async () => {
  writeFileSync(path, old);
  let writes = 0;
  const operations = failing((call) => {
    if (call === 'rename') return systemError('EBUSY');
    if (call === 'write r+') writes += 1;
    return call === 'write r+' && writes === 1 ? systemError('EIO') : undefined;
  });
  const files = createFiles({ environment: environment(), operations });
  const update = files.update(path, () => ({ bytes: Buffer.from(fresh), report: undefined }));
  await expect(update).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_FAILED' });
  expect(readFileSync(path, 'utf8')).toBe(old);
  expect(journals()).toEqual([]);
});

test('a file that cannot be closed has been written', async () => {
  writeFileSync(path, old);
  const operations = failing((call) => {
    if (call === 'rename') return systemError('EBUSY');
    return call === 'close r+' ? systemError('EIO') : undefined;
  });
  const files = createFiles({ environment: environment(), operations });
  const update = files.update(path, () => ({ bytes: Buffer.from(fresh), report: undefined }));
  expect(await update).toMatchObject({ change: 'overwritten-in-place' });
  expect(readFileSync(path, 'utf8')).toBe(fresh);
  expect(journals()).toEqual([]);
});

describe('all bytes of a file', () => {
  /** A handle of a disk that takes so many bytes at once. */
  const disk = (most: number) => {
    const taken: number[] = [];
    const write = async (bytes: Uint8Array, at: number, length: number, position: number) => {
      const bytesWritten = Math.min(most, length);
      for (let i = 0; i < bytesWritten; i += 1) taken[position + i] = bytes[at + i] ?? 0;
      return { bytesWritten };
    };
    return { handle: { write } as unknown as FileHandle, taken };
  };

  test.each([1, 4, 100])('are written, %i at once', async (most) => {
    const { handle, taken } = disk(most);
    await writeAll(handle, Buffer.from(old), path);
    expect(Buffer.from(taken).toString()).toBe(old);
  });

  test('are not, when the disk takes no more', async () => {
    await expect(writeAll(disk(0).handle, Buffer.from(old), path)).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_FAILED',
      details: { path, fact: 'the disk takes no more' },
    });
  });
});

test('a file has no journal when its folder cannot be made', async () => {
  writeFileSync(path, old);
  const journal = createJournal({ NAMETAG_STATE_DIR: path });
  await journal.begin({ path, old: Buffer.from(old), fresh: Buffer.from(fresh) });
  await journal.end(path);
  expect(await journal.find(path)).toBeUndefined();
});

test('neither the old nor the new content is torn', () => {
  const overwriting = { path, old: Buffer.from(old), fresh: Buffer.from(fresh) };
  expect(
    [old, fresh, 'daaa\nbbbb\ncccc\n'].map((s) => isTorn(Buffer.from(s), overwriting)),
  ).toEqual([false, false, true]);
});
