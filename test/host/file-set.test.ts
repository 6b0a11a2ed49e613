import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileSets, type FileSetsOptions } from '../../src/host/file-set.ts';
import type { FileOfSet, FileSets } from '../../src/ports.ts';
import { type Fail, failing, systemError } from './failing-operations.ts';

let folder: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  for (const name of ['a', 'b', 'state']) mkdirSync(join(folder, name));
  warnings = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const names = ['a/one.conf', 'b/two.conf', 'a/three.conf'];
const at = (name: string): string => join(folder, name);
const say = (name: string): string => readFileSync(at(name), 'utf8');
const journal = (): string => at('state/render/journal');
const journals = (): string[] =>
  existsSync(at('state/render')) ? readdirSync(at('state/render')) : [];
/** Everything that is in the folders of the files. */
const there = (): string[] =>
  ['a', 'b'].flatMap((name) => readdirSync(at(name)).map((file) => `${name}/${file}`)).sort();

function sets(options: Partial<FileSetsOptions> = {}): FileSets {
  return createFileSets({
    warn: (sentence) => warnings.push(sentence),
    environment: {
      ...process.env,
      NAMETAG_STATE_DIR: at('state'),
      NAMETAG_RUNTIME_DIR: at('run'),
    },
    ...options,
  });
}

const toFiles = (text: string, only = names): FileOfSet[] =>
  only.map((name) => ({ path: at(name), bytes: Buffer.from(text), hasCommand: name !== names[1] }));

function writeAll(text: string): void {
  for (const name of names) writeFileSync(at(name), text);
}

/** One whole run; gives whose commands it would run. */
async function render(files: readonly FileOfSet[], on = sets()): Promise<readonly string[]> {
  const set = await on.open();
  try {
    const staged = await set.stage(files);
    await staged.commit();
    return set.pending();
  } finally {
    await set.close();
  }
}

const failingAt = (fail: Fail): FileSets => sets({ operations: failing(fail) });

