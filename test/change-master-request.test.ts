/** The request by which a follower asks the master to give way, while nobody answers it. */
import { expect, test } from 'vitest';
import { changeMaster } from '../src/change-master.ts';
import type { Instance } from '../src/model/instance.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { freeLock } from './helpers/claim-storm.ts';
import { FakeEc2 } from './helpers/fake-ec2.ts';
import { boot, instance } from './helpers/instances.ts';

const settleMs = 2000;
const follower = (tags: Readonly<Record<string, string>> = {}): Instance =>
  instance({ instanceId: 'i-2', tags: { 'nametag:claim': `held=db-slave-1 ${boot}`, ...tags } });
const master = (generation: number): Instance =>
  instance({
    instanceId: 'i-1',
    tags: { 'nametag:claim': `held=db-master ${boot} gen=${generation}` },
  });

/** What is written, and when; `onWrite` may change what EC2 shows, which is nothing of it else. */
async function written(
  first: readonly Instance[],
  onWrite: (ec2: FakeEc2, wants: string) => void = () => undefined,
): Promise<readonly (readonly [atMs: number, wants: string])[]> {
  const clock = new ManualClock();
  const fake = new FakeEc2(...first);
  const writes: [number, string][] = [];
  const ec2 = {
    region: fake.region,
    describeInstances: async () => {
      const answer = await fake.describeInstances([]);
      return { ...answer, takenAtMs: 20_000 + clock.monotonicMs() };
    },
    createTags: async (_: string, tags: ReadonlyMap<string, string>) => {
      const wants = tags.get('nametag:wants') ?? '';
      writes.push([clock.monotonicMs(), wants]);
      onWrite(fake, wants);
    },
  };
  const request = { instanceId: 'i-2', settleMs, patienceMs: 3 * settleMs };
  const ports = { ec2, clock, random: () => 0, lock: freeLock };
  const outcome = await clock.run(changeMaster(request, ports));
  expect(outcome).toMatchObject({ kind: 'held on', by: 'i-1', waitedMs: 3 * settleMs });
  return writes;
}

test('that is not to be seen is written again after each settle, as it was', async () => {
  const again = [0, 2000, 4000, 6000].map((atMs) => [atMs, 'db-master 20']);
  expect(await written([master(9), follower()])).toEqual(again);
});

test('that is to be seen is written once', async () => {
  const show = (ec2: FakeEc2, wants: string): void => {
    ec2.instances = [master(9), follower({ 'nametag:wants': wants })];
  };
  expect(await written([master(9), follower()], show)).toEqual([[0, 'db-master 20']]);
});

test.each([
  ['is above what the master has, of a run before, is not written', 'db-master 10', []],
  ['is not above it is written anew', 'db-master 9', 'db-master 20'],
  ['is for another name is written anew', 'db-slave-3 10', 'db-master 20'],
])('that %s', async (_, wants, expected) => {
  const writes = await written([master(9), follower({ 'nametag:wants': wants })]);
  expect(writes[0]?.[1] ?? []).toEqual(expected);
});

test('is written anew, and at once, above a generation that the master got meanwhile', async () => {
  const advance = (ec2: FakeEc2): void => {
    ec2.instances = [master(70), follower()];
  };
  const writes = await written([master(9), follower()], advance);
  expect(writes.slice(0, 3)).toEqual([
    [0, 'db-master 20'],
    [1000, 'db-master 71'],
    [3000, 'db-master 71'],
  ]);
});
