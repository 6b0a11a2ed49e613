/**
 * The same faults and the same changes for every output, over HTTP: what is no evidence keeps
 * everybody, and evidence removes at the next run.
 */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Ec2Error, LostAnswer } from '../../src/sandbox/ec2-error.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import type { World } from '../../src/sandbox/world.ts';
import { folder, id, run, sandbox } from '../helpers/cli-sandbox.ts';

/** What an output says, as addresses in order; runs it once. */
interface Output {
  readonly name: string;
  show(flags: string): Promise<readonly string[]>;
}

const outputs: readonly Output[] = [
  {
    name: 'resolve',
    async show(flags) {
      const { stdout } = await run(`resolve --group tphon --ready --allow-empty ${flags}`.trim());
      return stdout.split('\n').filter((line) => line !== '');
    },
  },
  {
    name: 'resolve -o json',
    async show(flags) {
      const words = 'resolve --group tphon --ready --allow-empty -o json';
      const { stdout } = await run(`${words} ${flags}`.trim());
      if (stdout === '') return [];
      const { endpoints } = JSON.parse(stdout) as { endpoints: readonly { host: string }[] };
      return endpoints.map(({ host }) => host);
    },
  },
  {
    name: 'hosts --write',
    async show(flags) {
      const path = join(folder, 'hosts');
      const words = `hosts --group tphon --ready --allow-empty --write ${path}`;
      await run(`${words} ${flags}`.trim());
      const text = await readFile(path, 'utf8');
      return [...text.matchAll(/^(10\.\S+)\t/gm)].map(([, address = '']) => address);
    },
  },
];

