/** `nametag watch` and `hosts --watch` against a sandbox over HTTP, in this process. */
import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { folder, id, restart, run, sandbox } from '../helpers/cli-sandbox.ts';

/** A watcher that runs. */
interface Running {
  /** Resolves when it says this, after what it was last heard to say. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** All that it has said. */
  all(): string;
  hangUp(): void;
  /** Ends it as SIGTERM does, and gives its exit status. */
  end(): Promise<number>;
}

const ends: (() => Promise<number>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Starts one with refreshes as fast as they come; at the end of the test it ends. */
async function start(line: string, as?: string, env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const ended = new AbortController();
  let said = '';
  let all = '';
  let heard = (): void => {};
  let hangUp = (): void => {};
  const done = main(line.split(' '), {
    stdout: () => {},
    stderr: (text) => {
      said += text;
      all += text;
      heard();
    },
    env: { ...(await sandbox.environment(as)), AWS_MAX_ATTEMPTS: '1', NAMETAG_CONFIG: '', ...env },
    signal: ended.signal,
    onHangup: (listener) => {
      hangUp = listener;
    },
    isTerminal: false,
  });
  const end = async (): Promise<number> => {
    ended.abort(new Error('Interrupted.'));
    return await done;
  };
  ends.push(end);
  return {
    hangUp: () => hangUp(),
    all: () => all,
    end,
    says: async (pattern) => {
      for (;;) {
        const found = pattern.exec(said);
        if (found !== null) {
          said = said.slice(found.index + found[0].length);
          return found;
        }
        const more = new Promise<void>((resolve) => {
          heard = resolve;
        });
        await Promise.race([
          more,
          done.then((code) => Promise.reject(new Error(`It has ended with ${code}: ${said}`))),
        ]);
      }
    },
  };
}

const path = (): string => join(folder, 'hosts');
const configPath = (): string => join(folder, 'config.json');

async function configure(config: object): Promise<string> {
  await writeFile(configPath(), JSON.stringify(config));
  return configPath();
}

const linesOf = async (file = path()): Promise<string> => await readFile(file, 'utf8');

describe('nametag watch', () => {
  it('keeps files, lets the terminated go at once, and ends with 0', async () => {
    const hosts = [
      { write: path(), block: 'all' },
      { dir: folder, group: 'tphon', ready: true },
    ];
    const config = await configure({ hosts, interval: '100ms' });
    const watcher = await start(`watch --config ${config}`);
    await watcher.says(/Brought \S+\/nametag-default up to date/);
    expect(await linesOf()).toContain('10.0.0.3\tdb-3\n');
    expect(await linesOf(join(folder, 'nametag-default'))).not.toContain('db-3');
    sandbox.world.terminateInstances({ instanceIds: [id('a')] });
    await watcher.says(/fleet-changed: Of \d instances 0 are new and 0 have changed; 1 are gone/);
    expect(await linesOf()).not.toContain('db-10');
    expect(await linesOf(join(folder, 'nametag-default'))).not.toContain('db-10');
    expect(await watcher.end()).toBe(0);
  });

  it('reads its config file once, so that it can be a pipe', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Ends the wait for a second writer, if there is one.
    ends.push(async () => {
      await (await open(pipe, constants.O_RDWR)).close();
      return 0;
    });
    const given = writeFile(pipe, JSON.stringify({ hosts: [{ write: path() }] }));
    const watcher = await start(`watch --config ${pipe}`);
    await watcher.says(/Brought \S+ up to date/);
    await given;
  });

  it('remarks once on each service tag that cannot be read, and that it is over', async () => {
    const offer = (key: string, value: string): void =>
      sandbox.world.createTags({ resources: [id('a'), id('e')], tags: [{ key, value }] });
    offer('service:web', 'port=0');
    offer('service:db', 'port=x');
    const dest = join(folder, 'a');
    await writeFile(`${dest}.liquid`, '{{ region }}');
    const render = [{ template: `${dest}.liquid`, dest, group: 'tphon' }];
    const hosts = [{ write: path(), service: 'web' }];
    const config = await configure({ hosts, render, interval: '100ms' });
    const watcher = await start(`watch --config ${config} --log-level debug`);
    for (let refreshes = 0; refreshes < 3; refreshes += 1) await watcher.says(/waiting/);
    offer('service:db', 'port=1');
    await watcher.says(/remark-over: No longer so: \S+ is left out: service tag unreadable \("se/);
    const remarks = watcher.all().match(/(?<= remark: )i-\S+ .* unreadable \("[^"]*/g);
    const of = (name: string, fact: string): string =>
      `${id(name)} is left out: service tag unreadable ("service:${fact} is out of range`;
    // No file would have e for its db.
    const expected = [of('a', 'db: port=x'), of('a', 'web: port=0'), of('e', 'web: port=0')];
    expect(remarks?.sort()).toEqual(expected.sort());
  });

  it('asks EC2 once for what several outputs and their events are of', async () => {
    const asked = vi.spyOn(sandbox.world, 'describeInstances');
    const requests = async (...groups: readonly string[]): Promise<number> => {
      asked.mockClear();
      const hosts = groups.map((group, i) => ({ dir: folder, block: `b${i}`, group }));
      const config = await configure({ hosts, interval: '1h' });
      const watcher = await start(`watch --config ${config}`);
      await watcher.says(/fleet-changed/);
      expect(await watcher.end()).toBe(0);
      return asked.mock.calls.length;
    };
    const one = await requests('tphon');
    expect(one).toBe(3);
    expect(await requests('tphon', 'tphon', 'tphon')).toBe(one);
    expect(await requests('tphon', 'web')).toBe(4);
  });

  it('runs handlers with what changed, for as long as they may take', async () => {
    const seen = join(folder, 'seen');
    const config = await configure({
      interval: '100ms',
      handlers: [
        {
          events: 'member-leave',
          command: `env > ${seen}; cat >> ${seen}; sleep 300`,
          timeout: '200ms',
        },
      ],
    });
    const watcher = await start(`watch --config ${config} --ready`, undefined, {
      NOTIFY_SOCKET: '',
    });
    await watcher.says(/fleet-changed/);
    sandbox.world.createTags({
      resources: [id('a')],
      tags: [{ key: 'status', value: 'drain' }],
    });
    await watcher.says(
      /handler-failed: Could not run a handler of member-leave \(1\): it had not end/,
    );
    const told = await linesOf(seen);
    expect(told).toContain('SERF_EVENT=member-leave\n');
    expect(told).toMatch(/^db-10\t10\.0\.0\.10\t/m);
    expect(told).not.toContain('NOTIFY_SOCKET');
  });

  it('says what is in the folder of handlers for no event', async () => {
    await mkdir(join(folder, 'handlers', 'member-jion'), { recursive: true });
    const config = await configure({ handlersFolder: join(folder, 'handlers') });
    const watcher = await start(`watch --config ${config}`);
    await watcher.says(/handler-refused: Nothing runs what is at \S+\/member-jion: no event has/);
  });

  it('claims a name, and shows it at the refresh that it asks for', async () => {
    const config = await configure({
      ...{ interval: '1h', settle: '100ms', claim: { service: 'late' } },
      hosts: [{ write: path(), name: 'late-*' }],
    });
    const watcher = await start(`watch --config ${config}`, 'g');
    await watcher.says(/name-held: i-\w+ holds late-0\./);
    await watcher.says(/refresh-asked/);
    await watcher.says(/output-written|output-recovered/);
    expect(await linesOf()).toContain('\tlate-0\n');
  });

  it('refreshes when it is hung up, and when it is poked', async () => {
    const hungUp = await start('watch --interval 1h --handler true');
    await hungUp.says(/fleet-changed/);
    hungUp.hangUp();
    await hungUp.says(/hung-up: SIGHUP .* the config file is read again by a restart only\./);
    await hungUp.says(/refresh-asked/);
    expect(await hungUp.end()).toBe(0);
    const watcher = await start('watch --interval 1h --handler true');
    await watcher.says(/fleet-changed/);
    expect((await run('watch --poke')).exitCode).toBe(0);
    await watcher.says(/refresh-asked/);
    const other = await start('watch --interval 1h --handler true');
    await other.says(/not-poked/);
    expect(await watcher.end()).toBe(0);
    expect((await run('watch --poke')).exitCode).toBe(69);
  });

  it('empties nothing when EC2 comes back from an outage and shows nobody', async () => {
    const config = await configure({
      ...{ interval: '100ms', maxStale: '1s', listen: '127.0.0.1:0' },
      hosts: [{ write: path(), group: 'tphon' }],
    });
    const watcher = await start(`watch --config ${config}`);
    const [, address] = await watcher.says(/readyz on (\S+)\./);
    await watcher.says(/fleet-changed/);
    const before = await linesOf();
    expect(before).toContain('db-10');
    sandbox.world.setKnobs({ deny: new Set(['DescribeInstances']) });
    const readyz = async (): Promise<number> => (await fetch(`http://${address}/readyz`)).status;
    await expect.poll(readyz, { timeout: 5000 }).toBe(503);
    sandbox.world.setKnobs({ deny: new Set(), emptyAnswers: 1 });
    watcher.hangUp();
    await watcher.says(/refresh-failed: Could not take EC2's new .* Outputs stay as they are\./);
    expect(await linesOf()).toBe(before);
    sandbox.world.setKnobs({ emptyAnswers: 0 });
    await watcher.says(/refresh-recovered/);
    expect(await linesOf()).toBe(before);
  });

  it('serves its state, and is not ready any more once the answer is too old', async () => {
    const watcher = await start('watch --interval 100ms --max-stale 1s --listen 127.0.0.1:0');
    const [, address] = await watcher.says(/readyz on (\S+)\./);
    await watcher.says(/fleet-changed/);
    const get = (name: string): Promise<Response> => fetch(`http://${address}/${name}`);
    expect((await get('readyz')).status).toBe(200);
    const metrics = await (await get('metrics')).text();
    expect(metrics).toMatch(/nametag_instances\{service="",[^}]*\} \d/);
    expect(metrics).toMatch(/api_requests_total\{action="DescribeInstances",result="ok"\} [1-9]/);
    sandbox.world.setKnobs({ deny: new Set(['DescribeInstances']) });
    await watcher.says(/refresh-failed: .* The last good answer, \d s old, stays in use\./);
    await expect.poll(async () => (await get('readyz')).status, { timeout: 5000 }).toBe(503);
    expect((await get('healthz')).status).toBe(200);
    sandbox.world.setKnobs({ deny: new Set() });
    await watcher.says(/refresh-recovered/);
    expect((await get('readyz')).status).toBe(200);
  });

  it('logs in JSON at the level that is said', async () => {
    const watcher = await start(
      'watch --handler true --interval 1h --log-format json --log-level debug',
    );
    const [line] = await watcher.says(/\{.*"event":"waiting".*\}/);
    expect(JSON.parse(line)).toMatchObject({ level: 'debug', because: 'interval' });
  });

  it('logs nothing but JSON, also what a legacy updater says', async () => {
    const updater = 'echo first >&2; echo second; exit 1';
    const hosts = [{ write: path(), legacy: join(folder, 'legacy'), legacyUpdater: updater }];
    const config = await configure({ hosts, interval: '1h' });
    const watcher = await start(`watch --config ${config} --log-format json`);
    await watcher.says(/"event":"output-failed".*\n/);
    const lines = watcher.all().trimEnd().split('\n');
    const records = lines.map((line) => JSON.parse(line));
    expect(records).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ event: 'remark', level: 'warn', message: 'first' }),
        expect.objectContaining({ event: 'remark', level: 'warn', message: 'second' }),
      ]),
    );
  });

  it('without a first answer ends as its failure does', async () => {
    await restart({ deny: new Set(['DescribeInstances']) });
    const { exitCode, stderr } = await run('watch --interval 100ms --handler true');
    expect(exitCode).toBe(77);
    expect(stderr).toContain('nametag: Could not describe instances');
  });

  it.each([
    [64, 'watch --force --handler true', '--max-remove 100%'],
    [64, 'watch --group tphon', 'or put `hosts`, `render`, `handlers`, `handlersFolder`, `claim`'],
    [64, 'watch --interval 0s', '--interval'],
    [64, 'watch --handler member-jion=true', 'member-join'],
    [66, 'watch --config /nowhere.json', '/nowhere.json'],
    [69, 'watch --poke', 'Start `nametag watch`'],
  ])('exits with %i for %s', async (exitCode, line, hint) => {
    const ended = await run(line);
    expect(ended).toMatchObject({ exitCode, stdout: '' });
    expect(ended.stderr).toContain(hint);
  });

  it.each<[number, object]>([
    [64, {}],
    [64, { interval: '1s', hosts: [], render: [], handlers: [], log: { level: 'debug' } }],
    [77, { hosts: [{ write: '/nowhere/hosts' }] }],
    [77, { render: [{ template: '/nowhere/a', dest: '/nowhere/b' }] }],
    [77, { handlers: ['true'] }],
    [77, { handlersFolder: '/nowhere' }],
    [77, { listen: '127.0.0.1:0' }],
  ])('exits with %i, before or after EC2 is asked, for a config of %j', async (exitCode, said) => {
    await restart({ deny: new Set(['DescribeInstances']) });
    const config = await configure(said);
    const ended = await run(`watch --config ${config}`);
    expect(ended.exitCode).toBe(exitCode);
    if (exitCode === 64) expect(ended.stderr).toContain(`\`listen\` in ${config}.\n`);
  });

  it('exits with 78 for a mistake in the config file, which config check finds too', async () => {
    const config = await configure({ claim: { service: 'Web' }, hosts: [{ wirte: '/etc/hosts' }] });
    expect((await run(`watch --config ${config}`)).exitCode).toBe(78);
    const checked = await run(`config check --config ${config}`);
    expect(checked.exitCode).toBe(78);
    expect(checked.stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining(':1:2: claim: no name can be made of it'),
      expect.stringContaining(': hosts[0].wirte: unknown key (did you mean "write"?)'),
    ]);
  });

  it('exits with 73 when its port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { exitCode, stderr } = await run(`watch --listen ${port}`);
    server.close();
    expect(exitCode).toBe(73);
    expect(stderr).toContain('another process listens there');
  });

  it.each([{ claim: { service: 'web' } }, { hosts: [{ write: '/tmp/hosts', notSelf: true }] }])(
    'that has to know its instance ends where there is none, for %j',
    async (settings) => {
      const config = await configure(settings);
      expect((await run(`watch --config ${config}`)).exitCode).toBe(69);
    },
  );
});

