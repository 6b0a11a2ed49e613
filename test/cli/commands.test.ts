/** The commands against a sandbox over HTTP, in this process. */
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/sandbox/fleet-shape.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { type CliRun, runCli } from '../helpers/run-cli.ts';

const fleet: Fleet = {
  region: 'eu-west-1',
  groups: [{ name: 'tphon' }, { name: 'web' }, { name: 'late' }],
  instances: [
    {
      name: 'a',
      groups: ['tphon'],
      privateIp: '10.0.0.10',
      tags: { Name: 'db-10', status: 'ready' },
    },
    {
      name: 'b',
      groups: ['tphon'],
      privateIp: '10.0.0.2',
      tags: { Name: 'db-2', status: 'ready' },
    },
    {
      name: 'c',
      groups: ['tphon'],
      privateIp: '10.0.0.3',
      tags: { Name: 'db-3', status: 'drain' },
    },
    {
      name: 'd',
      groups: ['web'],
      interfaces: [{ groups: ['tphon'] }],
      privateIp: '10.0.0.4',
      ipv6: ['2001:db8::4'],
      tags: {
        Name: 'web-1 bank.example',
        status: 'ready',
        'service:postgres': 'readonly port=5433',
      },
    },
    { name: 'e', groups: ['web'], privateIp: '10.0.0.5', tags: { Name: 'localhost' } },
    { name: 'f', groups: ['web'], state: 'stopped', tags: { Name: 'web-9', status: 'ready' } },
    { name: 'g', groups: ['late'] },
  ],
};

let sandbox: Sandbox;
let folder: string;

async function restart(knobs: Partial<Knobs> = {}): Promise<void> {
  await sandbox?.close();
  sandbox = await startSandbox({
    fleet,
    knobs: { settleMaxMs: 0, ...knobs },
    runtimeDir: join(folder, 'run'),
  });
}

/** Runs one command line, as on an instance if one is given. */
async function run(line: string, as?: string, env: NodeJS.ProcessEnv = {}): Promise<CliRun> {
  const environment = { ...(await sandbox.environment(as)), AWS_MAX_ATTEMPTS: '2', ...env };
  return await runCli(line.split(' '), environment);
}

const id = (name: string): string => sandbox.instance(name).facts.instanceId;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
  await restart();
});

