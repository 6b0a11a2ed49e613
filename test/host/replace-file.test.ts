import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  readlink,
  rename,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
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

const files = createFiles();

async function replace(text: string, { on = files, at = path }: { on?: Files; at?: string } = {}) {
  const { change } = await on.update(at, () => ({ bytes: Buffer.from(text), report: undefined }));
  return change;
}

describe('update', () => {
  test('gives compose the content, and passes on what it reports', async () => {
    await writeFile(path, 'old');
    const { change, report } = await files.update(path, (old) => ({
      bytes: Buffer.from(`${old}, new`),
      report: old?.length,
    }));
    expect({ change, report }).toEqual({ change: 'replaced', report: 3 });
    expect(readFileSync(path, 'utf8')).toBe('old, new');
  });

  test('touches nothing when the content is the same', async () => {
    await writeFile(path, 'same');
    await utimes(path, 1, 2);
    const before = statSync(path);
    const folderBefore = statSync(folder);
    expect(await replace('same')).toBe('unchanged');
    expect(statSync(path)).toMatchObject({
      ino: before.ino,
      mtimeMs: 2000,
      ctimeMs: before.ctimeMs,
    });
    expect(statSync(folder).mtimeMs).toBe(folderBefore.mtimeMs);
  });

  test('makes a file that is not there, with mode 0644 whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      expect(await replace('new')).toBe('created');
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o7777).toBe(0o644);
  });

  test.each(['x', '名'])(
    'makes and replaces a file with the longest name, of %s',
    async (letter) => {
      const at = join(folder, letter.repeat(255 / Buffer.byteLength(letter)));
      expect(await replace('new', { at })).toBe('created');
      expect(await replace('newer', { at })).toBe('replaced');
    },
  );

  test.each([
    ['owner', { uid: 1234, gid: 2345 }],
    ['owner alone', { uid: 1234 }],
    ['group alone', { gid: 2345 }],
  ])('keeps mode and %s, and not the time', async (_, given) => {
    await writeFile(path, 'old');
    const isRoot = process.getuid?.() === 0;
    const { uid, gid } = { ...statSync(path), ...(isRoot && given) };
    await chown(path, uid, gid);
    await chmod(path, 0o2654);
    await utimes(path, 1, 2);
    expect(await replace('new')).toBe('replaced');
    const after = statSync(path);
    expect(after).toMatchObject({ uid, gid });
    expect(after.mode & 0o7777).toBe(0o2654);
    expect(after.mtimeMs).toBeGreaterThan(2000);
  });

  test('copies the other attributes before the file is in place', async () => {
    await writeFile(path, 'old');
    const copied: string[] = [];
    const operations = {
      ...systemFileOperations,
      copyAttributes: async (from: string, to: string) => {
        copied.push(`${readFileSync(from, 'utf8')} to ${readFileSync(to, 'utf8')}`);
      },
    };
    expect(await replace('new', { on: createFiles({ operations }) })).toBe('replaced');
    expect(copied).toEqual(['old to new']);
  });

  test.each([
    ['relative', 'real/hosts'],
    ['absolute', undefined],
  ])('follows a %s symbolic link', async (_, link) => {
    await mkdir(join(folder, 'real'));
    await writeFile(join(folder, 'real', 'hosts'), 'old');
    await symlink(link ?? join(folder, 'real', 'hosts'), path);
    expect(await replace('new')).toBe('replaced');
    expect(await readlink(path)).toBe(link ?? join(folder, 'real', 'hosts'));
    expect(readFileSync(join(folder, 'real', 'hosts'), 'utf8')).toBe('new');
    expect(readdirSync(folder).sort()).toEqual(['hosts', 'real']);
  });

  test('follows a symbolic link to a file that is not there yet', async () => {
    await mkdir(join(folder, 'real'));
    await symlink('real/second', path);
    await symlink('third', join(folder, 'real', 'second'));
    expect(await replace('new')).toBe('created');
    expect(readFileSync(join(folder, 'real', 'third'), 'utf8')).toBe('new');
  });

  test('passes on what compose throws, and writes nothing', async () => {
    await writeFile(path, 'old');
    const failure = new TypeError('mistake');
    const update = files.update(path, () => {
      throw failure;
    });
    await expect(update).rejects.toBe(failure);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(await replace('new')).toBe('replaced');
  });

  test('throws the reason of an aborted signal, and writes nothing', async () => {
    const reason = new Error('ended');
    const controller = new AbortController();
    const update = files.update(
      path,
      () => {
        controller.abort(reason);
        return { bytes: Buffer.from('new'), report: undefined };
      },
      { signal: controller.signal },
    );
    await expect(update).rejects.toBe(reason);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('removes what a killed process left, and nothing else', async () => {
    await writeFile(path, 'old');
    const others = ['.hosts.nametag-mine', '.hosts2.nametag-0123456789ab', 'hosts.bak'];
    for (const name of [...others, '.hosts.nametag-0123456789ab']) {
      await writeFile(join(folder, name), '');
    }
    expect(await replace('new')).toBe('replaced');
    expect(readdirSync(folder).sort()).toEqual([...others, 'hosts'].sort());
  });

  test('composes again when somebody changed the file meanwhile', async () => {
    await writeFile(path, 'a');
    let edits = 1;
    const operations = {
      ...systemFileOperations,
      copyAttributes: async () => {
        if (edits > 0) await writeFile(path, 'a by hand');
        edits -= 1;
      },
    };
    await createFiles({ operations }).update(path, (old) => ({
      bytes: Buffer.from(`${old}, and us`),
      report: undefined,
    }));
    expect(readFileSync(path, 'utf8')).toBe('a by hand, and us');
  });

  test('gives up when somebody keeps changing the file', async () => {
    await writeFile(path, '');
    const operations = {
      ...systemFileOperations,
      copyAttributes: async () => {
        await writeFile(path, `${readFileSync(path, 'utf8')}.`);
      },
    };
    await expect(replace('new', { on: createFiles({ operations }) })).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_BUSY',
    });
    expect(readFileSync(path, 'utf8')).toBe('.....');
    expect(readdirSync(folder)).toEqual(['hosts']);
  });
});

