/**
 * Real `claim-name` processes, started at once, against a sandbox over HTTP whose changes are seen
 * up to 1.5 s late. Needs the built program; `npm test` builds it first.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.ts';

const program = fileURLToPath(new URL('../../bin/claim-name.js', import.meta.url));
const hostCount = 8;

/** The names that the processes printed, in the order of the hosts. */
async function claimAtOnce(settle: string, seed: number): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
  const instances = Array.from({ length: hostCount }, (_, i) => ({ name: `host${i}` }));
  const sandbox = await startSandbox({
    fleet: { region: 'eu-west-1', instances },
    knobs: { settleMaxMs: 1500 },
    seed,
    runtimeDir: folder,
  });
  try {
    return await Promise.all(
      instances.map(async ({ name }) => {
        const env = { PATH: process.env['PATH'], ...(await sandbox.environment(name)) };
        const args = [program, '--service', 'web', '--settle', settle];
        // What does not settle may also lose its name again, which exits with 1.
        const run = promisify(execFile)(process.execPath, args, { env });
        const { stdout, stderr } = await run.catch((error) => error);
        return stdout.trim() || stderr.trim();
      }),
    );
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

describe('eight claim-name processes at once', () => {
  it('print eight different names without a gap', { timeout: 60_000 }, async () => {
    const names = await claimAtOnce('2s', 1);
    expect([...names].sort()).toEqual(Array.from({ length: hostCount }, (_, i) => `web-${i}`));
  });

  it('print a name twice when they do not settle (the control)', { timeout: 60_000 }, async () => {
    const distinct: number[] = [];
    for (let seed = 1; seed <= 5 && !distinct.some((count) => count < hostCount); seed++) {
      distinct.push(new Set(await claimAtOnce('1ms', seed)).size);
    }
    expect(Math.min(...distinct)).toBeLessThan(hostCount);
  });
});
