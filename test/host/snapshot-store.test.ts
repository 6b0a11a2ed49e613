import {
  chmodSync,
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
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSnapshotStore } from '../../src/host/snapshot-store.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { SnapshotKey } from '../../src/ports.ts';
import { instance, snapshot, withMaps } from '../helpers/instances.ts';
import { systemError } from './failing-operations.ts';

const disk = vi.hoisted(() => ({ isFull: false, atOnceMax: Number.POSITIVE_INFINITY }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const writeSync = (file: number, bytes: Buffer, from: number, length: number, at: number) => {
    if (disk.isFull) throw systemError('ENOSPC');
    return real.writeSync(file, bytes, from, Math.min(length, disk.atOnceMax), at);
  };
  return { ...real, writeSync };
});

const key: SnapshotKey = {
  credentials: 'keys 1',
  region: 'eu-west-1',
  endpoint: '',
  question: 'all',
};
const one: Snapshot = snapshot(instance({ instanceId: 'i-1' }));
const two: Snapshot = snapshot(instance({ instanceId: 'i-2' }));
const nowMs = one.takenAtMs + 1000;

let root: string;
let folder: string;
let said: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  folder = join(root, 'cache', 'nametag');
  said = [];
  disk.isFull = false;
  disk.atOnceMax = Number.POSITIVE_INFINITY;
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function create(wallMs: number = nowMs, place: string | undefined = folder) {
  const warn = (sentence: string): void => void said.push(sentence);
  return createSnapshotStore({ folder: place, warn, clock: { wallMs: () => wallMs } });
}

async function saved(): Promise<string> {
  await create().save(key, one);
  const [name] = readdirSync(folder);
  return join(folder, name!);
}

describe('a failure', () => {
  test('is noted by its time and question, for other processes too', async () => {
    await saved();
    expect(await create().lastFailureMs(key)).toBeUndefined();
    await create().noteFailure(key, nowMs - 2000);
    await create().noteFailure(key, nowMs);
    expect(await create().lastFailureMs(key)).toBe(nowMs);
    expect(await create().lastFailureMs({ ...key, question: 'some' })).toBeUndefined();
    expect(withMaps(await create().load(key))).toEqual(one);
  });

  test('is not noted where it cannot be, nor through a link, and nothing is said', async () => {
    await create().noteFailure(key, nowMs);
    expect(await create().lastFailureMs(key)).toBeUndefined();
    const path = await saved();
    const other = join(root, 'other');
    symlinkSync(other, path.replace('.snapshot', '.failed'));
    await create().noteFailure(key, nowMs);
    expect(existsSync(other)).toBe(false);
    const nowhere = createSnapshotStore({ folder: undefined, warn: (one) => said.push(one) });
    await nowhere.noteFailure(key, nowMs);
    expect(await nowhere.lastFailureMs(key)).toBeUndefined();
    expect(said).toEqual([]);
  });
});

