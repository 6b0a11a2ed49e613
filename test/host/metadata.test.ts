import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { imdsMetadata } from '../../src/host/metadata.ts';

const instanceId = 'i-0123456789abcdef0';
const mac = '02:00:00:00:00:01';
const values: Readonly<Record<string, string>> = {
  'instance-id': instanceId,
  'placement/region': 'eu-west-1',
  'placement/availability-zone': 'eu-west-1-wl1-lon-1',
  // A service that ends its values as a file ends is understood too.
  'local-ipv4': '10.0.0.1\n',
  'public-ipv4': '192.0.2.1',
  ipv6: '2001:db8::1',
  'security-groups': 'tphon\nweb servers\n',
  mac,
  [`network/interfaces/macs/${mac}/vpc-id`]: 'vpc-0a',
};

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Imds {
  readonly endpoint: string;
  /** Method and path of each request, in order. */
  readonly log: string[];
  /** Makes the tokens given so far unknown. */
  readonly forget: () => void;
}

/** An IMDSv2 with these values; what has none is not there. */
async function imds(has: Readonly<Record<string, string>> = values): Promise<Imds> {
  const log: string[] = [];
  let token = 0;
  const endpoint = await serve((request, response) => {
    const { method, url = '', headers } = request;
    log.push(`${method} ${url}`);
    const reply = (status: number, body: string) => {
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(body);
    };
    if (url === '/latest/api/token') {
      const ttl = headers['x-aws-ec2-metadata-token-ttl-seconds'];
      if (method !== 'PUT' || ttl !== '21600') return reply(400, '');
      token += 1;
      return reply(200, `token-${token}`);
    }
    if (headers['x-aws-ec2-metadata-token'] !== `token-${token}`) return reply(401, '');
    const value = has[url.replace('/latest/meta-data/', '')];
    return value === undefined ? reply(404, '<html/>') : reply(200, value);
  });
  return {
    endpoint,
    log,
    forget: () => {
      token += 1;
    },
  };
}

const client = (endpoint: string, deadlineMs?: number) =>
  imdsMetadata({ env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint }, deadlineMs });

