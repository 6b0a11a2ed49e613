import { describe, expect, test } from 'vitest';
import { isNametagError, NametagError } from '../src/errors.ts';
import { systemClock } from '../src/host/clock.ts';
import { type OpenDirectoryOptions, openDirectory } from '../src/library.ts';
import { defineServices, type ServiceDefinitions } from '../src/model/service.ts';
import { openServices } from '../src/open-directory.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { FakeEc2, ready, withResolvers } from './helpers/fake-ec2.ts';
import { unhandledIn } from './helpers/unhandled.ts';

const clock = new ManualClock();
const services = defineServices({
  postgres: { group: 'tphon', port: 5432, pick: 'one' },
  search: { group: 'airavata', port: 9200, pick: 'all' },
  spare: { group: 'spare', pick: 'all', min: 0 },
});
const tphon1 = ready('i-1', 'tphon', { privateIpAddress: '10.0.0.1' });
const tphon2 = ready('i-2', 'tphon', { privateIpAddress: '10.0.0.2' });
const airavata3 = ready('i-3', 'airavata', { privateIpAddress: '10.0.0.3' });
const airavata4 = ready('i-4', 'airavata', { privateIpAddress: '10.0.0.4' });

describe('openServices', () => {
  test('resolves all services from one read', async () => {
    const ec2 = new FakeEc2(tphon1, tphon2, airavata3);
    const directory = await openServices(services, { ec2, clock });
    expect(directory.postgres).toMatchObject({
      host: '10.0.0.1',
      port: 5432,
      name: 'tphon-1',
      instanceId: 'i-1',
      availabilityZone: 'eu-west-1a',
    });
    expect(directory.search.map((e) => e.url('http'))).toEqual(['http://10.0.0.3:9200']);
    expect(directory.spare).toEqual([]);
    expect(Object.keys(directory)).toEqual([
      'refresh',
      'on',
      'close',
      'postgres',
      'search',
      'spare',
    ]);
    // One query a service, then one call for whoever else says one of the names.
    expect(ec2.asked).toHaveLength(2);
    expect(ec2.asked[0]?.map((query) => query.groups)).toEqual([
      ['tphon'],
      ['airavata'],
      ['spare'],
    ]);
  });

  test('gives the same value at each lookup, and nothing to change', async () => {
    const directory = await openServices(services, { ec2: new FakeEc2(tphon1, airavata3), clock });
    expect(directory.postgres).toBe(directory.postgres);
    expect(directory.search).toBe(directory.search);
    for (const value of [directory, directory.postgres, directory.search]) {
      expect(value).toSatisfy(Object.isFrozen);
    }
    expect(() => Object.assign(directory, { postgres: undefined })).toThrow(TypeError);
  });

  test('tells a service with nobody in it', async () => {
    const opening = openServices(services, { ec2: new FakeEc2(tphon1), clock });
    const message =
      'Could not resolve service "search" in eu-west-1: 0 running instances are in group ' +
      '"airavata" and are ready, at least 1 needed. Tag one so, or change what the service is ' +
      'defined as.';
    await expect(opening).rejects.toMatchObject({ code: 'NAMETAG_NO_ENDPOINT', message });
  });

  test('passes on what EC2 throws', async () => {
    const ec2 = new FakeEc2();
    ec2.failure = new NametagError('NAMETAG_NO_REGION', {});
    await expect(openServices(services, { ec2, clock })).rejects.toBe(ec2.failure);
  });

  test('opens nothing when its signal has ended', async () => {
    const reason = new Error('enough');
    const opening = openServices(
      services,
      { ec2: new FakeEc2(), clock },
      { signal: AbortSignal.abort(reason) },
    );
    await expect(opening).rejects.toBe(reason);
  });
});