afterEach(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

describe('resolve', () => {
  it.each<[string, string]>([
    ['resolve --group tphon --ready', '10.0.0.2\n10.0.0.10\n10.0.0.4\n'],
    ['resolve --group=tphon --ready -o addrs', '10.0.0.2 10.0.0.10 10.0.0.4\n'],
    [
      'resolve --group tphon -o csv --port 5432',
      '10.0.0.2:5432,10.0.0.3:5432,10.0.0.10:5432,10.0.0.4:5432\n',
    ],
    ['resolve --group tphon --group web', '10.0.0.4\n'],
    [
      'resolve --group late --group tphon --any-group --not-tag status=drain --name db-1*',
      '10.0.0.10\n',
    ],
    ['resolve --name DB-*', '10.0.0.2\n10.0.0.3\n10.0.0.10\n'],
    ['resolve --group tphon --tag status=drain --tag status=none', '10.0.0.3\n'],
    ['resolve --group web --address ipv6 -o hostport --port 80', '[2001:db8::4]:80\n'],
    ['resolve postgres -o hostport', '10.0.0.4:5433\n'],
    ['resolve postgres --port 1 -o hostport', '10.0.0.4:1\n'],
    ['resolve --group tphon -o hosts', '10.0.0.2\tdb-2\n10.0.0.3\tdb-3\n10.0.0.10\tdb-10\n'],
    ['resolve --group tphon --ready --pick first', '10.0.0.2\n'],
    ['resolve --group nobody --allow-empty -o addrs', '\n'],
    ['resolve --group nobody --allow-empty', ''],
    [
      'resolve --group tphon --ready --port 5432 -o env',
      "export TPHON_HOSTS='10.0.0.2 10.0.0.10 10.0.0.4'\nexport TPHON_HOST='10.0.0.2'\n" +
        "export TPHON_COUNT='3'\nexport TPHON_PORT='5432'\n",
    ],
  ])('%s', async (line, stdout) => {
    expect(await run(line)).toEqual({ exitCode: 0, stdout, stderr: '' });
  });

  it('leaves out the instance it runs on', async () => {
    expect((await run('resolve --group tphon --ready --not-self', 'b')).stdout).not.toContain(
      '10.0.0.2\n',
    );
  });

  it('picks one near the instance it runs on', async () => {
    expect((await run('resolve --group tphon --pick near', 'c')).exitCode).toBe(0);
  });

  it('prints JSON with a version, and why others were left out', async () => {
    const { stdout } = await run('resolve --group tphon --ready -o json');
    const { endpoints, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({
      version: 1,
      regions: ['eu-west-1'],
      conflicts: [],
      omitted: [],
      aliasOmissions: [],
    });
    expect(endpoints[0]).toEqual({
      name: 'db-2',
      aliases: [],
      host: '10.0.0.2',
      port: null,
      instanceId: id('b'),
      region: 'eu-west-1',
      availabilityZone: 'eu-west-1a',
      priority: 0,
      weight: 1,
    });
    expect(endpoints[2].name).toBeNull();
  });

  it('exits with 68 when nobody matches, prints nothing, and says who is there', async () => {
    const { exitCode, stdout, stderr } = await run('resolve --group web --ready --tag env=prod');
    expect({ exitCode, stdout }).toEqual({ exitCode: 68, stdout: '' });
    expect(stderr).toContain('2 tag differs');
    expect(Buffer.byteLength(stderr)).toBeLessThan(1024);
  });

  it('exits with 75 when too few match, with both numbers', async () => {
    const { exitCode, stdout, stderr } = await run('resolve --group tphon --ready --min 4');
    expect({ exitCode, stdout }).toEqual({ exitCode: 75, stdout: '' });
    expect(stderr).toContain('3 match, at least 4 are needed');
  });

  it('keeps those that take a connection', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { port } = listener.address() as { port: number };
    sandbox.world.createTags({ resources: [id('g')], tags: [{ key: 'at', value: '127.0.0.1' }] });
    const line = `resolve --group late --address tag:at --check tcp --port ${port}`;
    expect((await run(line)).stdout).toBe('127.0.0.1\n');
    await new Promise((resolve) => listener.close(resolve));
    const closed = await run(line);
    expect(closed.exitCode).toBe(68);
    expect(closed.stderr).toContain('none takes a connection');
  });

  it('shows the same winner of a conflict, however it was asked, and reports it', async () => {
    const claim = (name: string): string => {
      const { launchTimeMs } = sandbox.instance(name);
      return `held=db-2 boot=${new Date(launchTimeMs).toISOString().slice(0, 19)}Z`;
    };
    sandbox.world.createTags({
      resources: [id('g')],
      tags: [{ key: 'nametag:claim', value: claim('g') }],
    });
    for (const line of ['resolve --group tphon -o hosts', 'resolve --name db-* -o hosts']) {
      const { stdout, stderr } = await run(line);
      expect(stdout).not.toContain('10.0.0.2\tdb-2');
      expect(stderr).toContain(`db-2 is claimed by ${id('g')} and ${id('b')}; ${id('g')} has it.`);
    }
  });

  it('reports a conflict until the loser claims again, which exits with 1', async () => {
    for (const name of ['a', 'b']) {
      const boot = new Date(sandbox.instance(name).launchTimeMs).toISOString().slice(0, 19);
      const claim = { key: 'nametag:claim', value: `held=web-0 boot=${boot}Z` };
      sandbox.world.createTags({ resources: [id(name)], tags: [claim] });
    }
    const { stdout, stderr } = await run('hosts');
    expect(stdout.match(/web-0/g)).toHaveLength(1);
    const [, winner, loser] = /web-0 is claimed by (\S+) and (\S+);/.exec(stderr) ?? [];
    const claim = 'claim-name --service web --settle 20ms';
    expect(await run(claim, winner)).toEqual({ exitCode: 0, stdout: 'web-0\n', stderr: '' });
    expect(await run(claim, loser)).toEqual({
      exitCode: 1,
      stdout: 'web-1\n',
      stderr:
        `nametag: ${loser} held web-0 together with another instance, which keeps it; ` +
        'it holds web-1 now.\n',
    });
    expect((await run('resolve --name web-* -o hosts')).stderr).toBe('');
  });

  it('takes settings from the environment, after flags', async () => {
    const env = { NAMETAG_GROUP: 'tphon', NAMETAG_READY: 'yes', NAMETAG_OUTPUT: 'csv' };
    expect((await run('resolve', undefined, env)).stdout).toBe('10.0.0.2,10.0.0.10,10.0.0.4\n');
    expect((await run('resolve -o addrs', undefined, env)).stdout).toContain('10.0.0.2 ');
  });
});

describe('hosts', () => {
  const block = (text: string): string => text.replace(/sha256:\w+/, 'sha256:x');

  it('prints a line for every named instance, and says whom it leaves out', async () => {
    const { exitCode, stdout, stderr } = await run('hosts --domain ec2.example.com');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      '10.0.0.2\tdb-2 db-2.ec2.example.com\n10.0.0.3\tdb-3 db-3.ec2.example.com\n' +
        '10.0.0.10\tdb-10 db-10.ec2.example.com\n',
    );
    expect(stderr).toContain(`${id('d')} is left out: name refused`);
    expect(stderr).toContain(`${id('e')} is left out: name refused`);
  });

  it('keeps a block, and touches nothing when it is right', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n');
    expect((await run(`hosts --group tphon --write ${path}`)).exitCode).toBe(0);
    const text = await readFile(path, 'utf8');
    expect(block(text)).toBe(
      '127.0.0.1 localhost\n# BEGIN nametag default (generated; edits here are lost) sha256:x\n' +
        '10.0.0.2\tdb-2\n10.0.0.3\tdb-3\n10.0.0.10\tdb-10\n# END nametag default\n',
    );
    const { mtimeNs, ino } = await stat(path, { bigint: true });
    expect((await run(`hosts --group tphon --write ${path}`)).exitCode).toBe(0);
    expect(await stat(path, { bigint: true })).toMatchObject({ mtimeNs, ino });
  });

  it('prints the difference of a dry run, and changes nothing', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n');
    const { exitCode, stdout } = await run(`hosts --ready --write ${path} --dry-run`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('+10.0.0.2\tdb-2\n');
    expect(await readFile(path, 'utf8')).toBe('127.0.0.1 localhost\n');
  });

  it('does not empty a block that had entries, unless forced', async () => {
    const path = join(folder, 'hosts');
    await run(`hosts --group tphon --write ${path}`);
    const before = await readFile(path, 'utf8');
    const held = await run(`hosts --group nobody --write ${path}`);
    expect(held.exitCode).toBe(75);
    expect(held.stderr).toContain('all 3 entries');
    expect(await readFile(path, 'utf8')).toBe(before);
    expect((await run(`hosts --group nobody --write ${path} --force`)).exitCode).toBe(0);
    expect(block(await readFile(path, 'utf8')).split('\n')).toHaveLength(3);
  });

  it('leaves a file with broken markers as it is', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '# BEGIN nametag default\n10.0.0.1\tweb-0\n');
    const { exitCode, stderr } = await run(`hosts --write ${path}`);
    expect(exitCode).toBe(65);
    expect(stderr).toContain('The file was left as it is');
    expect(await readFile(path, 'utf8')).toBe('# BEGIN nametag default\n10.0.0.1\tweb-0\n');
  });

  it('says when a folder is not there', async () => {
    expect((await run(`hosts --write ${folder}/none/hosts`)).exitCode).toBe(73);
  });

  it('keeps the mode of the file', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '');
    await chmod(path, 0o640);
    await run(`hosts --write ${path}`);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });
});

