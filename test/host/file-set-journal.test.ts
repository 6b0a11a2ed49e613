import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemFileOperations } from '../../src/host/file-operations.ts';
import {
  candidateName,
  createFileSetJournal,
  type Remainder,
  UnusableJournal,
} from '../../src/host/file-set-journal.ts';
import { failing, systemError } from './failing-operations.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  mkdirSync(join(folder, 'render'));
  path = join(folder, 'render', 'journal');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const open = (operations = systemFileOperations) => createFileSetJournal(operations, path);
const there = (): string[] => readdirSync(join(folder, 'render'));

const digest = 'ab'.repeat(32);
const candidate = '/etc/.a.nametag-set-0123456789ab';
const move = { candidate, destination: '/etc/a', digest };
const nothing = { moves: [], removals: [], pending: [] };
const full: Remainder = {
  moves: [move, { ...move, oldDigest: digest }],
  removals: [{ path: candidate }, { path: '/etc/b', digest }],
  pending: ['/etc/a'],
};

/** Writes a journal whose digest is right, whatever it says. */
function leave(body: unknown): void {
  const text = JSON.stringify(body);
  const header = { version: 1, digest: createHash('sha256').update(text).digest('hex') };
  writeFileSync(path, `${JSON.stringify(header)}\n${text}\n`, { mode: 0o600 });
}

describe('the journal of sets', () => {
  test('gives back what it was given, and is for this user alone', async () => {
    rmSync(join(folder, 'render'), { recursive: true });
    await open().write(full);
    expect(await open().read()).toEqual(full);
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    expect(there()).toEqual(['journal']);
  });

  test('is not there when nothing is left to do', async () => {
    expect(await open().read()).toEqual(nothing);
    await open().write(full);
    await open().write(nothing);
    await open().write(nothing);
    expect(there()).toEqual([]);
    for (const some of ['moves', 'removals', 'pending'] as const) {
      await open().write({ ...nothing, [some]: full[some] });
      expect(await open().read()).toEqual({ ...nothing, [some]: full[some] });
      await open().write({ ...full, [some]: [] });
      expect(await open().read()).toEqual({ ...full, [some]: [] });
    }
    const one = { moves: [move], removals: [], pending: ['/etc/a'] };
    await open().write(one);
    expect(await open().read()).toEqual(one);
  });

  test('takes what a killed run has left of one for none', async () => {
    await open().write(full);
    writeFileSync(`${path}.new`, 'half of one that is much longer'.repeat(100));
    expect(await open().read()).toEqual(full);
    expect(there()).toEqual(['journal']);
    writeFileSync(`${path}.new`, 'half');
    await open().write(full);
    expect(there()).toEqual(['journal']);
    expect(await open().read()).toEqual(full);
  });

  test('is what it was when it cannot be written', async () => {
    await open().write(full);
    const broken = failing((call) => (call === 'sync wx' ? systemError('EIO') : undefined));
    await expect(open(broken).write({ ...nothing, pending: ['/x'] })).rejects.toThrow('EIO');
    expect(there()).toEqual(['journal']);
    expect(await open().read()).toEqual(full);
  });

  test('says why it could not be written, whatever fails after that', async () => {
    const broken = failing((call) => {
      if (call === 'sync wx') return systemError('ENOSPC');
      return call === 'unlink' && there().length > 0 ? systemError('EIO') : undefined;
    });
    await expect(open(broken).write(full)).rejects.toThrow('ENOSPC');
  });

  test('is on disk though a file could not be closed', async () => {
    const broken = failing((call) => (call.startsWith('close') ? systemError('EIO') : undefined));
    await open(broken).write(full);
    expect(await open(broken).read()).toEqual(full);
  });

  test('does not pass for removed when it could not be', async () => {
    const broken = failing((call) => (call === 'unlink' ? systemError('EIO') : undefined));
    await expect(open(broken).write(nothing)).rejects.toThrow('EIO');
    const gone = failing((call) => (call === 'unlink' ? systemError('ENOTDIR') : undefined));
    await open(gone).write(nothing);
  });

  test.each([
    ['EINVAL', true],
    ['EIO', false],
  ])('with %s of its folder is on disk: %s', async (errno, isWritten) => {
    const broken = failing((call) => (call === 'sync r' ? systemError(errno) : undefined));
    const writing = open(broken).write(full);
    if (isWritten) await writing;
    else await expect(writing).rejects.toThrow(errno);
  });
});

