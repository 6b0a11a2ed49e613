import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBackups, findStateFolder } from '../../src/host/backup.ts';
import { createFiles } from '../../src/host/replace-file.ts';

let folder: string;
let nowMs: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  nowMs = Date.UTC(2026, 0, 31, 23, 59, 59);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const backups = () =>
  createBackups({ environment: { NAMETAG_STATE_DIR: folder }, now: () => nowMs });
const keep = (path: string, text: string, mode = 0o644) =>
  backups().keep(path, { bytes: Buffer.from(text), mode });
const names = (): string[] => readdirSync(join(folder, 'backup')).sort();
const read = (name: string): string => readFileSync(join(folder, 'backup', name), 'utf8');

describe('a backup', () => {
  test('has the time in its name, and the mode of its file', async () => {
    await keep('/etc/hosts', 'one', 0o100640);
    expect(names()).toEqual(['hosts.20260131T235959.000Z']);
    expect(read('hosts.20260131T235959.000Z')).toBe('one');
    expect(statSync(join(folder, 'backup', names()[0]!)).mode & 0o7777).toBe(0o640);
    expect(statSync(join(folder, 'backup')).mode & 0o7777).toBe(0o700);
  });

  test('is never written over, whatever the clock does', async () => {
    await keep('/etc/hosts', 'one');
    await keep('/etc/hosts', 'two');
    nowMs -= 86_400_000;
    await keep('/etc/hosts', 'three');
    expect(names()).toEqual(['000', '001', '002'].map((ms) => `hosts.20260131T235959.${ms}Z`));
    expect(names().map(read)).toEqual(['one', 'two', 'three']);
  });

  test('is not made again of the same content', async () => {
    for (const text of ['one', 'one', 'two', 'two', 'one']) {
      nowMs += 60_000;
      await keep('/etc/hosts', text);
    }
    expect(names().map(read)).toEqual(['one', 'two', 'one']);
  });

  test('is one of ten of its file; those of other files stay', async () => {
    await keep('/etc/hosts.allow', 'another file');
    await keep('/srv/hosts', 'another folder');
    writeFileSync(join(folder, 'backup', 'hosts.mine'), 'not ours');
    for (let n = 1; n <= 13; n += 1) {
      nowMs += 60_000;
      await keep('/etc/hosts', `${n}`);
    }
    const kept = names().filter((name) => /^hosts\.2026\w+\.\w+$/.test(name));
    expect(kept.map(read)).toEqual(['4', '5', '6', '7', '8', '9', '10', '11', '12', '13']);
    expect(names()).toHaveLength(13);
    expect(names()).toContain('hosts.mine');
    expect(names()).toContain('hosts.allow.20260131T235959.000Z');
  });

  test('that a killed process left unfinished is no backup, and is written over', async () => {
    await keep('/etc/hosts', 'one');
    const digest = createHash('sha256').update('/etc/hosts').digest('hex').slice(0, 8);
    writeFileSync(join(folder, 'backup', `.unfinished.${digest}`), 'a much longer text');
    await keep('/etc/hosts', 'two');
    expect(names().map(read)).toEqual(['one', 'two']);
  });
});

test.each([
  [{ NAMETAG_STATE_DIR: '/own', STATE_DIRECTORY: '/a:/b' }, 0, '/own'],
  [{ STATE_DIRECTORY: '/a:/b' }, 0, '/a'],
  [{ XDG_STATE_HOME: '/x' }, 0, '/var/lib/nametag'],
  [{ XDG_STATE_HOME: '/x' }, 1000, '/x/nametag'],
  [{ HOME: '/me' }, 1000, '/me/.local/state/nametag'],
])('with %j, user %i keeps its state in %s', (environment, uid, expected) => {
  expect(findStateFolder(environment, uid)).toBe(expected);
});

describe('an update of a file', () => {
  const update = (path: string, text: string, stateFolder = folder) =>
    createFiles({
      backups: createBackups({ environment: { NAMETAG_STATE_DIR: stateFolder } }),
    }).update(path, () => ({ bytes: Buffer.from(text), report: undefined }));

  test('keeps what it writes over, and nothing when it writes nothing', async () => {
    const path = join(folder, 'hosts');
    await update(path, 'one');
    expect(readdirSync(folder)).toEqual(['hosts']);
    await update(path, 'two');
    await update(path, 'two');
    expect(names().map(read)).toEqual(['one']);
    expect(names()[0]).toMatch(/^hosts\.\d{8}T\d{6}\.\d{3}Z\.[0-9a-f]{8}$/);
  });

  test('is made without a backup too, and says why', async () => {
    const path = join(folder, 'hosts');
    writeFileSync(path, 'one');
    expect(await update(path, 'two', path)).toMatchObject({
      change: 'replaced',
      noBackup: 'part of its path is not a folder',
    });
    expect(readFileSync(path, 'utf8')).toBe('two');
  });
});