describe('a set of files', () => {
  test('is created, then left alone with its times', async () => {
    expect(await render(toFiles('new\n'))).toEqual([at(names[0]!), at(names[2]!)]);
    expect(names.map(say)).toEqual(['new\n', 'new\n', 'new\n']);
    expect(statSync(at(names[0]!)).mode & 0o7777).toBe(0o644);
    for (const name of names) utimesSync(at(name), 1000, 1000);
    const before = names.map((name) => statSync(at(name)).ctimeMs);
    await render(toFiles('new\n'));
    await render(toFiles('new\n').map((file) => ({ ...file, mode: 0o644 })));
    expect(names.map((name) => statSync(at(name)).mtimeMs)).toEqual([1e6, 1e6, 1e6]);
    expect(names.map((name) => statSync(at(name)).ctimeMs)).toEqual(before);
    expect(there()).toEqual([...names].sort());
  });

  test('is seen by nobody before it is committed, and has candidates to check', async () => {
    writeAll('old\n');
    const set = await sets().open();
    const staged = await set.stage(toFiles('new\n'));
    expect(names.map(say)).toEqual(['old\n', 'old\n', 'old\n']);
    expect(staged.changed.map(({ path }) => path)).toEqual(names.map(at));
    for (const { candidatePath, old } of staged.changed) {
      expect(readFileSync(candidatePath, 'utf8')).toBe('new\n');
      expect(Buffer.from(old!).toString()).toBe('old\n');
    }
    await set.close();
    expect(names.map(say)).toEqual(['old\n', 'old\n', 'old\n']);
    expect(there()).toEqual([...names].sort());
    expect(journals()).toEqual([]);
  });

  test('keeps owner and mode, follows links and takes a mode', async () => {
    writeAll('old\n');
    chmodSync(at(names[0]!), 0o640);
    if (process.getuid?.() === 0) chownSync(at(names[0]!), 1234, 4321);
    const { uid, gid } = statSync(at(names[0]!));
    symlinkSync(at(names[0]!), at('b/link'));
    const [, second] = toFiles('new\n');
    const linked = { path: at('b/link'), bytes: Buffer.from('new\n'), hasCommand: true };
    expect(await render([linked, { ...second!, mode: 0o600 }])).toEqual([at('b/link')]);
    expect(say(names[0]!)).toBe('new\n');
    expect(statSync(at(names[0]!))).toMatchObject({ uid, gid, mode: 0o100640 });
    expect(statSync(at(names[1]!)).mode & 0o7777).toBe(0o600);
    // A mode alone is a change too.
    await render([linked, { ...second!, mode: 0o644 }]);
    expect(statSync(at(names[1]!)).mode & 0o7777).toBe(0o644);
  });

  test('keeps whose commands are to be run until they are done', async () => {
    writeAll('old\n');
    await render(toFiles('new\n'));
    const set = await sets().open();
    expect(set.pending()).toEqual([at(names[0]!), at(names[2]!)]);
    await set.done([at(names[0]!)]);
    await set.close();
    expect(await render(toFiles('new\n'))).toEqual([at(names[2]!)]);
    // What has no command any more is not run; what is in another set waits for it.
    const [first] = toFiles('new\n');
    expect(await render([{ ...first!, hasCommand: false }])).toEqual([at(names[2]!)]);
    const last = await sets().open();
    await last.done([at(names[2]!)]);
    await last.close();
    expect(journals()).toEqual([]);
  });

  test('is one process at a time', async () => {
    const set = await sets().open();
    await expect(sets({ lockWaitMs: 0 }).open()).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_BUSY',
    });
    const next = sets().open();
    await set.close();
    await (await next).close();
  });

  test('has one stage at a time, which ends once', async () => {
    writeAll('old\n');
    const set = await sets().open();
    const staged = await set.stage(toFiles('new\n'));
    await expect(set.stage(toFiles('newer\n'))).rejects.toThrow(TypeError);
    await staged.discard();
    await staged.discard();
    await expect(staged.commit()).rejects.toThrow(TypeError);
    await (await set.stage(toFiles('newer\n'))).commit();
    await set.close();
    expect(names.map(say)).toEqual(['newer\n', 'newer\n', 'newer\n']);
    expect(there()).toEqual([...names].sort());
  });

  test('takes no file twice, no folder and no relative path', async () => {
    writeAll('old\n');
    symlinkSync(at(names[0]!), at('b/link'));
    const files = [...toFiles('new\n'), { ...toFiles('new\n')[0]!, path: at('b/link') }];
    await expect(render(files)).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_FAILED' });
    const aFolder = [...toFiles('new\n'), { ...toFiles('new\n')[0]!, path: at('b') }];
    await expect(render(aFolder)).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_DENIED',
      details: { path: at('b'), fact: 'it is a folder' },
    });
    const relative = [...toFiles('new\n'), { ...toFiles('new\n')[0]!, path: 'x' }];
    await expect(render(relative)).rejects.toThrow(TypeError);
    expect(names.map(say)).toEqual(['old\n', 'old\n', 'old\n']);
  });
});

