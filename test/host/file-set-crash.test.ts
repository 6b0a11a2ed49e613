import {
  cpSync,
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
import type { FileOperations } from '../../src/host/file-operations.ts';
import { createFileSets } from '../../src/host/file-set.ts';
import { failing, systemError } from './failing-operations.ts';

let folder: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  warnings = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

// The third is not there before, and the fourth is right already.
const names = ['a/one', 'b/two', 'a/three', 'b/four'];
const at = (name: string): string => join(folder, name);
const journals = (): string[] => readdirSync(at('state/render'));
const journal = (): string => at('state/render/journal');

const options = { withoutDisk: true };
const never = (): boolean => false;

interface World {
  /** Whether the call with this number fails. */
  readonly failsAt: (count: number) => boolean;
  /** A file that cannot be renamed over. */
  readonly mounted?: string | undefined;
}

/** Lets a run use a set until it is done or a call fails; gives how many calls it made. */
async function run({ failsAt, mounted }: World, text: string | undefined): Promise<number> {
  let count = 0;
  const operations = failing(() => {
    count += 1;
    return failsAt(count) ? systemError('EIO') : undefined;
  }, options);
  const sets = createFileSets({
    warn: (sentence) => warnings.push(sentence),
    environment: { NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
    operations: mounted === undefined ? operations : mounting(operations, at(mounted)),
  });
  try {
    const set = await sets.open();
    pending = set.pending();
    try {
      if (text !== undefined) await (await set.stage(toFiles(text))).commit();
      pending = set.pending();
    } finally {
      await set.close();
    }
  } catch {
    // As it was made to.
  }
  return count;
}

let pending: readonly string[];

const toFiles = (text: string) =>
  names.map((name) => ({
    path: at(name),
    bytes: Buffer.from(name === 'b/four' ? 'same' : text),
    hasCommand: true,
  }));

function mounting(operations: FileOperations, path: string): FileOperations {
  return {
    ...operations,
    rename: async (from, to) => {
      if (to === path) throw systemError('EBUSY');
      await operations.rename(from, to);
    },
  };
}

/** Old files, and all their commands to be run; made once, and copied back after that. */
async function prepare(): Promise<void> {
  const made = ['a', 'b', 'state'].map((name) => [at(name), at(`made/${name}`)] as const);
  if (existsSync(at('made'))) {
    for (const [name, copy] of made) {
      rmSync(name, { recursive: true, force: true });
      cpSync(copy, name, { recursive: true });
    }
    return;
  }
  for (const name of ['a', 'b', 'state']) {
    mkdirSync(at(name));
  }
  writeFileSync(at('b/four'), 'before');
  for (const name of ['a/one', 'b/two', 'a/three']) writeFileSync(at(name), 'older');
  await run({ failsAt: never }, 'old');
  const left = JSON.parse(readFileSync(journal(), 'utf8').split('\n')[1]!);
  expect(left.pending).toEqual(names.map(at));
  rmSync(at('a/three'));
  for (const [name, copy] of made) cpSync(name, copy, { recursive: true });
}

const contents = (): string[] =>
  names.slice(0, 3).map((name) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : ''));

/** What the set is: all old, all new, or what must never be. */
function kindOf(texts: readonly string[]): string {
  if (texts.join() === 'old,old,') return 'old';
  if (texts.every((text) => text === 'new')) return 'new';
  return `a mix of ${texts.join()}`;
}

function leftovers(): string[] {
  const files = ['a', 'b'].flatMap((name) =>
    readdirSync(at(name)).map((file) => `${name}/${file}`),
  );
  return [
    ...files.filter((name) => !names.includes(name)),
    ...journals().filter((name) => name !== 'journal'),
  ];
}

const worlds: [string, string | undefined][] = [
  ['by rename', undefined],
  ['with a file that is written in place', 'b/two'],
];

// Goal: whatever happens at whatever moment, the set is old or new after the next run.
// Method: the N-th system call fails, for every N; alone, or with all after it, as if it had been
// killed there. The next run opens the set and does no more.
describe.each(worlds)('at every step %s', (_, mounted) => {
  test('a failure leaves all old or all new at once, and nothing else', async () => {
    await prepare();
    const calls = await run({ failsAt: never, mounted }, 'new');
    expect(calls).toBeGreaterThan(40);
    const seen = new Set<string>();
    for (let n = 1; n <= calls; n += 1) {
      await prepare();
      await run({ failsAt: (count) => count === n, mounted }, 'new');
      const kind = kindOf(contents());
      seen.add(kind);
      await run({ failsAt: never, mounted }, undefined);
      expect([n, kindOf(contents())]).toEqual([n, kind]);
      expect([n, leftovers()]).toEqual([n, []]);
    }
    expect([...seen].sort()).toEqual(['new', 'old']);
  });

  test('a kill leaves a set that the next run completes or has not to', async () => {
    await prepare();
    const calls = await run({ failsAt: never, mounted }, 'new');
    const seen = new Set<string>();
    for (let n = 1; n <= calls; n += 1) {
      await prepare();
      await run({ failsAt: (count) => count >= n, mounted }, 'new');
      seen.add(kindOf(contents()));
      await run({ failsAt: never, mounted }, undefined);
      expect([n, kindOf(contents())]).toEqual([n, expect.stringMatching(/^(?:old|new)$/)]);
      expect([n, leftovers()]).toEqual([n, []]);
      // What is gone has no command left; it is made anew, and so changed.
      const left = names.map(at).filter((path) => existsSync(path));
      expect([...pending].sort()).toEqual(left.sort());
    }
    // There was a mix to put right.
    expect(seen.size).toBeGreaterThan(2);
    expect(warnings).toEqual([]);
  });

  test('a kill leaves a mix if its journal is lost (the control)', async () => {
    await prepare();
    const calls = await run({ failsAt: never, mounted }, 'new');
    const seen = new Set<string>();
    for (let n = 1; n <= calls; n += 1) {
      await prepare();
      await run({ failsAt: (count) => count >= n, mounted }, 'new');
      rmSync(journal(), { force: true });
      await run({ failsAt: never, mounted }, undefined);
      seen.add(kindOf(contents()));
    }
    expect(seen.size).toBeGreaterThan(2);
  });
});

describe('a run that is killed while it completes another', () => {
  /** Leaves a set of which a run that was killed has made a part; gives at which call it was. */
  async function findHalf(): Promise<number> {
    await prepare();
    // From behind, since that is nearer.
    for (let n = await run({ failsAt: never }, 'new'); n > 0; n -= 1) {
      await prepare();
      await run({ failsAt: (count) => count >= n }, 'new');
      if (kindOf(contents()).startsWith('a mix')) return n;
    }
    throw new TypeError('Expected a mix');
  }

  test('is completed by the next, at every step of it', async () => {
    const half = await findHalf();
    const again = async (): Promise<void> => {
      await prepare();
      await run({ failsAt: (count) => count >= half }, 'new');
    };
    const calls = await run({ failsAt: never }, undefined);
    expect(calls).toBeGreaterThan(10);
    for (let n = 1; n <= calls; n += 1) {
      await again();
      await run({ failsAt: (count) => count >= n }, undefined);
      await run({ failsAt: never }, undefined);
      expect([n, kindOf(contents())]).toEqual([n, 'new']);
      expect(leftovers()).toEqual([]);
    }
  });

  test('leaves what somebody has changed meanwhile, and says so', async () => {
    await findHalf();
    writeFileSync(at('a/one'), 'mine');
    await run({ failsAt: never }, undefined);
    expect(contents()).toEqual(['mine', 'new', 'new']);
    expect(warnings).toEqual([expect.stringContaining(at('a/one'))]);
  });
});

describe('a run that is killed while it puts files back', () => {
  test('is gone on with by the next, at every step of it', async () => {
    // The rename of the third fails, and everything from the n-th call after that on.
    const fail = async (n: number): Promise<number> => {
      let renames = 0;
      let after = 0;
      const base = failing(() => {
        if (renames === 0) return undefined;
        after += 1;
        return after >= n ? systemError('EIO') : undefined;
      }, options);
      const sets = createFileSets({
        warn: (sentence) => warnings.push(sentence),
        environment: { NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
        operations: {
          ...base,
          rename: async (from, to) => {
            if (to === at('a/three') && renames === 0) {
              renames = 1;
              throw systemError('EIO');
            }
            await base.rename(from, to);
          },
        },
      });
      const set = await sets.open();
      try {
        const staged = await set.stage(toFiles('new'));
        await expect(staged.commit()).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_FAILED' });
      } finally {
        await set.close();
      }
      return after;
    };
    await prepare();
    const calls = await fail(Number.POSITIVE_INFINITY);
    expect(kindOf(contents())).toBe('old');
    expect(calls).toBeGreaterThan(20);
    const seen = new Set<string>();
    for (let n = 1; n <= calls; n += 1) {
      await prepare();
      await fail(n);
      await run({ failsAt: never }, undefined);
      seen.add(kindOf(contents()));
      expect([n, leftovers()]).toEqual([n, []]);
    }
    expect([...seen].sort()).toEqual(['new', 'old']);
    expect(warnings).toEqual([]);
  });
});
