import { devNull } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { NametagError } from '../errors.ts';
import { compareText } from '../model/instance.ts';
import { answerApi } from './api.ts';
import { builtInFleet } from './built-in-fleet.ts';
import { LostAnswer } from './ec2-error.ts';
import { populate } from './fleet.ts';
import type { Fleet } from './fleet-shape.ts';
import { MetadataService } from './imds.ts';
import type { InstanceDescription } from './instance-record.ts';
import { drawLatencyMs, type Knobs } from './knobs.ts';
import { type Handler, type HttpRequest, type Listener, listen } from './loopback.ts';
import { sandboxKeys } from './metadata-tree.ts';
import { createRandom, drawHex } from './random.ts';
import { World } from './world.ts';

/** What a sandbox is made of. */
export interface SandboxOptions {
  /** The groups and instances to begin with. Default: {@link builtInFleet}. */
  readonly fleet?: Fleet | undefined;
  /** Default: the fleet's, else `eu-west-1`. */
  readonly region?: string | undefined;
  /** All ids and all chance come from it. Default 1. */
  readonly seed?: string | number | undefined;
  readonly knobs?: Partial<Knobs> | undefined;
  /** Of the EC2 endpoint. Default: a free one. */
  readonly port?: number | undefined;
  /** Where its commands keep their locks, and what they remember, if anywhere in particular. */
  readonly runtimeDir?: string | undefined;
  /** Milliseconds since 1970. Default: this machine's time. */
  readonly now?: (() => number) | undefined;
}

/** An EC2 and the metadata services of its instances, on 127.0.0.1. */
export interface Sandbox {
  /** The same EC2 without HTTP. */
  readonly world: World;
  /** Where any EC2 client finds it, such as `http://127.0.0.1:49152`. */
  readonly endpoint: string;
  readonly region: string;
  /** The instances as they truly are, by launch time, then name in the fleet, then id. */
  instances(): readonly InstanceDescription[];
  /**
   * Finds an instance by its id, its name in the fleet, its `Name` tag, or as the first one that
   * runs in the security group of this name.
   *
   * @throws {@link NametagError} `NAMETAG_USAGE` when there is none.
   */
  instance(idOrName: string): InstanceDescription;
  /** Gives the address of the instance's own metadata service; it listens from then on. */
  metadataEndpoint(idOrName: string): Promise<string>;
  /** Gives the environment of a command that is to use this EC2, as on an instance or not. */
  environment(idOrName?: string): Promise<Readonly<Record<string, string>>>;
  /** Resolves when every call sees the instance and its last start; booting takes longer. */
  whenVisible(idOrName: string): Promise<void>;
  /** Stops listening and ends all connections. */
  close(): Promise<void>;
}

/**
 * Starts an EC2 on this machine. It listens on 127.0.0.1 only.
 *
 * @throws {@link NametagError} `NAMETAG_SANDBOX_FAILED` when the port cannot be had.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { fleet = builtInFleet, seed = 1, knobs, now = machineNow } = options;
  const region = options.region ?? fleet.region;
  const world = new World({ now, seed, region, knobs });
  populate(world, fleet);
  const random = createRandom(seed, 'http');
  const api = await listen(options.port ?? 0, apiHandler(world, random));
  const metadata = new Map<string, Promise<Listener>>();

  const sandbox: Sandbox = {
    world,
    endpoint: api.url,
    region,
    instances: () => [...world.instances()].sort(byLaunch),
    instance: (idOrName) => findInstance(sandbox.instances(), idOrName),
    async metadataEndpoint(idOrName) {
      const { instanceId } = sandbox.instance(idOrName).facts;
      let listener = metadata.get(instanceId);
      if (listener === undefined) {
        const own = createRandom(seed, `metadata of ${instanceId}`);
        listener = listen(0, metadataHandler(new MetadataService(world, instanceId, now, own)));
        metadata.set(instanceId, listener);
      }
      return (await listener).url;
    },
    async environment(idOrName) {
      const onInstance =
        idOrName === undefined ? undefined : await sandbox.metadataEndpoint(idOrName);
      return environmentOf(sandbox, onInstance, options.runtimeDir);
    },
    async whenVisible(idOrName) {
      const { instanceId } = sandbox.instance(idOrName).facts;
      for (;;) {
        const leftMs = world.launchVisibleAtMs(instanceId) - now();
        if (leftMs <= 0) return;
        await delay(Math.ceil(leftMs));
      }
    },
    async close() {
      const listeners = await Promise.all(metadata.values());
      await Promise.all([api, ...listeners].map((listener) => listener.close()));
    },
  };
  return sandbox;
}

/** This machine's time, which goes on evenly even if the date is set meanwhile. */
function machineNow(): number {
  return performance.timeOrigin + performance.now();
}

