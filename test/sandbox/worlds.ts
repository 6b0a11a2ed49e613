import type { Knobs } from '../../src/sandbox/knobs.ts';
import { World } from '../../src/sandbox/world.ts';

/** A world whose time stands still until a test moves it. */
export interface StillWorld {
  readonly world: World;
  /** Milliseconds since 1970; a test sets it. */
  time: { nowMs: number };
}

export const beginningMs: number = Date.UTC(2026, 10, 20, 12, 0, 0);

export function stillWorld(knobs: Partial<Knobs> = {}, seed: string | number = 1): StillWorld {
  const time = { nowMs: beginningMs };
  return { world: new World({ now: () => time.nowMs, seed, knobs }), time };
}

/** A world in which every write is visible at once. */
export function plainWorld(knobs: Partial<Knobs> = {}, seed: string | number = 1): StillWorld {
  return stillWorld({ settleMaxMs: 0, ...knobs }, seed);
}

/** Gives the code of EC2's error that the call ends with, or `undefined` if it ends without one. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    const { code, name } = error as { code?: string; name: string };
    return code ?? name;
  }
  return undefined;
}

/** Gives who a filter lets through, by handle. */
export function idsWhere({ world }: StillWorld, name: string, ...values: string[]): string[] {
  const page = world.describeInstances({ filters: [{ name, values }] });
  return page.items.map(({ facts }) => facts.handle ?? facts.instanceId).sort();
}