describe('a set that cannot be written', () => {
  test.each([
    ['ENOSPC', 'write wx', 'NAMETAG_OUTPUT_FAILED'],
    ['EIO', 'sync wx', 'NAMETAG_OUTPUT_FAILED'],
    ['EACCES', 'access', 'NAMETAG_OUTPUT_DENIED'],
  ])('is as it was after %s at %s', async (errno, call, code) => {
    writeAll('old\n');
    let count = 0;
    const on = failingAt((each) => {
      if (each !== call) return undefined;
      count += 1;
      // Not the first, so that there is something to take back.
      return count === 2 ? systemError(errno) : undefined;
    });
    await expect(render(toFiles('new\n'), on)).rejects.toMatchObject({ code });
    expect(names.map(say)).toEqual(['old\n', 'old\n', 'old\n']);
    expect(there()).toEqual([...names].sort());
    expect(journals()).toEqual([]);
  });

  test('is put back when a rename fails behind the commit point', async () => {
    writeFileSync(at(names[0]!), 'old\n');
    chmodSync(at(names[0]!), 0o640);
    let broken = 0;
    const operations = failing(() => undefined);
    const on = sets({
      operations: {
        ...operations,
        rename: async (from, to) => {
          if (to === at(names[2]!)) broken += 1;
          if (to === at(names[2]!)) throw systemError('EIO');
          await operations.rename(from, to);
        },
      },
    });
    await expect(render(toFiles('new\n'), on)).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_FAILED',
      details: { path: at(names[2]!) },
    });
    expect(broken).toBe(1);
    // The others were not there.
    expect(there()).toEqual([names[0]]);
    expect(say(names[0]!)).toBe('old\n');
    expect(statSync(at(names[0]!)).mode & 0o7777).toBe(0o640);
    expect(journals()).toEqual([]);
  });

  test('is completed by the next of the same run when it cannot be put back', async () => {
    writeAll('old\n');
    let isDead = false;
    let isOver = false;
    const operations = failing(() => (isDead ? systemError('EIO') : undefined));
    const rename = async (from: string, to: string): Promise<void> => {
      isDead = !isOver && (isDead || to === at(names[2]!));
      await operations.rename(from, to);
    };
    const set = await sets({ operations: { ...operations, rename } }).open();
    const staged = await set.stage(toFiles('new\n'));
    await expect(staged.commit()).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_FAILED' });
    expect(names.map(say)).toEqual(['new\n', 'new\n', 'old\n']);
    [isDead, isOver] = [false, true];
    await (await set.stage(toFiles('other\n', ['a/other']))).commit();
    await set.close();
    expect(names.map(say)).toEqual(['new\n', 'new\n', 'new\n']);
    expect(there()).toEqual(['a/other', ...names].sort());
  });

  test('says so when there is no state folder to be had', async () => {
    writeAll('old\n');
    const environment = { ...process.env, NAMETAG_STATE_DIR: at(`${names[0]}/state`) };
    await expect(render(toFiles('new\n'), sets({ environment }))).rejects.toMatchObject({
      code: 'NAMETAG_OUTPUT_DENIED',
      message: expect.stringContaining('NAMETAG_STATE_DIR'),
    });
    expect(names.map(say)).toEqual(['old\n', 'old\n', 'old\n']);
  });

  test.each([['EBUSY'], ['EXDEV']])('by rename (%s) is written in place', async (errno) => {
    writeAll('old\n');
    const { ino } = statSync(at(names[1]!));
    const operations = failing(() => undefined);
    const on = sets({
      operations: {
        ...operations,
        rename: async (from, to) => {
          if (to === at(names[1]!)) throw systemError(errno);
          await operations.rename(from, to);
        },
      },
    });
    await render(toFiles('new\n'), on);
    expect(names.map(say)).toEqual(['new\n', 'new\n', 'new\n']);
    expect(statSync(at(names[1]!)).ino).toBe(ino);
    expect(there()).toEqual([...names].sort());
  });

  test('in a folder that is closed is written in place', async () => {
    writeAll('old\n');
    const operations = failing(() => undefined);
    const on = sets({
      operations: {
        ...operations,
        open: async (path, flags, mode) => {
          if (flags === 'wx' && path.startsWith(at('b/'))) throw systemError('EACCES');
          return await operations.open(path, flags, mode);
        },
      },
    });
    const files = toFiles('new\n').map((file) => ({ ...file, hasCommand: false }));
    await render([...files.slice(0, 1), { ...files[1]!, mode: 0o600 }], on);
    expect(names.map(say)).toEqual(['new\n', 'new\n', 'old\n']);
    expect(statSync(at(names[1]!)).mode & 0o7777).toBe(0o600);
    expect(there()).toEqual([...names].sort());
    expect(journals()).toEqual([]);
  });
});

describe('a journal', () => {
  test.each([
    ['torn', (text: string) => text.slice(0, -20), 'cut short'],
    ['foreign', () => 'hello\n', 'no journal'],
    ['empty', () => '', 'no journal'],
    ['newer', (text: string) => text.replace('"version":1', '"version":2'), 'in format 2'],
  ])('that is %s is set aside and told once', async (_, change, fact) => {
    writeAll('old\n');
    await render(toFiles('new\n'));
    writeFileSync(journal(), change(readFileSync(journal(), 'utf8')));
    const set = await sets().open();
    expect(set.pending()).toEqual([]);
    await set.close();
    expect(journals()).toEqual(['journal.aside']);
    expect(warnings).toEqual([expect.stringContaining(fact)]);
    expect(await render(toFiles('newer\n'))).toHaveLength(2);
    expect(warnings).toHaveLength(1);
  });

  test('that others may write is not carried out', async () => {
    writeAll('old\n');
    await render(toFiles('new\n'));
    chmodSync(journal(), 0o666);
    const set = await sets().open();
    await set.close();
    expect(warnings).toEqual([expect.stringContaining('others may write it')]);
  });
});
