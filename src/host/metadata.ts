/**
 * The instance metadata service, version 2 only, as a port.
 *
 * Written on node:http rather than taken from the SDK, whose client has no time limit, asks for a
 * token at every read, falls back to version 1, and ignores `AWS_EC2_METADATA_DISABLED`.
 * Source: EC2 User Guide, "Use the Instance Metadata Service to access instance metadata".
 */
import { request as httpRequest } from 'node:http';
import { isIP } from 'node:net';
import { DeadlineExceeded, withDeadline } from '../deadline.ts';
import { NametagError } from '../errors.ts';
import type { CallOptions, Identity, Metadata } from '../ports.ts';

/** What the metadata client is made from. */
export interface MetadataOptions {
  /**
   * Where `AWS_EC2_METADATA_SERVICE_ENDPOINT`, `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` and
   * `AWS_EC2_METADATA_DISABLED` are read.
   *
   * @defaultValue `process.env`
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * How long one request may take, in milliseconds.
   *
   * @defaultValue `1_000`, as in the AWS SDKs
   */
  readonly deadlineMs?: number | undefined;
}

/** Makes the client. It keeps its token, so one object serves a whole process. */
export function imdsMetadata(options: MetadataOptions = {}): Metadata {
  const service: Service = {
    env: options.env ?? process.env,
    deadlineMs: options.deadlineMs ?? 1_000,
    token: undefined,
  };
  return {
    identity: ({ signal } = {}) => readIdentity(service, signal),
    instanceId: ({ signal } = {}) => readOne(service, 'instance-id', instanceIdPattern, signal),
    region: ({ signal } = {}) => readOne(service, 'placement/region', placePattern, signal),
  };
}

interface Service {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly deadlineMs: number;
  token: string | undefined;
}

type Signal = CallOptions['signal'];

// Ids have 8 or 17 hexadecimal digits. Source: EC2 User Guide, "Resource IDs".
const instanceIdPattern = /^i-[0-9a-f]{8,17}$/;
const placePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

async function readIdentity(service: Service, signal: Signal): Promise<Identity> {
  const instanceId = await readOne(service, 'instance-id', instanceIdPattern, signal);
  // The token is there now, so these need one request each and can go out together.
  const [region, availabilityZone, privateIp, publicIp, ipv6, groups, vpcId] = await Promise.all([
    readOne(service, 'placement/region', placePattern, signal),
    readOne(service, 'placement/availability-zone', placePattern, signal),
    read(service, 'local-ipv4', signal),
    read(service, 'public-ipv4', signal),
    read(service, 'ipv6', signal),
    read(service, 'security-groups', signal),
    readVpcId(service, signal),
  ]);
  const privateIpAddress = address(privateIp);
  if (privateIpAddress === undefined) throw unexpected(service, 'local-ipv4', privateIp);
  const ipv6Address = address(ipv6);
  return {
    instanceId,
    region,
    availabilityZone,
    privateIpAddress,
    publicIpAddress: address(publicIp),
    ipv6Addresses: ipv6Address === undefined ? [] : [ipv6Address],
    vpcId,
    securityGroups: lines(groups ?? ''),
  };
}

/** Of the primary network interface, whose address `mac` is. */
async function readVpcId(service: Service, signal: Signal): Promise<string | undefined> {
  const mac = await read(service, 'mac', signal);
  if (mac === undefined || !macPattern.test(mac)) return undefined;
  const vpcId = await read(service, `network/interfaces/macs/${mac}/vpc-id`, signal);
  return vpcId !== undefined && /^vpc-[0-9a-f]+$/.test(vpcId) ? vpcId : undefined;
}

async function readOne(
  service: Service,
  path: string,
  pattern: RegExp,
  signal: Signal,
): Promise<string> {
  const value = await read(service, path, signal);
  if (value === undefined) throw refused(service, path, 404);
  if (!pattern.test(value)) throw unexpected(service, path, value);
  return value;
}

/** Reads one value, trimmed, or `undefined` when the instance has no such thing (404). */
async function read(service: Service, path: string, signal: Signal): Promise<string | undefined> {
  service.token ??= await fetchToken(service, signal);
  let answer = await get(service, path, service.token, signal);
  if (answer.status === 401) {
    // Tokens end with their time, and when an image of a running machine is started elsewhere.
    service.token = await fetchToken(service, signal);
    answer = await get(service, path, service.token, signal);
  }
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refused(service, path, answer.status);
  return answer.body.trim();
}

