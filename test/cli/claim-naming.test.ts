/** Aliases, the info file, patterns, scopes and the hostname, against a sandbox over HTTP. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/sandbox/fleet-shape.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { type CliRun, runCli } from '../helpers/run-cli.ts';

const far = 'vpc-0fa20fa2';
const fleet: Fleet = {
  region: 'eu-west-1',
  groups: [{ name: 'web' }, { name: 'web', vpc: far, id: 'sg-0fa20fa2' }],
  instances: [
    { name: 'a', groups: ['web'], privateIp: '10.0.0.1' },
    { name: 'b', groups: ['web'], privateIp: '10.0.0.2' },
    { name: 'far-a', groups: ['sg-0fa20fa2'], vpc: far, privateIp: '10.9.0.1' },
    { name: 'far-b', groups: ['sg-0fa20fa2'], vpc: far, privateIp: '10.9.0.2' },
  ],
};

let sandbox: Sandbox;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
  await mkdir(join(folder, 'bin'));
  sandbox = await startSandbox({
    fleet,
    knobs: { settleMaxMs: 0 },
    runtimeDir: join(folder, 'run'),
  });
});

afterEach(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs one command line as on an instance, where no program is to be found but ours. */
async function run(line: string, as?: string, env: NodeJS.ProcessEnv = {}): Promise<CliRun> {
  const environment = { ...(await sandbox.environment(as)), AWS_MAX_ATTEMPTS: '2', ...env };
  return await runCli(line.split(' '), { ...environment, PATH: join(folder, 'bin') });
}

const claim = async (line: string, as: string, env: NodeJS.ProcessEnv = {}): Promise<CliRun> =>
  await run(`claim-name --settle 20ms ${line}`, as, env);
const id = (name: string): string => sandbox.instance(name).facts.instanceId;
const tag = (name: string): string | undefined =>
  sandbox.instance(name).tags.get('nametag:aliases');

/** Takes write permission away, so that whatever writes fails. */
const denyWrites = (): void => sandbox.world.setKnobs({ deny: new Set(['CreateTags']) });

describe('claim-name --alias', () => {
  it('gives aliases that every output shows, and writes nothing when run again', async () => {
    const line = '--service web --alias db --alias cache';
    expect(await claim(line, 'a')).toEqual({ exitCode: 0, stdout: 'web-0\n', stderr: '' });
    expect(tag('a')).toBe('cache/1 db/1');
    denyWrites();
    expect(await claim(line, 'a')).toEqual({ exitCode: 0, stdout: 'web-0\n', stderr: '' });

    expect((await run('hosts')).stdout).toBe('10.0.0.1\tweb-0 cache db\n');
    expect((await run('hosts --domain example.org')).stdout).toBe(
      '10.0.0.1\tweb-0 web-0.example.org cache db\n',
    );
    expect((await run('resolve --name web-0 -o hosts')).stdout).toBe('10.0.0.1\tweb-0 cache db\n');
    const [endpoint] = JSON.parse((await run('resolve --name web-0 -o json')).stdout).endpoints;
    expect(endpoint).toMatchObject({ name: 'web-0', aliases: ['cache', 'db'] });
    const whoami = JSON.parse((await run('whoami --json', 'a')).stdout);
    expect(whoami.aliases).toEqual(['cache', 'db']);
    expect((await run('whoami --format facts', 'a')).stdout).toContain('nametag_aliases=cache,db');
  });

  it('takes an alias over, and says so to the one that had it', async () => {
    await claim('--service web --alias db', 'a');
    const taken = await claim('--service web --alias db --json', 'b');
    expect(JSON.parse(taken.stdout)).toMatchObject({ name: 'web-1', aliases: ['db'] });
    expect((await run('hosts')).stdout).toBe('10.0.0.1\tweb-0\n10.0.0.2\tweb-1 db\n');
    const again = await claim('--service web --alias db', 'a');
    expect(again).toMatchObject({ exitCode: 0, stdout: 'web-0\n' });
    expect(again.stderr).toContain(`db was claimed later by ${id('b')}`);
    const { aliasOmissions } = JSON.parse((await run('resolve -o json')).stdout);
    expect(aliasOmissions).toEqual([
      { instanceId: id('a'), alias: 'db', reason: 'alias held by another', seen: id('b') },
    ]);
  });

  it('never shadows a name, and says so everywhere', async () => {
    await claim('--service db', 'b');
    const { exitCode, stdout, stderr } = await claim('--service web --alias db-0', 'a');
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'web-0\n' });
    expect(stderr).toContain(`The alias db-0 is nobody's, since it is the name of ${id('b')}.`);
    const hosts = await run('hosts');
    expect(hosts.stdout).toBe('10.0.0.2\tdb-0\n10.0.0.1\tweb-0\n');
    expect(hosts.stderr).toContain(`does not have the alias db-0: it is the name of ${id('b')}`);
  });

  it('drops aliases that are not asked for, and says nothing of them when none is', async () => {
    await claim('--service web --alias db --alias cache', 'a');
    await claim('--service web --alias cache', 'a');
    expect(tag('a')).toBe('cache/1');
    const { stdout } = await claim('--service web --json', 'a');
    expect(JSON.parse(stdout).aliases).toBeNull();
    expect(tag('a')).toBe('cache/1');
    await run('release-name --settle 20ms', 'a');
    expect(tag('a')).toBe('');
  });

  it('tells which permission is missing, and that the name is held', async () => {
    await claim('--service web', 'a');
    denyWrites();
    const { exitCode, stdout, stderr } = await claim('--service web --alias db', 'a');
    expect({ exitCode, stdout }).toEqual({ exitCode: 77, stdout: '' });
    expect(stderr).toContain(`${id('a')} holds web-0; what comes after that failed.`);
    expect(stderr).toContain('`ec2:CreateTags`');
  });

  it('says of a list that a tag cannot hold, before anything is claimed', async () => {
    const many = Array.from({ length: 20 }, (_, i) => `--alias alias-${i}`).join(' ');
    const { exitCode, stderr } = await claim(`--service web ${many}`, 'a');
    expect(exitCode).toBe(64);
    expect(stderr).toContain('EC2 allows 256');
    expect(sandbox.instance('a').tags.get('nametag:claim')).toBeUndefined();
  });
});

