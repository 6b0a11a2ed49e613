/** What README.md shows is what happens. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../src/cli/exit-code.ts';
import { createProgram } from '../src/cli/program.ts';
import { openEc2 } from '../src/ec2/gateway.ts';
import { defineServices } from '../src/index.ts';
import { openDirectory } from '../src/library.ts';
import { startSandbox } from '../src/sandbox/server.ts';

const root = new URL('..', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

/** A command of a `console` block, and all that is shown below it. */
interface Session {
  readonly command: string;
  readonly shown: string;
}

function sessions(text: string): readonly Session[] {
  return [...text.matchAll(/^```console\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf('\n');
        return { command: part.slice(0, end), shown: part.slice(end + 1) };
      }),
  );
}

/** The indented lines that are for an instance, made harmless for this machine. */
function linesForEc2(text: string): readonly string[] {
  return [...text.matchAll(/^ {4}(.*\bnametag .*)$/gm)].map(([, line = '']) =>
    line
      .replace(/ {2,}#.*$/, '')
      .replace('* * * * * root ', '')
      .replace('hostnamectl set-hostname', 'echo')
      .replace('--splay 20s', '--splay 20ms')
      .replace('/etc/hosts', '"$(mktemp)"')
      .replace('--wait-port 5432', '--check true')
      .replace('--service web', '--service web --settle 1s'),
  );
}

async function shell(command: string): Promise<string> {
  const options = { cwd: root, env: { ...process.env, npm_config_loglevel: 'silent' } };
  const script = `{ ${command}; } 2>&1; code=$?; [ $code = 0 ] || echo "[exit $code]"`;
  return (await promisify(execFile)('/bin/sh', ['-c', script], options)).stdout;
}

describe('README.md', () => {
  it.each(sessions(readme))('$command', { timeout: 30_000 }, async ({ command, shown }) => {
    expect(await shell(command)).toBe(shown);
  });

  it('would be found wrong (the control)', async () => {
    const [session] = sessions('```console\n$ echo one\ntwo\n```\n');
    expect(session).toEqual({ command: 'echo one', shown: 'two\n' });
    expect(await shell('echo one')).not.toBe(session?.shown);
  });

  it.each(linesForEc2(readme))('has a line that works: %s', { timeout: 30_000 }, async (line) => {
    const sandboxed = `npx nametag sandbox --as web -- sh -c '${line.replaceAll("'", "'\\''")}'`;
    expect(await shell(sandboxed)).not.toContain('[exit ');
  });

  it('names every command and every option, and no other', () => {
    const io = {
      stdout: () => {},
      stderr: () => {},
      env: {},
      signal: new AbortController().signal,
      onHangup: () => {},
      isTerminal: false,
    };
    const program = createProgram(
      io,
      () => '0.0.0',
      () => {},
    );
    const known = [
      '--help',
      ...program.commands.flatMap((command) => [
        `nametag ${command.name()}`,
        ...command.options.flatMap(({ long }) => long ?? []),
      ]),
    ];
    for (const word of known) expect(readme).toContain(word);
    const shown = new Set([...readme.matchAll(/(?<=[\s`])--[a-z][a-z-]+/g)].map(([flag]) => flag));
    expect([...shown].filter((flag) => !known.includes(flag))).toEqual([]);
  });

  it('has every exit code', () => {
    const table = readme.slice(readme.indexOf('## Exit codes'), readme.indexOf('## More'));
    const rows = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, codes = '']) =>
      codes.split(', ').map(Number),
    );
    expect(rows).toEqual(
      [0, ...new Set([1, 70, ...Object.values(exitCodeOf)])].sort((a, b) => a - b),
    );
  });

  it('has an example of the library that works as it says', async () => {
    const sandbox = await startSandbox();
    try {
      const env = await sandbox.environment();
      const services = defineServices({
        postgres: { group: 'tphon', port: 5432, pick: 'one' },
        search: { group: 'airavata', port: 9200, pick: 'all' },
      });
      for (const line of ["postgres: { group: 'tphon'", "search: { group: 'airavata'"]) {
        expect(readme).toContain(line);
      }
      const directory = await openDirectory({ services, ec2: await openEc2({ env }) });
      expect(readme).toContain(`directory.postgres.host; //=> '${directory.postgres.host}'`);
      expect(readme).toContain(`//=> ['${directory.search[0]?.url('http')}', …]`);
      await directory.refresh();
      directory.close();
    } finally {
      await sandbox.close();
    }
  });
});