describe('identity', () => {
  test('gathers what an instance knows of itself', async () => {
    const { endpoint } = await imds();
    expect(await client(endpoint).identity()).toEqual({
      instanceId,
      region: 'eu-west-1',
      availabilityZone: 'eu-west-1-wl1-lon-1',
      privateIpAddress: '10.0.0.1',
      publicIpAddress: '192.0.2.1',
      ipv6Addresses: ['2001:db8::1'],
      vpcId: 'vpc-0a',
      securityGroups: ['tphon', 'web servers'],
    });
  });

  test('leaves out what this instance does not have', async () => {
    const { 'public-ipv4': _, ipv6: __, mac: ___, ...rest } = values;
    const { endpoint } = await imds(rest);
    expect(await client(endpoint).identity()).toMatchObject({
      publicIpAddress: undefined,
      ipv6Addresses: [],
      vpcId: undefined,
    });
  });

  test('takes no address, interface or VPC that is none', async () => {
    const { endpoint, log } = await imds({
      ...values,
      'public-ipv4': '999.1.1.1 evil',
      mac: '../../user-data',
    });
    expect(await client(endpoint).identity()).toMatchObject({
      publicIpAddress: undefined,
      vpcId: undefined,
    });
    expect(log.filter((line) => line.includes('user-data'))).toEqual([]);
  });

  test('asks for one token, and for each value once', async () => {
    const { endpoint, log } = await imds();
    const metadata = client(endpoint);
    await metadata.identity();
    expect(log.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
    expect(new Set(log).size).toBe(log.length);
    await metadata.instanceId();
    expect(log.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });
});

describe('a token', () => {
  test('is fetched again when it is no longer known', async () => {
    const { endpoint, log, forget } = await imds();
    const metadata = client(endpoint);
    await metadata.region();
    forget();
    expect(await metadata.region()).toBe('eu-west-1');
    expect(log.filter((line) => line.startsWith('PUT'))).toHaveLength(2);
  });

  test('is fetched again once only', async () => {
    let puts = 0;
    const endpoint = await serve((request, response) => {
      if (request.method === 'PUT') puts += 1;
      response.writeHead(request.method === 'PUT' ? 200 : 401).end('token');
    });
    await expect(client(endpoint).region()).rejects.toMatchObject({
      code: 'NAMETAG_METADATA_REFUSED',
      details: { path: 'placement/region', status: 401 },
    });
    expect(puts).toBe(2);
  });

  test.each([400, 403, 404, 503])('refused with %i is told', async (status) => {
    const endpoint = await serve((_, response) => response.writeHead(status).end());
    await expect(client(endpoint).instanceId()).rejects.toMatchObject({
      code: 'NAMETAG_METADATA_REFUSED',
      details: { endpoint, path: '/latest/api/token', status },
    });
  });

  // A container behind one hop too many: the connection is made, the answer never arrives.
  test('that never arrives is the hop limit', async () => {
    const endpoint = await serve(() => {});
    await expect(client(endpoint, 50).instanceId()).rejects.toMatchObject({
      code: 'NAMETAG_METADATA_HOP_LIMIT',
      details: { endpoint, ms: 50 },
    });
  });
});

describe('not on EC2', () => {
  test('is a refused connection', async () => {
    await expect(client('http://127.0.0.1:1').instanceId()).rejects.toMatchObject({
      code: 'NAMETAG_NOT_ON_EC2',
      details: { endpoint: 'http://127.0.0.1:1', fact: 'connect ECONNREFUSED 127.0.0.1:1' },
    });
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['an id', { 'instance-id': 'web-1' }, 'instance-id is "web-1" there'],
    ['an id with more behind', { 'instance-id': `${instanceId}\nx` }, 'instance-id is'],
    ['a region', { 'placement/region': '<html>' }, 'placement/region is "<html>" there'],
    ['an address', { 'local-ipv4': 'none' }, 'local-ipv4 is "none" there'],
  ])('is something that answers without %s', async (_, wrong, fact) => {
    const { endpoint } = await imds({ ...values, ...wrong });
    await expect(client(endpoint).identity()).rejects.toMatchObject({
      code: 'NAMETAG_NOT_ON_EC2',
      details: { fact: expect.stringContaining(fact) },
    });
  });

  test('is a web page where the token was asked for', async () => {
    const endpoint = await serve((_, response) => response.end('<html> log in </html>'));
    await expect(client(endpoint).region()).rejects.toMatchObject({
      code: 'NAMETAG_NOT_ON_EC2',
      details: { fact: '/latest/api/token is "<html> log in </html>" there' },
    });
  });

  test('is an answer without end', async () => {
    const endpoint = await serve((_, response) => {
      response.end('x'.repeat(100_000));
    });
    await expect(client(endpoint).region()).rejects.toMatchObject({
      code: 'NAMETAG_NOT_ON_EC2',
      details: { fact: 'the answer is too long' },
    });
  });

  test('is a value that does not come', async () => {
    const endpoint = await serve((request, response) => {
      if (request.method === 'PUT') response.end('token');
    });
    await expect(client(endpoint, 50).region()).rejects.toMatchObject({
      code: 'NAMETAG_NOT_ON_EC2',
      details: { fact: 'no answer within 50 ms' },
    });
  });
});

describe('settings', () => {
  test.each(['true', 'TRUE'])('AWS_EC2_METADATA_DISABLED=%s asks nothing', async (disabled) => {
    const { endpoint, log } = await imds();
    const env = {
      AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint,
      AWS_EC2_METADATA_DISABLED: disabled,
    };
    await expect(imdsMetadata({ env }).identity()).rejects.toMatchObject({
      code: 'NAMETAG_METADATA_DISABLED',
    });
    expect(log).toEqual([]);
  });

  test('AWS_EC2_METADATA_SERVICE_ENDPOINT may have a path and a slash behind', async () => {
    const paths: string[] = [];
    const endpoint = await serve((request, response) => {
      paths.push(request.url ?? '');
      response.end(request.method === 'PUT' ? 'token' : 'eu-west-1');
    });
    expect(await client(`${endpoint}/one/`).region()).toBe('eu-west-1');
    expect(paths).toEqual(['/one/latest/api/token', '/one/latest/meta-data/placement/region']);
  });

  test.each([
    [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: '127.0.0.1:80' }, 'SERVICE_ENDPOINT` is not an http'],
    [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'ftp://127.0.0.1' }, 'SERVICE_ENDPOINT` is not an http'],
    [{ AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv5' }, 'MODE` is neither `IPv4` nor `IPv6`'],
  ])('%j is refused', async (env, problem) => {
    await expect(imdsMetadata({ env }).region()).rejects.toMatchObject({
      code: 'NAMETAG_USAGE',
      message: expect.stringContaining(problem),
    });
  });
});

describe('every call', () => {
  test('throws the reason of its caller', async () => {
    const stop = new AbortController();
    const endpoint = await serve(() => stop.abort('enough'));
    await expect(client(endpoint).region({ signal: stop.signal })).rejects.toBe('enough');
  });

  test('leaves nothing on the signal of its caller', async () => {
    const { endpoint } = await imds();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await client(endpoint).identity({ signal });
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls).toHaveLength(added.mock.calls.length);
  });
});
