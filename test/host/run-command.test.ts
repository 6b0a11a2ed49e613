import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { createCommands } from '../../src/host/run-command.ts';

const timeoutMs = 10_000;
const commands = createCommands({ environment: { PATH: process.env['PATH'], GREETING: 'hello' } });

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Waits for a process to be gone; one that nobody reaps yet is not running either. */
async function goneAfterAWhile(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (!isRunning(pid)) return true;
    await delay(10);
  }
  return false;
}

describe('what a command says and exits with', () => {
  test.each([
    ['echo one; echo two >&2', 0, undefined, 'one\ntwo\n'],
    ['exit 3', 3, undefined, ''],
    ['kill -USR1 $$', undefined, 'SIGUSR1', ''],
    ['printf %s "$GREETING $WORLD"', 0, undefined, 'hello there'],
    ['cat', 0, undefined, 'input'],
    ['true', 0, undefined, ''],
  ])('%s', async (command, exitCode, killedBy, output) => {
    const env = { WORLD: 'there' };
    const result = await commands.run(command, { env, input: 'input', timeoutMs });
    expect(result).toMatchObject({ exitCode, killedBy, output, timedOut: false, truncated: false });
  });

  test('a program that is not there is 127, as the shell has it', async () => {
    const result = await commands.run('nametag-has-no-such-program', { timeoutMs });
    expect(result).toMatchObject({ exitCode: 127, timedOut: false });
    expect(result.output).toContain('not found');
  });

  test('a command that the system refuses to start is 126, with the reason', async () => {
    const result = await commands.run(`: ${'x'.repeat(200_000)}`, { timeoutMs });
    expect(result).toMatchObject({ exitCode: 126, output: '/bin/sh could not be started: E2BIG' });
  });

  test('a variable can be taken away', async () => {
    const env = { GREETING: undefined };
    const { output } = await commands.run('echo "[$GREETING]"', { env, timeoutMs });
    expect(output).toBe('[]\n');
  });

  test('without input, stdin is empty', async () => {
    expect(await commands.run('wc -c', { timeoutMs })).toMatchObject({ exitCode: 0 });
  });

  test('input that is not read is no failure', async () => {
    const input = new Uint8Array(1_000_000);
    expect(await commands.run('exec <&-; true', { input, timeoutMs })).toMatchObject({
      exitCode: 0,
    });
  });

  test('of much output the end is kept, in whole characters', async () => {
    const command = 'yes äöü | head -n 12500; printf end';
    const { output, truncated, exitCode } = await commands.run(command, { timeoutMs });
    expect({ truncated, exitCode }).toEqual({ truncated: true, exitCode: 0 });
    expect(output).toMatch(/end$/);
    expect(output).not.toMatch(/^\ufffd/);
    expect(Buffer.byteLength(output)).toBeGreaterThan(8190);
    expect(Buffer.byteLength(output)).toBeLessThanOrEqual(8192);
  });

  test.each([
    [8192, false],
    [8193, true],
  ])('of %i bytes the beginning is cut off: %s', async (count, truncated) => {
    const command = `head -c ${count} /dev/zero | tr '\\0' x`;
    const result = await commands.run(command, { timeoutMs });
    expect(result).toMatchObject({ output: 'x'.repeat(8192), truncated });
  });

  test('it may take longer than a timer can wait', async () => {
    const result = await commands.run('echo done', { timeoutMs: Number.MAX_SAFE_INTEGER });
    expect(result).toMatchObject({ output: 'done\n', timedOut: false });
  });

  test('no timer is left behind, so that the process can end', async () => {
    // Of the process there are others, of the test runner's own.
    const made = vi.spyOn(globalThis, 'setTimeout');
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    try {
      await commands.run('true', { timeoutMs: 54_321 });
      const place = made.mock.calls.findIndex(([, ms]) => ms === 54_321);
      expect(place).not.toBe(-1);
      expect(cleared).toHaveBeenCalledWith(made.mock.results[place]?.value);
    } finally {
      made.mockRestore();
      cleared.mockRestore();
    }
  });

  test('it cannot speak to systemd in the name of this process', async () => {
    const environment = { ...process.env, NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '1' };
    const { output } = await createCommands({ environment }).run('env', { timeoutMs });
    expect(output).not.toMatch(/NOTIFY|WATCHDOG/);
    expect(output).toContain('PATH=');
  });

  test('what stays in the background is neither waited for nor ended', async () => {
    const { exitCode, output } = await commands.run('sleep 300 & echo $!', { timeoutMs });
    expect(exitCode).toBe(0);
    expect(isRunning(Number(output))).toBe(true);
    process.kill(Number(output), 'SIGKILL');
  });
});

describe('a command that takes too long', () => {
  test('is ended, and all that it started', async () => {
    const command = 'sleep 300 & echo $!; wait';
    const result = await commands.run(command, { timeoutMs: 200 });
    expect(result).toMatchObject({ exitCode: undefined, killedBy: 'SIGTERM', timedOut: true });
    expect(await goneAfterAWhile(Number(result.output))).toBe(true);
  });

  test('is killed when it does not listen', async () => {
    const deaf = createCommands({ graceMs: 100 });
    const result = await deaf.run('trap "" TERM; while :; do sleep 0.05; done', {
      timeoutMs: 200,
    });
    expect(result).toMatchObject({ killedBy: 'SIGKILL', timedOut: true });
  });

  test('may tidy up first, and has timed out whatever it exits with', async () => {
    const command = 'trap "echo bye; exit 0" TERM; while :; do sleep 0.05; done';
    const result = await commands.run(command, { timeoutMs: 300 });
    expect(result).toMatchObject({ exitCode: 0, timedOut: true });
    expect(result.output).toMatch(/bye\n$/);
  });
});

describe('a run that is aborted', () => {
  test('throws the reason, and ends the command', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const run = commands.run('exec sleep 300', { timeoutMs, signal: abort.signal });
    abort.abort(reason);
    await expect(run).rejects.toBe(reason);
  });

  test('starts nothing when it was aborted before', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(commands.run('true', { timeoutMs, signal })).rejects.toThrow('enough');
  });
});
