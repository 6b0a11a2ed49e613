/** Each request to EC2 is told of once, with how it ended, as whoever counts them relies on. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ec2Gateway } from '../../src/ec2/gateway.ts';
import type { Ec2 } from '../../src/ports.ts';

type Answer = (response: ServerResponse) => void;

let server: Server;
let answers: Answer[];
let arrived: number;
let told: string[];

beforeEach(async () => {
  [answers, told, arrived] = [[], [], 0];
  // By which the waits between two attempts are drawn: there is none.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      arrived += 1;
      answers.shift()?.(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const answer =
  (status: number, body: string): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
  };
const page = (token = ''): Answer =>
  answer(
    200,
    `<DescribeInstancesResponse><reservationSet/><nextToken>${token}</nextToken>` +
      '</DescribeInstancesResponse>',
  );
const written = answer(200, '<CreateTagsResponse><return>true</return></CreateTagsResponse>');
const refusal = (status: number, code: string): Answer =>
  answer(status, `<Response><Errors><Error><Code>${code}</Code></Error></Errors></Response>`);
const hangUp: Answer = (response) => void response.destroy();

const keys = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret-key' };

function gateway(env: Readonly<Record<string, string>> = keys, deadlineMs = 30_000): Ec2 {
  const { port } = server.address() as AddressInfo;
  return ec2Gateway({
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${port}`,
    env,
    attempts: 2,
    deadlineMs,
    onRequest: (action, result) => told.push(`${action} ${result}`),
  });
}

const ways: readonly [
  what: string,
  action: string,
  ok: Answer,
  make: (ec2: Ec2) => Promise<unknown>,
][] = [
  ['read', 'DescribeInstances', page(), (ec2) => ec2.describeInstances([{}])],
  ['write', 'CreateTags', written, (ec2) => ec2.createTags('i-1', new Map([['k', 'v']]))],
];

describe.each(ways)('of a %s', (_, action, ok, make) => {
  test.each<[string, Answer[], string[]]>([
    ['that EC2 answers', [ok], ['ok']],
    ['that is throttled once', [refusal(503, 'RequestLimitExceeded'), ok], ['throttled', 'ok']],
    ['that something else throttles', [answer(429, 'Slow down.'), ok], ['throttled', 'ok']],
    ['that IAM denies', [refusal(403, 'UnauthorizedOperation')], ['denied']],
    ['that EC2 refuses', [refusal(400, 'InvalidParameterValue')], ['failed']],
    ['that is answered with a page', [answer(502, '<html>'), ok], ['unreachable', 'ok']],
    ['whose connection breaks', [hangUp, hangUp], ['unreachable', 'unreachable']],
  ])('%s it is told so', async (__, given, results) => {
    answers = [...given];
    await make(gateway()).catch(() => undefined);
    expect(told).toEqual(results.map((result) => `${action} ${result}`));
    // The control: the other side counts as many.
    expect(arrived).toBe(results.length);
  });

  test('whose time is up it is told so', async () => {
    await expect(make(gateway(keys, 30))).rejects.toThrow();
    await vi.waitFor(() => expect(told).toEqual([`${action} unreachable`]));
  });
});

test('of each page it is told', async () => {
  answers = [page('second'), page('third'), page()];
  await gateway().describeInstances([{}]);
  expect(told).toEqual(Array.from({ length: 3 }, () => 'DescribeInstances ok'));
});

test('of those that another one ends it is not told what that one failed with', async () => {
  // The first is refused when all are under way; the others are never answered.
  answers = [() => undefined, () => undefined, () => undefined, refusal(400, 'RequestExpired')];
  const ids = Array.from({ length: 900 }, (_, index) => `i-${index}`);
  const read = gateway().describeInstances([{ instanceIds: ids }]);
  await expect(read).rejects.toMatchObject({ code: 'NAMETAG_EC2_UNAUTHENTICATED' });
  const failed = Array.from({ length: 3 }, () => 'DescribeInstances failed');
  await vi.waitFor(() => expect(told).toEqual(['DescribeInstances denied', ...failed]));
  // The control: a fifth was never sent.
  expect(arrived).toBe(4);
});

test('of what is not sent for want of credentials nothing is told', async () => {
  const nobody = { AWS_CONFIG_FILE: '/dev/null', AWS_EC2_METADATA_DISABLED: 'true' };
  const env = { ...nobody, AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
  await expect(gateway(env).describeInstances([{}])).rejects.toMatchObject({
    code: 'NAMETAG_NO_CREDENTIALS',
  });
  expect([told, arrived]).toEqual([[], 0]);
});
