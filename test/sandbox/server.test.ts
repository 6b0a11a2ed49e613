import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeTagsCommand,
  EC2Client,
  paginateDescribeInstances,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, describe, expect, test } from 'vitest';
import { isNametagError } from '../../src/errors.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.ts';

const open: { close(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

async function start(
  knobs: Partial<Knobs> = {},
  options: SandboxOptions = {},
): Promise<{ readonly sandbox: Sandbox; readonly ec2: EC2Client }> {
  const sandbox = await startSandbox({ knobs: { settleMaxMs: 0, ...knobs }, ...options });
  const ec2 = new EC2Client({
    endpoint: sandbox.endpoint,
    region: sandbox.region,
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 'x' },
    maxAttempts: 1,
  });
  open.push(sandbox, { close: () => ec2.destroy() });
  return { sandbox, ec2 };
}

async function post(endpoint: string, form: Record<string, string>): Promise<Response> {
  return fetch(endpoint, { method: 'POST', body: new URLSearchParams(form) });
}

describe('the AWS SDK', () => {
  test('reads the built-in fleet', async () => {
    const { ec2 } = await start();
    const { Reservations = [] } = await ec2.send(
      new DescribeInstancesCommand({
        Filters: [
          { Name: 'instance.group-name', Values: ['tphon'] },
          { Name: 'tag:status', Values: ['ready'] },
          { Name: 'instance-state-name', Values: ['running'] },
        ],
      }),
    );
    const instances = Reservations.flatMap((r) => r.Instances ?? []);
    expect(instances).toHaveLength(2);
    expect(instances[0]).toMatchObject({
      InstanceId: expect.stringMatching(/^i-0[0-9a-f]{16}$/),
      State: { Code: 16, Name: 'running' },
      SecurityGroups: [{ GroupName: 'tphon' }],
      LaunchTime: expect.any(Date),
      PrivateIpAddress: expect.stringMatching(/^172\.31\./),
      VpcId: expect.stringMatching(/^vpc-0/),
    });
  });

  test.each([
    ['plain', 'web-0'],
    ['empty', ''],
    ['markup', `<&>"' ]]> &amp; &#x41;`],
    ['blanks', ' a  b '],
    ['lines and tabs', 'a\nb\r\nc\td'],
    ['other scripts', 'grüße 名前 😀'],
    ['a plus and a percent', 'a+b%20c%zz'],
    ['a number', '007'],
    ['a word that is a value', 'true'],
  ])('gets back a tag of %s as it was written', async (key, value) => {
    const { sandbox, ec2 } = await start();
    const { instanceId } = sandbox.instance('web-a').facts;
    const Tags = [{ Key: key, Value: value }];
    await ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags }));
    const read = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    expect(read.Reservations?.[0]?.Instances?.[0]?.Tags).toContainEqual({ Key: key, Value: value });
    const listed = await ec2.send(
      new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [instanceId] }] }),
    );
    expect(listed.Tags).toContainEqual(expect.objectContaining({ Key: key, Value: value }));
  });

  test('gets a readable answer for characters that XML cannot hold', async () => {
    const { sandbox, ec2 } = await start();
    const { instanceId } = sandbox.instance('web-b').facts;
    const tags = [{ key: 'k', value: 'a\u0000b\u001bc\uFFFFd' }];
    sandbox.world.createTags({ resources: [instanceId], tags });
    const read = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    expect(read.Reservations?.[0]?.Instances?.[0]?.Tags?.[0]?.Value).toBe('a\uFFFDb\uFFFDc\uFFFDd');
  });

  test('launches, stops, starts and terminates', async () => {
    const { sandbox, ec2 } = await start({ pendingMs: 0, stoppingMs: 0, shuttingDownMs: 0 });
    const launched = await ec2.send(
      new RunInstancesCommand({
        ImageId: 'ami-0123456789abcdef0',
        MinCount: 2,
        MaxCount: 2,
        SecurityGroups: ['web'],
        TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'k', Value: 'v' }] }],
      }),
    );
    const InstanceIds = launched.Instances?.map((i) => i.InstanceId ?? '') ?? [];
    expect(InstanceIds).toHaveLength(2);
    expect(launched.Instances?.[1]).toMatchObject({
      AmiLaunchIndex: 1,
      State: { Name: 'pending' },
      Tags: [{ Key: 'k', Value: 'v' }],
    });
    const stopped = await ec2.send(new StopInstancesCommand({ InstanceIds }));
    expect(stopped.StoppingInstances?.[0]).toMatchObject({
      CurrentState: { Name: 'stopping' },
      PreviousState: { Name: 'running' },
    });
    const started = await ec2.send(new StartInstancesCommand({ InstanceIds }));
    expect(started.StartingInstances?.[0]?.PreviousState?.Name).toBe('stopped');
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    expect(sandbox.world.instance(InstanceIds[0] ?? '')?.state).toBe('terminated');
  });

  test('pages through everything', async () => {
    const { sandbox, ec2 } = await start({ shortPages: 0.5, emptyPages: 0.5 });
    const ids: (string | undefined)[] = [];
    for await (const page of paginateDescribeInstances({ client: ec2, pageSize: 5 }, {})) {
      ids.push(
        ...(page.Reservations ?? []).flatMap((r) => r.Instances ?? []).map((i) => i.InstanceId),
      );
    }
    expect(ids.toSorted()).toEqual(
      sandbox
        .instances()
        .map((i) => i.facts.instanceId)
        .toSorted(),
    );
  });

  test('deletes tags, and with an empty list all of them', async () => {
    const { sandbox, ec2 } = await start();
    const { instanceId } = sandbox.instance('tphon-a').facts;
    const Resources = [instanceId];
    const keys = (): string[] => [...sandbox.instance('tphon-a').tags.keys()];
    await ec2.send(new DeleteTagsCommand({ Resources, Tags: [{ Key: 'status', Value: 'other' }] }));
    expect(keys()).toEqual(['Name', 'status', 'service:postgres']);
    await ec2.send(new DeleteTagsCommand({ Resources, Tags: [{ Key: 'status' }] }));
    expect(keys()).toEqual(['Name', 'service:postgres']);
    await ec2.send(new DeleteTagsCommand({ Resources, Tags: [] }));
    expect(keys()).toEqual([]);
  });

  test('lists security groups', async () => {
    const { ec2 } = await start();
    const { SecurityGroups = [] } = await ec2.send(
      new DescribeSecurityGroupsCommand({
        Filters: [{ Name: 'group-name', Values: ['*a*a*'] }],
      }),
    );
    expect(SecurityGroups.map((g) => g.GroupName)).toEqual(['airavata']);
  });

  test.each([
    [{}, 'i-00000000000000000', 'InvalidInstanceID.NotFound', 400],
    [{}, 'web-a', 'InvalidID', 400],
    [{ deny: new Set(['CreateTags']) }, 'i-00000000000000000', 'UnauthorizedOperation', 403],
  ] as const)('with %j and %s is told %s', async (knobs, resource, name, status) => {
    const { ec2 } = await start(knobs);
    const command = new CreateTagsCommand({
      Resources: [resource],
      Tags: [{ Key: 'k', Value: '' }],
    });
    await expect(ec2.send(command)).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode: status },
    });
  });

  test('is told of a dry run and of throttling as EC2 tells it', async () => {
    const { sandbox, ec2 } = await start();
    await expect(ec2.send(new DescribeInstancesCommand({ DryRun: true }))).rejects.toMatchObject({
      name: 'DryRunOperation',
      $metadata: { httpStatusCode: 412 },
    });
    sandbox.world.setKnobs({ throttle: true });
    for (let i = 0; i < 50; i += 1) sandbox.world.describeInstances({});
    await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toMatchObject({
      name: 'RequestLimitExceeded',
      $metadata: { httpStatusCode: 503 },
    });
  });

  test('hears nothing when an answer is lost, and tries again by itself', async () => {
    const { sandbox, ec2 } = await start({ lostNow: 1 });
    const { instanceId } = sandbox.instance('web-a').facts;
    const Tags = [{ Key: 'k', Value: 'v' }];
    const command = new CreateTagsCommand({ Resources: [instanceId], Tags });
    await expect(ec2.send(command)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(sandbox.instance('web-a').tags.get('k')).toBe('v');
  });

  test('cannot read a broken answer, and sees what a bare one lacks', async () => {
    const { sandbox, ec2 } = await start({ malformed: 1 });
    await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toThrow();
    sandbox.world.setKnobs({ malformed: 0, bare: 1 });
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
    expect(Reservations[0]?.Instances?.[0]).toMatchObject({ ImageId: expect.any(String) });
    expect(Reservations[0]?.Instances?.[0]?.State).toBeUndefined();
  });
});

