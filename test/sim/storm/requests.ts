/** How a run reaches the world: with its requests counted, and side by side as the gateway does. */
import { claimAttempts } from '../../../src/claim-name.ts';
import { isNametagError } from '../../../src/errors.ts';
import { type Snapshot, toSnapshot } from '../../../src/model/snapshot.ts';
import type { CallOptions, Clock, Ec2, Random } from '../../../src/ports.ts';
import { Ec2Error } from '../../../src/sandbox/ec2-error.ts';
import { createWorldEc2 } from '../../../src/sandbox/ec2-port.ts';
import type { World } from '../../../src/sandbox/world.ts';

/** Requests as EC2 counts them: each page and each attempt is one. */
export interface Requests {
  describes: number;
  writes: number;
  throttled: number;
}

export function countRequests(world: World, counts: Requests): World {
  const counting = <A, R>(key: 'describes' | 'writes', call: (request: A) => R) => {
    return (request: A): R => {
      counts[key] += 1;
      try {
        return call(request);
      } catch (error) {
        if (error instanceof Ec2Error && error.code === 'RequestLimitExceeded') {
          counts.throttled += 1;
        }
        throw error;
      }
    };
  };
  const describeInstances = counting('describes', world.describeInstances.bind(world));
  const createTags = counting('writes', world.createTags.bind(world));
  return new Proxy(world, {
    get(target, key) {
      if (key === 'describeInstances') return describeInstances;
      if (key === 'createTags') return createTags;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export interface ReachOptions {
  readonly world: World;
  readonly clock: Clock;
  readonly seed: string;
  /** How often the SDK makes a request that is throttled or not answered. Default: as shipped. */
  readonly attempts?: number | undefined;
  readonly random: Random;
}

/** The port to the world, with the requests of a describe side by side and the SDK's waits. */
export function reach(options: ReachOptions): Ec2 {
  const { world, clock, seed, random, attempts = claimAttempts } = options;
  const port = createWorldEc2({ world, clock, seed, transportAttempts: 1, pageSize: 1000 });

  /** The SDK's standard mode: up to a second the first time, twice as much the next, 20 at most. */
  async function retried<T>(call: () => Promise<T>, { signal }: CallOptions): Promise<T> {
    for (let retry = 0; ; retry += 1) {
      try {
        return await call();
      } catch (error) {
        const throttled = isNametagError(error, 'NAMETAG_EC2_THROTTLED');
        const transient = isNametagError(error, 'NAMETAG_EC2_UNREACHABLE');
        if (!(throttled || transient) || retry + 1 >= attempts) throw error;
        const mostMs = Math.min(20_000, (throttled ? 1000 : 50) * 2 ** retry);
        await clock.wait(random() * mostMs, { signal });
      }
    }
  }

  async function describeAll(
    queries: Parameters<Ec2['describeInstances']>[0],
    { signal }: CallOptions,
  ): Promise<Snapshot> {
    const takenAtMs = clock.wallMs();
    const ended = new AbortController();
    signal?.addEventListener('abort', () => ended.abort(signal.reason), { once: true });
    const parts = queries.map((query) =>
      retried(() => port.describeInstances([query], { signal: ended.signal }), {
        signal: ended.signal,
      }),
    );
    try {
      const snapshots = await Promise.all(parts);
      return toSnapshot(
        world.region,
        takenAtMs,
        snapshots.flatMap(({ instances }) => instances),
      );
    } catch (error) {
      ended.abort(error);
      await Promise.allSettled(parts);
      throw error;
    }
  }

  return {
    region: world.region,
    describeInstances: (queries, call = {}) => describeAll(queries, call),
    async createTags(instanceId, tags, call = {}) {
      await retried(() => port.createTags(instanceId, tags, call), call);
    },
  };
}