describe('a store', () => {
  test('gives back what was saved last, to other processes too', async () => {
    expect(await create().load(key)).toBeUndefined();
    await create().save(key, one);
    await create().save(key, two);
    expect(withMaps(await create().load(key))).toEqual(two);
    expect(said).toEqual([]);
  });

  test('gives one that is as new as is asked for', async () => {
    await saved();
    expect(withMaps(await create().load(key, { sinceMs: one.takenAtMs }))).toEqual(one);
    expect(await create().load(key, { sinceMs: one.takenAtMs + 1 })).toBeUndefined();
  });

  test('does not read one whose time tells that it is too old', async () => {
    const path = await saved();
    expect(statSync(path).mtimeMs).toBe(one.takenAtMs);
    writeFileSync(path, 'not read');
    utimesSync(path, one.takenAtMs / 1000, one.takenAtMs / 1000);
    expect(await create().load(key, { sinceMs: one.takenAtMs + 60_000 })).toBeUndefined();
    expect(said).toEqual([]);
    // The control: one that may be new enough is read.
    expect(await create().load(key, { sinceMs: one.takenAtMs + 1_000 })).toBeUndefined();
    expect(said).toHaveLength(1);
  });

  test('leaves out whom the caller knows better, among the unconfirmed too', async () => {
    const both = { ...snapshot(instance({ instanceId: 'i-1' }), instance({ instanceId: 'i-2' })) };
    const unconfirmed = new Map([
      ['i-1', 1],
      ['i-2', 2],
    ]);
    await create().save(key, { ...both, unconfirmed });
    expect(await create().load(key, { except: new Set(['i-1', 'i-3']) })).toEqual({
      ...two,
      unconfirmed: new Map([['i-2', 2]]),
    });
  });

  test('keeps files for this user alone, and leaves nothing else', async () => {
    const path = await saved();
    expect(path).toMatch(/\/[0-9a-f]{16}\.snapshot$/);
    expect(readdirSync(folder)).toHaveLength(1);
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    expect(statSync(folder).mode & 0o7777).toBe(0o700);
  });

  test('is whole where the system writes less at once than it is given', async () => {
    const path = await saved();
    const whole = readFileSync(path);
    disk.atOnceMax = 7;
    await saved();
    expect(readFileSync(path)).toEqual(whole);
    expect(withMaps(await create().load(key))).toEqual(one);
  });

  test.each([
    [9000, ['another', 'saved']],
    [90, ['saved', 'another']],
  ])(
    'of %i lets others of this process come in between, or is done at once',
    async (size, order) => {
      const many = Array.from({ length: size }, (_, n) =>
        instance({ instanceId: `i-${n}`, tags: { long: String(n).padStart(200, '0') } }),
      );
      const seen: string[] = [];
      const another = new Promise<void>((resolve) => {
        setImmediate(() => {
          seen.push('another');
          resolve();
        });
      });
      await create().save(key, snapshot(...many));
      seen.push('saved');
      await another;
      expect(seen).toEqual(order);
      expect((await create().load(key))?.instances).toHaveLength(size);
    },
  );

  test.each<Partial<SnapshotKey>>([
    { credentials: 'keys 2' },
    { region: 'eu-west-2' },
    { endpoint: 'http://127.0.0.1:1' },
    { question: 'some' },
    // The same letters, cut elsewhere.
    { endpoint: 'a', question: 'll' },
  ])('does not answer %j with another answer', async (other) => {
    await create().save(key, one);
    expect(await create().load({ ...key, ...other })).toBeUndefined();
    await create().save({ ...key, ...other }, { ...two, region: other.region ?? two.region });
    expect(withMaps(await create().load(key))).toEqual(one);
    expect(said).toEqual([]);
  });

  test('ends early when it is told to', async () => {
    const reason = new Error('enough');
    const call = { signal: AbortSignal.abort(reason) };
    await expect(create().load(key, call)).rejects.toBe(reason);
    await expect(create().save(key, one, call)).rejects.toBe(reason);
    await expect(create().takeTurn(key, call)).rejects.toBe(reason);
    expect(existsSync(folder)).toBe(false);
  });
});

describe('a file that cannot be trusted', () => {
  const spoilers: readonly [string, (path: string) => void, RegExp][] = [
    ['is empty', (path) => writeFileSync(path, ''), /cut short/],
    ['is torn', (path) => writeFileSync(path, readFileSync(path).subarray(0, -9)), /cut off/],
    ['is foreign', (path) => writeFileSync(path, 'hello\n'), /no snapshot/],
    [
      'is newer',
      (path) => writeFileSync(path, readFileSync(path, 'latin1').replace(/ \d /, ' 9 '), 'latin1'),
      /another version.*format 9/,
    ],
    ['others can write', (path) => chmodSync(path, 0o666), /another user/],
    [
      'is a link',
      (path) => {
        writeFileSync(join(root, 'target'), readFileSync(path), { mode: 0o600 });
        rmSync(path);
        symlinkSync(join(root, 'target'), path);
      },
      /symbolic link/,
    ],
    [
      'is a folder',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      /no ordinary file/,
    ],
  ];

  test.each(spoilers)('because it %s is set aside, and said', async (_, spoil, fact) => {
    const path = await saved();
    spoil(path);
    const store = create();
    expect(await store.load(key)).toBeUndefined();
    expect(await store.load(key)).toBeUndefined();
    expect(said).toEqual([expect.stringMatching(fact)]);
    expect(said[0]).toMatch(/^Could not use the snapshot .*\. It is now .*\.aside; EC2 is asked/);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{16}\.snapshot\.aside$/)]);
    await store.save(key, two);
    expect(withMaps(await store.load(key))).toEqual(two);
    expect(said).toHaveLength(1);
  });

  test('is kept once for each key', async () => {
    for (const text of ['first', 'second']) {
      writeFileSync(await saved(), text);
      await create().load(key);
    }
    expect(readdirSync(folder)).toHaveLength(1);
    expect(readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8')).toBe('second');
  });

  test('because it holds the answer to another question is set aside', async () => {
    const path = await saved();
    await create().save({ ...key, question: 'some' }, two);
    const other = readdirSync(folder).find((name) => join(folder, name) !== path);
    writeFileSync(path, readFileSync(join(folder, other!)));
    expect(await create().load(key)).toBeUndefined();
    expect(said).toEqual([expect.stringContaining('another question')]);
  });

  test('because it is from the future is set aside, and a clock may be a little late', async () => {
    await saved();
    expect(withMaps(await create(one.takenAtMs - 60_000).load(key))).toEqual(one);
    expect(await create(one.takenAtMs - 60_001).load(key)).toBeUndefined();
    expect(said).toEqual([expect.stringContaining('from the future')]);
  });
});