describe('two writers', () => {
  test('never work on one file at the same time, by whatever path', async () => {
    await writeFile(path, '');
    await symlink('hosts', join(folder, 'link'));
    const append = (name: string, at: string) =>
      files.update(at, (old) => ({ bytes: Buffer.from(`${old}${name}\n`), report: undefined }));
    const names = Array.from({ length: 12 }, (_, i) => `writer-${i}`);
    await Promise.all(
      names.map((name, i) => append(name, i % 2 === 0 ? path : join(folder, 'link'))),
    );
    expect(readFileSync(path, 'utf8').trim().split('\n').sort()).toEqual(names.sort());
  });

  test('say that the file is busy after waiting', async () => {
    await writeFile(path, '');
    const impatient = createFiles({ lockWaitMs: 0 });
    let second: Promise<unknown> | undefined;
    const operations = {
      ...systemFileOperations,
      copyAttributes: async () => {
        second = replace('second', { on: impatient }).catch((error: unknown) => error);
        await second;
      },
    };
    expect(await replace('first', { on: createFiles({ operations }) })).toBe('replaced');
    expect(await second).toMatchObject({ code: 'NAMETAG_OUTPUT_BUSY' });
    expect(readFileSync(path, 'utf8')).toBe('first');
  });
});

describe('where the file cannot be replaced', () => {
  test.each([
    ['rename', 'EBUSY'],
    ['rename', 'EXDEV'],
    ['rename', 'EPERM'],
    ['open wx', 'EACCES'],
    ['open wx', 'EROFS'],
    ['chown', 'EPERM'],
  ])('is written in place when %s says %s', async (call, code) => {
    await writeFile(path, 'a long old content\n');
    const before = statSync(path);
    const operations = failing((name) => (name === call ? systemError(code) : undefined), {
      foreignOwner: true,
    });
    expect(await replace('new\n', { on: createFiles({ operations }) })).toBe(
      'overwritten-in-place',
    );
    expect(readFileSync(path, 'utf8')).toBe('new\n');
    expect(statSync(path).ino).toBe(before.ino);
    expect(readdirSync(folder)).toEqual(['hosts']);
  });

  test.each(['short', 'much longer than the new one'])(
    'is never shorter than both, over a content that is %s',
    async (old) => {
      await writeFile(path, `${old}\n`);
      const text = 'about this long\n';
      const shortest = Math.min(old.length + 1, text.length);
      const seen: string[] = [];
      const operations = failing((name) => {
        seen.push(readFileSync(path, 'utf8'));
        return name === 'rename' ? systemError('EBUSY') : undefined;
      });
      expect(await replace(text, { on: createFiles({ operations }) })).toBe('overwritten-in-place');
      expect(Math.min(...seen.map((content) => content.length))).toBe(shortest);
      // What is too long for a moment is blank, so that no half line is read as a line.
      const lines = new Set(seen.flatMap((content) => content.split('\n')));
      expect([...lines].sort()).toEqual(['', old, text.trim()].sort());
    },
  );

  test('is as it was when writing in place fails', async () => {
    for (const call of ['write r+', 'sync r+', 'truncate r+']) {
      await writeFile(path, 'old content\n');
      let failures = 1;
      const operations = failing((name) => {
        if (name === 'rename') return systemError('EBUSY');
        if (name !== call || failures === 0) return undefined;
        failures -= 1;
        return systemError('ENOSPC');
      });
      await expect(replace('new\n', { on: createFiles({ operations }) })).rejects.toMatchObject({
        code: 'NAMETAG_OUTPUT_FAILED',
        message: expect.stringContaining('The file was left as it is.'),
      });
      expect(readFileSync(path, 'utf8')).toBe('old content\n');
    }
  });

  test('is said to be torn when the old content cannot be put back either', async () => {
    await writeFile(path, 'old content\n');
    const operations = failing((name) => {
      if (name === 'rename') return systemError('EBUSY');
      return name === 'sync r+' ? systemError('EIO') : undefined;
    });
    await expect(replace('new\n', { on: createFiles({ operations }) })).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_FAILED',
      details: { path, torn: true },
    });
  });
});