describe('refresh', () => {
  test('replaces all lookups at once, and no endpoint that was read before', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    const directory = await openServices(services, { ec2, clock });
    const before = { postgres: directory.postgres, search: directory.search };
    ec2.instances = [tphon2, airavata3, airavata4];
    await directory.refresh();
    expect(before.postgres.host).toBe('10.0.0.1');
    expect(before.search).toHaveLength(1);
    expect(directory.postgres.host).toBe('10.0.0.2');
    expect(directory.search.map((e) => e.host)).toEqual(['10.0.0.3', '10.0.0.4']);
  });

  test.each([
    [
      'one service has nobody',
      (ec2: FakeEc2) => {
        ec2.instances = [tphon2];
      },
      'NAMETAG_NO_ENDPOINT',
    ],
    [
      'EC2 cannot be asked',
      (ec2: FakeEc2) => {
        ec2.failure = new NametagError('NAMETAG_NO_REGION', {});
      },
      'NAMETAG_NO_REGION',
    ],
  ] as const)('keeps all lookups when %s, and can be called again', async (_, change, code) => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    const directory = await openServices(services, { ec2, clock });
    const { postgres, search } = directory;
    change(ec2);
    await expect(directory.refresh()).rejects.toSatisfy((error) => isNametagError(error, code));
    expect(directory.postgres).toBe(postgres);
    expect(directory.search).toBe(search);
    ec2.failure = undefined;
    ec2.instances = [tphon2, airavata4];
    await directory.refresh();
    expect(directory.postgres.host).toBe('10.0.0.2');
  });

  test('is shared by calls while one is under way', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    const directory = await openServices(services, { ec2, clock });
    const callsBefore = ec2.asked.length;
    const { promise, resolve } = withResolvers();
    ec2.held = promise;
    const refreshes = [directory.refresh(), directory.refresh()];
    expect(refreshes[1]).toBe(refreshes[0]);
    expect(ec2.asked).toHaveLength(callsBefore + 1);
    expect(directory.postgres.host).toBe('10.0.0.1');
    ec2.instances = [tphon2, airavata3];
    resolve();
    await Promise.all(refreshes);
    expect(directory.postgres.host).toBe('10.0.0.2');
    ec2.held = undefined;
    expect(directory.refresh()).not.toBe(refreshes[0]);
  });
});

describe('the guard of a refresh', () => {
  test('keeps whom EC2 does not show, until it says that they are gone', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3, airavata4);
    const directory = await openServices(services, { ec2, clock });
    ec2.forgetful = true;
    ec2.instances = [];
    await directory.refresh();
    expect(directory.postgres.host).toBe('10.0.0.1');
    expect(directory.search).toHaveLength(2);
    ec2.forgetful = false;
    ec2.instances = [tphon1, airavata4];
    await directory.refresh();
    expect(directory.search.map((e) => e.host)).toEqual(['10.0.0.4']);
  });

  test('lets them go without evidence when it is told to (the control)', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3, airavata4);
    const directory = await openServices(services, { ec2, clock });
    ec2.forgetful = true;
    ec2.instances = [tphon1, airavata4];
    await directory.refresh({ force: true });
    expect(directory.search.map((e) => e.host)).toEqual(['10.0.0.4']);
  });
});

