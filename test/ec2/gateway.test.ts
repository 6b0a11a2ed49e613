import { CreateTagsCommand, DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ec2Gateway } from '../../src/ec2/gateway.ts';
import type { Instance } from '../../src/model/instance.ts';

const sdk = mockClient(EC2Client);
const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' };
const endpoint = 'http://127.0.0.1:1';
const gateway = () => ec2Gateway({ region: 'eu-west-1', endpoint, env });

beforeEach(() => {
  sdk.reset();
  sdk.onAnyCommand().rejects(new TypeError('Not expected by this test.'));
});
afterEach(() => {
  vi.useRealTimers();
});

const instance = (instanceId: string, launchTimeMs = 0): Instance => ({
  instanceId,
  state: 'running',
  launchTimeMs,
  launchIndex: 0,
  instanceType: undefined,
  availabilityZone: undefined,
  vpcId: undefined,
  subnetId: undefined,
  privateIpAddress: undefined,
  publicIpAddress: undefined,
  ipv6Addresses: [],
  privateDnsName: undefined,
  publicDnsName: undefined,
  securityGroups: [],
  tags: new Map(),
});
/** What sending a command of ours gives: the page that was read, with what the SDK adds. */
const pageWith = (instances: readonly Instance[], nextToken?: string) => ({
  $metadata: {},
  page: { instances, nextToken },
});
const page = (ids: readonly string[], nextToken?: string) =>
  pageWith(
    ids.map((id) => instance(id)),
    nextToken,
  );
const ec2Error = (Code: string, status = 400, message = 'Told by EC2.') =>
  Object.assign(new Error(message), { name: Code, Code, $metadata: { httpStatusCode: status } });

