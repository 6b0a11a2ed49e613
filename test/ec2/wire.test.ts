/** What really goes over the wire, and what is made of what comes back: the SDK is not mocked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openEc2 } from '../../src/ec2/gateway.ts';
import type { Environment } from '../../src/ec2/settings.ts';
import type { Ec2 } from '../../src/ports.ts';

type Answer = (response: ServerResponse) => void;

let server: Server;
let bodies: URLSearchParams[];
let answers: Answer[];
let heads: Pick<IncomingMessage, 'url' | 'headers'>[];

beforeEach(async () => {
  bodies = [];
  answers = [];
  heads = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      bodies.push(new URLSearchParams(body));
      heads.push(request);
      (answers.shift() ?? xml(500, ''))(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const port = (): number => (server.address() as AddressInfo).port;
const xml =
  (status: number, body: string): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' });
    response.end(body);
  };
const describeXml = (inside: string): Answer =>
  xml(200, `<?xml version="1.0"?><DescribeInstancesResponse>${inside}</DescribeInstancesResponse>`);
const instanceXml = (inside: string): Answer =>
  describeXml(
    `<reservationSet><item><instancesSet><item>${inside}</item></instancesSet></item>` +
      '</reservationSet>',
  );
const errorXml = (status: number, code: string, message: string): Answer =>
  xml(
    status,
    `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors>` +
      '<RequestID>r</RequestID></Response>',
  );
const nobodyXml = '<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>';
const nobody = xml(200, nobodyXml);
const refusalXml =
  '<Response><Errors><Error><Code>UnauthorizedOperation</Code>' +
  '<Message>You are not authorized.</Message></Error></Errors><RequestID>r</RequestID></Response>';
const gzip =
  (status: number, body: string, how?: 'breaks'): Answer =>
  (response) => {
    const bytes = gzipSync(body);
    response.writeHead(status, { 'content-type': 'text/xml', 'content-encoding': 'gzip' });
    response.end(how === 'breaks' ? bytes.subarray(0, bytes.length - 9) : bytes);
  };
/** Promises more than it sends before the connection ends. */
const torn =
  (body: string | Buffer, encoding?: 'gzip'): Answer =>
  (response) => {
    response.writeHead(200, {
      'content-type': 'text/xml',
      'content-length': Buffer.byteLength(body),
      ...(encoding && { 'content-encoding': encoding }),
    });
    response.write(Buffer.from(body).subarray(0, -20), () => response.destroy());
  };

