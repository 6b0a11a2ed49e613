import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { toRenderWatch } from '../../src/cli/watch-render.ts';
import type { RenderOutput } from '../../src/config/config.ts';
import { type ErrorCode, isNametagError } from '../../src/errors.ts';
import { type Directory, toDirectory } from '../../src/model/directory.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { ManualClock } from '../../src/sandbox/manual-clock.ts';
import type { OutputReport, WatchedAnswer, WatchOutput } from '../../src/watch.ts';
import { snapshot } from '../helpers/instances.ts';
import { directory } from '../helpers/templates.ts';

let folder: string;
let clock = new ManualClock();
const at = (name: string): string => join(folder, name);
const text = async (name: string): Promise<string> => await readFile(at(name), 'utf8');
const nobody = toDirectory(snapshot());
const answer: WatchedAnswer = { directory, removed: [], letGo: [] };

function output(name: string, fields: Partial<RenderOutput> = {}): RenderOutput {
  return {
    template: at(`${name}.liquid`),
    dest: at(name),
    command: undefined,
    check: undefined,
    mode: undefined,
    escape: 'plain',
    domain: undefined,
    address: 'private',
    port: undefined,
    selector: {},
    notSelf: false,
    min: undefined,
    ...fields,
  };
}

function io(): Io {
  return {
    stdout: () => {},
    stderr: () => {},
    env: { PATH: '/usr/bin:/bin', NAMETAG_STATE_DIR: at('state'), NAMETAG_RUNTIME_DIR: at('run') },
    signal: new AbortController().signal,
    onHangup: () => {},
    isTerminal: false,
  };
}

/** What a refresh tells of each output, in order. */
type Refresh = (
  of: Directory,
  letGo?: WatchedAnswer['letGo'],
) => Promise<readonly (OutputReport | ErrorCode)[]>;

/** Applies the outputs as a watcher does; a failure is told by its code. */
function refreshOf(...outputs: readonly RenderOutput[]): Refresh {
  clock = new ManualClock();
  const made = watch(...outputs);
  return async (of, letGo = []) => {
    const told: (OutputReport | ErrorCode)[] = [];
    for (const each of made) {
      told.push(
        await each.apply({ directory: of, removed: [], letGo }).catch((error: unknown) => {
          if (isNametagError(error)) return error.code;
          throw error;
        }),
      );
    }
    return told;
  };
}

const written: OutputReport = { result: 'written', notes: [] };
const unchanged: OutputReport = { result: 'unchanged', notes: [] };

