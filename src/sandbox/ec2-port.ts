import { type ErrorDetailsByCode, isNametagError, NametagError } from '../errors.ts';
import { toRequests } from '../model/filters.ts';
import { compareText, type Instance } from '../model/instance.ts';
import { toSnapshot } from '../model/snapshot.ts';
import type { Clock, Ec2 } from '../ports.ts';
import { Ec2Error, LostAnswer } from './ec2-error.ts';
import type { InstanceDescription, InstanceFacts } from './instance-record.ts';
import { drawLatencyMs } from './knobs.ts';
import { createRandom } from './random.ts';
import type { World } from './world.ts';

/** How the world is reached without HTTP. */
export interface WorldEc2Options {
  readonly world: World;
  /** On which the requests take their time. */
  readonly clock: Clock;
  /** Of the latencies and the pauses between attempts. Default 1. */
  readonly seed?: string | number | undefined;
  /** How many instances a page has at most, 5 to 1000. Default 1000. */
  readonly pageSize?: number | undefined;
  /** How often a throttled or unanswered request is made, as the SDK does. Default 3. */
  readonly transportAttempts?: number | undefined;
  /** How often a write is made while EC2 does not know the instance or is busy. Default 5. */
  readonly meaningAttempts?: number | undefined;
}

interface Doing {
  readonly doing: string;
  readonly iamAction: 'ec2:DescribeInstances' | 'ec2:CreateTags';
  readonly instanceId: string | undefined;
}

// The SDK's own: base delays in milliseconds, doubled at each attempt, and a part of it waited.
// Source: @smithy/core, its standard retry strategy.
const transientDelayMs = 50;
const throttledDelayMs = 1000;
const delayMaxMs = 20_000;
const meaningDelayMs = 400;

/**
 * Makes the port to a world in this process, behaving as the gateway to EC2 does.
 *
 * Failures have the same codes. Time passes on the clock alone, so with a hand-turned one, minutes
 * of many hosts are played in a second, and always alike.
 */
export function createWorldEc2(options: WorldEc2Options): Ec2 {
  const { world, pageSize = 1000, meaningAttempts = 5 } = options;
  const requester = createRequester(options);
  return {
    region: world.region,

    async describeInstances(queries, { signal } = {}) {
      const takenAtMs = options.clock.wallMs();
      const about: Doing = {
        doing: 'describe instances',
        iamAction: 'ec2:DescribeInstances',
        instanceId: undefined,
      };
      const instances: Instance[] = [];
      for (const filters of queries.flatMap(toRequests)) {
        let nextToken: string | undefined;
        do {
          const request = { filters, maxResults: pageSize, nextToken };
          const page = await requester.call(about, signal, () => world.describeInstances(request));
          if (page.items.length > 0 && world.drawsBare()) {
            throw malformed(world, about, 'an instance has no `instanceState`');
          }
          for (const item of page.items) instances.push(toInstance(item));
          nextToken = page.nextToken;
        } while (nextToken !== undefined);
      }
      return toSnapshot(world.region, takenAtMs, instances);
    },

    async createTags(instanceId, tags, { signal } = {}) {
      if (tags.size === 0) throw new TypeError('Expected at least one tag to write.');
      const about: Doing = { doing: `tag ${instanceId}`, iamAction: 'ec2:CreateTags', instanceId };
      const list = [...tags].map(([key, value]) => ({ key, value }));
      const request = { resources: [instanceId], tags: list };
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await requester.call(about, signal, () => world.createTags(request));
        } catch (error) {
          if (attempt >= meaningAttempts || !waitsForMeaning(error)) throw error;
          await requester.pause(meaningDelayMs, attempt, signal);
        }
      }
    },
  };
}

interface Requester {
  call<T>(about: Doing, signal: AbortSignal | undefined, request: () => T): Promise<T>;
  pause(baseMs: number, attempt: number, signal: AbortSignal | undefined): Promise<void>;
}

function createRequester(options: WorldEc2Options): Requester {
  const { world, clock, seed = 1, transportAttempts = 3 } = options;
  const random = createRandom(seed, 'latency');

  const travel = async (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    const latencyMs = drawLatencyMs(world.knobs, random);
    // To EC2 and back, a half of the whole each.
    if (latencyMs > 0) await clock.wait(latencyMs / 2, { signal });
  };
  const pause: Requester['pause'] = (baseMs, attempt, signal) =>
    clock.wait(Math.min(delayMaxMs, baseMs * 2 ** (attempt - 1)) * random(), { signal });

  return {
    pause,
    async call(about, signal, request) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await travel(signal);
          const answer = request();
          await travel(signal);
          if (world.drawsMalformed()) throw malformed(world, about, 'it is not well-formed XML');
          return answer;
        } catch (error) {
          const delayMs = retryDelayMs(error);
          if (delayMs === undefined || attempt >= transportAttempts) {
            throw toFailure(error, world, about, attempt);
          }
          await pause(delayMs, attempt, signal);
        }
      }
    },
  };
}