describe('a save', () => {
  const dayMs = 24 * 60 * 60 * 1000;
  const plant = (name: string): void => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), '');
  };
  const hash = 'a'.repeat(16);

  test.each([
    [`${hash}.snapshot`, 8 * dayMs, 6 * dayMs],
    [`${hash}${hash}.snapshot`, 8 * dayMs, 6 * dayMs],
    [`${hash}.snapshot.aside`, 8 * dayMs, 6 * dayMs],
    [`${hash}.${'b'.repeat(16)}.tmp`, 11 * 60_000, 60_000],
  ])('removes %s when it is old', async (name, oldMs, youngMs) => {
    plant(name);
    await create(Date.now() + youngMs).save(key, one);
    expect(readdirSync(folder)).toContain(name);
    await create(Date.now() + oldMs).save(key, one);
    expect(readdirSync(folder)).not.toContain(name);
  });

  test('leaves what another process is saving, of whatever time its snapshot is', async () => {
    const name = `${hash}.${'b'.repeat(16)}.tmp`;
    plant(name);
    utimesSync(join(folder, name), one.takenAtMs / 1000, one.takenAtMs / 1000);
    await create(Date.now()).save(key, one);
    expect(readdirSync(folder)).toContain(name);
  });

  test('leaves files that are not its own', async () => {
    for (const name of ['notes.snapshot', `${hash}.txt`, '.tmp']) plant(name);
    await create(Date.now() + 100 * dayMs).save(key, one);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  test('looks at some of many files, and comes to all of them in time', async () => {
    for (let n = 0; n < 40; n += 1) plant(`${String(n).padStart(16, '0')}.snapshot`);
    const store = create(Date.now() + 8 * dayMs);
    await store.save(key, one);
    expect(readdirSync(folder).length).toBeGreaterThan(20);
    for (let n = 0; n < 200 && readdirSync(folder).length > 1; n += 1) await store.save(key, one);
    expect(readdirSync(folder)).toHaveLength(1);
  });
});

describe('on a full disk', () => {
  test('an older snapshot does not stay, since removals since would be undone by it', async () => {
    await saved();
    const store = create();
    disk.isFull = true;
    await store.save(key, two);
    expect(readdirSync(folder)).toEqual([]);
    await store.save(key, two);
    expect(await store.load(key)).toBeUndefined();
    expect(said).toEqual([
      expect.stringMatching(/^Could not keep what EC2 answered in .*: no space is left/),
    ]);
    disk.isFull = false;
    await store.save(key, two);
    expect(withMaps(await store.load(key))).toEqual(two);
  });

  test('answers to other questions do', async () => {
    await saved();
    disk.isFull = true;
    await create().save({ ...key, question: 'some' }, two);
    expect(withMaps(await create().load(key))).toEqual(one);
  });
});

describe('without a folder that can be written', () => {
  const blocked = () => {
    writeFileSync(join(root, 'file'), '');
    return join(root, 'file', 'nametag');
  };

  test.each<[string, () => string | undefined, RegExp]>([
    ['there is none', () => undefined, /^Could not keep .* HOME .*NAMETAG_CACHE_DIR\.$/],
    ['it cannot be made', blocked, /^Could not keep .*\/file\/nametag: .*NAMETAG_CACHE_DIR\.$/],
    ['it is in /proc', () => '/proc/nametag', /^Could not keep .* in \/proc\/nametag: /],
  ])('when %s it goes on, and says so once', async (_, place, sentence) => {
    const where = place();
    const warn = (text: string): void => void said.push(text);
    const store = createSnapshotStore({ folder: where, warn });
    await store.save(key, one);
    await store.save(key, two);
    const ends = await Promise.all([store.takeTurn(key), store.takeTurn(key)]);
    for (const end of ends) await end();
    expect(said).toEqual([expect.stringMatching(sentence)]);
  });

  test('nothing is there to be read, and that needs no words', async () => {
    expect(await create(nowMs, join(root, 'nowhere')).load(key)).toBeUndefined();
    expect(said).toEqual([]);
  });
});
