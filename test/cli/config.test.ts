/** The config file behind flags and environment, and what is told of a wrong one. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyConfig } from '../../src/cli/config-file.ts';
import { addConfigOption, once } from '../../src/cli/options.ts';
import { runCli } from '../helpers/run-cli.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-config-'));
  path = join(folder, 'config.json');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const write = (text: string): Promise<void> => writeFile(path, text);

/** The region that EC2 would be asked in: there are no credentials, and the failure says where. */
async function regionOf(env: NodeJS.ProcessEnv, words: readonly string[] = []): Promise<string> {
  const endpoint = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', NAMETAG_CONFIG: path };
  const run = await runCli(['resolve', '--group', 'x', ...words], { ...endpoint, ...env });
  expect(run.exitCode).toBe(78);
  return / in ([a-z]+-[a-z]+-\d):/.exec(run.stderr)?.[1] ?? run.stderr;
}

describe('a setting', () => {
  it('is of the flag, else the environment, else AWS, else the file', async () => {
    await write('{"region": "eu-west-3"}');
    const aws = { AWS_REGION: 'eu-west-2' };
    const own = { NAMETAG_REGION: 'us-west-2' };
    expect(await regionOf({ ...aws, ...own }, ['--region', 'us-west-1'])).toBe('us-west-1');
    expect(await regionOf({ ...aws, ...own })).toBe('us-west-2');
    expect(await regionOf(aws)).toBe('eu-west-2');
    expect(await regionOf({})).toBe('eu-west-3');
  });

  it('is of the file that --config names before that of NAMETAG_CONFIG', async () => {
    await write('{"region": "eu-west-3"}');
    const other = join(folder, 'other.json');
    await writeFile(other, '{"region": "ca-west-1"}');
    expect(await regionOf({}, ['--config', other])).toBe('ca-west-1');
    const none = await runCli(['resolve', '--group', 'x', '--config='], { NAMETAG_CONFIG: path });
    expect(none.stderr).toContain('Could not tell which AWS region');
  });

  it('that a flag does not take is told with its line in the file', async () => {
    await write('{\n  "interval": "1s"\n}');
    const slow = once('--interval <time>', '', () => {
      throw new InvalidArgumentError('Expected at least 5s.');
    });
    const command = addConfigOption(new Command('watch')).addOption(slow);
    command.setOptionValue('config', path);
    await expect(applyConfig(command, { env: {} })).rejects.toMatchObject({
      code: 'NAMETAG_INVALID_CONFIG',
      details: {
        problems: [{ line: 2, column: 3, problem: 'interval: Expected at least 5s' }],
      },
    });
  });
});

describe('a wrong file', () => {
  it.each(['resolve --group x', 'hosts', 'whoami', 'doctor', 'release-name'])(
    'ends %s with 78 before anything else',
    async (line) => {
      await write('{"regoin": "eu-west-3"}');
      const run = await runCli([...line.split(' '), '--config', path]);
      expect({ ...run, stderr: '' }).toEqual({ exitCode: 78, stdout: '', stderr: '' });
      expect(run.stderr).toBe(
        `nametag: Could not use the config file ${path}: line 1, column 2: regoin: unknown ` +
          'key (did you mean "region"?). Mend it; `nametag config check` tells when it is right.\n',
      );
    },
  );

  it('is told by `config check` as file, line and column', async () => {
    await write('{\n  "regoin": "x",\n  "maxAge": 5\n}');
    expect(await runCli(['config', 'check', '--config', path])).toEqual({
      exitCode: 78,
      stdout: '',
      stderr:
        `${path}:2:3: regoin: unknown key (did you mean "region"?)\n` +
        `${path}:3:3: maxAge: expected text\n`,
    });
  });

  it('does not end what has no settings of it', async () => {
    await write('{');
    expect((await runCli(['help'], { NAMETAG_CONFIG: path })).exitCode).toBe(0);
  });
});