const keys = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret-key' };
// One attempt, so that a failure is told at once and not after a pause.
const env = { ...keys, AWS_MAX_ATTEMPTS: '1' };
const open = (settings: Environment = {}): Promise<Ec2> =>
  openEc2({
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${port()}`,
    env: { ...env, ...settings },
    deadlineMs: 5_000,
  });
const twice = { AWS_MAX_ATTEMPTS: '2' };

describe('a request', () => {
  test('for everything has no filter and asks for pages', async () => {
    answers = [nobody];
    await (await open()).describeInstances([{}]);
    expect(bodies.map((body) => Object.fromEntries(body))).toEqual([
      { Action: 'DescribeInstances', Version: '2016-11-15', MaxResults: '1000' },
    ]);
  });

  test('never has a list without members', async () => {
    answers = [nobody, nobody, xml(200, '<CreateTagsResponse/>')];
    const ec2 = await open();
    await ec2.describeInstances([
      { groups: ['tphon'], tags: [{ key: 'status', patterns: ['ready'] }] },
      { instanceIds: ['i-1'] },
    ]);
    await ec2.createTags('i-1', new Map([['status', '']]));
    const sent = bodies.map((body) => Object.fromEntries(body));
    expect(sent).toHaveLength(3);
    expect(sent).toContainEqual(
      expect.objectContaining({
        'Filter.1.Name': 'tag:status',
        'Filter.1.Value.1': 'ready',
        'Filter.2.Name': 'network-interface.group-name',
        'Filter.2.Value.1': 'tphon',
      }),
    );
    expect(sent).toContainEqual(
      expect.objectContaining({ 'Filter.1.Name': 'instance-id', 'Filter.1.Value.1': 'i-1' }),
    );
    expect(sent[2]).toEqual({
      Action: 'CreateTags',
      Version: '2016-11-15',
      'ResourceId.1': 'i-1',
      'Tag.1.Key': 'status',
      'Tag.1.Value': '',
    });
    expect(sent.filter((body) => 'InstanceId.1' in body)).toEqual([]);
  });

  test('is made anew with the token of an empty page', async () => {
    answers = [describeXml('<reservationSet/><nextToken>more</nextToken>'), nobody];
    await (await open()).describeInstances([{}]);
    expect(bodies.map((body) => body.get('NextToken'))).toEqual([null, 'more']);
  });

  test('is made once for each page of a large answer, and all of them are read', async () => {
    const launch = '<launchTime>2026-11-20T10:00:00.000Z</launchTime>';
    const state = '<instanceState><name>running</name></instanceState>';
    const pageOf = (number: number, next: string): string => {
      const ids = Array.from({ length: 1_000 }, (_, place) => `i-${number * 1_000 + place}`);
      const items = ids.map((id) => `<item><instanceId>${id}</instanceId>${state}${launch}</item>`);
      const reservations = items.map((item) => `<item><instancesSet>${item}</instancesSet></item>`);
      return `<reservationSet>${reservations.join('')}</reservationSet>${next}`;
    };
    const token = (name: string): string => `<nextToken>${name}</nextToken>`;
    const plain = describeXml(pageOf(1, token('two')));
    answers = [plain, describeXml(pageOf(2, token('three'))), describeXml(pageOf(3, ''))];
    const { instances } = await (await open()).describeInstances([{}]);
    expect(instances).toHaveLength(3_000);
    expect(bodies.map((body) => body.get('NextToken'))).toEqual([null, 'two', 'three']);
  });

  test('is not made after a page that cannot be read, and that is told', async () => {
    const broken = '<reservationSet></item></reservationSet><nextToken>more</nextToken>';
    answers = [describeXml(broken), () => {}];
    await expect((await open()).describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_MALFORMED',
    });
  });

  test('goes below the path of the endpoint, to read as to write', async () => {
    answers = [nobody, xml(200, '<CreateTagsResponse/>')];
    const endpoint = `http://127.0.0.1:${port()}/ec2?not=this`;
    const ec2 = await openEc2({ region: 'eu-west-1', endpoint, env });
    await ec2.describeInstances([{}]);
    await ec2.createTags('i-1', new Map([['status', 'ready']]));
    expect(heads.map(({ url }) => url)).toEqual(['/ec2/', '/ec2/']);
  });

  test('is made without group filters where they make a web page come back', async () => {
    answers = [xml(500, '<!doctype html><html><title>500</title>'), nobody];
    await (await open()).describeInstances([{ groups: ['tphon'], vpcIds: ['vpc-1'] }]);
    expect(bodies.map((body) => [...body.keys()].filter((key) => key.endsWith('Name')))).toEqual([
      ['Filter.1.Name', 'Filter.2.Name'],
      ['Filter.1.Name'],
    ]);
  });
});

