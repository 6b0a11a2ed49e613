/**
 * What is true in the simulated EC2 at every instant, whoever can see it yet, and what of it breaks
 * a promise of the claim protocol.
 */
import { nameAt, rankOf, type Series } from '../../../src/model/series.ts';
import { parseClaim } from '../../../src/model/tags.ts';
import type { InstanceDescription } from '../../../src/sandbox/instance-record.ts';

interface Known {
  readonly alive: boolean;
  /** By a valid claim of a living instance. */
  readonly held: string | undefined;
  /** Held, asked for or tagged, while alive. */
  readonly occupied: readonly string[];
}

const unknown: Known = { alive: false, held: undefined, occupied: [] };

export class Truth {
  /** What was seen that must never be; empty when all is well. */
  readonly complaints: string[] = [];
  /** When a name last came to be held. */
  lastHeldAtMs = 0;
  readonly #series: Series;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  readonly #holders = new Map<string, Set<string>>();
  /** Names that may be free below others: who occupied them has ended, or a person wrote them. */
  readonly #excused = new Set<string>();
  readonly #byHand = new Set<string>();
  #ended = 0;
  readonly #generations = new Map<string, number>();
  #generation = 0;

  constructor(series: Series, now: () => number) {
    this.#series = series;
    this.#now = now;
  }

  /** Told of each instance after each change, before anybody can see it. */
  see(description: InstanceDescription): void {
    const { instanceId } = description.facts;
    const before = this.#known.get(instanceId) ?? unknown;
    const after = readKnown(description);
    this.#known.set(instanceId, after);
    const newLife = before.alive && !after.alive;
    if (newLife) {
      this.#ended += 1;
      for (const name of before.occupied) this.#excused.add(name);
    }
    if (before.held !== after.held) this.#move(instanceId, before.held, after.held);
    if (after.held !== undefined) this.#checkGeneration(instanceId, after.held, description);
  }

  /** A person has written this name on some instance. */
  excuseByHand(name: string): void {
    this.#byHand.add(name);
    this.#excused.add(name);
  }

  /** The name that an instance truly holds. */
  heldBy(instanceId: string): string | undefined {
    return this.#known.get(instanceId)?.held;
  }

  /** All names that are held, in the order of the series. */
  get held(): readonly string[] {
    const names = [...this.#holders].filter(([, ids]) => ids.size > 0).map(([name]) => name);
    return names.sort((a, b) => this.#rank(a) - this.#rank(b));
  }

  /** Checks what must be so when nobody claims any more. `claimants` are those that have tried. */
  checkEnd(claimants: readonly string[]): void {
    for (const instanceId of claimants) {
      const known = this.#known.get(instanceId) ?? unknown;
      if (known.alive && known.held === undefined) {
        this.complaints.push(`${instanceId} has no name in the end`);
      }
    }
    this.#checkGaps();
  }

  /**
   * A name may be free below others only under somebody that asked for it or was about to, and then
   * ended; or where a person wrote names.
   */
  #checkGaps(): void {
    const claimed = this.held.filter((name) => !this.#byHand.has(name));
    const highest = claimed.at(-1) ?? nameAt(this.#series, 0);
    const occupied = new Set([...this.#known.values()].flatMap((known) => known.occupied));
    const gaps: string[] = [];
    for (let rank = 0; rank < this.#rank(highest); rank += 1) {
      const name = nameAt(this.#series, rank);
      if (!occupied.has(name) && !this.#excused.has(name)) gaps.push(name);
    }
    // Whoever was about to ask has left no trace: no more than one name for each that ended.
    if (gaps.length <= this.#ended + this.#byHand.size) return;
    this.complaints.push(`${gaps.join(', ')} free below ${highest}`);
  }

  #move(instanceId: string, from: string | undefined, to: string | undefined): void {
    if (from !== undefined) this.#holders.get(from)?.delete(instanceId);
    if (to === undefined) return;
    const ids = this.#holders.get(to) ?? new Set<string>();
    this.#holders.set(to, ids.add(instanceId));
    this.lastHeldAtMs = this.#now();
    if (ids.size > 1) {
      this.complaints.push(`${to} is held by ${[...ids].join(' and ')} at ${this.#now()} ms`);
    }
  }

  /** The generation of the first name grows with each holder of it. */
  #checkGeneration(instanceId: string, held: string, { tags }: InstanceDescription): void {
    if (this.#rank(held) !== 0) return;
    const generation = parseClaim(tags.get('nametag:claim') ?? '')?.generation ?? 0;
    if (this.#generations.get(instanceId) === generation) return;
    if (generation <= this.#generation) {
      this.complaints.push(
        `${instanceId} holds ${held} with generation ${generation}, after ${this.#generation}`,
      );
    }
    this.#generations.set(instanceId, generation);
    this.#generation = Math.max(this.#generation, generation);
  }

  #rank(name: string): number {
    return rankOf(this.#series, name) ?? Number.NaN;
  }
}

function readKnown({ state, launchTimeMs, tags }: InstanceDescription): Known {
  if (state !== 'running' && state !== 'pending') return unknown;
  const claim = parseClaim(tags.get('nametag:claim') ?? '');
  if (claim !== undefined && claim.bootMs < Math.floor(launchTimeMs / 1000) * 1000) {
    return { alive: true, held: undefined, occupied: [] };
  }
  const names = [claim?.held, claim?.ask, tags.get('Name')];
  const occupied = names.filter((name) => name !== undefined);
  return { alive: true, held: claim?.held, occupied };
}
