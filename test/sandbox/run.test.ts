import { EventEmitter } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunOptions, runInSandbox } from '../../src/sandbox/run.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ knobs: { settleMaxMs: 0 } });
});

afterAll(() => sandbox.close());

const quiet = { env: {}, stdio: 'ignore' } as const;
const forever = [process.execPath, '-e', 'setInterval(() => {}, 1000)'] as const;

/** Runs a program of Node that exits with 0 where the expression holds, else with 1. */
function runNode(expression: string, options: Partial<RunOptions> = {}) {
  const program = `process.exitCode = (${expression}) ? 0 : 1`;
  return runInSandbox(sandbox, [process.execPath, '-e', program], {
    ...quiet,
    ...options,
  });
}

describe('a command', () => {
  test('is told where the sandbox is, and nothing of the real AWS', async () => {
    const env = { AWS_PROFILE: 'production', AWS_MAX_ATTEMPTS: '7', PATH_OF_MINE: 'x' };
    const expression = `process.env.AWS_ENDPOINT_URL_EC2 === ${JSON.stringify(sandbox.endpoint)}
      && process.env.AWS_PROFILE === undefined && process.env.AWS_MAX_ATTEMPTS === '7'
      && process.env.PATH_OF_MINE === 'x' && process.env.AWS_EC2_METADATA_DISABLED === 'true'`;
    expect(await runNode(expression, { env })).toEqual({ kind: 'ended', exitCode: 0 });
  });

  test('runs as on an instance', async () => {
    const endpoint = JSON.stringify(await sandbox.metadataEndpoint('web-a'));
    const expression = `process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT === ${endpoint}`;
    expect(await runNode(expression, { as: 'web-a' })).toEqual({ kind: 'ended', exitCode: 0 });
  });

  test('ends with its own exit code, or that of a signal', async () => {
    expect(await runNode('process.exit(7)')).toEqual({ kind: 'ended', exitCode: 7 });
    expect(await runNode("process.kill(process.pid, 'SIGKILL')")).toEqual({
      kind: 'ended',
      exitCode: 137,
    });
  });

  test('that is not there is told', async () => {
    expect(await runInSandbox(sandbox, ['no-such-command-here'], quiet)).toEqual({
      kind: 'not started',
      exitCode: 127,
      fact: 'there is no such command',
    });
    expect(await runInSandbox(sandbox, ['/'], quiet)).toMatchObject({
      exitCode: 126,
      fact: 'it may not be run (EACCES)',
    });
  });

  test('is sent the signals that its parent is sent', async () => {
    const signals = new EventEmitter();
    const running = runInSandbox(sandbox, forever, { ...quiet, signals });
    signals.once('newListener', () => setImmediate(() => signals.emit('SIGTERM', 'SIGTERM')));
    expect(await running).toEqual({ kind: 'ended', exitCode: 143 });
    expect(signals.listenerCount('SIGTERM')).toBe(0);
  });

  test('ends with the sandbox', async () => {
    const end = new AbortController();
    const running = runInSandbox(sandbox, forever, { ...quiet, signal: end.signal });
    setImmediate(() => end.abort());
    await expect(running.catch(() => 'aborted')).resolves.toSatisfy(
      (outcome) => outcome === 'aborted' || outcome.exitCode === 143,
    );
  });
});
