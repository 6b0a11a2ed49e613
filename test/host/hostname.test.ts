import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemHostname } from '../../src/host/hostname.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
  await mkdir(join(folder, 'bin'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A program of this name, in the only folder of the PATH, that notes how it was called. */
async function program(name: string, rest = ''): Promise<void> {
  const path = join(folder, 'bin', name);
  const note = `echo ${name} "$@" >> ${folder}/calls`;
  await writeFile(path, `#!/bin/sh\n${note}\n${rest}\n`);
  await chmod(path, 0o755);
}

const calls = async (): Promise<string> =>
  await readFile(join(folder, 'calls'), 'utf8').catch(() => '');
const kept = async (): Promise<string> => await readFile(join(folder, 'hostname'), 'utf8');

const hostname = (current: string, path = join(folder, 'hostname')) =>
  systemHostname({
    environment: { PATH: join(folder, 'bin'), XDG_RUNTIME_DIR: folder },
    path,
    current: () => current,
  });

describe('the hostname', () => {
  it('is set by hostnamectl alone where that works', async () => {
    await program('hostnamectl');
    await program('hostname');
    expect(await hostname('ip-10-0-0-1').set('web-0')).toBe('set');
    expect(await calls()).toBe('hostnamectl set-hostname web-0\n');
    await expect(kept()).rejects.toThrow('ENOENT');
  });

  it.each([
    ['there is no hostnamectl', undefined],
    ['hostnamectl fails', 'echo "System has not been booted with systemd" >&2; exit 1'],
  ])('is set in its file and in the kernel where %s', async (_, script) => {
    if (script !== undefined) await program('hostnamectl', script);
    await program('hostname');
    await writeFile(join(folder, 'hostname'), 'ip-10-0-0-1\n', { mode: 0o640 });
    expect(await hostname('ip-10-0-0-1').set('web-0')).toBe('set');
    expect(await calls()).toMatch(/^(?:hostnamectl set-hostname web-0\n)?hostname web-0\n$/);
    expect(await kept()).toBe('web-0\n');
    expect((await stat(join(folder, 'hostname'))).mode & 0o777).toBe(0o640);
  });

  it('is left alone when it is right already, in the kernel and in its file', async () => {
    await program('hostnamectl');
    await writeFile(join(folder, 'hostname'), 'web-0');
    expect(await hostname('web-0').set('web-0')).toBe('unchanged');
    expect(await calls()).toBe('');
  });

  it.each([
    ['the kernel', 'ip-10-0-0-1', 'web-0\n'],
    ['the file', 'web-0', 'ip-10-0-0-1\n'],
  ])('is set when only %s has another', async (_, current, text) => {
    await program('hostnamectl');
    await writeFile(join(folder, 'hostname'), text);
    expect(await hostname(current).set('web-0')).toBe('set');
    expect(await calls()).toBe('hostnamectl set-hostname web-0\n');
  });

  it('is not told to a kernel that has it', async () => {
    expect(await hostname('web-0').set('web-0')).toBe('set');
    expect(await kept()).toBe('web-0\n');
  });

  it.each([
    [
      'echo "hostname: you must be root\u001b[31m" >&2; exit 1',
      'said "hostname: you must be root?[31m"',
    ],
    ['exit 1', '`hostname` failed'],
    [undefined, '`hostname` is not there'],
    // A script's output is untrusted, and may be of any length.
    [`printf '%0300d' 7 >&2; exit 1`, `said "${'0'.repeat(200)}".`],
  ])('that the kernel does not take (%j) is told: %s', async (script, fact) => {
    if (script !== undefined) await program('hostname', script);
    await expect(hostname('ip-10-0-0-1').set('web-0')).rejects.toMatchObject({
      code: 'NAMETAG_HOSTNAME_REFUSED',
      message: expect.stringContaining(fact),
    });
  });

  it('that its folder does not take is told, and the kernel is not asked', async () => {
    await program('hostname');
    const nowhere = hostname('ip-10-0-0-1', join(folder, 'none', 'hostname'));
    await expect(nowhere.set('web-0')).rejects.toMatchObject({ code: 'NAMETAG_OUTPUT_DENIED' });
    expect(await calls()).toBe('');
  });

  it('gives the reason when the run is ended while the kernel is told', async () => {
    await program('hostname', `exec /bin/sleep 60`);
    const ending = new AbortController();
    const reason = new Error('enough');
    const setting = hostname('ip-10-0-0-1').set('web-0', { signal: ending.signal });
    while (!(await calls()).includes('hostname web-0')) await delay(5);
    ending.abort(reason);
    await expect(setting).rejects.toBe(reason);
  });

  it('is not set any more when the run is ended', async () => {
    await program('hostnamectl', 'exec /bin/sleep 60');
    const ending = new AbortController();
    const reason = new Error('enough');
    const setting = hostname('ip-10-0-0-1').set('web-0', { signal: ending.signal });
    ending.abort(reason);
    await expect(setting).rejects.toBe(reason);
    await expect(kept()).rejects.toThrow('ENOENT');
  });
});