function retryDelayMs(error: unknown): number | undefined {
  if (error instanceof LostAnswer) return transientDelayMs;
  const throttled = error instanceof Ec2Error && error.code === 'RequestLimitExceeded';
  return throttled ? throttledDelayMs : undefined;
}

function waitsForMeaning(error: unknown): boolean {
  return (
    isNametagError(error, 'NAMETAG_EC2_BUSY') || isNametagError(error, 'NAMETAG_INSTANCE_NOT_FOUND')
  );
}

function malformed(world: World, { doing }: Doing, fact: string): NametagError {
  return new NametagError('NAMETAG_EC2_MALFORMED', { doing, region: world.region, fact });
}

/** Tells a failure as the gateway to EC2 tells it. */
function toFailure(error: unknown, world: World, about: Doing, attempts: number): unknown {
  const { region } = world;
  const { doing, iamAction, instanceId = '' } = about;
  const cause = { cause: error };
  if (error instanceof LostAnswer) {
    const details = { doing, region, endpoint: 'the sandbox', fact: 'the connection was closed' };
    return new NametagError('NAMETAG_EC2_UNREACHABLE', details, cause);
  }
  if (!(error instanceof Ec2Error)) return error;
  const awsCode = error.code;
  const awsMessage = error.message.replace(/\.$/, '');
  const told: ErrorDetailsByCode['NAMETAG_EC2_REFUSED'] = { doing, region, awsCode, awsMessage };
  switch (awsCode) {
    case 'UnauthorizedOperation':
      return new NametagError('NAMETAG_EC2_DENIED', { ...told, iamAction }, cause);
    case 'RequestLimitExceeded':
      return new NametagError('NAMETAG_EC2_THROTTLED', { ...told, attempts }, cause);
    case 'ConcurrentTagAccess':
      return new NametagError('NAMETAG_EC2_BUSY', told, cause);
    case 'InvalidInstanceID.NotFound':
      return new NametagError('NAMETAG_INSTANCE_NOT_FOUND', { doing, region, instanceId }, cause);
    case 'TagLimitExceeded':
      return new NametagError('NAMETAG_TAG_LIMIT', { instanceId, region, awsCode }, cause);
    default:
      return new NametagError('NAMETAG_EC2_REFUSED', told, cause);
  }
}

// The world gives the same description again while nothing changes, and the same facts always.
const decoded = new WeakMap<InstanceDescription, Instance>();
const decodedNetworks = new WeakMap<InstanceFacts, DecodedNetwork>();

type DecodedNetwork = Pick<
  Instance,
  'vpcId' | 'subnetId' | 'privateIpAddress' | 'privateDnsName' | 'ipv6Addresses' | 'securityGroups'
>;

const noNetwork: DecodedNetwork = {
  vpcId: undefined,
  subnetId: undefined,
  privateIpAddress: undefined,
  privateDnsName: undefined,
  ipv6Addresses: [],
  securityGroups: [],
};

function toInstance(description: InstanceDescription): Instance {
  const known = decoded.get(description);
  if (known !== undefined) return known;
  const { facts, state, launchTimeMs, publicAddress, tags } = description;
  const network = state === 'terminated' ? noNetwork : networkOf(facts);
  const instance: Instance = {
    instanceId: facts.instanceId,
    state,
    launchTimeMs,
    launchIndex: facts.launchIndex,
    instanceType: facts.instanceType,
    availabilityZone: facts.availabilityZone,
    vpcId: network.vpcId,
    subnetId: network.subnetId,
    privateIpAddress: network.privateIpAddress,
    publicIpAddress: publicAddress?.ipAddress,
    ipv6Addresses: network.ipv6Addresses,
    privateDnsName: state === 'pending' ? undefined : network.privateDnsName,
    publicDnsName: publicAddress?.dnsName,
    securityGroups: network.securityGroups,
    tags,
  };
  decoded.set(description, instance);
  return instance;
}

function networkOf(facts: InstanceFacts): DecodedNetwork {
  const known = decodedNetworks.get(facts);
  if (known !== undefined) return known;
  const [primary] = facts.networkInterfaces;
  const groups = facts.networkInterfaces.flatMap((face) => face.groups);
  const byId = new Map(groups.map((group) => [group.groupId, group]));
  const network: DecodedNetwork = {
    vpcId: facts.vpcId,
    subnetId: facts.subnetId,
    privateIpAddress: primary.privateIpAddress,
    privateDnsName: primary.privateDnsName,
    ipv6Addresses: facts.networkInterfaces.flatMap((face) => face.ipv6Addresses),
    securityGroups: [...byId.values()].sort((a, b) => compareText(a.groupId, b.groupId)),
  };
  decodedNetworks.set(facts, network);
  return network;
}
