import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { shortDigest } from '../src/host/digest.ts';
import { createFiles } from '../src/host/replace-file.ts';
import type { HostsEntry } from '../src/render/hosts.ts';
import { type UpdateHostsInput, updateHosts } from '../src/update-hosts.ts';
import { failing, systemError } from './host/failing-operations.ts';

const debian = readFileSync(join(import.meta.dirname, 'fixtures', 'hosts-debian'));
const ports = { files: createFiles(), digest: shortDigest };

const web = (...numbers: number[]): HostsEntry[] =>
  numbers.map((n) => ({ address: `10.0.0.${n}`, names: [`web-${n}`, `web-${n}.example.org`] }));

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  path = join(folder, 'hosts');
  writeFileSync(path, debian);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const update = (input: Partial<UpdateHostsInput> = {}) =>
  updateHosts(ports, {
    path,
    profile: 'web',
    entries: web(1, 2),
    region: 'eu-west-1',
    ...input,
  });

const bytes = (): Buffer => readFileSync(path);
const nothing = {
  diff: undefined,
  inPlace: false,
  noBackup: undefined,
  edited: false,
  shadowed: [],
};

describe('updateHosts', () => {
  test('puts the block at the end, and keeps every byte before it', async () => {
    expect(await update()).toEqual({
      ...nothing,
      kind: 'written',
      entries: 2,
      added: 2,
      removed: 0,
    });
    expect(bytes().subarray(0, debian.length).equals(debian)).toBe(true);
    const body = '10.0.0.1\tweb-1 web-1.example.org\n10.0.0.2\tweb-2 web-2.example.org\n';
    expect(bytes().subarray(debian.length).toString()).toBe(
      '# BEGIN nametag web (generated; edits here are lost) ' +
        `sha256:${shortDigest(body)}\n${body}# END nametag web\n`,
    );
  });

  test('touches nothing the second time', async () => {
    await update();
    const before = statSync(path);
    expect(await update()).toMatchObject({ kind: 'unchanged', entries: 2, added: 0, removed: 0 });
    expect(statSync(path)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  });

  test('says how many entries came and went', async () => {
    await update({ entries: web(1, 2, 3) });
    expect(await update({ entries: web(3, 4) })).toMatchObject({
      kind: 'written',
      entries: 2,
      added: 1,
      removed: 2,
    });
  });

  test('keeps bytes that are not UTF-8, CRLF and a missing newline at the end', async () => {
    const head = Buffer.from('127.0.0.1 localhost\r\n# Zo\xeb\0\xff\r\n', 'latin1');
    const tail = Buffer.from('10.9.9.9 mine # \xfe', 'latin1');
    writeFileSync(path, head);
    await update();
    writeFileSync(path, Buffer.concat([bytes(), tail]));
    await update({ entries: web(7) });
    expect(bytes().subarray(0, head.length).equals(head)).toBe(true);
    expect(bytes().subarray(-tail.length).equals(tail)).toBe(true);
  });

  test('keeps the blocks of other profiles', async () => {
    await update();
    const before = bytes();
    await update({ profile: 'db', entries: [{ address: '10.1.0.1', names: ['db-master'] }] });
    expect(bytes().subarray(0, before.length).equals(before)).toBe(true);
    await update({ entries: web(1) });
    expect(bytes().toString()).toContain('db-master');
  });

  test('makes a file that is not there', async () => {
    rmSync(path);
    expect(await update()).toMatchObject({ kind: 'written', added: 2 });
    expect(statSync(path).mode & 0o7777).toBe(0o644);
    expect(bytes().toString()).toMatch(/^# BEGIN nametag web /);
  });

  test('notices that the block was edited, and puts it right', async () => {
    await update();
    const right = bytes();
    writeFileSync(path, right.toString().replace('10.0.0.2', '10.9.9.9'));
    expect(await update()).toMatchObject({ kind: 'written', edited: true });
    expect(bytes().equals(right)).toBe(true);
    expect(await update()).toMatchObject({ kind: 'unchanged', edited: false });
  });

  test('says which names other lines of the file have, and which of the two is found', async () => {
    writeFileSync(path, '127.0.0.1 localhost\n10.9.9.8 web-1\n');
    await update({ entries: [] });
    writeFileSync(path, Buffer.concat([bytes(), Buffer.from('10.9.9.9 web-2\n')]));
    const { shadowed } = await update();
    expect(shadowed).toEqual([
      { name: 'web-1', line: 2, address: '10.9.9.8', winner: 'other' },
      { name: 'web-2', line: 7, address: '10.9.9.9', winner: 'block' },
    ]);
    expect(bytes().toString().split('\n')[6]).toBe('10.9.9.9 web-2');
  });

  test('says so of the very first line too', async () => {
    writeFileSync(path, '10.9.9.9 web-1\n');
    expect((await update()).shadowed).toEqual([
      { name: 'web-1', line: 1, address: '10.9.9.9', winner: 'other' },
    ]);
  });

  test('says when the file could only be written in place', async () => {
    const operations = failing((call) => (call === 'rename' ? systemError('EBUSY') : undefined));
    const input = { path, profile: 'web', entries: web(1), region: 'eu-west-1' };
    const files = createFiles({ operations });
    expect(await updateHosts({ ...ports, files }, input)).toMatchObject({
      kind: 'written',
      inPlace: true,
    });
  });
});

describe("the machine's own loopback lines", () => {
  const own = '127.0.0.1 localhost\n127.0.1.1 web-1.example.org web-1\n';

  test('win before the block, and are no news if they say what it calls itself', async () => {
    writeFileSync(path, own);
    const { shadowed } = await update({ hostname: 'web-1' });
    expect(shadowed).toEqual([
      { name: 'web-1.example.org', line: 2, address: '127.0.1.1', winner: 'other' },
    ]);
    for (const hostname of ['web-1.example.org', 'WEB-1.Example.org']) {
      expect((await update({ hostname })).shadowed).toEqual([]);
    }
    expect(bytes().toString()).toMatch(/^10\.0\.0\.1\tweb-1 web-1\.example\.org$/m);
  });

  test('are news if they call another machine theirs', async () => {
    writeFileSync(path, own);
    const { shadowed } = await update({ hostname: 'web-7' });
    expect(shadowed.map(({ name }) => name)).toEqual(['web-1.example.org', 'web-1']);
  });

  test('are not taken over behind the block: it leaves such a name out', async () => {
    writeFileSync(path, '');
    await update();
    writeFileSync(path, Buffer.concat([bytes(), Buffer.from('127.0.1.1 web-1\n::1 web-2\n')]));
    const { shadowed, entries, removed } = await update({ hostname: 'web-1' });
    expect({ entries, removed }).toEqual({ entries: 2, removed: 2 });
    expect(shadowed).toEqual([{ name: 'web-2', line: 6, address: '::1', winner: 'other' }]);
    const text = bytes().toString();
    expect(text).toMatch(/^10\.0\.0\.1\tweb-1\.example\.org$/m);
    expect(await update({ hostname: 'web-1' })).toMatchObject({ kind: 'unchanged' });
  });
});

describe('a legacy file', () => {
  let legacyPath: string;
  const legacy = '127.0.0.1\tlocalhost\r\n10.8.0.1 web-1 # by hand, Zo\xeb';

  beforeEach(() => {
    legacyPath = join(folder, 'hosts.legacy');
    writeFileSync(legacyPath, legacy, 'latin1');
  });

  test('comes before everything else, and the rest of the file is kept between', async () => {
    const { shadowed } = await update({ legacyPath });
    expect(shadowed).toEqual([{ name: 'web-1', line: 3, address: '10.8.0.1', winner: 'other' }]);
    const text = readFileSync(path, 'latin1');
    const start = text.indexOf(debian.toString('latin1'));
    expect(text.slice(0, start).replace(/ \(.*/, '')).toBe(
      `# BEGIN nametag web.legacy\n${legacy}\n# END nametag web.legacy\n`,
    );
    expect(text.slice(start + debian.length)).toMatch(/^# BEGIN nametag web \(/);
    expect(await update({ legacyPath })).toMatchObject({ kind: 'unchanged' });
  });

  test('that changes is followed, and all else stays as it is', async () => {
    await update({ legacyPath });
    const before = bytes().toString();
    writeFileSync(legacyPath, '10.8.0.2 printer\n');
    expect(await update({ legacyPath })).toMatchObject({ kind: 'written', edited: false });
    expect(bytes().toString()).toMatch(/^# BEGIN .*\n10\.8\.0\.2 printer\n# END /);
    const rest = (text: string): string => text.slice(text.indexOf('# END nametag web.legacy'));
    expect(rest(bytes().toString())).toBe(rest(before));
  });

  test('that was never more than empty is a block of nothing', async () => {
    writeFileSync(legacyPath, '');
    await update({ legacyPath });
    expect(bytes().toString()).toMatch(
      /^# BEGIN nametag web\.legacy .*\n# END nametag web\.legacy\n/,
    );
  });

  test('keeps what it gave when it is not named any more', async () => {
    await update({ legacyPath });
    expect(await update()).toMatchObject({ kind: 'unchanged' });
  });

  test('goes behind a byte order mark of the file, and without its own', async () => {
    writeFileSync(path, '\ufeff10.0.9.9 a\n');
    writeFileSync(legacyPath, '\ufeff10.8.0.1 b\n');
    await update({ legacyPath });
    expect(bytes().toString()).toMatch(/^\ufeff# BEGIN nametag web\.legacy .*\n10\.8\.0\.1 b\n/);
  });

  test.each([
    ['is not there', undefined, 'NAMETAG_INPUT_MISSING', 'no such file'],
    ['has lost its entries', '# none\n', 'NAMETAG_INPUT_MISSING', 'has 2 of it'],
    ['has a block of its own', '# END nametag web\n', 'NAMETAG_BLOCK_BROKEN', 'line 1 is a marker'],
  ])('that %s stops the update', async (_, content, code, fact) => {
    await update({ legacyPath });
    const before = bytes();
    if (content === undefined) rmSync(legacyPath);
    else writeFileSync(legacyPath, content);
    await expect(update({ legacyPath, entries: web(3) })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(fact),
    });
    expect(bytes().equals(before)).toBe(true);
  });

  test('that has lost its only entry stops the update too', async () => {
    writeFileSync(legacyPath, '10.8.0.1 web-1\n');
    await update({ legacyPath });
    writeFileSync(legacyPath, '# 10.8.0.1 web-1\n');
    await expect(update({ legacyPath })).rejects.toMatchObject({ code: 'NAMETAG_INPUT_MISSING' });
  });

  test('that has lost its entries is followed when asked to', async () => {
    await update({ legacyPath });
    writeFileSync(legacyPath, '');
    const mayEmpty = true;
    await expect(update({ legacyPath, mayEmpty })).rejects.toMatchObject({
      code: 'NAMETAG_INPUT_MISSING',
    });
    await expect(update({ entries: [], legacyPath, force: true })).rejects.toMatchObject({
      code: 'NAMETAG_BLOCK_EMPTIED',
    });
    expect(await update({ legacyPath, force: true })).toMatchObject({ kind: 'written' });
    expect(bytes().toString()).not.toContain('10.8.0.1');
  });
});

describe('a block with entries', () => {
  test.each([false, true])('is not emptied unasked (dry run: %s)', async (dryRun) => {
    await update();
    const before = bytes();
    await expect(update({ entries: [], dryRun })).rejects.toMatchObject({
      code: 'NAMETAG_BLOCK_EMPTIED',
      details: { path, entries: 2, region: 'eu-west-1' },
    });
    expect(bytes().equals(before)).toBe(true);
  });

  test('is emptied when all who had its addresses are gone, and no sooner', async () => {
    await update();
    const before = bytes();
    const without = (...gone: string[]) =>
      update({ entries: [], isGone: (address) => gone.includes(address) });
    const refused = { code: 'NAMETAG_BLOCK_EMPTIED', details: { entries: 2 } };
    await expect(without()).rejects.toMatchObject(refused);
    await expect(without('10.0.0.1')).rejects.toMatchObject(refused);
    await expect(without('10.0.0.2')).rejects.toMatchObject(refused);
    expect(bytes().equals(before)).toBe(true);
    expect(await without('10.0.0.1', '10.0.0.2')).toMatchObject({ kind: 'written', removed: 2 });
  });

  test('of one who is known to be gone is emptied', async () => {
    await update({ entries: web(1) });
    const isGone = (address: string): boolean => address === '10.0.0.1';
    expect(await update({ entries: [], isGone })).toMatchObject({ kind: 'written', removed: 1 });
  });

  test('that somebody has made unreadable is no block of who is gone', async () => {
    await update();
    writeFileSync(
      path,
      bytes()
        .toString()
        .replaceAll(/^10\..*$/gm, 'x'),
    );
    await expect(update({ entries: [], isGone: () => true })).rejects.toMatchObject({
      code: 'NAMETAG_BLOCK_EMPTIED',
    });
  });

  test('is emptied when asked to', async () => {
    await update();
    expect(await update({ entries: [], mayEmpty: true })).toMatchObject({
      kind: 'written',
      entries: 0,
      removed: 2,
    });
    expect(bytes().subarray(0, debian.length).equals(debian)).toBe(true);
    expect(await update({ entries: [] })).toMatchObject({ kind: 'unchanged' });
  });
});

describe('a broken block', () => {
  test.each([false, true])('is told, and the file left as it is (dry run: %s)', async (dryRun) => {
    await update();
    const broken = bytes().toString().replace('# END nametag web\n', '');
    writeFileSync(path, broken);
    await expect(update({ dryRun })).rejects.toMatchObject({
      code: 'NAMETAG_BLOCK_BROKEN',
      message:
        `Could not update ${path}: line 11 begins a block of profile "web" that never ends. ` +
        'The file was left as it is; mend its `# BEGIN nametag` and `# END nametag` lines.',
    });
    expect(bytes().toString()).toBe(broken);
    expect(readdirSync(folder)).toEqual(['hosts']);
  });
});

describe('a dry run', () => {
  test('changes nothing and gives the difference', async () => {
    await update();
    const before = bytes();
    const result = await update({ entries: web(1, 3), dryRun: true });
    expect(result).toMatchObject({ kind: 'would-write', added: 1, removed: 1, inPlace: false });
    expect(result.diff?.split('\n').filter((line) => /^[-+]/.test(line))).toEqual([
      `--- ${path}`,
      `+++ ${path}`,
      expect.stringMatching(/^-# BEGIN nametag web /),
      expect.stringMatching(/^\+# BEGIN nametag web /),
      '-10.0.0.2\tweb-2 web-2.example.org',
      '+10.0.0.3\tweb-3 web-3.example.org',
    ]);
    expect(bytes().equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(['hosts']);
  });

  test('shows a byte order mark as it is', async () => {
    writeFileSync(path, '\ufeff127.0.0.1 localhost\n');
    const { diff } = await update({ dryRun: true });
    expect(diff?.split('\n')).toContain(' \ufeff127.0.0.1 localhost');
  });

  test('says that nothing would change', async () => {
    await update();
    expect(await update({ dryRun: true })).toMatchObject({ kind: 'unchanged', diff: '' });
  });

  test('does not make a file', async () => {
    rmSync(path);
    expect(await update({ dryRun: true })).toMatchObject({ kind: 'would-write' });
    expect(readdirSync(folder)).toEqual([]);
  });
});

test.each([
  { address: '10.0.0.1', names: ['web-1 bank.example'] },
  { address: '10.0.0.1', names: ['localhost'] },
  { address: '10.0.0.1\n10.0.0.2', names: ['web-1'] },
])('an entry like %j never reaches the file', async (entry) => {
  await expect(update({ entries: [...web(1), entry] })).rejects.toThrow(TypeError);
  expect(bytes().equals(debian)).toBe(true);
});
