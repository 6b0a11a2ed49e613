import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFileSets } from '../../src/host/file-set.ts';
import type { FileSet, FileSets } from '../../src/ports.ts';
import { failing, systemError } from './failing-operations.ts';

let folder: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  mkdirSync(at('state'));
  for (const name of ['a', 'b', 'c']) writeFileSync(at(name), 'v0');
  warnings = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);
const say = (names: readonly string[]): string[] =>
  names.map((name) => readFileSync(at(name), 'utf8'));

function sets(fails = (_count: number): boolean => false): FileSets {
  let count = 0;
  const fail = (): Error | undefined => {
    count += 1;
    return fails(count) ? systemError('EIO') : undefined;
  };
  return createFileSets({
    warn: (sentence) => warnings.push(sentence),
    environment: { NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
    operations: failing(fail, { withoutDisk: true }),
  });
}

type Work = (set: FileSet, commit: () => Promise<void>) => Promise<void>;

/** Stages these files, each with a command, and lets the work go on with them. */
async function using(names: readonly string[], text: string, work: Work, on = sets()) {
  const set = await on.open();
  try {
    const bytes = Buffer.from(text);
    const files = names.map((name) => ({ path: at(name), bytes, hasCommand: true }));
    const staged = await set.stage(files);
    await work(set, async () => await staged.commit());
    return set.pending();
  } finally {
    await set.close();
  }
}

const commit: Work = async (_, committing) => await committing();

const orders: [string[], string[]][] = [
  [['a', 'b'], ['a']],
  [['a'], ['a', 'b']],
  [
    ['a', 'b'],
    ['b', 'c'],
  ],
  [
    ['b', 'a'],
    ['a', 'b'],
  ],
];

describe.each(orders)('sets of %j and then of %j', (first, second) => {
  const both = [...new Set([...first, ...second])];

  test('know whose commands the other has left to be run, until they are done', async () => {
    await using(first, 'v1', commit);
    const pending = await using(second, 'v1', commit);
    expect([...pending].sort()).toEqual(both.map(at).sort());
    await using(second, 'v1', async (set) => await set.done(second.map(at)));
    const left = first.filter((name) => !second.includes(name));
    expect(await using(first, 'v1', commit)).toEqual(left.map(at));
    await using(first, 'v1', async (set) => await set.done(first.map(at)));
    expect(readdirSync(at('state/render'))).toEqual([]);
  });

  test('complete each other and undo nothing, wherever the first was killed', async () => {
    const prepare = (): void => {
      rmSync(at('state'), { recursive: true });
      mkdirSync(at('state'));
      for (const name of both) writeFileSync(at(name), 'v0');
    };
    const kill = async (n: number): Promise<void> =>
      await using(
        first,
        'v1',
        commit,
        sets((count) => count >= n),
      ).then(
        () => undefined,
        () => undefined,
      );
    let calls = 0;
    await using(
      first,
      'v1',
      commit,
      sets((count) => {
        calls = count;
        return false;
      }),
    );
    expect(calls).toBeGreaterThan(20);
    const seen = new Set<string>();
    for (let n = 1; n <= calls; n += 1) {
      prepare();
      await kill(n);
      seen.add(say(first).join());
      await using(second, 'v2', commit);
      expect([n, say(second)]).toEqual([n, second.map(() => 'v2')]);
      writeFileSync(at('a'), 'v3');
      const before = say(both);
      await (await sets().open()).close();
      expect([n, say(both)]).toEqual([n, before]);
    }
    expect(seen.size).toBeGreaterThan(1);
    expect(warnings).toEqual([]);
  });
});

test('sets of different files are written one after the other', async () => {
  const set = await sets().open();
  const environment = { NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') };
  const other = createFileSets({ warn: () => undefined, environment, lockWaitMs: 0 });
  await expect(other.open()).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_BUSY' });
  await set.close();
  await (await other.open()).close();
});

describe('a file that somebody edits', () => {
  const edit = (name: string): void => writeFileSync(at(name), 'mine');
  const busy = { code: 'NAMETAG_OUTPUT_BUSY' };

  test('after it was staged stays, with all others', async () => {
    const work: Work = async (_, committing) => {
      edit('b');
      await committing();
    };
    await expect(using(['a', 'b', 'c'], 'v1', work)).rejects.toMatchObject({
      ...busy,
      details: { path: at('b') },
    });
    expect(say(['a', 'b', 'c'])).toEqual(['v0', 'mine', 'v0']);
    expect(readdirSync(folder).sort()).toEqual(['a', 'b', 'c', 'state']);
    expect(readdirSync(at('state/render'))).toEqual([]);
  });

  test('behind the commit point stays, and the others are put back', async () => {
    const operations = failing(() => undefined, { withoutDisk: true });
    const on = createFileSets({
      warn: (sentence) => warnings.push(sentence),
      environment: { NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
      operations: {
        ...operations,
        rename: async (from, to) => {
          await operations.rename(from, to);
          if (to === at('a')) edit('b');
        },
      },
    });
    await expect(using(['a', 'b', 'c'], 'v1', commit, on)).rejects.toMatchObject(busy);
    expect(say(['a', 'b', 'c'])).toEqual(['v0', 'mine', 'v0']);
    expect(readdirSync(at('state/render'))).toEqual([]);
  });

  test('before the next run completes the set stays, and that is said', async () => {
    let renamed = false;
    const operations = failing(() => (renamed ? systemError('EIO') : undefined));
    const on = createFileSets({
      warn: () => undefined,
      environment: { NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
      operations: {
        ...operations,
        rename: async (from, to) => {
          await operations.rename(from, to);
          renamed = to === at('a');
        },
      },
    });
    await expect(using(['a', 'b', 'c'], 'v1', commit, on)).rejects.toThrow();
    expect(say(['a', 'b', 'c'])).toEqual(['v1', 'v0', 'v0']);
    edit('b');
    await (await sets().open()).close();
    expect(say(['a', 'b', 'c'])).toEqual(['v1', 'mine', 'v1']);
    expect(warnings).toEqual([expect.stringContaining(at('b'))]);
    expect(readdirSync(folder).sort()).toEqual(['a', 'b', 'c', 'state']);
  });
});