describe('describeInstances', () => {
  test('reads every page, also after an empty one', async () => {
    sdk
      .on(DescribeInstancesCommand)
      .resolvesOnce(page(['i-3', 'i-1'], 'one'))
      .resolvesOnce(page([], 'two'))
      .resolvesOnce(page(['i-2']));
    const snapshot = await gateway().describeInstances([{}]);
    expect(snapshot.region).toBe('eu-west-1');
    expect(snapshot.instances.map(({ instanceId }) => instanceId)).toEqual(['i-1', 'i-2', 'i-3']);
    expect(sdk.commandCalls(DescribeInstancesCommand).map(({ args }) => args[0].input)).toEqual([
      { MaxResults: 1000 },
      { MaxResults: 1000, NextToken: 'one' },
      { MaxResults: 1000, NextToken: 'two' },
    ]);
  });

  // A part of an answer is never given out: with 4 pages, each one fails in its turn.
  test.each([1, 2, 3, 4])('fails whole when page %i of 4 fails', async (failing) => {
    for (let number = 1; number <= 4; number += 1) {
      const next = number < 4 ? `token ${number}` : undefined;
      const stub = sdk.on(DescribeInstancesCommand, {
        ...(number > 1 && { NextToken: `token ${number - 1}` }),
      });
      if (number === failing) stub.rejects(ec2Error('InternalError', 500));
      else stub.resolves(page([`i-${number}`], next));
    }
    await expect(gateway().describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNREACHABLE',
    });
  });

  test('sees the last page, when none fails (the control)', async () => {
    sdk.on(DescribeInstancesCommand).resolves(page(['i-1'], 'a'));
    sdk.on(DescribeInstancesCommand, { NextToken: 'a' }).resolves(page(['i-2']));
    expect((await gateway().describeInstances([{}])).instances).toHaveLength(2);
  });

  test('takes an instance that is on two pages from the later one', async () => {
    sdk
      .on(DescribeInstancesCommand)
      .resolvesOnce(pageWith([instance('i-1', 1)], 'a'))
      .resolvesOnce(pageWith([instance('i-1', 2)]));
    const { instances } = await gateway().describeInstances([{}]);
    expect(instances).toMatchObject([{ instanceId: 'i-1', launchTimeMs: 2 }]);
  });

  test('puts the answers of all requests together', async () => {
    const ids = Array.from({ length: 450 }, (_, index) => `i-${index}`);
    sdk.on(DescribeInstancesCommand).callsFake(({ Filters }) => page(Filters[0].Values));
    const { instances } = await gateway().describeInstances([
      { instanceIds: ids },
      { vpcIds: ['i-other'] },
    ]);
    expect(sdk.commandCalls(DescribeInstancesCommand)).toHaveLength(4);
    expect(instances).toHaveLength(451);
  });

  test('makes at most four requests at once', async () => {
    let underWay = 0;
    let most = 0;
    sdk.on(DescribeInstancesCommand).callsFake(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      return page([]);
    });
    const queries = Array.from({ length: 9 }, (_, index) => ({ vpcIds: [`vpc-${index}`] }));
    await gateway().describeInstances(queries);
    expect(most).toBe(4);
  });

  test('ends the other requests when one fails', async () => {
    sdk.on(DescribeInstancesCommand).callsFake(async ({ Filters }) => {
      if (Filters[0].Name === 'vpc-id') throw ec2Error('UnauthorizedOperation', 403);
      return new Promise(() => {});
    });
    await expect(
      gateway().describeInstances([{ availabilityZones: ['a'] }, { vpcIds: ['vpc-1'] }]),
    ).rejects.toMatchObject({
      code: 'NAMETAG_EC2_DENIED',
      details: { iamAction: 'ec2:DescribeInstances' },
    });
    const [hanging] = sdk.commandCalls(DescribeInstancesCommand);
    const [, options]: readonly unknown[] = hanging?.args ?? [];
    expect(options).toMatchObject({ abortSignal: { aborted: true } });
  });

  test('refuses a token that was followed already', async () => {
    sdk.on(DescribeInstancesCommand).resolves(page(['i-1'], 'again'));
    await expect(gateway().describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_MALFORMED',
      details: { fact: 'it names a page that was read already' },
    });
    expect(sdk.commandCalls(DescribeInstancesCommand)).toHaveLength(2);
  });

  test('stops after ten thousand pages', async () => {
    let number = 0;
    sdk.on(DescribeInstancesCommand).callsFake(() => {
      number += 1;
      return page([], `token ${number}`);
    });
    await expect(gateway().describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_MALFORMED',
    });
    expect(number).toBe(10_001);
  });

  test('refuses no query and an empty condition before anything is sent', async () => {
    await expect(gateway().describeInstances([])).rejects.toThrow(TypeError);
    await expect(gateway().describeInstances([{ instanceIds: [] }])).rejects.toThrow(TypeError);
    expect(sdk.calls()).toEqual([]);
  });

  test('is as old as its first call', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 5_000 });
    sdk.on(DescribeInstancesCommand).callsFake(() => {
      vi.setSystemTime(9_000);
      return page([]);
    });
    expect((await gateway().describeInstances([{}])).takenAtMs).toBe(5_000);
  });

  describe('where groups cannot be filtered by', () => {
    const webPage = Object.assign(new Error('parse error'), {
      $metadata: { httpStatusCode: 500, attempts: 3 },
    });
    const group = { Name: 'network-interface.group-name', Values: ['tphon'] };
    const vpc = { Name: 'vpc-id', Values: ['vpc-1'] };

    test('asks once more without that filter', async () => {
      sdk.on(DescribeInstancesCommand, { Filters: [vpc, group] }).rejects(webPage);
      sdk.on(DescribeInstancesCommand, { Filters: [vpc] }).resolves(page(['i-1']));
      const { instances } = await gateway().describeInstances([
        { groups: ['tphon'], vpcIds: ['vpc-1'] },
      ]);
      expect(instances).toHaveLength(1);
      expect(sdk.commandCalls(DescribeInstancesCommand)).toHaveLength(2);
    });

    test('fails when the second question fails too', async () => {
      sdk.on(DescribeInstancesCommand).rejects(webPage);
      await expect(gateway().describeInstances([{ groups: ['tphon'] }])).rejects.toMatchObject({
        code: 'NAMETAG_EC2_UNREACHABLE',
      });
      expect(sdk.commandCalls(DescribeInstancesCommand)).toHaveLength(2);
    });

    test.each([
      ['EC2 itself failed', { groups: ['tphon'] }, ec2Error('InternalError', 500)],
      ['no group was asked for', { vpcIds: ['vpc-1'] }, webPage],
    ])('does not ask again when %s', async (_, query, error) => {
      sdk.on(DescribeInstancesCommand).rejects(error);
      await expect(gateway().describeInstances([query])).rejects.toMatchObject({
        code: 'NAMETAG_EC2_UNREACHABLE',
      });
      expect(sdk.commandCalls(DescribeInstancesCommand)).toHaveLength(1);
    });
  });
});

