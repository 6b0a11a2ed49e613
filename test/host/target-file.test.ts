import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemFileOperations } from '../../src/host/file-operations.ts';
import {
  isReplaceRefusal,
  isStill,
  readOutput,
  readTarget,
  toOutputError,
} from '../../src/host/target-file.ts';
import { systemError } from './failing-operations.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  path = join(folder, 'hosts');
  writeFileSync(path, 'old');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a file is still what was read', () => {
  /** Asks of the file with other stats than it has now. */
  async function isStillWith(change: object): Promise<boolean> {
    const old = await readTarget(systemFileOperations, path);
    const lstat = async () => Object.assign(statSync(path), change);
    return await isStill({ ...systemFileOperations, lstat }, path, old);
  }

  test('when nothing of it is another', async () => {
    expect(await isStillWith({})).toBe(true);
    // Reading it is no change.
    expect(await isStillWith({ atimeMs: 1 })).toBe(true);
  });

  // One of them may be the same by chance: a clock is coarse, and a tool may set it.
  test.each(['ino', 'size', 'mtimeMs', 'ctimeMs'])('unless its %s is another', async (field) => {
    expect(await isStillWith({ [field]: 1 })).toBe(false);
  });

  test('when it was not there and is not', async () => {
    const none = join(folder, 'none');
    expect(await isStill(systemFileOperations, none, undefined)).toBe(true);
    expect(await isStill(systemFileOperations, path, undefined)).toBe(false);
    const old = await readTarget(systemFileOperations, path);
    expect(await isStill(systemFileOperations, none, old)).toBe(false);
  });

  test('or it is not known, which is thrown', async () => {
    const lstat = async () => await Promise.reject(systemError('EIO'));
    const asking = isStill({ ...systemFileOperations, lstat }, path, undefined);
    await expect(asking).rejects.toThrow('EIO');
  });
});

test.each([
  ['EACCES', 'NAMETAG_OUTPUT_DENIED', true],
  ['EPERM', 'NAMETAG_OUTPUT_DENIED', true],
  ['EROFS', 'NAMETAG_OUTPUT_DENIED', true],
  ['ENOENT', 'NAMETAG_OUTPUT_DENIED', false],
  ['ENOTDIR', 'NAMETAG_OUTPUT_DENIED', false],
  ['EISDIR', 'NAMETAG_OUTPUT_DENIED', false],
  ['ELOOP', 'NAMETAG_OUTPUT_DENIED', false],
  ['EBUSY', 'NAMETAG_OUTPUT_FAILED', true],
  ['EINVAL', 'NAMETAG_OUTPUT_FAILED', true],
  ['EXDEV', 'NAMETAG_OUTPUT_FAILED', true],
  ['ENOSPC', 'NAMETAG_OUTPUT_FAILED', false],
  ['EIO', 'NAMETAG_OUTPUT_FAILED', false],
])('%s is %s, and a reason to write in place: %s', (errno, code, isRefusal) => {
  const cause = systemError(errno);
  expect(toOutputError('/x', cause)).toMatchObject({ code, details: { path: '/x' }, cause });
  expect(isReplaceRefusal(cause)).toBe(isRefusal);
});

test('what cannot be read is told with what it is, or what the system says', async () => {
  const reading = readTarget(systemFileOperations, folder);
  await expect(reading).rejects.toMatchObject({ details: { fact: 'it is a folder' } });
  const open = async () => await Promise.reject(systemError('EACCES'));
  await expect(readTarget({ ...systemFileOperations, open }, path)).rejects.toMatchObject({
    code: 'NAMETAG_INPUT_UNREADABLE',
    details: { path, fact: 'permission denied' },
  });
  await expect(readOutput({ ...systemFileOperations, open }, path)).rejects.toMatchObject({
    code: 'NAMETAG_OUTPUT_DENIED',
    details: { path, fact: 'permission denied' },
  });
});

test('a hint goes behind the fact, and a mistake is passed on', () => {
  const hinted = toOutputError('/x', systemError('EROFS'), 'try /y');
  expect(hinted).toMatchObject({ details: { fact: expect.stringMatching(/ \(try \/y\)$/) } });
  const mistake = new TypeError('mistake');
  expect(toOutputError('/x', mistake, 'try /y')).toBe(mistake);
  expect([mistake, undefined].map(isReplaceRefusal)).toEqual([false, false]);
});
