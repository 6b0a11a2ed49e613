import { describe, expect, test, vi } from 'vitest';
import type { Instance } from '../src/model/instance.ts';
import { defineServices } from '../src/model/service.ts';
import type { ServicesDifference } from '../src/model/service-change.ts';
import { openServices } from '../src/open-directory.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { FakeEc2, ready } from './helpers/fake-ec2.ts';
import { unhandledIn } from './helpers/unhandled.ts';

const services = defineServices({
  postgres: { group: 'tphon', pick: 'one' },
  search: { group: 'airavata', pick: 'all', min: 0 },
});
const tphon1 = ready('i-1', 'tphon', { privateIpAddress: '10.0.0.1' });
const tphon2 = ready('i-2', 'tphon', { privateIpAddress: '10.0.0.2' });
const airavata3 = ready('i-3', 'airavata', { privateIpAddress: '10.0.0.3' });
const airavata4 = ready('i-4', 'airavata', { privateIpAddress: '10.0.0.4' });

const drained = (one: Instance): Instance => ({
  ...one,
  tags: new Map([...one.tags, ['status', 'drain']]),
});

const idsIn = (list: readonly { readonly instanceId: string }[] = []): readonly string[] =>
  list.map(({ instanceId }) => instanceId);

async function open(...instances: readonly Instance[]) {
  const ec2 = new FakeEc2(...instances);
  const directory = await openServices(services, { ec2, clock: new ManualClock() });
  const told: ServicesDifference<typeof services>[] = [];
  const stop = directory.on('change', (difference) => told.push(difference));
  /** Refreshes with these there, and gives what was told since the last time. */
  const refreshed = async (...now: readonly Instance[]) => {
    ec2.instances = now;
    await directory.refresh();
    return told.splice(0);
  };
  return { ec2, directory, stop, refreshed };
}

describe('a change', () => {
  test('is told by service: who came, who went', async () => {
    const { refreshed } = await open(tphon1, tphon2, airavata3);
    const [difference, ...others] = await refreshed(drained(tphon1), tphon2, airavata3, airavata4);
    expect(others).toEqual([]);
    expect(Object.keys(difference ?? {})).toEqual(['postgres', 'search']);
    expect(idsIn(difference?.postgres?.added)).toEqual(['i-2']);
    expect(idsIn(difference?.postgres?.removed)).toEqual(['i-1']);
    expect(idsIn(difference?.search?.added)).toEqual(['i-4']);
    expect(difference?.search).toMatchObject({ removed: [], updated: [] });
  });

  test('of somebody who is not picked is none', async () => {
    const { refreshed } = await open(tphon1, tphon2);
    expect(await refreshed(tphon1, drained(tphon2))).toEqual([]);
    expect(await refreshed(tphon1)).toEqual([]);
  });

  test('of the last of a list leaves an empty one', async () => {
    const { refreshed, directory } = await open(tphon1, airavata3);
    const [difference] = await refreshed(tphon1, drained(airavata3));
    expect(idsIn(difference?.search?.removed)).toEqual(['i-3']);
    expect(directory.search).toEqual([]);
    expect(difference?.postgres).toBeUndefined();
  });

  test.each<[string, Partial<Instance>]>([
    ['address', { privateIpAddress: '10.9.9.9' }],
    ['zone', { availabilityZone: 'eu-west-1c' }],
    ['name', { tags: new Map([...airavata3.tags, ['Name', 'other']]) }],
    ['aliases', { tags: new Map([...airavata3.tags, ['nametag:aliases', 'cache/1']]) }],
  ])('is also another %s, told as it is now', async (_, fields) => {
    const { refreshed, directory } = await open(tphon1, airavata3);
    const [difference] = await refreshed(tphon1, { ...airavata3, ...fields });
    expect(difference?.search).toMatchObject({ added: [], removed: [] });
    expect(difference?.search?.updated).toEqual(directory.search);
  });

  test.each(['port', 'priority', 'weight'])('is also another %s of the tag', async (key) => {
    const named = defineServices({ db: { service: 'db', pick: 'all' } });
    const tagged = (value: number): Instance => ({
      ...tphon1,
      tags: new Map([...tphon1.tags, ['service:db', `${key}=${value}`]]),
    });
    const ec2 = new FakeEc2(tagged(2));
    const directory = await openServices(named, { ec2, clock: new ManualClock() });
    const listener = vi.fn<(difference: ServicesDifference<typeof named>) => void>();
    directory.on('change', listener);
    ec2.instances = [tagged(3)];
    await directory.refresh();
    expect(listener.mock.calls.map(([{ db }]) => db?.updated)).toEqual([directory.db]);
  });

  test('is told when the lookups are the new ones, before the refresh has ended', async () => {
    const { ec2, directory } = await open(tphon1, tphon2);
    const seen: string[] = [];
    directory.on('change', () => seen.push(directory.postgres.instanceId));
    ec2.instances = [drained(tphon1), tphon2];
    await directory.refresh();
    expect(seen).toEqual(['i-2']);
  });

  test('is none where the answer is the same, or there is no answer', async () => {
    const { ec2, directory, refreshed } = await open(tphon1, airavata3);
    expect(await refreshed(airavata3, tphon1)).toEqual([]);
    ec2.failure = new Error('EC2 is away');
    await expect(refreshed()).rejects.toThrow('EC2 is away');
    ec2.failure = undefined;
    await expect(refreshed(airavata3, drained(tphon1))).rejects.toThrow('postgres');
    expect(directory.postgres.instanceId).toBe('i-1');
    expect(await refreshed(tphon1, airavata3)).toEqual([]);
  });

  test('is not told any more to who has stopped to listen', async () => {
    const { stop, refreshed, directory } = await open(tphon1, tphon2);
    const listener = vi.fn<() => void>();
    const stopFirst = directory.on('change', listener);
    directory.on('change', listener);
    stopFirst();
    stop();
    expect(await refreshed(drained(tphon1), tphon2)).toEqual([]);
    // The same one twice is told twice, and stops one by one.
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('reaches the others and the caller when a listener throws', async () => {
    const { directory, refreshed } = await open(tphon1, tphon2);
    const mistake = new Error('a mistake of the listener');
    const last = vi.fn<() => void>();
    const heard = await unhandledIn(async () => {
      directory.on('change', () => {
        throw mistake;
      });
      directory.on('change', last);
      await refreshed(drained(tphon1), tphon2);
    });
    expect(heard).toEqual([mistake]);
    expect(last).toHaveBeenCalledTimes(1);
    expect(directory.postgres.instanceId).toBe('i-2');
  });

  test('is the one event, and of the services that were defined', async () => {
    const { directory } = await open(tphon1);
    // @ts-expect-error: no such event
    expect(() => directory.on('changes', () => {})).toThrow('Expected the event "change"');
    directory.on('change', (difference) => {
      // @ts-expect-error: no such service
      expect(difference.nobody).toBeUndefined();
    });
  });
});