function watch(...outputs: readonly RenderOutput[]): readonly WatchOutput[] {
  const terms = { vocabulary: defaultVocabulary, selfId: 'i-00000001' };
  return toRenderWatch(outputs, terms, io(), clock);
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
  it('is an output for each file, which is of its own selector', async () => {
    const outputs = [output('a', { selector: { ready: true } }), output('b', { notSelf: true })];
    expect(watch(...outputs).map(({ name }) => name)).toEqual([at('a'), at('b')]);
    const refresh = refreshOf(...outputs);
    expect(await refresh(directory)).toEqual([written, written]);
    expect(await text('a')).toBe('web-1');
    expect(await text('b')).toBe('10.0.0.2 10.0.0.3');
    expect(await refresh(directory)).toEqual([unchanged, unchanged]);
    expect(toRenderWatch([], { vocabulary: defaultVocabulary, selfId: undefined }, io())).toEqual(
      [],
    );
  });

  it('writes none while one has a mistake, and all as soon as it is mended', async () => {
    const outputs = [output('a'), output('b')];
    const refresh = refreshOf(...outputs);
    await writeFile(at('b.liquid'), '{{ nobody }}');
    const mistake = 'NAMETAG_BAD_TEMPLATE';
    expect(await refresh(directory)).toEqual([mistake, mistake]);
    expect(await readdir(folder)).not.toContain('a');
    await writeFile(at('b.liquid'), '{{ region }}');
    expect(await refresh(directory)).toEqual([written, written]);
    expect(await text('b')).toBe('eu-west-1');
  });

  it('holds a file of nobody until somebody was in it', async () => {
    const refresh = refreshOf(output('a'));
    expect(await refresh(nobody)).toEqual(['NAMETAG_TOO_FEW']);
    expect(await refresh(directory)).toEqual([written]);
    expect(await refresh(nobody)).toEqual([written]);
    expect(await text('a')).toBe('');
  });

  it('holds a file of nobody after somebody was left out without evidence', async () => {
    const refresh = refreshOf(output('a'));
    const held = ['NAMETAG_TOO_FEW'];
    expect(await refresh(directory)).toEqual([written]);
    const letGo = [{ instanceId: 'i-00000001', lastSeenMs: 0 }];
    expect(await refresh(nobody, letGo)).toEqual(held);
    expect(await refresh(nobody)).toEqual(held);
    expect(await text('a')).toContain('web-1');
    // The control: with somebody in it, it may be empty again.
    expect(await refresh(directory)).toEqual([unchanged]);
    expect(await refresh(nobody)).toEqual([written]);
  });

  it('holds the files of too few, and writes the others', async () => {
    const few = output('a', { selector: { groups: ['nobody'] } });
    const refresh = refreshOf(few, output('b'), output('c', { min: 4 }));
    const held = 'NAMETAG_TOO_FEW';
    expect(await refresh(directory)).toEqual([held, written, held]);
    expect(await refresh(directory)).toEqual([held, unchanged, held]);
    expect(await readdir(folder)).toEqual(expect.not.arrayContaining(['a', 'c']));
    const [first] = watch(few);
    await expect(first?.apply(answer)).rejects.toMatchObject({
      details: { found: 0, min: 1 },
      message: expect.stringMatching(/in the config file it is `"min"`\. It is for \S+\/a, which/),
    });
  });

  it.each([
    [0, nobody, written],
    [4, directory, 'NAMETAG_TOO_FEW'],
  ])('keeps to a minimum of %s', async (min, of, told) => {
    expect(await refreshOf(output('a', { min }))(of)).toEqual([told]);
  });

  it('runs a command that fails again until it succeeds, after 5 s, 10 s and so on', async () => {
    const command = `echo x >> ${at('log')}; test -e ${at('ok')}`;
    const refresh = refreshOf(output('a', { command }), output('b'));
    const failed = 'NAMETAG_RELOAD_FAILED';
    expect(await refresh(directory)).toEqual([failed, written]);
    expect(await text('b')).toContain('10.0.0.1');
    const runs: number[] = [];
    for (let second = 5; second <= 1000; second += 5) {
      await clock.advance(5000);
      const before = await text('log');
      expect(await refresh(directory)).toEqual([failed, unchanged]);
      if ((await text('log')) !== before) runs.push(second);
    }
    expect(runs).toEqual([5, 15, 35, 75, 155, 315, 615, 915]);
    await writeFile(at('ok'), '');
    await clock.advance(300_000);
    expect(await refresh(directory)).toEqual([unchanged, unchanged]);
    await refresh(directory);
    expect(await text('log')).toBe('x\n'.repeat(10));
  });

  it('tries a failed check again after 5 s, 10 s and so on, and other text at once', async () => {
    const check = `echo x >> ${at('log')}; test -e ${at('ok')}`;
    const refresh = refreshOf(output('b', { check: 'true' }), output('a', { check }));
    const failed = 'NAMETAG_CHECK_FAILED';
    const runs: number[] = [];
    const refreshEvery5s = async (from: number, to: number): Promise<void> => {
      for (let second = from; second <= to; second += 5) {
        const before = await text('log').catch(() => '');
        expect(await refresh(directory)).toEqual([failed, failed]);
        if ((await text('log')) !== before) runs.push(second);
        await clock.advance(5000);
      }
    };
    await refreshEvery5s(0, 80);
    expect(runs.splice(0)).toEqual([0, 5, 15, 35, 75]);
    await writeFile(at('a.liquid'), 'other');
    await refreshEvery5s(85, 100);
    expect(runs).toEqual([85, 90, 100]);
    await writeFile(at('ok'), '');
    await clock.advance(20_000);
    expect(await refresh(directory)).toEqual([written, written]);
    expect(await text('a')).toBe('other');
  });

  it('runs no check while another of the same refresh waits', async () => {
    const logged = (name: string): string => `echo ${name} >> ${at('log')}`;
    const refresh = refreshOf(
      output('a', { check: logged('a') }),
      output('b', { check: `${logged('b')}; false` }),
    );
    await refresh(directory);
    await refresh(directory);
    expect(await text('log')).toBe('a\nb\n');
  });

  it('tells of a failed check alike each time, whatever the candidate is called', async () => {
    const [first] = watch(output('a', { check: 'echo "$NAMETAG_SRC: no"; false' }));
    const message = expect.stringContaining('it exited with 1 ("{{ src }}: no")');
    await expect(first?.apply(answer)).rejects.toMatchObject({ message });
  });

  it('shows life after each check and each command', async () => {
    const shown: string[] = [];
    const log = `cat {{ src }} >> ${at('log')}`;
    const outputs = [
      output('a', { check: log, command: `echo a >> ${at('log')}` }),
      output('b', { command: `echo b >> ${at('log')}; false` }),
    ];
    const [first] = watch(...outputs);
    await first?.apply(answer, () => shown.push(readFileSync(at('log'), 'utf8')));
    const checked = await text('a');
    expect(shown).toEqual([checked, `${checked}a\n`, `${checked}a\nb\n`]);
  });

  it('runs a command that has failed at once for a file that changes', async () => {
    const command = `echo x >> ${at('log')}; false`;
    const refresh = refreshOf(output('a', { command }), output('b', { command }));
    const failed = 'NAMETAG_RELOAD_FAILED';
    await refresh(directory);
    await writeFile(at('b.liquid'), 'new');
    expect(await refresh(directory)).toEqual([failed, failed]);
    expect(await text('log')).toBe('x\nx\n');
    expect(await refresh(directory)).toEqual([failed, failed]);
    expect(await text('log')).toBe('x\nx\n');
  });
});
