/**
 * Real `resolve` processes, started at once, against a sandbox over HTTP. Needs the built program;
 * `npm test` builds it first.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.ts';

const program = fileURLToPath(new URL('../../bin/resolve.js', import.meta.url));
const processCount = 8;

/** What the processes printed, each once, and how often EC2 was asked. */
async function resolveAtOnce(flags: readonly string[]): Promise<readonly [string[], number]> {
  const folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
  const sandbox = await startSandbox({ runtimeDir: folder });
  let calls = 0;
  const describeInstances = sandbox.world.describeInstances.bind(sandbox.world);
  sandbox.world.describeInstances = (request) => {
    calls++;
    return describeInstances(request);
  };
  try {
    const env = { PATH: process.env['PATH'], ...(await sandbox.environment()) };
    const args = [program, '--group', 'tphon', '--ready', ...flags];
    const runs = Array.from({ length: processCount }, () =>
      promisify(execFile)(process.execPath, args, { env, timeout: 20_000 }),
    );
    const printed = (await Promise.all(runs)).map(({ stdout, stderr }) => stdout + stderr);
    return [[...new Set(printed)], calls];
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

describe('eight resolve processes at once', () => {
  it('ask EC2 once when an answer may be 30 s old', { timeout: 60_000 }, async () => {
    const [printed, calls] = await resolveAtOnce(['--max-age', '30s']);
    expect(printed).toEqual(['172.31.0.4\n172.31.16.4\n']);
    expect(calls).toBe(1);
  });

  it('each ask EC2 when nothing is remembered (the control)', { timeout: 60_000 }, async () => {
    const [printed, calls] = await resolveAtOnce(['--force']);
    expect(printed).toEqual(['172.31.0.4\n172.31.16.4\n']);
    expect(calls).toBe(processCount);
  });
});
