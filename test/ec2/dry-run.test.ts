/** What dry runs send, what is made of the answers, and that nothing else can be sent. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { dryRunPermissions, findCredentials } from '../../src/ec2/dry-run.ts';
import { guardedClient } from '../../src/ec2/dry-run-client.ts';
import { findServiceSettings } from '../../src/ec2/service-settings.ts';
import { type Attempt, mayDescribe, permissionCasesOf } from '../../src/model/permission.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import type { Permissions } from '../../src/ports.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Of the answer; without it the answer has none. */
  readonly dateMs?: number | undefined;
}

const refusal = (status: number, code: string): Answer => ({
  status,
  body:
    `<Response><Errors><Error><Code>${code}</Code><Message>m</Message></Error></Errors>` +
    '</Response>',
});
const wouldHave = refusal(412, 'DryRunOperation');

let server: Server;
let bodies: URLSearchParams[];
let answer: Answer | undefined;

beforeEach(async () => {
  bodies = [];
  answer = wouldHave;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(new URLSearchParams(body));
      if (answer === undefined) return;
      response.sendDate = false;
      const { status, dateMs } = answer;
      response.writeHead(status, {
        'content-type': 'text/xml',
        ...(dateMs !== undefined && { date: new Date(dateMs).toUTCString() }),
      });
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret-key' };
const env = {
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  AWS_MAX_ATTEMPTS: '1',
};
const where = (): { region: string; endpoint: string } => ({
  region: 'eu-west-1',
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
});
const open = (deadlineMs = 5_000): Permissions =>
  dryRunPermissions({ ...where(), env, deadlineMs });

const own = 'i-0aaaaaaaaaaaaaaaa';
const other = 'i-0bbbbbbbbbbbbbbbb';
const attempts: readonly Attempt[] = [
  mayDescribe,
  ...permissionCasesOf(own, other, defaultVocabulary),
].map(({ attempt }) => attempt);

describe('an attempt', () => {
  test('is a dry run on the wire, whichever it is', async () => {
    for (const attempt of attempts) await open().mayI(attempt);
    const tag = { 'Tag.1.Key': 'nametag:claim', 'Tag.1.Value': 'nametag-dry-run' };
    const dry = { DryRun: 'true', Version: '2016-11-15' };
    expect(bodies.map((body) => Object.fromEntries(body))).toEqual([
      { ...dry, Action: 'DescribeInstances', MaxResults: '5' },
      {
        ...dry,
        Action: 'CreateTags',
        'ResourceId.1': own,
        ...tag,
        'Tag.2.Key': 'Name',
        'Tag.2.Value': 'nametag-dry-run',
        'Tag.3.Key': 'nametag:wants',
        'Tag.3.Value': 'nametag-dry-run',
        'Tag.4.Key': 'nametag:aliases',
        'Tag.4.Value': 'nametag-dry-run',
      },
      { ...dry, Action: 'CreateTags', 'ResourceId.1': other, ...tag },
      {
        ...dry,
        Action: 'CreateTags',
        'ResourceId.1': own,
        'Tag.1.Key': 'foreign-to-nametag',
        'Tag.1.Value': 'nametag-dry-run',
      },
      // A key with a value: without the list, all tags are meant.
      { ...dry, Action: 'DeleteTags', 'ResourceId.1': own, ...tag },
      { ...dry, Action: 'TerminateInstances', 'InstanceId.1': own },
    ]);
  });

  test.each<[string, Answer, object]>([
    ['that would have been carried out is allowed', wouldHave, { kind: 'allowed' }],
    ['that IAM refuses is denied', refusal(403, 'UnauthorizedOperation'), { kind: 'denied' }],
    [
      'on nobody is not known',
      refusal(400, 'InvalidInstanceID.NotFound'),
      { kind: 'unknown', failure: { code: 'NAMETAG_INSTANCE_NOT_FOUND' } },
    ],
    [
      'without a known signature is not known',
      refusal(401, 'AuthFailure'),
      { kind: 'unknown', failure: { code: 'NAMETAG_EC2_UNAUTHENTICATED' } },
    ],
    [
      'at something that carries dry runs out is not known',
      { status: 200, body: '<TerminateInstancesResponse/>' },
      { kind: 'unknown', failure: { code: 'NAMETAG_EC2_MALFORMED' } },
    ],
    [
      'at something that is not EC2 is not known',
      { status: 404, body: '<html/>' },
      { kind: 'unknown', failure: { code: 'NAMETAG_EC2_MALFORMED' } },
    ],
  ])('%s', async (_, given, expected) => {
    answer = given;
    const attempt: Attempt = { action: 'TerminateInstances', instanceId: own };
    expect(await open().mayI(attempt)).toMatchObject({ ...expected, aheadMs: undefined });
    expect(bodies).toHaveLength(1);
  });

  test('that gets no answer in time is not known', async () => {
    answer = undefined;
    expect(await open(100).mayI(mayDescribe.attempt)).toMatchObject({
      kind: 'unknown',
      failure: { code: 'NAMETAG_EC2_UNREACHABLE' },
    });
  });

  test('ends with its caller', async () => {
    answer = undefined;
    const signal = AbortSignal.abort('enough');
    await expect(open().mayI(mayDescribe.attempt, { signal })).rejects.toBe('enough');
  });

  test.each<[string, Answer]>([
    ['allowed', wouldHave],
    ['refused', refusal(401, 'AuthFailure')],
  ])('tells how far the clock is ahead when it is %s', async (_, given) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 20, 12, 6, 40) });
    answer = { ...given, dateMs: Date.UTC(2026, 10, 20, 12, 0, 0) };
    const { aheadMs } = await open().mayI(mayDescribe.attempt);
    expect(aheadMs).toBe(400_000 - 500);
  });
});