function apiHandler(world: World, random: () => number): Handler {
  return async (request) => {
    const requestId = drawRequestId(random);
    const waitMs = drawLatencyMs(world.knobs, random);
    if (waitMs > 0) await delay(waitMs / 2);
    try {
      const { status, body } = answerApi(world, readParameters(request), requestId);
      if (waitMs > 0) await delay(waitMs / 2);
      const cut = world.drawsMalformed() ? body.slice(0, Math.floor(body.length / 2)) : body;
      // As EC2 does for whoever asks, a page is a thirtieth then.
      const isGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
      const headers = {
        'content-type': 'text/xml;charset=UTF-8',
        'x-amzn-requestid': requestId,
        vary: 'accept-encoding',
        ...(isGzip && { 'content-encoding': 'gzip' }),
      };
      return { status, body: isGzip ? gzipSync(cut) : cut, headers };
    } catch (error) {
      if (error instanceof LostAnswer) return undefined;
      throw error;
    }
  };
}

function metadataHandler(service: MetadataService): Handler {
  return async ({ method, target, headers }) => {
    const [path = '/'] = target.split('?');
    return service.answer({ method, path, headers });
  };
}

/** The parameters are in the body of a POST, in the query of a GET. */
function readParameters({ method, target, body }: HttpRequest): ReadonlyMap<string, string> {
  const query = target.includes('?') ? target.slice(target.indexOf('?') + 1) : '';
  return new Map(new URLSearchParams(method === 'POST' && body !== '' ? body : query));
}

function drawRequestId(random: () => number): string {
  return [8, 4, 4, 4, 12].map((digits) => drawHex(random, digits)).join('-');
}

function byLaunch(a: InstanceDescription, b: InstanceDescription): number {
  if (a.launchTimeMs !== b.launchTimeMs) return a.launchTimeMs - b.launchTimeMs;
  if (a.facts.launchIndex !== b.facts.launchIndex) return a.facts.launchIndex - b.facts.launchIndex;
  const left = a.facts.handle ?? a.facts.instanceId;
  const right = b.facts.handle ?? b.facts.instanceId;
  return compareText(left, right);
}

function findInstance(
  instances: readonly InstanceDescription[],
  idOrName: string,
): InstanceDescription {
  const found =
    instances.find(({ facts }) => facts.instanceId === idOrName || facts.handle === idOrName) ??
    instances.find(({ tags }) => tags.get('Name') === idOrName) ??
    instances.find(
      ({ state, facts }) =>
        state === 'running' &&
        facts.networkInterfaces[0].groups.some(({ groupName }) => groupName === idOrName),
    );
  if (found !== undefined) return found;
  const names = instances.flatMap(({ facts }) => facts.handle ?? []).join(', ');
  throw new NametagError('NAMETAG_USAGE', {
    problem: `There is no instance "${idOrName}" in the sandbox`,
    remedy: `Use an instance id, or one of the fleet's names: ${names}`,
  });
}

function environmentOf(
  { endpoint, region }: Sandbox,
  metadataEndpoint: string | undefined,
  runtimeDir: string | undefined,
): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_EC2: endpoint,
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: sandboxKeys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: sandboxKeys.secretAccessKey,
    AWS_SESSION_TOKEN: 'sandbox',
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ...(metadataEndpoint === undefined
      ? { AWS_EC2_METADATA_DISABLED: 'true' }
      : {
          // Some clients take any text for yes, even "false".
          AWS_EC2_METADATA_DISABLED: '',
          AWS_EC2_METADATA_SERVICE_ENDPOINT: metadataEndpoint,
        }),
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    ...(runtimeDir === undefined
      ? {}
      : {
          NAMETAG_RUNTIME_DIR: runtimeDir,
          NAMETAG_CACHE_DIR: join(runtimeDir, 'cache'),
          NAMETAG_STATE_DIR: join(runtimeDir, 'state'),
        }),
  };
}