describe('a directory that refreshes by itself', () => {
  const everyMs = 60_000;

  /** Opens one on a clock that the test turns, and tells what it hears. */
  async function open(ec2: FakeEc2, chance = 0.5) {
    const clock = new ManualClock();
    const heard: string[] = [];
    const directory = await openServices(
      services,
      { ec2, clock },
      {
        fresh: {
          ...{ everyMs, random: () => chance },
          onRefresh: () => heard.push(`${clock.monotonicMs() / 1000} ${directory.postgres.host}`),
          onError: (error) => {
            const code = isNametagError(error) ? error.code : error;
            heard.push(`${clock.monotonicMs() / 1000} ${code} ${directory.postgres.host}`);
          },
        },
      },
    );
    return { clock, heard, directory };
  }

  test('shows what is new, and tells when', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    const { clock, heard, directory } = await open(ec2);
    await clock.advance(40_000);
    ec2.instances = [tphon2, airavata3];
    await clock.advance(60_000);
    expect(directory.postgres.host).toBe('10.0.0.2');
    expect(heard).toEqual(['32.5 10.0.0.1', '92.5 10.0.0.2']);
  });

  test.each([
    [0, [5, 50, 95]],
    [0.999, [60, 135, 210]],
  ])('waits by chance, so that a fleet parts: %d', async (chance, times) => {
    const { clock, heard } = await open(new FakeEc2(tphon1, airavata3), chance);
    await clock.advance(220_000);
    expect(heard.map((text) => Math.round(Number.parseFloat(text))).slice(0, 3)).toEqual(times);
  });

  test('keeps what it has when EC2 fails, asks less and less often, and goes on', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    const { clock, heard } = await open(ec2);
    ec2.failure = new NametagError('NAMETAG_NO_REGION', {});
    await clock.advance(1_200_000);
    const told = [32.5, 152.5, 392.5, 692.5, 992.5].map((at) => `${at} NAMETAG_NO_REGION 10.0.0.1`);
    expect(heard).toEqual(told);
    ec2.failure = undefined;
    await clock.advance(200_000);
    expect(heard.slice(5)).toEqual(['1292.5 10.0.0.1', '1352.5 10.0.0.1']);
  });

  test('goes on when a callback throws, which is an unhandled rejection', async () => {
    const heard = await unhandledIn(async () => {
      const ec2 = new FakeEc2(tphon1, airavata3);
      const clock = new ManualClock();
      const fail = (): void => {
        throw new Error('mine');
      };
      const fresh = { everyMs, random: () => 0.5, onRefresh: fail, onError: fail };
      const directory = await openServices(services, { ec2, clock }, { fresh });
      await clock.advance(40_000);
      ec2.failure = new NametagError('NAMETAG_NO_REGION', {});
      await clock.advance(60_000);
      ec2.failure = undefined;
      ec2.instances = [tphon2, airavata3];
      await clock.advance(300_000);
      expect(directory.postgres.host).toBe('10.0.0.2');
    });
    expect(heard.length).toBeGreaterThan(2);
    expect(new Set(heard.map(String))).toEqual(new Set(['Error: mine']));
  });

  test('asks no more when it is closed, also while it asks', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    const { clock, heard, directory } = await open(ec2);
    ec2.held = withResolvers().promise;
    await clock.advance(40_000);
    const asked = ec2.asked.length;
    directory.close();
    await clock.advance(600_000);
    expect([ec2.asked.length, heard]).toEqual([asked, []]);
  });

  test('leaves alone what nobody asked it to keep fresh (the control)', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    await openServices(services, { ec2, clock });
    const asked = ec2.asked.length;
    await clock.advance(600_000);
    expect(ec2.asked).toHaveLength(asked);
  });
});

describe('close', () => {
  test('ends a refresh that is under way, and keeps the lookups', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    const directory = await openServices(services, { ec2, clock });
    ec2.held = withResolvers().promise;
    const refreshing = directory.refresh();
    directory.close();
    await expect(refreshing).rejects.toThrow('The directory was closed.');
    expect(directory.postgres.host).toBe('10.0.0.1');
    directory.close();
    await expect(directory.refresh()).rejects.toThrow('The directory was closed.');
  });
});

describe('openDirectory', () => {
  test('opens services over an EC2 that it is given', async () => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    const directory = await openDirectory({ services, ec2 });
    expect(directory.postgres.name).toBe('tphon-1');
  });

  test('does not keep the process from ending by its refreshes', async () => {
    const active = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = active();
    const ec2 = new FakeEc2(tphon1, airavata3);
    const directory = await openDirectory({ services, ec2, refreshEveryMs: 3_600_000 });
    expect(active()).toBe(before);
    const awake = new AbortController();
    const waiting = systemClock.wait(3_600_000, { signal: awake.signal });
    // The control: a wait that does.
    expect(active()).toBe(before + 1);
    awake.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    directory.close();
  });

  test.each<Partial<OpenDirectoryOptions<typeof services>>>([
    { refreshEveryMs: 999 },
    { refreshEveryMs: 86_400_001 },
    { refreshEveryMs: Number.NaN },
    { refreshEveryMs: '30000' as unknown as number },
    { maxStaleMs: -1 },
    { maxStaleMs: Number.NaN },
    { maxRemove: 30 },
    { maxRemove: -0.1 },
    { refreshEvery: 30_000 } as object,
    { services: undefined as unknown as typeof services },
    { onRefresh: () => undefined },
    { onError: () => undefined },
  ])('refuses %o, before it asks', async (options) => {
    const ec2 = new FakeEc2(tphon1, airavata3);
    await expect(openDirectory({ services, ec2, ...options })).rejects.toThrow(TypeError);
    expect(ec2.asked).toEqual([]);
  });

  test.each<[ServiceDefinitions, string]>([
    [{ db: { group: '', pick: 'one' } }, 'to have a `group` that is a name or an id'],
    [{}, 'at least one service'],
  ])('refuses the definitions %j, before it asks', async (definitions, problem) => {
    const ec2 = new FakeEc2();
    await expect(openDirectory({ services: definitions, ec2 })).rejects.toThrow(problem);
    expect(ec2.asked).toEqual([]);
  });
});
