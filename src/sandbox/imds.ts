import type { Random } from '../ports.ts';
import { type MetadataNode, metadataTree } from './metadata-tree.ts';
import { drawHex } from './random.ts';
import type { World } from './world.ts';

/** A request to the metadata service. */
export interface MetadataRequest {
  readonly method: string;
  /** As it was sent, percent-encoded, without a query. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What the metadata service answers. */
export interface MetadataAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';
const tokenHeader = 'x-aws-ec2-metadata-token';
const ttlMaxSeconds = 21_600;

/**
 * The metadata service of one instance, version 2 only.
 *
 * Rules and statuses: EC2 User Guide, "How Instance Metadata Service Version 2 works" and "Retrieve
 * instance metadata".
 */
export class MetadataService {
  readonly #world: World;
  readonly #instanceId: string;
  readonly #now: () => number;
  readonly #random: Random;
  readonly #tokens = new Map<string, number>();

  constructor(world: World, instanceId: string, now: () => number, random: Random) {
    this.#world = world;
    this.#instanceId = instanceId;
    this.#now = now;
    this.#random = random;
  }

  /** Answers, or gives `undefined` where a machine that does not run would not. */
  answer(request: MetadataRequest): MetadataAnswer | undefined {
    const instance = this.#world.instance(this.#instanceId);
    if (instance?.state !== 'running' && instance?.state !== 'pending') return undefined;
    if (request.method === 'PUT') return this.#giveToken(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') return failed(405);
    const token = request.headers[tokenHeader];
    const endMs = typeof token === 'string' ? this.#tokens.get(token) : undefined;
    if (endMs === undefined || endMs <= this.#now()) return failed(401);
    const tree = metadataTree(instance, {
      region: this.#world.region,
      ownerId: this.#world.ownerId,
      instanceTags: this.#world.knobs.instanceTags,
      nowMs: this.#now(),
    });
    const node = find(tree, request.path);
    if (node === undefined) return failed(404);
    return { status: 200, body: typeof node === 'string' ? node : list(node) };
  }

  #giveToken({ path, headers }: MetadataRequest): MetadataAnswer {
    // A proxy that passes requests on would give the token away.
    if (headers['x-forwarded-for'] !== undefined) return failed(403);
    if (path !== '/latest/api/token') return failed(403);
    const text = headers[ttlHeader];
    const seconds = typeof text === 'string' && /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (seconds < 1 || seconds > ttlMaxSeconds) return failed(400);
    const nowMs = this.#now();
    for (const [token, endMs] of this.#tokens) if (endMs <= nowMs) this.#tokens.delete(token);
    const token = `${drawHex(this.#random, 54)}==`;
    this.#tokens.set(token, nowMs + seconds * 1000);
    return { status: 200, body: token, headers: { [ttlHeader]: String(seconds) } };
  }
}

function find(root: MetadataNode, path: string): MetadataNode | undefined {
  let node: MetadataNode | undefined = root;
  for (const part of path.split('/')) {
    if (part === '') continue;
    if (node === undefined || typeof node === 'string') return undefined;
    node = node.get(decode(part));
  }
  return node;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Lists a folder: one name a line, those of folders with a slash. */
function list(folder: ReadonlyMap<string, MetadataNode>): string {
  return [...folder]
    .map(([name, node]) => (typeof node === 'string' ? name : `${name}/`))
    .sort()
    .join('\n');
}

const titles: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
]);

function failed(status: number): MetadataAnswer {
  const title = `${status} - ${titles.get(status) ?? ''}`;
  const body =
    '<?xml version="1.0" encoding="iso-8859-1"?>\n' +
    `<html>\n <head>\n  <title>${title}</title>\n </head>\n` +
    ` <body>\n  <h1>${title}</h1>\n </body>\n</html>\n`;
  return { status, body, headers: { 'content-type': 'text/html' } };
}