describe('the EC2 endpoint', () => {
  test('answers in EC2s namespace, and errors in its error format', async () => {
    const { sandbox } = await start();
    const ok = await post(sandbox.endpoint, { Action: 'DescribeInstances', Version: '2016-11-15' });
    const body = await ok.text();
    expect(ok.headers.get('content-type')).toBe('text/xml;charset=UTF-8');
    expect(body.split('\n')[1]).toBe(
      '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">',
    );
    const bad = await post(sandbox.endpoint, { Action: 'Describe<Everything>' });
    expect(bad.status).toBe(400);
    const lines = (await bad.text()).split('\n').map((line) => line.trim());
    expect(lines).toEqual([
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<Response>',
      '<Errors>',
      '<Error>',
      '<Code>InvalidAction</Code>',
      '<Message>The action Describe&lt;Everything&gt; is not valid for this web service.</Message>',
      '</Error>',
      '</Errors>',
      expect.stringMatching(/^<RequestID>[0-9a-f-]{36}<\/RequestID>$/),
      '</Response>',
      '',
    ]);
  });

  test.each([
    [{}, 'MissingAction'],
    [{ Action: 'CreateTags', 'ResourceId.1': 'i-00000000000000000' }, 'MissingParameter'],
    [{ Action: 'CreateTags', 'Tag.1.Key': 'k' }, 'MissingParameter'],
    [{ Action: 'RunInstances', MinCount: '1', MaxCount: '1' }, 'MissingParameter'],
    [{ Action: 'RunInstances', ImageId: 'ami-01234567' }, 'MissingParameter'],
    [{ Action: 'StopInstances' }, 'MissingParameter'],
    [{ Action: 'DescribeInstances', Filters: 'x' }, 'UnknownParameter'],
    [{ Action: 'DescribeInstances', 'Filter.1.Value.1': 'x' }, 'MissingParameter'],
    [{ Action: 'DescribeInstances', 'Filter.1.Name': 'vpc-id' }, 'InvalidParameterValue'],
    [{ Action: 'DescribeInstances', MaxResults: 'ten' }, 'InvalidParameterValue'],
    [{ Action: 'DescribeInstances', DryRun: 'perhaps' }, 'InvalidParameterValue'],
  ])('answers %j with %s', async (form: Record<string, string>, code) => {
    const { sandbox } = await start();
    const answer = await post(sandbox.endpoint, form);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(`<Code>${code}</Code>`);
  });

  test('takes a request in the query as well', async () => {
    const { sandbox } = await start();
    const answer = await fetch(`${sandbox.endpoint}/?Action=DescribeSecurityGroups&Version=x`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('<groupName>airavata</groupName>');
  });

  test('is on loopback, and gone when it is closed', async () => {
    const { sandbox } = await start();
    expect(new URL(sandbox.endpoint).hostname).toBe('127.0.0.1');
    expect((await fetch(`${sandbox.endpoint}/?Action=DescribeTags`)).status).toBe(200);
    await sandbox.close();
    await expect(fetch(sandbox.endpoint)).rejects.toThrow();
  });

  test('tells that a port is taken', async () => {
    const { sandbox } = await start();
    const port = Number(new URL(sandbox.endpoint).port);
    await expect(startSandbox({ port })).rejects.toSatisfy((error) =>
      isNametagError(error, 'NAMETAG_SANDBOX_FAILED'),
    );
  });
});

describe('a sandbox', () => {
  test('finds instances by id, fleet name, Name tag and group', async () => {
    const { sandbox } = await start();
    const { instanceId } = sandbox.instance('dumbo-a').facts;
    sandbox.world.createTags({ resources: [instanceId], tags: [{ key: 'Name', value: 'big' }] });
    for (const name of [instanceId, 'dumbo-a', 'big', 'dumbo']) {
      expect(sandbox.instance(name).facts.handle).toBe('dumbo-a');
    }
    expect(() => sandbox.instance('dumbo-z')).toThrow('There is no instance "dumbo-z"');
  });

  test('gives what a command needs to find it, and nothing of the real AWS', async () => {
    const { sandbox } = await start({}, { runtimeDir: '/run/x' });
    expect(await sandbox.environment()).toMatchObject({
      AWS_ENDPOINT_URL: sandbox.endpoint,
      AWS_ENDPOINT_URL_EC2: sandbox.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      NAMETAG_CACHE_DIR: '/run/x/cache',
      NAMETAG_RUNTIME_DIR: '/run/x',
    });
    const on = await sandbox.environment('web-a');
    expect(on['AWS_EC2_METADATA_SERVICE_ENDPOINT']).toBe(await sandbox.metadataEndpoint('web-a'));
    expect(on['AWS_EC2_METADATA_DISABLED']).toBe('');
  });

  test('says when a launch is visible to every read', async () => {
    let nowMs = 1_800_000_000_000;
    const { sandbox } = await start({ settleMaxMs: 50, notFoundMs: 80 }, { now: () => nowMs });
    const [launched] = sandbox.world.runInstances({
      imageId: 'ami-0123456789abcdef0',
      minCount: 1,
      maxCount: 1,
    });
    const { instanceId } = launched!.facts;
    const waiting = sandbox.whenVisible(instanceId);
    nowMs += 80;
    await waiting;
    expect(sandbox.world.launchVisibleAtMs(instanceId)).toBe(nowMs);
  });
});