it.each(['30', '0s'])('hosts --watch refuses the interval of a host that is %s', async (text) => {
  const env = { NAMETAG_INTERVAL: text };
  const { exitCode, stderr } = await run(`hosts --write ${path()} --watch`, undefined, env);
  expect([exitCode, stderr]).toEqual([64, expect.stringContaining(`NAMETAG_INTERVAL="${text}"`)]);
});

it('hosts --watch goes by the interval of the config file', async () => {
  const config = await configure({ interval: '100ms' });
  const watcher = await start(`hosts --write ${path()} --watch --group tphon --config ${config}`);
  await watcher.says(/Brought \S+ up to date/);
  sandbox.world.terminateInstances({ instanceIds: [id('b')] });
  await watcher.says(/Brought \S+ up to date/);
});

it('hosts --watch keeps the one file, and ends with 0', async () => {
  const watcher = await start(`hosts --write ${path()} --watch --interval 100ms --group tphon`);
  await watcher.says(/Brought \S+ up to date/);
  expect(await linesOf()).toContain('\tdb-2\n');
  sandbox.world.terminateInstances({ instanceIds: [id('b')] });
  await watcher.says(/Brought \S+ up to date/);
  expect(await linesOf()).not.toContain('\tdb-2\n');
  expect(await watcher.end()).toBe(0);
});