describe('an answer', () => {
  const launch = '<launchTime>2026-11-20T10:00:00.000Z</launchTime>';
  const running = '<instanceState><code>16</code><name>running</name></instanceState>';
  const slammed: Answer = (response) => response.destroy();
  const portal = xml(200, '<html><body>Log in</body></html>');

  test.each<[string, Answer, string, string]>([
    ['text', xml(200, 'hello'), 'NAMETAG_EC2_MALFORMED', 'it breaks off at byte 5'],
    ['half an answer', xml(200, '<DescribeInst'), 'NAMETAG_EC2_MALFORMED', 'it breaks off'],
    ['no body', xml(200, ''), 'NAMETAG_EC2_MALFORMED', 'it breaks off at byte 0'],
    ['no description', describeXml(''), 'NAMETAG_EC2_MALFORMED', 'it has no `reservationSet`'],
    ['a web page', portal, 'NAMETAG_EC2_MALFORMED', 'its root element is `html`'],
    ['broken gzip', gzip(200, nobodyXml, 'breaks'), 'NAMETAG_EC2_MALFORMED', 'its gzip is broken'],
    [
      'a compressed refusal',
      gzip(403, refusalXml),
      'NAMETAG_EC2_DENIED',
      'EC2 answered UnauthorizedOperation',
    ],
    ['a web page, 404', xml(404, '<html/>'), 'NAMETAG_EC2_MALFORMED', 'HTTP 404'],
    ['a web page, 503', xml(503, '<html/>'), 'NAMETAG_EC2_UNREACHABLE', 'HTTP 503'],
    ['a closed connection', slammed, 'NAMETAG_EC2_UNREACHABLE', 'socket hang up'],
    [
      'an instance without state',
      instanceXml(`<instanceId>i-0a</instanceId>${launch}`),
      'NAMETAG_EC2_MALFORMED',
      'instance i-0a has no `instanceState`',
    ],
    [
      'an instance without launch time',
      instanceXml(`<instanceId>i-0a</instanceId>${running}`),
      'NAMETAG_EC2_MALFORMED',
      'instance i-0a has no `launchTime`',
    ],
    [
      'a launch time that is none',
      instanceXml(`<instanceId>i-0a</instanceId>${running}<launchTime>soon</launchTime>`),
      'NAMETAG_EC2_MALFORMED',
      'instance i-0a has the `launchTime` "soon"',
    ],
    [
      'a refusal',
      errorXml(403, 'UnauthorizedOperation', 'You are not authorized.'),
      'NAMETAG_EC2_DENIED',
      'UnauthorizedOperation',
    ],
    [
      'throttling',
      errorXml(503, 'RequestLimitExceeded', 'Request limit exceeded.'),
      'NAMETAG_EC2_THROTTLED',
      'RequestLimitExceeded',
    ],
    [
      'expired credentials',
      errorXml(401, 'AuthFailure', 'AWS was not able to validate the credentials'),
      'NAMETAG_EC2_UNAUTHENTICATED',
      'AuthFailure',
    ],
  ])('that is %s fails', async (_, answer, code, fact) => {
    answers = [answer];
    const ec2 = await open();
    const error = await ec2.describeInstances([{}]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(String(error)).toContain(fact);
    expect(String(error)).not.toMatch(/secret-key|AKID|\n/);
  });

  test('that does not come ends with the deadline', async () => {
    answers = [() => {}];
    const endpoint = `http://127.0.0.1:${port()}`;
    const ec2 = await openEc2({ region: 'eu-west-1', endpoint, env, deadlineMs: 100 });
    await expect(ec2.describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNREACHABLE',
      details: { fact: 'no answer within 100 ms', endpoint },
    });
  });

  test('that does not come ends with its caller', async () => {
    const stop = new AbortController();
    answers = [() => stop.abort('enough')];
    const { signal } = stop;
    await expect((await open()).describeInstances([{}], { signal })).rejects.toBe('enough');
  });

  test('is asked for compressed, and may be', async () => {
    const one = `<DescribeInstancesResponse><reservationSet><item><instancesSet><item>
      <instanceId>i-0a</instanceId>${running}${launch}</item></instancesSet></item>
      </reservationSet></DescribeInstancesResponse>`;
    answers = [gzip(200, one), xml(200, one)];
    const ec2 = await open();
    const { instances } = await ec2.describeInstances([{}]);
    expect(instances).toMatchObject([{ instanceId: 'i-0a', state: 'running' }]);
    expect((await ec2.describeInstances([{}])).instances).toEqual(instances);
    expect(heads.map(({ headers }) => headers['accept-encoding'])).toEqual(['gzip', 'gzip']);
  });

  test.each<[string, Answer]>([
    ['', torn(nobodyXml)],
    [' compressed', torn(gzipSync(nobodyXml.padEnd(5_000)), 'gzip')],
  ])('that breaks off%s with its connection is asked for again', async (_, answer) => {
    answers = [answer, nobody];
    expect((await (await open(twice)).describeInstances([{}])).instances).toEqual([]);
    expect(bodies).toHaveLength(2);
  });

  test.each<[string, Answer]>([
    ['', torn(nobodyXml)],
    [' compressed', torn(gzipSync(nobodyXml.padEnd(5_000)), 'gzip')],
  ])('that breaks off%s each time is a failure of the connection', async (_, answer) => {
    answers = [describeXml('<reservationSet/><nextToken>more</nextToken>'), answer];
    await expect((await open()).describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNREACHABLE',
      details: { fact: 'the connection ended in the middle of the answer' },
    });
  });

  test('may be an internal error first, after which it is asked for again', async () => {
    answers = [errorXml(500, 'InternalError', 'An internal error has occurred'), nobody];
    expect((await (await open(twice)).describeInstances([{}])).instances).toEqual([]);
    expect(bodies).toHaveLength(2);
  });
});