describe('the client for dry runs', () => {
  const credentials = async () => keys;
  const settings = () => findServiceSettings({ ...where(), env });
  const instanceIds = { InstanceIds: [own] };
  const tags = { Resources: [own], Tags: [{ Key: 'Name', Value: 'web-0' }] };

  test('sends no request without DryRun, whoever makes it', async () => {
    const client = guardedClient({ settings: settings(), credentials });
    const message = 'Expected a request with DryRun=true.';
    for (const send of [
      () => client.send(new TerminateInstancesCommand(instanceIds)),
      () => client.send(new TerminateInstancesCommand({ ...instanceIds, DryRun: false })),
      () => client.send(new StopInstancesCommand(instanceIds)),
      () => client.send(new CreateTagsCommand(tags)),
      () => client.send(new DeleteTagsCommand({ Resources: [own] })),
      () => client.send(new DescribeInstancesCommand({})),
    ]) {
      await expect(send()).rejects.toMatchObject({ name: 'TypeError', message });
    }
    expect(bodies).toEqual([]);
  });

  test('sends the same with DryRun (the control)', async () => {
    const client = guardedClient({ settings: settings(), credentials });
    const send = client.send(new TerminateInstancesCommand({ ...instanceIds, DryRun: true }));
    await expect(send).rejects.toMatchObject({ Code: 'DryRunOperation' });
    expect(bodies).toHaveLength(1);
  });
});

describe('credentials', () => {
  const region = 'eu-west-1';

  test('are found in the environment, with or without an end', async () => {
    expect(await findCredentials({ region, env })).toEqual({ areTemporary: false });
    const session = { ...env, AWS_SESSION_TOKEN: 'token' };
    expect(await findCredentials({ region, env: session })).toEqual({ areTemporary: true });
  });

  test('are missed by name', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    await expect(findCredentials({ region, env: {} })).rejects.toMatchObject({
      code: 'NAMETAG_NO_CREDENTIALS',
    });
  });
});