describe('a failure', () => {
  test.each([
    ['open wx', 'ENOSPC', 'NAMETAG_OUTPUT_FAILED'],
    ['write wx', 'ENOSPC', 'NAMETAG_OUTPUT_FAILED'],
    ['sync wx', 'EIO', 'NAMETAG_OUTPUT_FAILED'],
    ['close wx', 'EDQUOT', 'NAMETAG_OUTPUT_FAILED'],
    ['rename', 'EIO', 'NAMETAG_OUTPUT_FAILED'],
    ['access', 'EACCES', 'NAMETAG_OUTPUT_DENIED'],
    ['access', 'EROFS', 'NAMETAG_OUTPUT_DENIED'],
    ['open r', 'EACCES', 'NAMETAG_INPUT_UNREADABLE'],
  ])('of %s with %s is %s', async (call, systemCode, code) => {
    await writeFile(path, 'old');
    const operations = failing((name) => (name === call ? systemError(systemCode) : undefined));
    await expect(replace('new', { on: createFiles({ operations }) })).rejects.toMatchObject({
      code,
    });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['hosts']);
  });

  test('to write both ways is told with what the file itself said', async () => {
    await writeFile(path, 'old');
    const operations = failing((name) => {
      if (name === 'open wx') return systemError('EACCES');
      return name === 'open r+' ? systemError('EROFS') : undefined;
    });
    await expect(replace('new', { on: createFiles({ operations }) })).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_DENIED',
      details: { path, fact: 'the file system is read-only' },
    });
  });

  test('to find the folder is NAMETAG_OUTPUT_DENIED', async () => {
    const at = join(folder, 'nowhere', 'hosts');
    await expect(replace('new', { at })).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_DENIED',
      details: { path: at },
    });
  });

  test('to make a file in a folder that is closed is NAMETAG_OUTPUT_DENIED', async () => {
    const operations = failing((name) => (name === 'open wx' ? systemError('EACCES') : undefined));
    await expect(replace('new', { on: createFiles({ operations }) })).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_DENIED',
    });
  });

  test('to be given a plain file is told', async () => {
    await expect(replace('new', { at: folder })).rejects.toMatchObject({
      code: 'NAMETAG_INPUT_UNREADABLE',
    });
    await symlink('hosts', path);
    await expect(replace('new')).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_DENIED' });
  });
});

describe('read', () => {
  test('gives the bytes, or undefined when there is no file', async () => {
    expect(await files.read(path)).toBeUndefined();
    await writeFile(path, 'old');
    expect(Buffer.from((await files.read(path)) ?? []).toString()).toBe('old');
  });

  test('passes on what is no failure of the system', async () => {
    await writeFile(path, 'old');
    const mistake = new TypeError('mistake');
    const operations = failing((call) => (call === 'readFile r' ? mistake : undefined));
    await expect(createFiles({ operations }).read(path)).rejects.toBe(mistake);
  });

  test('says when a file cannot be read', async () => {
    await expect(files.read(folder)).rejects.toMatchObject({ code: 'NAMETAG_INPUT_UNREADABLE' });
  });
});

test('a rename across folders is not what replaces a file', async () => {
  await writeFile(path, 'old');
  const renames: string[][] = [];
  const operations = {
    ...systemFileOperations,
    rename: async (from: string, to: string) => {
      renames.push([from, to]);
      await rename(from, to);
    },
  };
  await replace('new', { on: createFiles({ operations }) });
  expect(renames).toEqual([[expect.stringMatching(/^.*\/\.hosts\.nametag-[0-9a-f]{12}$/), path]]);
  expect(renames[0]?.[0]?.startsWith(`${folder}/`)).toBe(true);
});