describe('`config check`', () => {
  it('says nothing of a right file', async () => {
    await write('{"hosts": [{"write": "/etc/hosts"}]}');
    const quiet = { exitCode: 0, stdout: '', stderr: '' };
    expect(await runCli(['config', 'check', '--config', path])).toEqual(quiet);
    expect(await runCli(['config', 'check'], { NAMETAG_CONFIG: path })).toEqual(quiet);
  });

  it('exits with 66 when the file is not there, and 74 when it cannot be read', async () => {
    const missing = await runCli(['config', 'check', '--config', path]);
    expect(missing.exitCode).toBe(66);
    expect(missing.stderr).toContain(`Could not read ${path}: there is no such file.`);
    expect((await runCli(['config', 'check', '--config', folder])).exitCode).toBe(74);
  });

  it('reads no more of an endless file than it takes', async () => {
    const { exitCode, stderr } = await runCli(['config', 'check', '--config', '/dev/zero']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 78,
      stderr: '/dev/zero:1:1: it has more than 1048576 bytes\n',
    });
  });
});

describe('`config schema`', () => {
  it('prints the schema that is in docs/', async () => {
    const { exitCode, stdout } = await runCli(['config', 'schema']);
    const schema = await readFile(
      new URL('../../docs/config.schema.json', import.meta.url),
      'utf8',
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(schema));
  });
});

describe('a variable', () => {
  it.each<[variable: string, meant: string]>([
    ['NAMETAG_GRUOP', 'NAMETAG_GROUP'],
    ['NAMETAG_MAX_STAEL', 'NAMETAG_MAX_STALE'],
    ['NAMETAG_CONFG', 'NAMETAG_CONFIG'],
    ['NAMETAG_SERVICES', 'NAMETAG_SERVICE'],
  ])('%s is refused for %s', async (variable, meant) => {
    const { exitCode, stderr } = await runCli(['resolve'], { [variable]: 'x' });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 64,
      stderr:
        `nametag: \`${variable}\` is no setting. Did you mean \`${meant}\`? ` +
        'Otherwise, unset it.\n',
    });
  });

  it.each([
    ...[
      'NAMETAG_VERSION',
      'NAMETAG_ID',
      'NAMETAG_ENV',
      'NAMETAG_SERVICE_HOST',
      'NAMETAG_RUNTIME_DIR',
    ],
    ...['NAMETAG_PORT_80_TCP_ADDR', 'NAMETAG_EVENT_JSON', 'NAMETAG_SEED', 'NAMETAG'],
  ])('%s is let be', async (variable) => {
    const { exitCode } = await runCli(['resolve'], { [variable]: 'x', NAMETAG_CONFIG: '' });
    expect(exitCode).toBe(78);
  });

  it('of a port for a command is not the port of its sandbox', async () => {
    const { exitCode, stderr } = await runCli(['sandbox', '--as', 'web'], { NAMETAG_PORT: 'http' });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 64 });
    expect(stderr).toContain('`--as` needs a command');
    const own = await runCli(['sandbox', '--as', 'web'], { NAMETAG_SANDBOX_PORT: 'http' });
    expect(own.stderr).toContain('NAMETAG_SANDBOX_PORT="http" is invalid');
  });
});

describe('a command line that is not understood', () => {
  it.each<[line: string, said: string]>([
    ['claim', 'Unknown command `claim`. Did you mean claim-name?'],
    ['reslove', 'Unknown command `reslove`. Did you mean resolve?'],
    ['promote', 'Unknown command `promote`. `nametag help` lists them.'],
    ['help bogus', 'Unknown command `bogus`. `nametag help` lists them.'],
    ['help claim', 'Unknown command `claim`. Did you mean claim-name?'],
    ['config chek', 'Unknown command `chek`. Did you mean check?'],
    ['resolve --grup x', 'Unknown option `--grup`. Did you mean --group?'],
    ['resolve --group', 'Option `--group <group>` argument missing.'],
    ['resolve --region', 'Option `--region <region>` argument missing.'],
    ['resolve a b', 'Too many arguments for `resolve`. Expected 1 argument but got 2.'],
    [
      'resolve --port http',
      'Option `--port <n>` argument `http` is invalid. Expected a whole number from 1 to 65535.',
    ],
  ])('as "%s" is told in sentences', async (line, said) => {
    const run = await runCli(line.split(' '));
    expect(run).toEqual({ exitCode: 64, stdout: '', stderr: `nametag: ${said}\n` });
  });
});