describe('claim-name --info', () => {
  const info = async (text: string): Promise<string> => {
    const path = join(folder, 'aerostat_info');
    await writeFile(path, text);
    return path;
  };

  it('reads service, type and aliases from it, and flags win', async () => {
    const path = await info('db masterful cache queue\n');
    expect((await claim(`--info ${path}`, 'a')).stdout).toBe('db-master\n');
    expect((await claim(`--info=${path} --alias other`, 'b')).stdout).toBe('db-slave-1\n');
    expect([tag('a'), tag('b')]).toEqual(['cache/1 queue/1', 'other/1']);
    const env = { NAMETAG_INFO: path };
    expect((await claim('--service kv', 'far-a', env)).stdout).toBe('kv-master\n');
    expect((await claim('--type iterative --dry-run', 'far-b', env)).stdout).toBe('db-0\n');
  });

  it('takes a service alone for an iterative one', async () => {
    expect((await claim(`--info ${await info('web')}`, 'a')).stdout).toBe('web-0\n');
    expect(tag('a')).toBeUndefined();
  });

  it.each([
    ['', 'line 1: there is no service'],
    ['web\nfrontend', 'line 2: the type "frontend" is not one of the two'],
    ['web iterative Cache', 'line 1: the alias "Cache" is not a lower-case host name label'],
  ])('with %j in it exits with 65 and tells the line', async (text, problem) => {
    const told = await claim(`--info ${await info(text)}`, 'a');
    expect(told).toMatchObject({ exitCode: 65, stdout: '' });
    expect(told.stderr).toContain(problem);
    expect(told.stderr).toContain(join(folder, 'aerostat_info'));
  });

  it('exits with 66 when the file is not there, and 74 when it cannot be read', async () => {
    expect((await claim(`--info ${folder}/none`, 'a')).exitCode).toBe(66);
    expect((await claim(`--info ${folder}`, 'a')).exitCode).toBe(74);
  });
});

describe('claim-name --pattern', () => {
  it('numbers names as told, fills gaps, and finds its own again', async () => {
    const line = '--service web --pattern {service}{n:02} --first-ordinal 1';
    expect((await claim(line, 'a')).stdout).toBe('web01\n');
    expect((await claim(line, 'b')).stdout).toBe('web02\n');
    expect((await claim(line, 'far-a')).stdout).toBe('web03\n');
    await run('release-name --settle 20ms', 'b');
    expect((await claim(line, 'far-b')).stdout).toBe('web02\n');
    denyWrites();
    expect((await claim(line, 'a')).stdout).toBe('web01\n');
  });

  it('is refused where names would not be host names, each of one rank', async () => {
    for (const bad of ['{service}', '{service}.{n}', '{n}']) {
      const { exitCode, stderr } = await claim(`--service web --pattern ${bad}`, 'a');
      expect(exitCode).toBe(64);
      expect(stderr).toContain(`the pattern "${bad}"`);
    }
    const masterful = await claim('--service db --type masterful --first-ordinal 1', 'a');
    expect(masterful.exitCode).toBe(64);
    expect(masterful.stderr).toContain('only for iterative services');
  });
});