describe('a request that is refused for its date', () => {
  const inTenMinutes = new Date(Date.now() + 600_000).toUTCString();
  const dated =
    (answer: Answer, date: string): Answer =>
    (response) =>
      answer(response.setHeader('date', date));
  const expired = dated(errorXml(400, 'RequestExpired', 'Request has expired.'), inTenMinutes);
  const offMs = (): number[] =>
    heads.map(({ headers }) => {
      const compact = String(headers['x-amz-date']);
      const date = compact.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
      return Math.abs(Date.parse(date) - Date.parse(inTenMinutes));
    });

  test('is made again with that of EC2', async () => {
    answers = [expired, nobody];
    await (await open(twice)).describeInstances([{}]);
    const [first = 0, second = 0] = offMs();
    expect(first).toBeGreaterThan(500_000);
    expect(second).toBeLessThan(100_000);
  });

  test('is made again beside others that are', async () => {
    const waiting: ServerResponse[] = [];
    // Each is signed before an answer tells of the time.
    const together: Answer = (response) => {
      if (waiting.push(response) === 3) waiting.forEach(expired);
    };
    const right = dated(nobody, inTenMinutes);
    answers = [together, together, together, right, right, right];
    const queries = ['i-1', 'i-2', 'i-3'].map((id) => ({ instanceIds: [id] }));
    await (await open(twice)).describeInstances(queries);
    expect(offMs().filter((ms) => ms < 100_000)).toHaveLength(3);
  });

  test('is not made again where EC2 has the same', async () => {
    answers = [
      dated(errorXml(400, 'RequestExpired', 'Request has expired.'), new Date().toUTCString()),
    ];
    await expect((await open(twice)).describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNAUTHENTICATED',
    });
    expect(heads).toHaveLength(1);
  });
});

describe('without anyone there', () => {
  test('the endpoint is named without its password', async () => {
    const endpoint = 'http://me:hunter2@127.0.0.1:1/ec2';
    const ec2 = await openEc2({ region: 'eu-west-1', endpoint, env });
    const error = await ec2.describeInstances([{}]).catch(String);
    expect(error).toContain('no usable answer from http://127.0.0.1:1 (');
    expect(error).not.toContain('hunter2');
  });

  test('the endpoint is named', async () => {
    const ec2 = await openEc2({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', env });
    await expect(ec2.describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNREACHABLE',
      details: { endpoint: 'http://127.0.0.1:1', fact: 'connect ECONNREFUSED 127.0.0.1:1' },
    });
  });

  test.each([
    ['access key id', { AWS_ACCESS_KEY_ID: 'AKID\n' }],
    ['session token', { AWS_SESSION_TOKEN: 'to ken' }],
  ])('a %s that cannot be sent is told, and not shown', async (name, keys) => {
    const endpoint = 'http://127.0.0.1:1';
    const ec2 = await openEc2({ region: 'eu-west-1', endpoint, env: { ...env, ...keys } });
    const error = await ec2.describeInstances([{}]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'NAMETAG_NO_CREDENTIALS' });
    expect(String(error)).toContain(`the ${name} has a blank or another character`);
    expect(String(error)).not.toMatch(/AKID|to ken/);
  });

  test('missing credentials are told as such', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', '');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
    const ec2 = await openEc2({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', env: {} });
    await expect(ec2.describeInstances([{}])).rejects.toMatchObject({
      code: 'NAMETAG_NO_CREDENTIALS',
      details: { fact: 'Could not load credentials from any providers' },
    });
  });
});
