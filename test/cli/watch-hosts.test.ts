import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { toHostsWatch } from '../../src/cli/watch-outputs.ts';
import type { HostsOutput } from '../../src/config/config.ts';
import { type Directory, toDirectory } from '../../src/model/directory.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import type { WatchedAnswer, WatchOutput } from '../../src/watch.ts';
import { snapshot } from '../helpers/instances.ts';
import { directory, web } from '../helpers/templates.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const hosts = async (): Promise<string> => await readFile(at('hosts'), 'utf8');
const nobody = toDirectory(snapshot());

function watch(fields: Partial<HostsOutput> = {}): WatchOutput {
  const io: Io = {
    stdout: () => {},
    stderr: () => {},
    env: { PATH: '/usr/bin:/bin', NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
    signal: new AbortController().signal,
    onHangup: () => {},
    isTerminal: false,
  };
  const output: HostsOutput = {
    kind: 'file',
    path: at('hosts'),
    block: 'default',
    domain: undefined,
    address: 'private',
    legacy: undefined,
    legacyUpdater: undefined,
    selector: {},
    notSelf: false,
    min: undefined,
    ...fields,
  };
  const terms = { vocabulary: defaultVocabulary, selfId: 'i-00000001' };
  return toHostsWatch(output, terms, io);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
  await writeFile(at('hosts'), '127.0.0.1 localhost\n');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Of a directory, with those who were removed on the way to it. */
function answer(directory: Directory, removed: WatchedAnswer['removed'] = []): WatchedAnswer {
  return { directory, removed, letGo: [] };
}

const removal = (place: number): WatchedAnswer['removed'][number] => ({
  instanceId: `i-0000000${place}`,
  evidence: 'terminated',
  addresses: [`10.0.0.${place}`],
  atMs: 0,
});

describe('toHostsWatch', () => {
  it('keeps a file, named after its path, of its own selector', async () => {
    const kept = watch({ notSelf: true });
    expect(kept.name).toBe(at('hosts'));
    expect(await kept.apply(answer(directory))).toEqual({ result: 'written', notes: [] });
    expect(await hosts()).toContain('10.0.0.2\tweb-2');
    expect(await hosts()).not.toContain('web-1');
    expect(await kept.apply(answer(directory))).toEqual({ result: 'unchanged', notes: [] });
  });

  const emptied = { code: 'NAMETAG_BLOCK_EMPTIED' };

  it('empties a block when all who are in it were removed, and else not', async () => {
    const kept = watch();
    await kept.apply(answer(directory));
    const before = await hosts();
    expect(before).toContain('web-1');
    for (const removed of [[], [removal(1)], [removal(1), removal(3)]]) {
      await expect(kept.apply(answer(nobody, removed))).rejects.toMatchObject(emptied);
      expect(await hosts()).toBe(before);
    }
    const update = await kept.apply(answer(nobody, [removal(1), removal(2)]));
    expect(update).toMatchObject({ result: 'written' });
    expect(await hosts()).not.toContain('web-2');
  });

  it('empties a block of its own when EC2 shows those in it, and means them no more', async () => {
    const selector = { notTags: [{ key: 'status', value: 'drain' }] };
    const drained = toDirectory(snapshot(...[1, 2].map((n) => web(n, { status: 'drain' }))));
    await watch({ selector }).apply(answer(directory));
    const kept = watch({ selector });
    // A block of before may be of another selector.
    await expect(kept.apply(answer(drained))).rejects.toMatchObject(emptied);
    await kept.apply(answer(directory));
    // The control: those whom the newest answer lacks are no evidence.
    const unconfirmed = new Map([['i-00000002', 0]]);
    const unseen = answer({ ...drained, unconfirmed });
    await expect(kept.apply(unseen)).rejects.toMatchObject(emptied);
    expect(await kept.apply(answer(drained))).toMatchObject({ result: 'written' });
    expect(await hosts()).not.toContain('web-2');
  });

  it('leaves the file when its legacy file loses all it had, at every refresh', async () => {
    await writeFile(at('legacy'), '10.8.0.1 printer\n');
    const kept = watch({ legacy: at('legacy') });
    await kept.apply(answer(directory));
    const before = await hosts();
    expect(before).toContain('printer');
    await writeFile(at('legacy'), '');
    for (const now of [directory, nobody]) {
      const missing = { code: 'NAMETAG_INPUT_MISSING', details: { path: at('legacy') } };
      await expect(kept.apply(answer(now))).rejects.toMatchObject(missing);
      expect(await hosts()).toBe(before);
    }
    await writeFile(at('legacy'), '10.8.0.2 printer\n');
    const update = await kept.apply(answer(nobody, [removal(1), removal(2)]));
    expect(update).toMatchObject({ result: 'written' });
    expect(await hosts()).toContain('10.8.0.2 printer');
  });

  it('holds a file of fewer than its minimum', async () => {
    const few = { code: 'NAMETAG_TOO_FEW', details: { found: 2, min: 3 } };
    await expect(watch({ min: 3 }).apply(answer(directory))).rejects.toMatchObject(few);
    expect(await hosts()).toBe('127.0.0.1 localhost\n');
  });
});
