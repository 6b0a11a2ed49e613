import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createJournal, isTorn } from '../../src/host/overwrite.ts';
import { createFiles } from '../../src/host/replace-file.ts';

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