beforeEach(() => {
  // The SDK's second attempts take their time. It reads its settings from this process.
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  const resources = [id('d')];
  sandbox.world.createTags({ resources, tags: [{ key: 'Name', value: 'web-1' }] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** Moves this machine's date on. */
function later(ms: number): void {
  const nowMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs + ms });
}

const minuteMs = 60_000;

/** Three are ready: b, a and d. */
const everybody = ['10.0.0.2', '10.0.0.10', '10.0.0.4'];

type Describe = World['describeInstances'];

/** Puts something in the way of all describes. */
function intercept(change: (describe: Describe) => Describe): void {
  const { world } = sandbox;
  world.describeInstances = change(world.describeInstances.bind(world));
}

const refuse = (code: string, status: number) => (): void =>
  intercept(() => () => {
    throw new Ec2Error(code, 'No.', status);
  });
const turn = (knobs: Partial<Knobs>) => (): void => sandbox.world.setKnobs(knobs);

const faults: readonly (readonly [string, () => void])[] = [
  ['an empty answer', turn({ emptyAnswers: 1 })],
  ['a filter that silently matches nothing', turn({ silentFilter: 1 })],
  ['a zone that does not answer', turn({ hidden: new Set(['eu-west-1a']) })],
  ['403', refuse('UnauthorizedOperation', 403)],
  ['credentials that have expired', refuse('RequestExpired', 400)],
  ['throttling', refuse('RequestLimitExceeded', 503)],
  ['an answer that is no XML', turn({ malformed: 1 })],
  ['no answer', turn({ lostRead: 1 })],
  [
    'half the pages, and then an error',
    () => {
      turn({ shortPages: 1 })();
      intercept((describe) => (request) => {
        if (request.nextToken !== undefined) throw new LostAnswer();
        return describe({ ...request, maxResults: 5 });
      });
    },
  ],
  ['ids that are not answered', () => turn({ hidden: new Set([id('a'), id('d')]) })()],
];

const changes: readonly (readonly [string, () => void])[] = [
  ['terminated', () => void sandbox.world.terminateInstances({ instanceIds: [id('a'), id('d')] })],
  ['stopped', () => void sandbox.world.stopInstances({ instanceIds: [id('a'), id('d')] })],
  [
    'a tag flipped',
    () =>
      sandbox.world.createTags({
        resources: [id('a'), id('d')],
        tags: [{ key: 'status', value: 'drain' }],
      }),
  ],
];

describe.each(outputs)('$name', ({ show }) => {
  test.each(faults)('keeps everybody: %s', async (_, fault) => {
    expect(await show('')).toEqual(everybody);
    fault();
    expect(await show('')).toEqual(everybody);
  });

  test.each(changes)('lets them go at the next run: %s', async (_, change) => {
    expect(await show('')).toEqual(everybody);
    change();
    expect(await show('--max-remove 0%')).toEqual(['10.0.0.2']);
  });

  test.each(changes)(
    'keeps them where EC2 does not say so (the control): %s',
    async (_, change) => {
      expect(await show('')).toEqual(everybody);
      change();
      turn({ hidden: new Set([id('a'), id('d')]) })();
      expect(await show('')).toEqual(everybody);
    },
  );
});

describe('without the guard and the store', () => {
  test.each(faults)('somebody is lost (the control): %s', async (_, fault) => {
    const [{ show } = outputs[0]!] = outputs;
    expect(await show('')).toEqual(everybody);
    fault();
    expect(await show('--force --max-stale 0s')).not.toEqual(everybody);
  });
});

describe('a block of hosts', () => {
  const everyone = (): string[] => ['a', 'b', 'd'].map(id);
  const block = async () => {
    const { exitCode } = await run(`hosts --group tphon --ready --write ${join(folder, 'hosts')}`);
    const text = await readFile(join(folder, 'hosts'), 'utf8');
    return { exitCode, addresses: [...text.matchAll(/^(10\.\S+)\t/gm)].map(([, a]) => a) };
  };

  const flip = (): void =>
    sandbox.world.createTags({ resources: everyone(), tags: [{ key: 'status', value: 'drain' }] });

  test.each<readonly [string, () => void]>([
    ['terminated', () => void sandbox.world.terminateInstances({ instanceIds: everyone() })],
    ['stopped', () => void sandbox.world.stopInstances({ instanceIds: everyone() })],
    ['drained by a tag', flip],
  ])('empties at the next run when all of it are %s', async (_, change) => {
    expect(await block()).toEqual({ exitCode: 0, addresses: everybody });
    change();
    expect(await block()).toEqual({ exitCode: 68, addresses: [] });
  });

  test('does not empty where EC2 does not say so (the control)', async () => {
    await block();
    flip();
    turn({ hidden: new Set(everyone()) })();
    expect(await block()).toEqual({ exitCode: 0, addresses: everybody });
  });

  test('does not empty where EC2 says so of one, and forgot the others in a pause', async () => {
    await block();
    sandbox.world.terminateInstances({ instanceIds: [id('a')] });
    turn({ hidden: new Set([id('b'), id('d')]) })();
    later(90 * minuteMs);
    expect(await block()).toEqual({ exitCode: 75, addresses: everybody });
    expect(await block()).toEqual({ exitCode: 75, addresses: everybody });
  });

  const terminate = (...names: readonly string[]): void =>
    void sandbox.world.terminateInstances({ instanceIds: names.map(id) });

  test('does not empty for a name that nobody has, whoever else is gone', async () => {
    const words = `hosts --group tphon --ready --write ${join(folder, 'hosts')}`;
    await block();
    terminate('a');
    const rest = everybody.filter((address) => address !== '10.0.0.10');
    expect(await block()).toEqual({ exitCode: 0, addresses: rest });
    expect((await run(`${words} --name wbe-*`)).exitCode).toBe(75);
    expect((await run(`${words} --not-tag status=ready`)).exitCode).toBe(75);
    expect(await block()).toEqual({ exitCode: 0, addresses: rest });
  });

  test('empties when all in it are gone, whoever without a name is left', async () => {
    sandbox.world.createTags({ resources: [id('b')], tags: [{ key: 'Name', value: '' }] });
    expect(await block()).toEqual({ exitCode: 0, addresses: ['10.0.0.10', '10.0.0.4'] });
    terminate('a', 'd');
    expect(await block()).toEqual({ exitCode: 68, addresses: [] });
  });

  test('is not made for nobody, and its end is told', async () => {
    const words = `hosts --group tphon --ready --write ${join(folder, 'hosts')}`;
    await block();
    terminate('a', 'b', 'd');
    expect((await run(words)).stderr).toContain('is empty now: EC2 has shown that all in it are');
    await rm(join(folder, 'hosts'));
    expect((await run(words)).exitCode).toBe(68);
    expect(existsSync(join(folder, 'hosts'))).toBe(false);
  });

  test('does not empty for another question of nobody (the control)', async () => {
    await block();
    flip();
    const { exitCode } = await run(`hosts --group tpho --ready --write ${join(folder, 'hosts')}`);
    expect(exitCode).toBe(75);
  });
});

describe('what is said', () => {
  const words = 'resolve --group tphon --ready';

  test('of those who are kept', async () => {
    await run(`${words} -o json`);
    turn({ hidden: new Set([id('a'), id('d')]) })();
    later(40 * minuteMs);
    const { exitCode, stdout, stderr } = await run(`${words} -o json`);
    expect(exitCode).toBe(0);
    expect(stderr).toBe(
      "nametag: 2 instances are not in EC2's answer, and nothing says that they are gone: " +
        'kept as last seen, up to 40 min ago (db-10, web-1).\n',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      stale: false,
      ageSeconds: 0,
      unconfirmed: [id('a'), id('d')].sort(),
    });
  });

  test('of an answer that is not of now', async () => {
    await run(`${words} -o json`);
    refuse('UnauthorizedOperation', 403)();
    later(40 * minuteMs);
    const { exitCode, stdout, stderr } = await run(`${words} -o json`);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/IAM does not allow .* This is the last good answer, 40 min old\.\n$/);
    const { stale, ageSeconds } = JSON.parse(stdout);
    expect({ stale, minutes: Math.round(ageSeconds / 60) }).toEqual({ stale: true, minutes: 40 });
  });

  test('of an answer that is too old', async () => {
    await run(words);
    refuse('UnauthorizedOperation', 403)();
    later(61 * minuteMs);
    const { exitCode, stdout, stderr } = await run(words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 77, stdout: '' });
    expect(stderr).toContain('The last answer is 61 min old, which is too old to go by.');
  });

  test('of those who are left out since nobody asked for long', async () => {
    await run(words);
    sandbox.world.terminateInstances({ instanceIds: [id('d')] });
    turn({ hidden: new Set([id('a'), id('d')]) })();
    later(90 * minuteMs);
    const { exitCode, stdout, stderr } = await run(words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '10.0.0.2\n' });
    expect(stderr).toBe(
      'nametag: 2 instances are left out without evidence: EC2 has not shown them for longer ' +
        `than --max-stale, up to 90 min (${[id('a'), id('d')].sort().join(', ')}).\n`,
    );
  });

  test('of those who are held back, with both numbers and the way out', async () => {
    await run(words);
    turn({ hidden: new Set([id('a'), id('d')]) })();
    later(40 * minuteMs);
    expect((await run(words)).exitCode).toBe(0);
    later(40 * minuteMs);
    const { exitCode, stdout, stderr } = await run(words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 75, stdout: '' });
    expect(stderr).toBe(
      "nametag: Could not take EC2's new answer in eu-west-1: it lacks 2 of 3 instances, for " +
        'longer than `--max-stale`, and nothing says that they are gone; at most 30 % may go so. ' +
        'Wait until EC2 shows them, or pass `--force` if they are gone.\n',
    );
    expect((await run(`${words} --force`)).stdout).toBe('10.0.0.2\n');
  });

  test('when a stored answer has nobody', async () => {
    await run('resolve --group nobody');
    const young = await run('resolve --group nobody --max-age 1m');
    expect(young.exitCode).toBe(68);
    expect(young.stderr).toContain('showed nobody 0 s ago; leave `--max-age` out to ask it again.');
    refuse('UnauthorizedOperation', 403)();
    const stale = await run('resolve --group nobody');
    expect(stale.exitCode).toBe(68);
    expect(stale.stderr).toContain('EC2 showed nobody 0 s ago, when it last answered.');
  });

  test('in another region is nothing to this one', async () => {
    await run(words);
    turn({ emptyAnswers: 1 })();
    expect((await run(`${words} --region us-east-1`)).exitCode).toBe(68);
    expect((await run(words)).stdout).toBe(`${everybody.join('\n')}\n`);
  });
});