async function get(service: Service, path: string, token: string, signal: Signal): Promise<Answer> {
  const headers = { 'x-aws-ec2-metadata-token': token };
  return send(service, { method: 'GET', path: `/latest/meta-data/${path}`, headers }, signal);
}

async function fetchToken(service: Service, signal: Signal): Promise<string> {
  const path = '/latest/api/token';
  // Six hours, the longest there is.
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' };
  const answer = await send(service, { method: 'PUT', path, headers }, signal);
  if (answer.status !== 200) throw refused(service, path, answer.status);
  const token = answer.body.trim();
  // It becomes a header; a web page that some proxy answered must not.
  if (!/^[\x21-\x7e]+$/.test(token)) throw unexpected(service, path, token);
  return token;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Sent {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Security groups are the longest value: 16 names of at most 255 characters. */
const maxBodyBytes = 64 * 1024;

async function send(service: Service, sent: Sent, signal: Signal): Promise<Answer> {
  const endpoint = endpointOf(service);
  const ms = service.deadlineMs;
  let connected = false;
  try {
    return await withDeadline(ms, signal, (eitherSignal) =>
      exchange(endpoint, sent, {
        signal: eitherSignal,
        onConnect: () => {
          connected = true;
        },
      }),
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DeadlineExceeded && connected && sent.method === 'PUT') {
      // The answer to the PUT is sent with a hop limit, and is lost on its way into a container.
      throw new NametagError('NAMETAG_METADATA_HOP_LIMIT', { endpoint: endpoint.origin, ms });
    }
    const fact = error instanceof Error ? error.message : String(error);
    throw new NametagError(
      'NAMETAG_NOT_ON_EC2',
      { endpoint: endpoint.origin, fact },
      { cause: error },
    );
  }
}

function exchange(
  endpoint: URL,
  { method, path, headers }: Sent,
  { signal, onConnect }: { readonly signal: AbortSignal; readonly onConnect: () => void },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      method,
      // The brackets of an IPv6 address belong to the URL only.
      hostname: endpoint.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: endpoint.port || 80,
      path: endpoint.pathname.replace(/\/$/, '') + path,
      headers,
      signal,
      // A connection each: the service closes idle ones, and a lost race would look like a failure.
      agent: false,
    });
    request.on('socket', (socket) => socket.once('connect', onConnect));
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > maxBodyBytes) response.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      });
    });
    request.end();
  });
}

function endpointOf({ env }: Service): URL {
  if (env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') {
    throw new NametagError('NAMETAG_METADATA_DISABLED', {});
  }
  const mode = (env['AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE'] || 'IPv4').toLowerCase();
  if (mode !== 'ipv4' && mode !== 'ipv6') {
    throw new NametagError('NAMETAG_USAGE', {
      problem: '`AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` is neither `IPv4` nor `IPv6`',
      remedy: 'Set it to one of them, or unset it',
    });
  }
  const standard = mode === 'ipv6' ? 'http://[fd00:ec2::254]' : 'http://169.254.169.254';
  const endpoint = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || standard;
  if (!/^http:\/\//i.test(endpoint) || !URL.canParse(endpoint)) {
    throw new NametagError('NAMETAG_USAGE', {
      problem: '`AWS_EC2_METADATA_SERVICE_ENDPOINT` is not an http address',
      remedy: `Write it like \`${standard}\`, or unset it`,
    });
  }
  return new URL(endpoint);
}

function refused(service: Service, path: string, status: number): NametagError {
  const endpoint = endpointOf(service).origin;
  return new NametagError('NAMETAG_METADATA_REFUSED', { endpoint, path, status });
}

/** Something answers there, a proxy or a router perhaps, but it is not the metadata service. */
function unexpected(service: Service, path: string, value: string | undefined): NametagError {
  const found = value === undefined ? 'nothing' : JSON.stringify(value.slice(0, 40));
  return new NametagError('NAMETAG_NOT_ON_EC2', {
    endpoint: endpointOf(service).origin,
    fact: `${path} is ${found} there`,
  });
}

function address(value: string | undefined): string | undefined {
  return value !== undefined && isIP(value) !== 0 ? value : undefined;
}

function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
