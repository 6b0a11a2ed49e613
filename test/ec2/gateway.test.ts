import { CreateTagsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Client, createClient } from '../../src/ec2/client.ts';
import type { DescribePage } from '../../src/ec2/describe-reader.ts';
import { clientGateway } from '../../src/ec2/gateway.ts';
import { Refusal } from '../../src/ec2/refusal.ts';
import type { Instance } from '../../src/model/instance.ts';

const sdk = mockClient(EC2Client);
const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' };
const endpoint = 'http://127.0.0.1:1';
const region = 'eu-west-1';
// What goes over the wire is in wire.test.ts; here it is what is made of whole pages.
const askForPage = vi.fn<Client['describePage']>();
const gateway = (deadlineMs = 30_000) =>
  clientGateway({
    region,
    deadlineMs,
    openClient: async () => ({
      ...createClient({ region, endpoint, env }),
      describePage: askForPage,
    }),
  });

beforeEach(() => {
  sdk.reset();
  sdk.onAnyCommand().rejects(unexpected);
  askForPage.mockReset().mockRejectedValue(unexpected);
});
const unexpected = new TypeError('Not expected by this test.');
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
const page = (ids: readonly string[], nextToken?: string): DescribePage => ({
  instances: ids.map((id) => instance(id)),
  nextToken,
});
/** What was asked for, request by request. */
const asked = () => askForPage.mock.calls.map(([filters, token]) => ({ filters, token }));
const ec2Error = (Code: string, status = 400, message = 'Told by EC2.') =>
  Object.assign(new Error(message), { name: Code, Code, $metadata: { httpStatusCode: status } });

describe('describeInstances', () => {
  test('reads every page, also after an empty one', async () => {
    askForPage
      .mockResolvedValueOnce(page(['i-3', 'i-1'], 'one'))
      .mockResolvedValueOnce(page([], 'two'))
      .mockResolvedValueOnce(page(['i-2']));
    const snapshot = await gateway().describeInstances([{}]);
    expect(snapshot.region).toBe('eu-west-1');
    expect(snapshot.instances.map(({ instanceId }) => instanceId)).toEqual(['i-1', 'i-2', 'i-3']);
    expect(asked()).toEqual([
      { filters: [], token: undefined },
      { filters: [], token: 'one' },
      { filters: [], token: 'two' },
    ]);
  });

  // A part of an answer is never given out: with 4 pages, each one fails in its turn.
  test.each([1, 2, 3, 4])('fails whole when page %i of 4 fails', async (failing) => {
    askForPage.mockImplementation(async (_, token = 'token 0') => {
      const number = Number(token.slice('token '.length)) + 1;
      if (number === failing) throw ec2Error('InternalError', 500);
      return page([`i-${number}`], number < 4 ? `token ${number}` : undefined);
    });
    await expect(gateway().describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNREACHABLE',
    });
  });

  test('sees the last page, when none fails (the control)', async () => {
    askForPage.mockImplementation(async (_, token) =>
      token === undefined ? page(['i-1'], 'a') : page(['i-2']),
    );
    expect((await gateway().describeInstances([{}])).instances).toHaveLength(2);
  });

  test('takes an instance that is on two pages from the later one', async () => {
    askForPage
      .mockResolvedValueOnce({ instances: [instance('i-1', 1)], nextToken: 'a' })
      .mockResolvedValueOnce({ instances: [instance('i-1', 2)], nextToken: undefined });
    const { instances } = await gateway().describeInstances([{}]);
    expect(instances).toMatchObject([{ instanceId: 'i-1', launchTimeMs: 2 }]);
  });

  test('puts the answers of all requests together', async () => {
    const ids = Array.from({ length: 450 }, (_, index) => `i-${index}`);
    askForPage.mockImplementation(async ([filter]) => page(filter?.values ?? []));
    const { instances } = await gateway().describeInstances([
      { instanceIds: ids },
      { vpcIds: ['i-other'] },
    ]);
    expect(asked()).toHaveLength(4);
    expect(instances).toHaveLength(451);
  });

  test('makes at most four requests at once', async () => {
    let underWay = 0;
    let most = 0;
    askForPage.mockImplementation(async () => {
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
    askForPage.mockImplementation(async ([filter]) => {
      if (filter?.name === 'vpc-id') throw ec2Error('UnauthorizedOperation', 403);
      return new Promise(() => {});
    });
    await expect(
      gateway().describeInstances([{ availabilityZones: ['a'] }, { vpcIds: ['vpc-1'] }]),
    ).rejects.toMatchObject({
      code: 'NAMETAG_EC2_DENIED',
      details: { iamAction: 'ec2:DescribeInstances' },
    });
    const [hanging] = askForPage.mock.calls;
    expect(hanging?.[3].aborted).toBe(true);
  });

  test('refuses a token that was followed already', async () => {
    askForPage.mockResolvedValue(page(['i-1'], 'again'));
    await expect(gateway().describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_MALFORMED',
      details: { fact: 'it names a page that was read already' },
    });
    expect(asked()).toHaveLength(2);
  });

  test('stops after ten thousand pages', async () => {
    let number = 0;
    askForPage.mockImplementation(async () => {
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
    expect(asked()).toEqual([]);
  });

  test('is as old as its first call', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 5_000 });
    askForPage.mockImplementation(async () => {
      vi.setSystemTime(9_000);
      return page([]);
    });
    expect((await gateway().describeInstances([{}])).takenAtMs).toBe(5_000);
  });

  describe('where groups cannot be filtered by', () => {
    const webPage = new Refusal(500, '', '', false);
    const group = { name: 'network-interface.group-name', values: ['tphon'] };
    const vpc = { name: 'vpc-id', values: ['vpc-1'] };

    test('asks once more without that filter', async () => {
      askForPage.mockRejectedValueOnce(webPage).mockResolvedValueOnce(page(['i-1']));
      const { instances } = await gateway().describeInstances([
        { groups: ['tphon'], vpcIds: ['vpc-1'] },
      ]);
      expect(instances).toHaveLength(1);
      expect(asked().map(({ filters }) => filters)).toEqual([[vpc, group], [vpc]]);
    });

    test('fails when the second question fails too', async () => {
      askForPage.mockRejectedValue(webPage);
      await expect(gateway().describeInstances([{ groups: ['tphon'] }])).rejects.toMatchObject({
        code: 'NAMETAG_EC2_UNREACHABLE',
      });
      expect(asked()).toHaveLength(2);
    });

    test.each([
      ['EC2 itself failed', { groups: ['tphon'] }, ec2Error('InternalError', 500)],
      ['no group was asked for', { vpcIds: ['vpc-1'] }, webPage],
    ])('does not ask again when %s', async (_, query, error) => {
      askForPage.mockRejectedValue(error);
      await expect(gateway().describeInstances([query])).rejects.toMatchObject({
        code: 'NAMETAG_EC2_UNREACHABLE',
      });
      expect(asked()).toHaveLength(1);
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
    const forever = new Promise<never>(() => {});
    sdk.onAnyCommand().callsFake(() => forever);
    askForPage.mockReturnValue(forever);
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
    await expect(call(gateway(5))).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNREACHABLE',
      details: { fact: 'no answer within 5 ms', endpoint },
    });
  });

  test.each(calls)('%s leaves nothing on the signal of its caller', async (_, call) => {
    sdk.onAnyCommand().resolves({});
    askForPage.mockResolvedValue(page([]));
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
