/** What can be told before anything is asked of the network. */
import { describe, expect, it } from 'vitest';
import { runCli } from '../helpers/run-cli.ts';

const commands = [
  'resolve',
  'hosts',
  'render',
  'watch',
  'claim-name',
  'release-name',
  'change-master',
  'whoami',
  'doctor',
  'config',
  'sandbox',
  'demo',
];

describe('help', () => {
  it('lists every command and the exit codes, on stdout', async () => {
    const { exitCode, stdout, stderr } = await runCli(['--help']);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('');
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    expect(stdout).toContain('75  not now');
  });

  it.each(commands)('of %s is printed with examples', async (command) => {
    const { exitCode, stdout } = await runCli([command, '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: nametag ${command}`);
    if (command !== 'demo') expect(stdout).toMatch(/Examples?:\n {2}nametag /);
  });

  it('is what `help` and no command at all print', async () => {
    const help = await runCli(['--help']);
    expect(await runCli(['help'])).toEqual(help);
    expect(await runCli([])).toEqual({ exitCode: 64, stdout: '', stderr: help.stdout });
  });

  it('has a version beside it', async () => {
    expect(await runCli(['--version'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('a wrong word', () => {
  it.each<[string, string]>([
    ['resolve --grup tphon', 'Did you mean --group?'],
    ['resolve --group=a --reddy', 'Did you mean --ready?'],
    ['resolv', 'Did you mean resolve?'],
    ['hosts --wirte /etc/hosts', 'Did you mean --write?'],
    ['claim-name --servce web', 'Did you mean --service?'],
    ['sandbox --flet x', 'Did you mean --fleet?'],
    ['resolve --output jsn', 'Expected lines, addrs, hostport, csv, json, hosts or env.'],
    ['resolve --address inside', 'private, public, ipv6, private-dns, public-dns or tag:KEY'],
    ['resolve --pick best', 'all, first, random, weighted, near or key:TEXT'],
    ['resolve --port 0', 'from 1 to 65535'],
    ['resolve --port http', 'from 1 to 65535'],
    ['resolve --min -1', 'from 0 to'],
    ['resolve --tag env', 'KEY=VALUE'],
    ['resolve --tag =x', 'KEY=VALUE'],
    ['resolve --check udp', 'Expected tcp or none.'],
    ['resolve --pick all --pick first', 'given twice'],
    ['resolve --check tcp', '`--check tcp` needs a port'],
    ['resolve -o hostport', '`-o hostport` needs a port'],
    ['resolve --any-group', '`--any-group` needs groups'],
    ['hosts --any-group --ready', '`--any-group` needs groups'],
    ['hosts --any-group --watch --write /nowhere/hosts', '`--any-group` needs groups'],
    ['render --any-group a.liquid:-', '`--any-group` needs groups'],
    ['watch --any-group', '`--any-group` needs groups'],
    ['resolve a b', 'Too many arguments'],
    ['resolve ', 'Expected a host name label like postgres.'],
    ['resolve -- web_1', 'Expected a host name label like postgres.'],
    ['resolve 10.0.0.1', 'Expected a host name label like postgres.'],
    ['resolve  --allow-empty', 'is invalid for argument `service`'],
    ['hosts --domain -x-', 'a domain like'],
    ['hosts --address public-dns', 'Expected private, public or ipv6.'],
    ['hosts --block a b', 'Too many arguments'],
    ['claim-name', 'needs a service'],
    ['claim-name --service Web', 'lower-case host name label'],
    ['claim-name --service web --type primary', 'Expected iterative or masterful.'],
    ['claim-name --service web --settle 5', 'a duration like 500ms'],
    ['claim-name --service web --instance-id web-1', 'an instance id like'],
    ['claim-name --service web --words one', 'two words like master,slave'],
    ['claim-name --service web --words primary,replica', 'for a masterful service'],
    ['claim-name --service web --settle 0s', 'two hosts can hold one name'],
    ['sandbox --as web', '`--as` needs a command'],
    ['sandbox --faults lots=1 -- true', 'lots'],
    ['whoami --format xml', 'Expected text, json or facts.'],
  ])('in "%s" exits with 64 and says "%s"', async (line, hint) => {
    const { exitCode, stdout, stderr } = await runCli(line.split(' '));
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toMatch(/^nametag: /);
    expect(stderr).toContain(hint);
  });

  it('in a setting of the environment is told by its name', async () => {
    const run = await runCli(['claim-name', '--service', 'web'], { NAMETAG_SETTLE: 'long' });
    expect(run.exitCode).toBe(64);
    expect(run.stderr).toContain('NAMETAG_SETTLE="long" is invalid');
  });
});

/** The commands that have the option of an error's advice, by their own help. */
async function takingInstanceId(): Promise<readonly string[]> {
  const helps = await Promise.all(commands.map((command) => runCli([command, '--help'])));
  return commands.filter((_, index) => helps[index]?.stdout.includes('--instance-id <id>'));
}

function commandsIn(sentence: string): readonly string[] {
  return commands.filter((command) => sentence.includes(`\`${command}\``));
}

describe('a service', () => {
  it('is one word, in upper or lower case', async () => {
    const spaced = await runCli(['resolve', 'a b']);
    expect(spaced).toMatchObject({ exitCode: 64, stdout: '' });
    expect(spaced.stderr).toContain('`a b` is invalid');
    for (const name of ['postgres', 'Postgres', 'web-1', '9p']) {
      expect((await runCli(['resolve', name])).exitCode).toBe(78);
    }
  });
});

describe('any of the groups', () => {
  it('is refused in the environment alone, and taken with groups from there', async () => {
    const env = { NAMETAG_ANY_GROUP: 'yes' };
    expect(await runCli(['hosts'], env)).toMatchObject({
      exitCode: 64,
      stderr: 'nametag: `--any-group` needs groups. Pass `--group`.\n',
    });
    const { exitCode } = await runCli(['hosts'], { ...env, NAMETAG_GROUP: 'tphon' });
    expect(exitCode).toBe(78);
  });
});

describe('a missing setting', () => {
  it('of the region exits with 78', async () => {
    const { exitCode, stderr } = await runCli(['resolve', '--group', 'tphon']);
    expect(exitCode).toBe(78);
    expect(stderr).toContain('AWS_REGION');
  });

  it('of the credentials exits with 78', async () => {
    const env = { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    const { exitCode, stderr } = await runCli(['resolve', '--group', 'tphon'], env);
    expect(exitCode).toBe(78);
    expect(stderr).toContain('no AWS credentials');
  });

  it('of the instance exits with 69 off EC2', async () => {
    const run = await runCli(['claim-name', '--service', 'web'], {
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9',
    });
    expect(run.exitCode).toBe(69);
    expect(run.stderr).toContain('--instance-id');
    expect(await takingInstanceId()).toEqual(commandsIn(run.stderr));
    const disabled = await runCli(['whoami']);
    expect(disabled.exitCode).toBe(69);
    expect(disabled.stderr).toContain('AWS_EC2_METADATA_DISABLED');
    expect(commandsIn(disabled.stderr)).toEqual(await takingInstanceId());
    expect(commandsIn('Pass `--instance-id`.')).not.toEqual(await takingInstanceId());
  });
});