describe('a vocabulary of the config file', () => {
  it('is that of every command', async () => {
    const vocabulary = { nameKey: 'role', readyKey: 'af-status', readyValue: 'yes' };
    const config = await configure({ vocabulary: { ...vocabulary, claimKey: 'af:claim' } });
    const tags = [
      { key: 'role', value: 'search-7' },
      { key: 'af-status', value: 'yes' },
    ];
    sandbox.world.createTags({ resources: [id('c')], tags });
    const of = async (line: string, as?: string): Promise<string> =>
      (await run(`${line} --config ${config}`, as)).stdout;
    expect(await of('resolve --ready')).toBe('10.0.0.3\n');
    expect(await of('hosts --ready')).toBe('10.0.0.3\tsearch-7\n');
    expect(await of('whoami', 'c')).toContain('search-7');
    expect(await of('claim-name --service late --settle 100ms', 'g')).toBe('late-0\n');
    const claims = sandbox.instance('g').tags;
    expect(claims.get('af:claim')).toMatch(/^held=late-0 /);
    expect(claims.get('nametag:claim')).toBeUndefined();
    expect((await run(`release-name --settle 100ms --config ${config}`, 'g')).exitCode).toBe(0);
    expect(sandbox.instance('g').tags.get('af:claim')).not.toMatch(/held=/);
  });
});
