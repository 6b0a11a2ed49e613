/** The commands that docs/hosts.md shows are run as they are, but for their paths. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../src/cli/exit-code.ts';
import { folder, sandbox } from './helpers/cli-sandbox.ts';
import { runCli } from './helpers/run-cli.ts';

const page = await readFile(new URL('../docs/hosts.md', import.meta.url), 'utf8');

/** Only what begins a line, or comes after cron's fields or a unit's key. */
const lines = [
  ...page.matchAll(
    /^(?: {4}|\* \* \* \* \* root |ExecStart=\/usr\/bin\/env )nametag (hosts .*)$/gm,
  ),
].map(([, line = '']) => line);

describe('docs/hosts.md', () => {
  it('has lines for cron, a unit, a folder and a legacy file', () => {
    expect(lines).toHaveLength(4);
  });

  it.each(lines)('has a line that works: %s', async (line) => {
    await mkdir(join(folder, 'hosts.d'));
    await writeFile(join(folder, 'hosts.legacy'), '10.8.0.1 printer\n');
    const words = line
      .replace('--splay 20s', '--splay 20ms')
      .replace('/usr/local/bin/old-names', 'true')
      .replaceAll(/\/etc\/(?:nametag\/)?/g, `${folder}/`)
      .split(' ');
    const env = await sandbox.environment();
    expect(await runCli(words, env)).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await runCli(words, env)).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('has no exit code in its table that the program does not have', () => {
    const codes = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    expect(codes.length).toBeGreaterThan(0);
    expect(Object.values(exitCodeOf)).toEqual(expect.arrayContaining(codes));
  });
});