// What a journal says is carried out, so that a file that it names may be removed unseen.
describe('a journal is refused', () => {
  test.each<[string, unknown]>([
    ['a body that is null', null],
    ['a body that is a list', []],
    ['no moves', { removals: [], pending: [] }],
    ['no removals', { moves: [], pending: [] }],
    ['nothing pending', { moves: [], removals: [] }],
    ['moves that are no list', { ...full, moves: { every: 1 } }],
    ['a move that is null', { ...full, moves: [null] }],
    ['a move that is a text', { ...full, moves: ['x'] }],
    ['a move behind a sound one', { ...full, moves: [move, {}] }],
    ['a move from another file', { ...full, moves: [{ ...move, candidate: '/etc/passwd' }] }],
    ['a move from no file', { ...full, moves: [{ ...move, candidate: undefined }] }],
    ['a move to nowhere', { ...full, moves: [{ ...move, destination: 1 }] }],
    ['a move without a digest', { ...full, moves: [{ ...move, digest: undefined }] }],
    ['a move with half a digest', { ...full, moves: [{ ...move, digest: 'ab' }] }],
    ['a move with more than a digest', { ...full, moves: [{ ...move, digest: `${digest}0` }] }],
    ['a digest behind something', { ...full, moves: [{ ...move, digest: `0${digest}` }] }],
    ['a move with an old digest of null', { ...full, moves: [{ ...move, oldDigest: null }] }],
    ['a removal that is null', { ...full, removals: [null] }],
    ['a removal of any file', { ...full, removals: [{ path: '/etc/passwd' }] }],
    ['a removal in a folder so named', { ...full, removals: [{ path: `${candidate}/passwd` }] }],
    ['a removal of nothing', { ...full, removals: [{ digest }] }],
    ['a removal with half a digest', { ...full, removals: [{ path: '/etc/b', digest: 'ab' }] }],
    ['a removal of no candidate', { ...full, removals: [{ path: `${candidate}0` }] }],
    [
      'a removal of what is shown',
      { ...full, removals: [{ path: candidate.replace('.a', 'a.b') }] },
    ],
    ['a pending number', { ...full, pending: [1] }],
  ])('with %s', async (_, body) => {
    leave(full);
    expect(await open().read()).toEqual(full);
    leave(body);
    await expect(open().read()).rejects.toThrow(UnusableJournal);
  });

  test.each<[string, (text: string) => string, string]>([
    ['whose header is null', (text) => text.replace(/^.*/, 'null'), 'no journal'],
    ['without a version', (text) => text.replace('"version":1', '"x":1'), 'no journal'],
    ['of another version', (text) => text.replace('"version":1', '"version":2'), 'in format 2'],
    ['without a digest', (text) => text.replace('"digest"', '"x"'), 'cut short or changed'],
    ['without a body', (text) => text.split('\n')[0]!, 'cut short or changed'],
    ['with another body', (text) => text.replace('/etc/b', '/etc/c'), 'cut short or changed'],
  ])('%s', async (_, change, fact) => {
    leave(full);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    await expect(open().read()).rejects.toThrow(fact);
    await expect(open().read()).rejects.toThrow(UnusableJournal);
  });

  test('that is no file', async () => {
    mkdirSync(path);
    await expect(open().read()).rejects.toThrow('it is not a plain file');
  });

  test.each([0o620, 0o602])('that others may write, with mode %o', async (mode) => {
    leave(full);
    chmodSync(path, mode);
    await expect(open().read()).rejects.toThrow('others may write it');
    chmodSync(path, 0o644);
    expect(await open().read()).toEqual(full);
  });

  test('that another user has written', async () => {
    leave(full);
    const foreign = {
      ...systemFileOperations,
      open: async (...args: Parameters<typeof systemFileOperations.open>) => {
        const handle = await systemFileOperations.open(...args);
        const stats = await handle.stat();
        stats.uid += 1;
        return Object.assign(handle, { stat: async () => stats });
      },
    };
    if (process.getuid?.() === 0) chownSync(path, 0, 4321);
    expect(await open().read()).toEqual(full);
    await expect(open(foreign).read()).rejects.toThrow('others may write it');
  });
});

test('a journal that is set aside is out of the way, and told where', async () => {
  leave([]);
  expect(basename(await open().setAside())).toBe('journal.aside');
  expect(there()).toEqual(['journal.aside']);
  expect(await open().read()).toEqual(nothing);
});

test('a candidate of a file with the longest name has a name that fits', async () => {
  const name = candidateName('名'.repeat(85), '0123456789ab');
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
  await open().write({ ...nothing, removals: [{ path: join(folder, name) }] });
  expect((await open().read()).removals).toHaveLength(1);
});
