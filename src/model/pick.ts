import type { Endpoint } from './endpoint.ts';
import { compareText } from './instance.ts';

/** How many of the endpoints are wanted, and which; `key:TEXT` keeps to one for that text. */
export type PickRule = 'all' | 'first' | 'random' | 'weighted' | 'near' | `key:${string}`;

/** Tells whether this names a way to pick. */
export function isPick(text: string): text is PickRule {
  return ['all', 'first', 'random', 'weighted', 'near'].includes(text) || text.startsWith('key:');
}

/** What picking needs from outside. */
export interface PickOptions {
  /** At least 0 and below 1; decides `random` and `weighted`. */
  readonly chance: number;
  /** Where the caller is; decides `near`. */
  readonly availabilityZone?: string | undefined;
}

/**
 * Picks from endpoints. Empty stays empty; all but `all` give at most one.
 *
 * - `first`: the first in order.
 * - `random`: each as likely as the other.
 * - `weighted`: among the lowest priority, by weight, as a client of RFC 2782 would.
 * - `near`: the first in the caller's availability zone, else the first of all.
 * - `key:TEXT`: the same one for the same text while it is there, and when one leaves only its
 *   own texts move (rendezvous hashing).
 */
export function pick(
  endpoints: readonly Endpoint[],
  how: PickRule,
  options: PickOptions,
): readonly Endpoint[] {
  if (how === 'all') return endpoints;
  const one = pickOne(endpoints, how, options);
  return one === undefined ? [] : [one];
}

function pickOne(
  endpoints: readonly Endpoint[],
  how: Exclude<PickRule, 'all'>,
  { chance, availabilityZone }: PickOptions,
): Endpoint | undefined {
  switch (how) {
    case 'first':
      return endpoints[0];
    case 'random':
      return endpoints[Math.floor(chance * endpoints.length)];
    case 'weighted':
      return pickWeighted(endpoints, chance);
    case 'near':
      return pickNear(endpoints, availabilityZone);
    default:
      return pickByKey(endpoints, how.slice('key:'.length));
  }
}

function pickNear(
  endpoints: readonly Endpoint[],
  availabilityZone: string | undefined,
): Endpoint | undefined {
  // Two zones that are not known are not one.
  if (availabilityZone === undefined) return endpoints[0];
  return endpoints.find((e) => e.availabilityZone === availabilityZone) ?? endpoints[0];
}

function pickWeighted(endpoints: readonly Endpoint[], chance: number): Endpoint | undefined {
  const lowest = Math.min(...endpoints.map((endpoint) => endpoint.priority));
  const candidates = endpoints.filter((endpoint) => endpoint.priority === lowest);
  const total = candidates.reduce((sum, endpoint) => sum + endpoint.weight, 0);
  // All weights 0 means no preference (RFC 2782).
  if (total === 0) return candidates[Math.floor(chance * candidates.length)];
  let rest = chance * total;
  return candidates.find((endpoint) => {
    rest -= endpoint.weight;
    return rest < 0;
  });
}

function pickByKey(endpoints: readonly Endpoint[], key: string): Endpoint | undefined {
  const scored = endpoints.map((e) => ({ e, score: hash(`${key} ${e.instanceId}`) }));
  scored.sort((a, b) => b.score - a.score || compareText(a.e.instanceId, b.e.instanceId));
  return scored[0]?.e;
}

/** FNV-1a, 32 bits, with murmur3's finishing steps, which spread texts that differ at the end. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
