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
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileOperations, systemFileOperations } from '../../src/host/file-operations.ts';
import { createFileSets } from '../../src/host/file-set.ts';
import { failing, systemError } from './failing-operations.ts';

let folder: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  for (const name of ['a', 'b', 'c']) writeFileSync(at(name), 'v0');
  warnings = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);
const say = (...names: string[]): string[] => names.map((name) => readFileSync(at(name), 'utf8'));
const candidates = (): string[] => readdirSync(folder).filter((name) => name.startsWith('.'));
const hasJournal = (): boolean => existsSync(at('state/render/journal'));

/** One run; gives whose commands it would run. */
async function render(
  texts: Readonly<Record<string, string>>,
  operations: FileOperations = systemFileOperations,
): Promise<readonly string[]> {
  const sets = createFileSets({
    warn: (sentence) => warnings.push(sentence),
    environment: { NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
    operations,
  });
  const set = await sets.open();
  try {
    const files = Object.entries(texts).map(([name, text]) => {
      return { path: at(name), bytes: Buffer.from(text), hasCommand: name === 'c' };
    });
    await (await set.stage(files)).commit();
    return set.pending();
  } finally {
    await set.close();
  }
}

/** Operations of a process that is killed as soon as something is renamed to this file. */
function killedAfter(path: string): FileOperations {
  let isDead = false;
  const operations = failing(() => (isDead ? systemError('EIO') : undefined));
  return {
    ...operations,
    rename: async (from, to) => {
      await operations.rename(from, to);
      isDead ||= to === path;
    },
  };
}

/** Leaves a set of `a` and `b` of which only `a` is new. */
async function interrupt(): Promise<void> {
  await expect(render({ a: 'v1', b: 'v1' }, killedAfter(at('a')))).rejects.toThrow();
  expect(say('a', 'b')).toEqual(['v1', 'v0']);
}

/** Operations that cannot write these files, by name or in place. */
function without(...paths: readonly string[]): FileOperations {
  return {
    ...systemFileOperations,
    rename: async (from, to) => {
      if (paths.includes(to)) throw systemError('EROFS');
      await systemFileOperations.rename(from, to);
    },
    open: async (opened, flags, mode) => {
      if (paths.includes(opened) && flags !== 'r') throw systemError('EROFS');
      return await systemFileOperations.open(opened, flags, mode);
    },
  };
}

describe('a set that cannot be completed', () => {
  test('is told, holds no other up, and is completed when it can be', async () => {
    await interrupt();
    rmSync(at('b'));
    mkdirSync(at('b'));
    const said = expect.stringMatching(/^Could not complete \S+\/b as .*: it is a folder\. Other/);
    expect(await render({ c: 'v1' })).toEqual([at('c')]);
    expect(await render({ c: 'v2' })).toEqual([at('c')]);
    expect(say('a', 'c')).toEqual(['v1', 'v2']);
    expect(warnings).toEqual([said, said]);
    rmSync(at('b'), { recursive: true });
    writeFileSync(at('b'), 'v0');
    expect(await render({ c: 'v2' })).toEqual([at('c')]);
    expect(say('a', 'b', 'c')).toEqual(['v1', 'v1', 'v2']);
    expect([candidates(), warnings]).toEqual([[], [said, said]]);
  });

  test('stays told while others are staged, refused and undone', async () => {
    await interrupt();
    await render({ c: 'v1' }, without(at('b')));
    const refusing = without(at('b'), at('c'));
    await expect(render({ a: 'v2', c: 'v2' }, refusing)).rejects.toThrow('Could not write');
    expect(say('a', 'b', 'c')).toEqual(['v1', 'v0', 'v1']);
    await render({ c: 'v1' });
    expect(say('a', 'b', 'c')).toEqual(['v1', 'v1', 'v1']);
    expect(candidates()).toEqual([]);
  });

  test.each(['v0', 'v2'])('gives way to a new set that makes its file %s', async (text) => {
    await interrupt();
    let isClosed = true;
    const opened: FileOperations = {
      ...systemFileOperations,
      rename: async (from, to) => {
        if (isClosed && to === at('b')) {
          isClosed = false;
          throw systemError('EIO');
        }
        await systemFileOperations.rename(from, to);
      },
    };
    await render({ c: 'v1' }, without(at('b')));
    warnings = [];
    await render({ b: text }, opened);
    expect(warnings).toHaveLength(1);
    expect(say('a', 'b')).toEqual(['v1', text]);
    await render({ c: 'v1' });
    expect(say('a', 'b')).toEqual(['v1', text]);
    expect([candidates(), warnings.length]).toEqual([[], 1]);
  });

  test('leaves candidates that cannot be removed to the next run', async () => {
    const dying = { ...systemFileOperations };
    let isDead = false;
    dying.unlink = async (path) => {
      if (isDead) throw systemError('EIO');
      await systemFileOperations.unlink(path);
    };
    dying.lstat = async (path) => {
      // It stages, and is killed before it commits.
      isDead ||= candidates().length === 2;
      if (isDead) throw systemError('EIO');
      return await systemFileOperations.lstat(path);
    };
    await expect(render({ a: 'v1', b: 'v1' }, dying)).rejects.toThrow();
    expect(candidates()).toHaveLength(2);
    const closed: FileOperations = {
      ...systemFileOperations,
      unlink: async (path) => {
        if (path.startsWith(at('.b.'))) throw systemError('EROFS');
        await systemFileOperations.unlink(path);
      },
    };
    await render({ c: 'v1' }, closed);
    expect(say('a', 'b', 'c')).toEqual(['v0', 'v0', 'v1']);
    expect(candidates()).toEqual([expect.stringMatching(/^\.b\./)]);
    expect(warnings).toEqual([expect.stringMatching(/^Could not remove .*read-only/)]);
    await render({ c: 'v1' });
    expect(candidates()).toEqual([]);
  });
});

test('a command of a file that is gone is forgotten, and of no other', async () => {
  expect(await render({ c: 'v1' })).toEqual([at('c')]);
  expect(await render({ a: 'v1' })).toEqual([at('c')]);
  expect(hasJournal()).toBe(true);
  rmSync(at('c'));
  expect(await render({ a: 'v1' })).toEqual([]);
  expect(hasJournal()).toBe(false);
});