describe('claim-name, whoami and release-name', () => {
  it('give a name, show it, and give it up', async () => {
    expect(await run('claim-name --service web --settle 20ms', 'g')).toEqual({
      exitCode: 0,
      stdout: 'web-0\n',
      stderr: '',
    });
    const { tags } = sandbox.instance('g');
    expect(tags.get('nametag:claim')).toMatch(/^held=web-0 boot=\S+ gen=\d+$/);
    expect(tags.get('Name')).toBe('web-0');

    const who = JSON.parse((await run('whoami --json', 'g')).stdout);
    expect(who).toMatchObject({ version: 1, instanceId: id('g'), name: 'web-0', ready: false });
    expect(who.generation).toBeGreaterThan(1_700_000_000);
    const facts = (await run('whoami --format facts', 'g')).stdout;
    expect(facts).toContain(`nametag_instance_id=${id('g')}\nnametag_region=eu-west-1\n`);
    expect(facts).toContain('nametag_security_groups=late\nnametag_name=web-0\n');

    expect(await run('release-name --settle 20ms', 'g')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(sandbox.instance('g').tags.get('Name')).toBe('');
    expect(JSON.parse((await run('whoami --json', 'g')).stdout).name).toBeNull();
    expect((await run('release-name --settle 20ms', 'g')).exitCode).toBe(0);
  });

  it('write nothing when the name is held', async () => {
    await run('claim-name --service web --settle 20ms', 'g');
    sandbox.world.setKnobs({ deny: new Set(['CreateTags']) });
    const again = await run('claim-name --service web --settle 20ms', 'g');
    expect(again).toEqual({ exitCode: 0, stdout: 'web-0\n', stderr: '' });
  });

  it('write nothing in a dry run, and print the name that would be asked for', async () => {
    sandbox.world.setKnobs({ deny: new Set(['CreateTags']) });
    expect((await run('claim-name --service web --dry-run', 'g')).stdout).toBe('web-0\n');
    const json = JSON.parse((await run('claim-name --service db --dry-run --json', 'b')).stdout);
    expect(json).toMatchObject({ version: 1, name: 'db-2', instanceId: id('b'), dryRun: true });
  });

  it('claim both kinds of series', async () => {
    const claim = 'claim-name --service kv --type masterful --settle 20ms';
    expect((await run(claim, 'a')).stdout).toBe('kv-master\n');
    expect((await run(claim, 'b')).stdout).toBe('kv-slave-1\n');
    expect((await run(`${claim} --words primary,replica`, 'c')).stdout).toBe('kv-primary\n');
    expect((await run(claim, 'a')).stdout).toBe('kv-master\n');
  });

  it('change the master, by asking it or by force, and say who is in the way', async () => {
    const claim = 'claim-name --service kv --type masterful --settle 20ms';
    const change = 'change-master --settle 20ms --timeout 60ms';
    for (const host of ['a', 'b', 'c']) await run(claim, host);
    const held = await run(change, 'c');
    expect(held).toMatchObject({ exitCode: 75, stdout: '' });
    expect(held.stderr).toContain(`${id('a')} still has it`);
    expect((await run(claim, 'a')).stdout).toBe('kv-slave-3\n');
    const changed = JSON.parse((await run(`${change} --json`, 'c')).stdout);
    expect(changed).toMatchObject({ version: 1, name: 'kv-master', instanceId: id('c') });
    expect(changed.generation).toBeGreaterThan(1_700_000_000);
    expect((await run(`${change} --force`, 'b')).stdout).toBe('kv-master\n');
    expect(JSON.parse((await run('whoami --json', 'c')).stdout).name).toBe('kv-slave-2');
    expect((await run(change, 'g')).exitCode).toBe(65);
  });

  it('claim for another instance when told to', async () => {
    const line = `claim-name --service web --settle 20ms --instance-id ${id('g')}`;
    expect((await run(line)).stdout).toBe('web-0\n');
    const unknown = await run('claim-name --service web --settle 20ms --instance-id i-00000000');
    expect(unknown.exitCode).toBe(68);
    const stopped = `claim-name --service web --settle 20ms --instance-id ${id('f')}`;
    expect((await run(stopped)).exitCode).toBe(75);
  });

  it('name the IAM action that is missing', async () => {
    await restart({ deny: new Set(['CreateTags']) });
    const { exitCode, stdout, stderr } = await run('claim-name --service web --settle 20ms', 'g');
    expect({ exitCode, stdout }).toEqual({ exitCode: 77, stdout: '' });
    expect(stderr).toContain('`ec2:CreateTags`');
    expect(stderr).toContain(id('g'));
    expect(stderr).toContain('eu-west-1');
  });
});

describe('an EC2 that', () => {
  it.each<[string, Partial<Knobs>, number, string]>([
    ['denies', { deny: new Set(['DescribeInstances']) }, 77, '`ec2:DescribeInstances`'],
    ['loses its answers', { lostRead: 1 }, 69, 'no usable answer'],
    ['answers what is no XML', { malformed: 1 }, 69, 'could not be read'],
    ['answers instances without fields', { bare: 1 }, 69, 'could not be read'],
  ])('%s is told as such', async (_, knobs, exitCode, hint) => {
    await restart(knobs);
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n');
    for (const line of ['resolve --group tphon', `hosts --write ${path}`]) {
      const told = await run(line);
      expect(told).toMatchObject({ exitCode, stdout: '' });
      expect(told.stderr).toContain(hint);
      expect(told.stderr).toContain('eu-west-1');
    }
    expect(await readFile(path, 'utf8')).toBe('127.0.0.1 localhost\n');
  });

  it('is away is told as such', async () => {
    const env = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_ENDPOINT_URL_EC2: '' };
    const { exitCode, stderr } = await run('resolve --group tphon', undefined, env);
    expect(exitCode).toBe(69);
    expect(stderr).toContain('http://127.0.0.1:9');
  });
});
