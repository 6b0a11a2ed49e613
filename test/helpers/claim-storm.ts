/**
 * Hosts that claim names at once, in a world and a time of their own.
 *
 * Everything is drawn from the seed, so a storm that broke a rule breaks it again.
 */

import type { ClaimOutcome } from '../../src/claim/protocol.ts';
import { type ClaimPorts, type ClaimRequest, claimName } from '../../src/claim-name.ts';
import { parseSeries, type Series, type ServiceType } from '../../src/model/series.ts';
import { parseClaim } from '../../src/model/tags.ts';
import type { ClaimLock } from '../../src/ports.ts';
import { createWorldEc2 } from '../../src/sandbox/ec2-port.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import { ManualClock } from '../../src/sandbox/manual-clock.ts';
import { createRandom } from '../../src/sandbox/random.ts';
import { World } from '../../src/sandbox/world.ts';

export interface Storm {
  readonly claimants: number;
  readonly seed: number;
  readonly settleMs: number;
  readonly knobs?: Partial<Knobs>;
  readonly type?: ServiceType;
  /** How far apart the claimants may begin, in milliseconds. */
  readonly spreadMs?: number;
}

export interface StormResult {
  readonly outcomes: readonly ClaimOutcome[];
  /** Names that two living instances held at the same time, at any time. */
  readonly heldTwice: readonly string[];
  /** The names held in the end, as EC2 truly has them, in order. */
  readonly held: readonly string[];
  readonly endedAtMs: number;
}

export function series(service: string, type: ServiceType = 'iterative'): Series {
  const parsed = parseSeries(service, type);
  if (parsed.kind === 'refused') throw new TypeError(parsed.reason);
  return parsed.series;
}

/** A lock that nobody else wants. */
export const freeLock: ClaimLock = {
  acquire: async () => ({
    foundMark: false,
    sinceWriteMs: undefined,
    mark: async () => {},
    clearMark: async () => {},
    release: async () => {},
  }),
};

export async function runStorm(storm: Storm): Promise<StormResult> {
  const { claimants, seed, settleMs, knobs, spreadMs = 0 } = storm;
  const clock = new ManualClock();
  const holders = new Map<string, Set<string>>();
  const heldTwice = new Set<string>();
  const world = new World({
    now: () => clock.wallMs(),
    seed,
    onChange: ({ facts, state, tags }) => {
      const claim = parseClaim(tags.get('nametag:claim') ?? '');
      const alive = state === 'running' || state === 'pending';
      for (const ids of holders.values()) ids.delete(facts.instanceId);
      if (!alive || claim?.held === undefined) return;
      const ids = holders.get(claim.held) ?? new Set<string>();
      ids.add(facts.instanceId);
      holders.set(claim.held, ids);
      if (ids.size > 1) heldTwice.add(claim.held);
    },
  });
  const launched = world.runInstances({
    imageId: 'ami-0123456789abcdef0',
    minCount: claimants,
    maxCount: claimants,
  });
  world.setKnobs({ latencyMs: 40, ...knobs });
  const random = createRandom(seed, 'claimants');
  const request = { series: series('web', storm.type), settleMs };
  const all = Promise.all(
    launched.map(async ({ facts: { instanceId } }, index) => {
      await clock.wait(random() * spreadMs);
      const machine = clock.machine({ bootedAtMs: clock.monotonicMs() });
      const ec2 = createWorldEc2({ world, clock: machine, seed: `${seed}/${index}` });
      const ports: ClaimPorts = { ec2, clock: machine, random, lock: freeLock };
      return await claimName({ instanceId, ...request } satisfies ClaimRequest, ports);
    }),
  );
  const outcomes = await clock.run(all);
  const held = world
    .instances()
    .flatMap(({ tags }) => parseClaim(tags.get('nametag:claim') ?? '')?.held ?? []);
  return { outcomes, heldTwice: [...heldTwice], held: held.sort(), endedAtMs: clock.monotonicMs() };
}
