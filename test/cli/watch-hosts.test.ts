import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { toHostsWatch } from '../../src/cli/watch-outputs.ts';
import type { HostsOutput } from '../../src/config/config.ts';
import { toDirectory } from '../../src/model/directory.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import type { WatchOutput } from '../../src/watch.ts';
import { snapshot } from '../helpers/instances.ts';
import { directory } from '../helpers/templates.ts';

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

describe('toHostsWatch', () => {
  it('keeps a file, named after its path, of its own selector', async () => {
    const kept = watch({ notSelf: true });
    expect(kept.name).toBe(at('hosts'));
    expect(await kept.apply(directory)).toEqual({ result: 'written', notes: [] });
    expect(await hosts()).toContain('10.0.0.2\tweb-2');
    expect(await hosts()).not.toContain('web-1');
    expect(await kept.apply(directory)).toEqual({ result: 'unchanged', notes: [] });
  });

  it('empties a block only after it had entries in it', async () => {
    await watch().apply(directory);
    const kept = watch();
    await expect(kept.apply(nobody)).rejects.toMatchObject({ code: 'NAMETAG_BLOCK_EMPTIED' });
    expect(await kept.apply(directory)).toMatchObject({ result: 'unchanged' });
    expect(await kept.apply(nobody)).toMatchObject({ result: 'written' });
    expect(await hosts()).not.toContain('web-2');
  });

  it('leaves the file when its legacy file loses all it had, at every refresh', async () => {
    await writeFile(at('legacy'), '10.8.0.1 printer\n');
    const kept = watch({ legacy: at('legacy') });
    await kept.apply(directory);
    const before = await hosts();
    expect(before).toContain('printer');
    await writeFile(at('legacy'), '');
    for (const now of [directory, nobody]) {
      const missing = { code: 'NAMETAG_INPUT_MISSING', details: { path: at('legacy') } };
      await expect(kept.apply(now)).rejects.toMatchObject(missing);
      expect(await hosts()).toBe(before);
    }
    await writeFile(at('legacy'), '10.8.0.2 printer\n');
    expect(await kept.apply(nobody)).toMatchObject({ result: 'written' });
    expect(await hosts()).toContain('10.8.0.2 printer');
  });

  it('holds a file of fewer than its minimum', async () => {
    const few = { code: 'NAMETAG_TOO_FEW', details: { found: 2, min: 3 } };
    await expect(watch({ min: 3 }).apply(directory)).rejects.toMatchObject(few);
    expect(await hosts()).toBe('127.0.0.1 localhost\n');
  });
});
