/** The commands against a sandbox over HTTP, in this process. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ResolveJson } from '../../src/render/json.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import { folder, id, restart, run, sandbox } from '../helpers/cli-sandbox.ts';

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

  it('keeps what EC2 answered, and no password of its address', async () => {
    const { AWS_ENDPOINT_URL = '' } = await sandbox.environment();
    const cache = join(folder, 'cache');
    const env = {
      NAMETAG_CACHE_DIR: cache,
      AWS_ENDPOINT_URL_EC2: AWS_ENDPOINT_URL.replace('//', '//me:hidden@'),
    };
    const answer = await run('resolve --group tphon', undefined, env);
    expect(answer.exitCode).toBe(0);
    const kept = (await readdir(cache)).map((name) => readFile(join(cache, name), 'latin1'));
    expect(kept).toHaveLength(1);
    expect(await kept[0]).toContain('10.0.0.2');
    expect(await kept[0]).not.toContain('hidden');
    await sandbox.close();
    expect(await run('resolve --group tphon --max-age 1h', undefined, env)).toEqual(answer);
  });

  it.each([
    ['resolve --name cache -o hosts', '10.0.0.2\tdb-2 cache\n'],
    ['hosts --name c* --group tphon', '10.0.0.2\tdb-2 cache\n'],
    ['resolve --name cache --name db-3', '10.0.0.2\n10.0.0.3\n'],
  ])('finds by an alias who has it: %s', async (line, stdout) => {
    const claim = (host: string, generation: number): void => {
      const tags = [{ key: 'nametag:aliases', value: `cache/${generation}` }];
      sandbox.world.createTags({ resources: [id(host)], tags });
    };
    claim('b', 2);
    claim('c', 1);
    expect(await run(line)).toMatchObject({ exitCode: 0, stdout });
    claim('c', 3);
    expect(await run(line)).toMatchObject({ stdout: expect.stringContaining('10.0.0.3') });
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
      stale: false,
      ageSeconds: 0,
      unconfirmed: [],
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

  it('prints in JSON what concerns who matches, and nobody who was not asked for', async () => {
    const tag = (host: string, name: string): void => {
      const tags = [
        { key: 'Name', value: name },
        { key: 'nametag:aliases', value: 'db-2/1' },
      ];
      sandbox.world.createTags({ resources: [id(host)], tags });
    };
    // Their name has the shape of b's, by which EC2 is asked for rivals.
    tag('e', 'kv-2');
    tag('g', 'kv-2');
    tag('d', 'web-1');
    const read = async () => {
      const { stdout, stderr } = await run('resolve --group tphon --group web -o json');
      return { ...(JSON.parse(stdout) as ResolveJson), stderr };
    };
    const alone = await read();
    expect(alone.endpoints.map((e) => e.instanceId)).toEqual([id('d')]);
    expect(alone.conflicts).toEqual([]);
    expect(alone.aliasOmissions.map((o) => o.instanceId)).toEqual([id('d')]);
    expect(alone.omitted.map((o) => o.instanceId)).toEqual(['a', 'b', 'c'].map(id).toSorted());
    expect(alone.stderr.match(/has the alias|have the alias|is claimed/g)).toHaveLength(1);
    tag('e', 'web-1');
    sandbox.world.setKnobs({ hidden: new Set(['b', 'g'].map(id)) });
    const { conflicts, unconfirmed } = await read();
    expect(conflicts).toHaveLength(1);
    expect(conflicts[0]).toMatchObject({ name: 'web-1' });
    expect(unconfirmed).toEqual([id('b')]);
  });

  it('exits with 68 when nobody matches, prints nothing, and says who is there', async () => {
    const { exitCode, stdout, stderr } = await run('resolve --group web --ready --tag env=prod');
    expect({ exitCode, stdout }).toEqual({ exitCode: 68, stdout: '' });
    expect(stderr).toContain('2 tag differs');
    expect(Buffer.byteLength(stderr)).toBeLessThan(1024);
  });

  it('prints hosts lines only of who has a name, and exits with 68 when nobody has', async () => {
    const { exitCode, stdout, stderr } = await run('resolve --group late -o hosts');
    expect({ exitCode, stdout }).toEqual({ exitCode: 68, stdout: '' });
    expect(stderr).toContain('nobody matches');
  });

  it.each<[string, string]>([
    ['--group late -o hosts', '1 match, but none of them has a name.'],
    [
      '--group tphon --address private-dns -o hosts',
      '4 match, but none of them has a name and an IP address of the kind asked for.',
    ],
    ['redis --check tcp', '1 match, but none of them has a port.'],
    ['--group late -o hosts --check tcp --port 9', '1 match, but none of them has a name.'],
  ])('says of %s that some match, and what they lack', async (words, hint) => {
    sandbox.world.createTags({
      resources: [id('g')],
      tags: [{ key: 'service:redis', value: 'master' }],
    });
    const { exitCode, stdout, stderr } = await run(`resolve ${words}`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 68, stdout: '' });
    expect(stderr).toContain(hint);
  });

  const again = '; leave `--max-age` out to ask it again.';

  it.each<[string, string]>([
    ['resolve --group tphon --name nosuch', `Of 4 that EC2 showed running AGO: 3 name differs, `],
    ['resolve --group late --address ipv6', `Of 1 that EC2 showed running AGO: 1 no such address`],
    ['hosts --group late --address ipv6', `Of 1 that EC2 showed running AGO: 1 no such address`],
    ['hosts --group late --name late-*', `Of 1 that EC2 showed running AGO: 1 no name`],
    ['resolve --group nobody', `EC2 showed nobody AGO`],
  ])('explains nobody for %s from the answer it has, with its age', async (words, hint) => {
    const env = { NAMETAG_CACHE_DIR: join(folder, 'cache') };
    expect(await run(words, undefined, env)).toMatchObject({ exitCode: 68, stdout: '' });
    const young = await run(`${words} --max-age 1h`, undefined, env);
    expect(young).toMatchObject({ exitCode: 68, stdout: '' });
    const told = young.stderr.replace(/\d+ s ago/, 'AGO');
    expect(told).toContain(`nobody matches. ${hint}`);
    expect(told.endsWith(`${again}\n`)).toBe(true);
    await sandbox.close();
    const stale = await run(words, undefined, env);
    expect(stale.stderr.replace(/\d+ s ago/, 'AGO')).toContain(
      `nobody matches. ${hint.replace('AGO', 'AGO, when it last answered')}`,
    );
  });

  it('tells of a service tag that cannot be read', async () => {
    const tags = [{ key: 'service:postgres', value: 'port=99999' }];
    sandbox.world.createTags({ resources: [id('g')], tags });
    const { exitCode, stderr } = await run('resolve postgres -o hostport');
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`${id('g')} is left out: service tag unreadable`);
  });

  it('asks each region once', async () => {
    const twice = 'resolve --group late --region eu-west-1 --region eu-west-1';
    expect((await run(twice)).stdout.split('\n')).toHaveLength(2);
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
    const change = 'change-master --settle 20ms --timeout 10s';
    for (const host of ['a', 'b', 'c']) await run(claim, host);
    const held = await run('change-master --settle 20ms --timeout 60ms', 'c');
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

  it('say that another only asks for the master too, and how it gives way', async () => {
    const claim = 'claim-name --service kv --type masterful --settle 20ms';
    for (const host of ['a', 'b', 'c']) await run(claim, host);
    await run('release-name --settle 20ms', 'a');
    // What a change of master that was cut short leaves.
    const { tags = new Map() } = sandbox.world.instance(id('b')) ?? {};
    const value = `${tags.get('nametag:claim')} ask=kv-master next=1`;
    const tag = { key: 'nametag:claim', value };
    sandbox.world.createTags({ resources: [id('b')], tags: [tag] });
    const change = 'change-master --settle 20ms --timeout 60ms';
    const told = await run(change, 'c');
    expect(told).toMatchObject({ exitCode: 75, stdout: '' });
    expect(told.stderr).toContain(`nobody has it, and ${id('b')} asks for it too`);
    expect((await run(claim, 'b')).stdout).toMatch(/^kv-slave-/);
    expect((await run(change, 'c')).stdout).toBe('kv-master\n');
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