describe('--scope vpc', () => {
  it('makes names unique in each VPC, for claims and for readers', async () => {
    for (const [host, name] of [
      ['a', 'web-0\n'],
      ['far-a', 'web-0\n'],
      ['b', 'web-1\n'],
      ['far-b', 'web-1\n'],
    ]) {
      const line = `--service web --scope vpc --alias cache`;
      expect(await claim(line, host ?? '')).toEqual({ exitCode: 0, stdout: name, stderr: '' });
    }
    const near = '10.0.0.1\tweb-0\n10.0.0.2\tweb-1 cache\n';
    const there = '10.9.0.1\tweb-0\n10.9.0.2\tweb-1 cache\n';
    for (const line of ['hosts --scope vpc', 'resolve --scope vpc -o hosts']) {
      expect(await run(line, 'a')).toEqual({ exitCode: 0, stdout: near, stderr: '' });
      expect(await run(line, 'far-a')).toEqual({ exitCode: 0, stdout: there, stderr: '' });
      const given = await run(`${line} --vpc ${far}`);
      expect(given).toEqual({ exitCode: 0, stdout: there, stderr: '' });
    }
    const whoami = JSON.parse((await run('whoami --json --scope vpc', 'far-b')).stdout);
    expect(whoami).toMatchObject({ name: 'web-1', aliases: ['cache'] });
  });

  it('is what readers of the whole region miss: they see conflicts (the control)', async () => {
    await claim('--service web --scope vpc', 'a');
    await claim('--service web --scope vpc', 'far-a');
    const { stdout, stderr } = await run('hosts');
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stderr).toContain('web-0 is claimed by');
  });

  it('is of the VPC of the instance that is claimed for', async () => {
    await claim('--service web --scope vpc', 'a');
    const line = `claim-name --service web --scope vpc --settle 20ms --instance-id ${id('far-a')}`;
    expect((await run(line)).stdout).toBe('web-0\n');
    const unknown = 'claim-name --service web --scope vpc --settle 20ms --instance-id i-00000000';
    expect((await run(unknown)).exitCode).toBe(68);
  });

  it('changes the master of that VPC only', async () => {
    const masterful = '--service kv --type masterful --scope vpc';
    for (const host of ['a', 'far-a', 'far-b']) await claim(masterful, host);
    const change = 'change-master --scope vpc --force --settle 200ms --timeout 5s';
    expect(await run(change, 'far-b')).toMatchObject({ exitCode: 0, stdout: 'kv-master\n' });
    expect((await claim(masterful, 'a')).stdout).toBe('kv-master\n');
  });

  it('is of one VPC and one region', async () => {
    const two = await run(`hosts --scope vpc --vpc ${far} --vpc vpc-0a1b2c3d`);
    expect(two).toMatchObject({ exitCode: 64, stdout: '' });
    const regions = await run('resolve --scope vpc --region eu-west-1 --region us-east-1');
    expect(regions).toMatchObject({ exitCode: 64, stdout: '' });
  });
});

describe('claim-name --set-hostname', () => {
  const line = '--service web --set-hostname';
  /** One that takes every name and notes which; nothing else of this machine is touched then. */
  const fakeHostnamectl = async (): Promise<void> => {
    const path = join(folder, 'bin', 'hostnamectl');
    await writeFile(path, `#!/bin/sh\necho "$@" >> ${folder}/calls\n`);
    await chmod(path, 0o755);
  };
  const calls = async (): Promise<string> =>
    await readFile(join(folder, 'calls'), 'utf8').catch(() => '');

  beforeEach(fakeHostnamectl);

  it('sets the name that is held', async () => {
    expect(await claim(line, 'a')).toEqual({ exitCode: 0, stdout: 'web-0\n', stderr: '' });
    expect(await calls()).toBe('set-hostname web-0\n');
    await claim(line, 'b');
    expect(await calls()).toBe('set-hostname web-0\nset-hostname web-1\n');
  });

  it('sets the new names on both sides of a change of master', async () => {
    const follow = '--service db --type masterful --set-hostname';
    for (const host of ['a', 'b']) await claim(follow, host);
    const change = 'change-master --settle 20ms --timeout 60ms --set-hostname';
    expect((await run(change, 'b')).exitCode).toBe(75);
    expect((await claim(follow, 'a')).stdout).toBe('db-slave-2\n');
    expect((await run(change, 'b')).stdout).toBe('db-master\n');
    const names = ['db-master', 'db-slave-1', 'db-slave-2', 'db-master'];
    expect(await calls()).toBe(names.map((name) => `set-hostname ${name}\n`).join(''));
    const other = await run(`${change} --instance-id ${id('a')}`);
    expect(other).toMatchObject({ exitCode: 64, stdout: '' });
  });

  it('does nothing before a name is held, nor in a dry run, nor for another machine', async () => {
    await claim(`${line} --dry-run`, 'a');
    const other = await run(`claim-name ${line} --instance-id ${id('b')}`);
    expect(other).toMatchObject({ exitCode: 64, stdout: '' });
    denyWrites();
    expect((await claim(line, 'a')).exitCode).toBe(77);
    expect(await calls()).toBe('');
  });
});