describe('createTags', () => {
  test('writes all tags of one instance in one call', async () => {
    sdk.on(CreateTagsCommand).resolves({});
    await gateway().createTags(
      'i-1',
      new Map([
        ['Name', 'web-1'],
        ['status', ''],
      ]),
    );
    expect(sdk.commandCalls(CreateTagsCommand).map(({ args }) => args[0].input)).toEqual([
      {
        Resources: ['i-1'],
        Tags: [
          { Key: 'Name', Value: 'web-1' },
          { Key: 'status', Value: '' },
        ],
      },
    ]);
  });

  test('refuses to write no tags', async () => {
    await expect(gateway().createTags('i-1', new Map())).rejects.toThrow(TypeError);
    expect(sdk.calls()).toEqual([]);
  });

  test('writes the same again until EC2 knows the instance and is not busy', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: false });
    sdk
      .on(CreateTagsCommand)
      .rejectsOnce(ec2Error('InvalidInstanceID.NotFound'))
      .rejectsOnce(ec2Error('ConcurrentTagAccess'))
      .resolvesOnce({});
    const written = gateway().createTags('i-1', new Map([['Name', 'web-1']]));
    await advanceUntil(written);
    const inputs = sdk.commandCalls(CreateTagsCommand).map(({ args }) => args[0].input);
    expect(inputs).toHaveLength(3);
    expect(new Set(inputs.map((input) => JSON.stringify(input))).size).toBe(1);
  });

  test.each([
    ['InvalidInstanceID.NotFound', 'NAMETAG_INSTANCE_NOT_FOUND'],
    ['ConcurrentTagAccess', 'NAMETAG_EC2_BUSY'],
  ])('gives up after five times %s', async (awsCode, code) => {
    vi.useFakeTimers();
    sdk.on(CreateTagsCommand).rejects(ec2Error(awsCode));
    const written = gateway().createTags('i-1', new Map([['Name', 'web-1']]));
    await expect(advanceUntil(written)).rejects.toMatchObject({ code });
    const { length } = sdk.commandCalls(CreateTagsCommand);
    expect(length).toBeGreaterThanOrEqual(4);
    expect(length).toBeLessThanOrEqual(5);
  });

  test.each([
    'UnauthorizedOperation',
    'RequestLimitExceeded',
    'TagLimitExceeded',
    'InvalidParameterValue',
  ])('does not write again after %s', async (awsCode) => {
    sdk.on(CreateTagsCommand).rejects(ec2Error(awsCode));
    await expect(gateway().createTags('i-1', new Map([['a', 'b']]))).rejects.toMatchObject({
      name: 'NametagError',
    });
    expect(sdk.commandCalls(CreateTagsCommand)).toHaveLength(1);
  });

  test('stops waiting when its caller does', async () => {
    const stop = new AbortController();
    sdk.on(CreateTagsCommand).callsFake(() => {
      setImmediate(() => stop.abort('enough'));
      throw ec2Error('ConcurrentTagAccess');
    });
    const { signal } = stop;
    await expect(gateway().createTags('i-1', new Map([['a', 'b']]), { signal })).rejects.toBe(
      'enough',
    );
    expect(sdk.commandCalls(CreateTagsCommand)).toHaveLength(1);
  });
});

describe('every call', () => {
  const hang = () => {
    sdk.onAnyCommand().callsFake(() => new Promise(() => {}));
  };
  const calls = [
    [
      'describeInstances',
      (ec2: ReturnType<typeof gateway>, signal?: AbortSignal) =>
        ec2.describeInstances([{}], { signal }),
    ],
    [
      'createTags',
      (ec2: ReturnType<typeof gateway>, signal?: AbortSignal) =>
        ec2.createTags('i-1', new Map([['a', 'b']]), { signal }),
    ],
  ] as const;

  test.each(calls)('%s throws the reason of its caller', async (_, call) => {
    hang();
    const stop = new AbortController();
    const ended = call(gateway(), stop.signal);
    stop.abort('enough');
    await expect(ended).rejects.toBe('enough');
    await expect(call(gateway(), AbortSignal.abort('before'))).rejects.toBe('before');
  });

  test.each(calls)('%s ends with its deadline', async (_, call) => {
    hang();
    const ec2 = ec2Gateway({ region: 'eu-west-1', endpoint, env, deadlineMs: 5 });
    await expect(call(ec2)).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNREACHABLE',
      details: { fact: 'no answer within 5 ms', endpoint },
    });
  });

  test.each(calls)('%s leaves nothing on the signal of its caller', async (_, call) => {
    sdk.onAnyCommand().resolves(page([]));
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await call(gateway(), signal);
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(
      expect.arrayContaining(added.mock.calls.map(([, listener]) => listener)),
    );
  });
});

/** Turns the fake clock until the promise has settled. */
async function advanceUntil<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => {});
  for (let turn = 0; turn < 1_000 && !settled; turn += 1) await vi.advanceTimersByTimeAsync(100);
  return watched;
}
