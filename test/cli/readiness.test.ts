/** `ready` and `drain` against a sandbox over HTTP, in this process. */
import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { LostAnswer } from '../../src/sandbox/ec2-error.ts';
import { id, run, sandbox } from '../helpers/cli-sandbox.ts';

const isQuiet = { exitCode: 0, stdout: '', stderr: '' };

const addresses = async (): Promise<string> => (await run('resolve --group tphon --ready')).stdout;

describe('ready and drain', () => {
  it('put an instance in service and take it out of it', async () => {
    expect(await addresses()).not.toContain('10.0.0.3\n');
    expect(await run('ready', 'c')).toEqual(isQuiet);
    expect(await run('ready', 'c')).toEqual(isQuiet);
    expect(await addresses()).toContain('10.0.0.3\n');
    expect(await run('drain', 'c')).toEqual(isQuiet);
    expect(await addresses()).not.toContain('10.0.0.3\n');
    expect((await run(`explain ${id('c')} --ready`)).stdout).toContain('status=drain');
  });

  it.each(['127.0.0.1', '::1'])('wait for a port of %s', async (host) => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    try {
      expect(await run(`ready --wait-port ${port} --timeout 0s`, 'c')).toEqual(isQuiet);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(await addresses()).toContain('10.0.0.3\n');
    expect(await run(`ready --wait-port ${port} --timeout 0s`, 'b')).toEqual({
      exitCode: 75,
      stdout: '',
      stderr:
        `nametag: Could not mark ${id('b')} in eu-west-1 as ready: nothing took a connection on ` +
        `port ${port}. Look at its service, or give it longer by \`--timeout\`.\n`,
    });
  });

  it.each([
    ['true', 0, ''],
    ['false', 75, 'the check did not succeed: it exited with 1'],
    ['no-such-program', 75, 'the check did not succeed: it exited with 127'],
  ])('make the check %s', async (check, exitCode, fact) => {
    const answer = await run(`ready --check ${check} --timeout 0s`, 'c');
    expect(answer).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(fact) });
    expect((await addresses()).includes('10.0.0.3\n')).toBe(exitCode === 0);
  });

  it('try longer where all boot together, and no longer than they are told', async () => {
    const lose = (): never => {
      throw new LostAnswer();
    };
    const createTags = vi.spyOn(sandbox.world, 'createTags');
    for (let i = 0; i < 4; i += 1) createTags.mockImplementationOnce(lose);
    expect(await run('ready', 'c', { AWS_MAX_ATTEMPTS: undefined })).toEqual(isQuiet);
    expect(createTags).toHaveBeenCalledTimes(5);
    createTags.mockImplementationOnce(lose);
    expect(await run('ready', 'c', { AWS_MAX_ATTEMPTS: '1' })).toMatchObject({ exitCode: 69 });
  });

  it('name the action that IAM denies', async () => {
    sandbox.world.setKnobs({ deny: new Set(['CreateTags']) });
    for (const line of ['ready', 'drain']) {
      const { exitCode, stderr } = await run(line, 'c');
      expect(exitCode).toBe(77);
      expect(stderr).toContain('`ec2:CreateTags`');
    }
  });

  it.each([
    ['ready --wait-port 0', 64],
    ['ready --timeout soon', 64],
    ['drain now', 64],
    ['ready', 69],
    ['drain', 69],
  ])('say what is in their way: %s', async (line, exitCode) => {
    const answer = await run(line, undefined, { AWS_EC2_METADATA_DISABLED: 'true' });
    expect(answer).toMatchObject({ exitCode, stdout: '' });
    expect(answer.stderr).not.toBe('');
  });
});
