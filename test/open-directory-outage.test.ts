import { describe, expect, test } from 'vitest';
import { NametagError } from '../src/errors.ts';
import { defineServices } from '../src/model/service.ts';
import { openServices } from '../src/open-directory.ts';
import type { Ec2 } from '../src/ports.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { FakeEc2, ready } from './helpers/fake-ec2.ts';

const services = defineServices({ search: { group: 'airavata', pick: 'all' } });
const fleet = [1, 2, 3, 4, 5, 6].map((n) =>
  ready(`i-${n}`, 'airavata', { privateIpAddress: `10.0.0.${n}` }),
);
const hourMs = 3_600_000;
const outage = new NametagError('NAMETAG_NO_REGION', {});

/** Opens a directory over an EC2 that dates its answers, and knows nobody by id. */
async function open() {
  const clock = new ManualClock();
  const fake = new FakeEc2(...fleet);
  fake.forgetful = true;
  const ec2: Ec2 = {
    region: fake.region,
    describeInstances: async (...asked) => {
      const takenAtMs = clock.wallMs();
      return { ...(await fake.describeInstances(...asked)), takenAtMs };
    },
    createTags: () => fake.createTags(),
  };
  const directory = await openServices(services, { ec2, clock });
  const refresh = () => directory.refresh().catch((error: unknown) => error);
  return { clock, fake, directory, refresh };
}

describe('the first answer to a directory', () => {
  test('is guarded as any other after an outage, however long that was', async () => {
    const { clock, fake, directory, refresh } = await open();
    fake.failure = outage;
    for (let hours = 0; hours < 6; hours++) {
      await clock.advance(hourMs / 2);
      expect(await refresh()).toBe(outage);
    }
    fake.failure = undefined;
    fake.instances = fleet.slice(0, 1);
    await clock.advance(hourMs / 2);
    expect(await refresh()).toMatchObject({
      code: 'NAMETAG_GUARD_HELD',
      details: { unseen: 5, members: 6 },
    });
    expect(directory.search).toHaveLength(6);
    await clock.advance(2 * hourMs);
    fake.instances = fleet.slice(0, 5);
    await refresh();
    expect(directory.search).toHaveLength(5);
  });

  test('lets go of whom EC2 does not know when nobody asked meanwhile (the control)', async () => {
    const { clock, fake, directory, refresh } = await open();
    fake.instances = fleet.slice(0, 1);
    await clock.advance(4 * hourMs);
    expect(await refresh()).toBeUndefined();
    expect(directory.search.map(({ host }) => host)).toEqual(['10.0.0.1']);
  });

  test('does so too when somebody asked in vain, and nobody since for as long', async () => {
    const { clock, fake, directory, refresh } = await open();
    fake.failure = outage;
    await refresh();
    fake.failure = undefined;
    fake.instances = fleet.slice(0, 1);
    await clock.advance(4 * hourMs);
    expect(await refresh()).toBeUndefined();
    expect(directory.search).toHaveLength(1);
  });
});
