import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { toRenderWatch } from '../../src/cli/watch-render.ts';
import type { RenderOutput } from '../../src/config/config.ts';
import { toDirectory } from '../../src/model/directory.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import type { WatchOutput } from '../../src/watch.ts';
import { snapshot } from '../helpers/instances.ts';
import { directory } from '../helpers/templates.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const text = async (name: string): Promise<string> => await readFile(at(name), 'utf8');
const nobody = toDirectory(snapshot());

function output(name: string, fields: Partial<RenderOutput> = {}): RenderOutput {
  return {
    template: at(`${name}.liquid`),
    dest: at(name),
    command: undefined,
    check: undefined,
    mode: undefined,
    escape: undefined,
    domain: undefined,
    address: 'private',
    port: undefined,
    selector: {},
    notSelf: false,
    min: undefined,
    ...fields,
  };
}

function watch(...outputs: readonly RenderOutput[]): WatchOutput {
  const io: Io = {
    stdout: () => {},
    stderr: () => {},
    env: { PATH: '/usr/bin:/bin', NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
    signal: new AbortController().signal,
    onHangup: () => {},
    isTerminal: false,
  };
  const terms = { vocabulary: defaultVocabulary, selfId: 'i-00000001' };
  const [made] = toRenderWatch(outputs, terms, io);
  if (made === undefined) throw new TypeError('Expected an output.');
  return made;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
  await writeFile(at('a.liquid'), '{{ instances | map: "nameOrId" | join: " " }}');
  await writeFile(at('b.liquid'), '{{ instances | map: "host" | join: " " }}');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('toRenderWatch', () => {
  it('is one output, which writes all files, each of its own selector', async () => {
    const kept = watch(output('a', { selector: { ready: true } }), output('b', { notSelf: true }));
    expect(kept.name).toBe(`${at('a')} ${at('b')}`);
    expect(await kept.apply(directory)).toEqual({ result: 'written', notes: [] });
    expect(await text('a')).toBe('web-1');
    expect(await text('b')).toBe('10.0.0.2 10.0.0.3');
    expect(await kept.apply(directory)).toEqual({ result: 'unchanged', notes: [] });
  });

  it('writes none while one has a mistake, and all as soon as it is mended', async () => {
    const kept = watch(output('a'), output('b'));
    await writeFile(at('b.liquid'), '{{ nobody }}');
    const mistake = { code: 'NAMETAG_BAD_TEMPLATE', message: expect.stringContaining(at('b')) };
    await expect(kept.apply(directory)).rejects.toMatchObject(mistake);
    expect(await readdir(folder)).not.toContain('a');
    await writeFile(at('b.liquid'), '{{ region }}');
    expect(await kept.apply(directory)).toMatchObject({ result: 'written' });
    expect(await text('b')).toBe('eu-west-1');
  });

  it('holds files of nobody until somebody was in them', async () => {
    const kept = watch(output('a'));
    const few = { code: 'NAMETAG_TOO_FEW', details: { found: 0, min: 1 } };
    await expect(kept.apply(nobody)).rejects.toMatchObject(few);
    await kept.apply(directory);
    expect(await kept.apply(nobody)).toMatchObject({ result: 'written' });
    expect(await text('a')).toBe('');
  });

  it.each([
    [0, 'written'],
    [4, undefined],
  ])('keeps to a minimum of %s', async (min, result) => {
    const applied = watch(output('a', { min })).apply(min === 0 ? nobody : directory);
    if (result !== undefined) expect(await applied).toMatchObject({ result });
    else await expect(applied).rejects.toMatchObject({ code: 'NAMETAG_TOO_FEW' });
  });

  it('runs a command again at the next refresh, until it succeeds', async () => {
    const command = `echo x >> ${at('log')}; test -e ${at('ok')}`;
    const kept = watch(output('a', { command }), output('b'));
    const failed = { code: 'NAMETAG_RELOAD_FAILED' };
    await expect(kept.apply(directory)).rejects.toMatchObject(failed);
    expect(await text('b')).toContain('10.0.0.1');
    await expect(kept.apply(directory)).rejects.toMatchObject(failed);
    await writeFile(at('ok'), '');
    expect(await kept.apply(directory)).toMatchObject({ result: 'unchanged' });
    await kept.apply(directory);
    expect(await text('log')).toBe('x\nx\nx\n');
  });
});
