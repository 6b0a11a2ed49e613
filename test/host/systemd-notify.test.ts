/** A program of the same name stands in for systemd's: it writes down what it is told. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemd } from '../../src/host/systemd-notify.ts';

let folder: string;
let environment: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-systemd-'));
  environment = { NOTIFY_SOCKET: '/run/x', PATH: `${folder}:/usr/bin:/bin` };
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Puts a `systemd-notify` in front of the real one. */
async function install(script: string): Promise<void> {
  const path = join(folder, 'systemd-notify');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** What it was told, a call a line, words between bars. */
async function heard(): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'heard'), 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1);
}

const write =
  'printf "%s|" "$NOTIFY_SOCKET" "$@" >> "$(dirname "$0")/heard"; echo >> "$(dirname "$0")/heard"';

describe('systemd', () => {
  it('is told all of a notice at once, one notice after the other', async () => {
    await install(`${write}`);
    const manager = systemd({ environment });
    const facts = await Promise.all([
      manager.notify({ state: 'ready', status: '12 instances, age 8 s' }),
      manager.notify({ state: 'reloading' }),
      manager.notify({ state: 'ready', alive: true }),
      manager.notify({ state: 'stopping' }),
      manager.notify({ alive: true }),
      manager.notify({}),
    ]);
    expect(facts.every((fact) => fact === undefined)).toBe(true);
    expect(await heard()).toEqual([
      '/run/x|READY=1|STATUS=12 instances, age 8 s|',
      '/run/x|RELOADING=1|',
      '/run/x|READY=1|WATCHDOG=1|',
      '/run/x|STOPPING=1|',
      '/run/x|WATCHDOG=1|',
    ]);
  });

  it('is told nothing, and no program runs, where it does not listen', async () => {
    await install(write);
    for (const socket of [undefined, '']) {
      const manager = systemd({ environment: { ...environment, NOTIFY_SOCKET: socket } });
      expect(await manager.notify({ state: 'ready' })).toBeUndefined();
      expect(manager.aliveEveryMs).toBeUndefined();
    }
    expect(await heard()).toEqual([]);
  });

  it('takes no second assignment from a status, and no long one', async () => {
    await install(write);
    await systemd({ environment }).notify({ status: `a\nMAINPID=1\u2028b${'x'.repeat(999)}` });
    const [line = ''] = await heard();
    expect(line).toMatch(/^\/run\/x\|STATUS=a MAINPID=1 bx+\|$/);
    expect(line.length).toBeLessThan(220);
  });

  it.each<[script: string | undefined, fact: string]>([
    [undefined, '`systemd-notify` is not there'],
    ['exit 1', '`systemd-notify` failed'],
    [
      'echo "Failed to notify init system: Connection refused" >&2; exit 1',
      '`systemd-notify` said "Failed to notify init system: Connection refused"',
    ],
  ])('of which the program is %j is no failure, and told once', async (script, fact) => {
    if (script === undefined) environment = { ...environment, PATH: folder };
    else await install(script);
    const manager = systemd({ environment });
    expect(await manager.notify({ state: 'ready' })).toBe(fact);
    expect(await manager.notify({ alive: true })).toBeUndefined();
  });

  it.each<[env: NodeJS.ProcessEnv, ms: number | undefined]>([
    [{ WATCHDOG_USEC: '60000000' }, 30_000],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: String(process.pid) }, 30_000],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{ WATCHDOG_USEC: 'soon' }, undefined],
    [{}, undefined],
  ])('with %j wants a sign of life every %s ms', (env, ms) => {
    expect(systemd({ environment: { ...environment, ...env } }).aliveEveryMs).toBe(ms);
  });
});
