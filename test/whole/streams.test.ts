/** A real process whose output goes nowhere, or that is sent a signal. Needs the built program. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.ts';

const nametag = fileURLToPath(new URL('../../bin/nametag.js', import.meta.url));

function shell(command: string): string {
  const script = `nametag() { "${process.execPath}" "${nametag}" "$@"; }; { ${command}; } 2>&1`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' });
}

/** A process that prints 2000 instances, of which a pipe takes the first 64 KiB. */
async function resolveMany() {
  const folder = mkdtempSync(join(tmpdir(), 'nametag-streams-'));
  const instances = Array.from({ length: 2000 }, () => ({ groups: ['web'] }));
  const fleet = { region: 'eu-west-1', groups: [{ name: 'web' }], instances };
  const sandbox = await startSandbox({ fleet, runtimeDir: folder });
  const env: NodeJS.ProcessEnv = { ...(await sandbox.environment()) };
  const child = spawn(process.execPath, [nametag, 'resolve', '-o', 'json'], { env });
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await sandbox.close();
    rmSync(folder, { recursive: true });
  };
  return { child, endpoint: env['AWS_ENDPOINT_URL'] ?? '', end };
}

describe('the program', () => {
  // The second is more than it writes without a stream of Node's.
  it.each(['--help', 'config schema'])(
    'exits with 74 and one sentence when its output cannot be written: %s',
    (line) => {
      expect(shell(`nametag ${line} > /dev/full; echo $?`)).toMatch(
        /^nametag: Could not write the output: ENOSPC.*\n74\n$/,
      );
    },
  );

  it('exits with 74 when what it has to say cannot be written', () => {
    expect(shell('nametag resolve --grup x 2> /dev/full; echo $?')).toBe('74\n');
  });

  it('ends when all that it prints has been read, and not before', async () => {
    const { child, endpoint, end } = await resolveMany();
    let isOver = false;
    const over = once(child, 'exit').then(([exitCode]) => {
      isOver = true;
      return exitCode;
    });
    try {
      // By now it has said all that it has to say.
      const [first] = await once(child.stdout, 'data');
      child.stdout.pause();
      await fetch(endpoint, { method: 'POST' });
      expect(isOver).toBe(false);
      const chunks: Buffer[] = [first];
      for await (const chunk of child.stdout) chunks.push(chunk);
      const answer: unknown = JSON.parse(Buffer.concat(chunks).toString());
      expect(answer).toMatchObject({ endpoints: { length: 2000 } });
      expect(await over).toBe(0);
    } finally {
      await end();
    }
  });

  it('ends by a signal while what it has printed is not read', async () => {
    const { child, end } = await resolveMany();
    try {
      await once(child.stdout, 'data');
      child.stdout.pause();
      child.kill('SIGTERM');
      // The second, should the signal come before the last word is said.
      expect([
        [null, 'SIGTERM'],
        [143, null],
      ]).toContainEqual(await once(child, 'exit'));
    } finally {
      await end();
    }
  });

  it('goes on while nobody reads what it prints', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nametag-streams-'));
    const fleet = join(folder, 'fleet.json');
    const groups = [{ name: 'web' }];
    const instances = Array.from({ length: 4000 }, () => ({ groups: ['web'] }));
    writeFileSync(fleet, JSON.stringify({ groups, instances }));
    const child = spawn(process.execPath, [nametag, 'sandbox', '--fleet', fleet]);
    try {
      // What it prints is more than a pipe takes, and this is all that is read of it.
      const [chunk] = await once(child.stdout, 'data');
      child.stdout.pause();
      const [, endpoint = ''] = /AWS_ENDPOINT_URL='(.*)'/.exec(String(chunk)) ?? [];
      expect((await fetch(endpoint, { method: 'POST' })).status).toBe(400);
    } finally {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'passes %s on to the command of a sandbox, and exits as it does',
    async (signal) => {
      const script = `process.on('${signal}', () => process.exit(7)); console.log('up');`;
      const command = [process.execPath, '-e', `${script} setInterval(() => {}, 1000)`];
      const child = spawn(process.execPath, [nametag, 'sandbox', '--', ...command], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        await once(child.stdout, 'data');
        child.kill(signal);
        expect(await once(child, 'exit')).toEqual([7, null]);
      } finally {
        child.kill('SIGKILL');
      }
    },
  );

  it('ends well by a signal after it has said much', { timeout: 20_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nametag-streams-'));
    const sandbox = await startSandbox({ runtimeDir: folder });
    const env: NodeJS.ProcessEnv = { ...(await sandbox.environment()) };
    const args = ['watch', '--config=', '--handler', 'true', '--log-level', 'debug'];
    const child = spawn(process.execPath, [nametag, ...args], { env });
    try {
      const over = once(child, 'exit');
      // More than it says without a stream of Node's: a line for each refresh that is asked for.
      await new Promise<void>((resolve) => {
        let lines = 0;
        child.stderr.on('data', (chunk: Buffer) => {
          lines += String(chunk).split('\n').length - 1;
          if (lines > 30) resolve();
          else child.kill('SIGHUP');
        });
      });
      child.kill('SIGTERM');
      expect(await over).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      await sandbox.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('says nothing when nobody reads on', () => {
    expect(shell('nametag --help | true')).toBe('');
  });
});
