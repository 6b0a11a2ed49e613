import { describe, expect, test } from 'vitest';
import { NametagError } from '../src/errors.ts';
import { defineServices } from '../src/model/service.ts';
import { openServices } from '../src/open-directory.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { FakeEc2, ready, withResolvers } from './helpers/fake-ec2.ts';

const services = defineServices({ search: { group: 'airavata', pick: 'all' } });
const airavata3 = ready('i-3', 'airavata', { privateIpAddress: '10.0.0.3' });
const airavata4 = ready('i-4', 'airavata', { privateIpAddress: '10.0.0.4' });

describe('a forced refresh behind one without force', () => {
  const open = async () => {
    const ec2 = new FakeEc2(airavata3, airavata4);
    const directory = await openServices(services, { ec2, clock: new ManualClock() });
    ec2.forgetful = true;
    ec2.instances = [airavata4];
    const { promise, resolve } = withResolvers();
    ec2.held = promise;
    const before = ec2.asked.length;
    const hosts = () => directory.search.map(({ host }) => host);
    return { ec2, directory, resolve, hosts, asked: () => ec2.asked.length - before };
  };

  test('is made after that, once for all who ask for it meanwhile', async () => {
    const { directory, resolve, hosts, asked } = await open();
    const plain = directory.refresh();
    const forced = directory.refresh({ force: true });
    expect(forced).not.toBe(plain);
    expect(directory.refresh({ force: true })).toBe(forced);
    expect(directory.refresh()).toBe(plain);
    expect(asked()).toBe(1);
    resolve();
    await plain;
    expect(hosts()).toEqual(['10.0.0.3', '10.0.0.4']);
    // It is the one under way now, and nobody begins another beside it.
    expect(directory.refresh()).toBe(forced);
    expect(directory.refresh({ force: true })).toBe(forced);
    await forced;
    expect(hosts()).toEqual(['10.0.0.4']);
    expect(directory.refresh()).not.toBe(forced);
  });

  test('is made too when that fails', async () => {
    const { ec2, directory, resolve, hosts } = await open();
    const failure = new NametagError('NAMETAG_NO_REGION', {});
    ec2.failure = failure;
    const told = directory.refresh().catch((error: unknown) => {
      ec2.failure = undefined;
      return error;
    });
    const forced = directory.refresh({ force: true });
    resolve();
    expect(await told).toBe(failure);
    await forced;
    expect(hosts()).toEqual(['10.0.0.4']);
  });

  test('ends with it when the directory is closed', async () => {
    const { directory, hosts } = await open();
    const refreshes = [directory.refresh(), directory.refresh({ force: true })];
    directory.close();
    for (const ended of await Promise.allSettled(refreshes)) {
      expect(ended).toMatchObject({ reason: { message: 'The directory was closed.' } });
    }
    expect(hosts()).toEqual(['10.0.0.3', '10.0.0.4']);
  });

  test('is shared like any other when it is under way itself', async () => {
    const { directory, resolve, hosts, asked } = await open();
    const forced = directory.refresh({ force: true });
    expect(directory.refresh({ force: true })).toBe(forced);
    expect(directory.refresh()).toBe(forced);
    expect(asked()).toBe(1);
    resolve();
    await forced;
    expect(hosts()).toEqual(['10.0.0.4']);
  });
});
