/** A fleet of several pages over HTTP, from an EC2 that takes its time and one that does not. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ec2Gateway } from '../../src/ec2/gateway.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret-key' };
let sandbox: Sandbox;

beforeEach(async () => {
  const fleet = { region: 'eu-west-1', groups: [], instances: [] };
  sandbox = await startSandbox({ fleet, knobs: { settleMaxMs: 0 }, now: () => 0 });
  for (let i = 0; i < 2_300; i += 1) sandbox.world.place({});
});

afterEach(async () => {
  vi.restoreAllMocks();
  await sandbox.close();
});

/** Reads all of it, by a clock that goes on by so much whenever somebody looks at it. */
async function read(stepMs: number): Promise<{ ids: string[]; asked: unknown[] }> {
  let nowNs = 0n;
  vi.spyOn(process.hrtime, 'bigint').mockImplementation(() => {
    nowNs += BigInt(stepMs) * 1_000_000n;
    return nowNs;
  });
  const requests = vi.spyOn(sandbox.world, 'describeInstances');
  const ec2 = ec2Gateway({ region: 'eu-west-1', endpoint: sandbox.endpoint, env });
  const { instances } = await ec2.describeInstances([{ states: ['running'] }]);
  const asked = requests.mock.calls.map(
    ([{ filters = [] }]) => filters.find(({ name }) => name === 'instance-id')?.values,
  );
  return { ids: instances.map(({ instanceId }) => instanceId), asked };
}

test('is read in four streams when its first page was slow to come', async () => {
  const { ids, asked } = await read(50);
  expect(ids).toEqual(
    sandbox
      .instances()
      .map(({ facts }) => facts.instanceId)
      .sort(),
  );
  // The four are under way at once, and arrive in any order.
  expect(asked.map(String).sort()).toEqual([
    '*0,*1,*2,*3',
    '*4,*5,*6,*7',
    '*8,*9,*a,*b',
    '*c,*d,*e,*f',
    'undefined',
  ]);
});

test('is read page after page when it was not', async () => {
  const { ids, asked } = await read(49);
  expect(ids).toHaveLength(2_300);
  expect(asked).toEqual([undefined, undefined, undefined]);
});
