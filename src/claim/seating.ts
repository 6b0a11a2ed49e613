/**
 * Who sits where: the part of the protocol that every claimant computes alike from what it sees.
 */
import { comparePrecedence, type Instance, isAlive } from '../model/instance.ts';
import { parseName } from '../model/name.ts';
import { nameAt, type Series } from '../model/series.ts';
import { claimOf, type Vocabulary } from '../model/tags.ts';

/** The names that one instance keeps from others. */
export interface Occupation {
  readonly instance: Instance;
  /** Verified, or set by hand: nobody else may have it. */
  readonly taken: readonly string[];
  /** Proposed and not yet verified. */
  readonly ask: string | undefined;
}

/** How occupation is read off instances. */
export interface OccupationOptions {
  readonly vocabulary: Vocabulary;
  /** Whether a stopped instance keeps its name. */
  readonly reserveStopped: boolean;
}

/**
 * Reads which names an instance occupies: those of its valid claim, and its `Name` tag unless its
 * claim is from an earlier life. `undefined` when it is not alive and so occupies nothing.
 *
 * Counting the `Name` tag too is defence in depth: a late write that overwrites the claim does not
 * free the name.
 */
export function occupationOf(
  instance: Instance,
  { vocabulary, reserveStopped }: OccupationOptions,
): Occupation | undefined {
  const stopped = instance.state === 'stopped' || instance.state === 'stopping';
  if (!isAlive(instance) && !(reserveStopped && stopped)) return undefined;
  const state = claimOf(instance, vocabulary);
  if (state.kind === 'earlier-life') return { instance, taken: [], ask: undefined };
  const claim = state.kind === 'valid' ? state.claim : undefined;
  const parsed = parseName(instance.tags.get(vocabulary.nameKey) ?? '');
  const taken = [
    ...(claim?.held === undefined ? [] : [claim.held]),
    ...(parsed.kind === 'name' ? [parsed.name] : []),
  ];
  return { instance, taken, ask: claim?.ask };
}

/** Somebody who wants a seat, with the name it proposes if it proposes one. */
export interface Asker {
  readonly instance: Instance;
  readonly proposal: string | undefined;
  /** Whether it has a name of the series already, and so no need of the first free one. */
  readonly seated: boolean;
}

/**
 * Gives every asker a name, and returns the one that `self` got.
 *
 * In order of precedence each asker keeps its proposal if that is still free; then, in the same
 * order, each one left without any takes the first free name of the series. So fifty hosts that
 * boot together need two or three rounds, not fifty.
 */
export function seat(
  series: Series,
  taken: ReadonlySet<string>,
  askers: readonly Asker[],
  self: string,
): string {
  const ordered = [...askers].sort((a, b) => comparePrecedence(a.instance, b.instance));
  const occupied = new Set(taken);
  const standing: Asker[] = [];
  for (const asker of ordered) {
    const { proposal, seated } = asker;
    if (proposal === undefined || occupied.has(proposal)) {
      if (!seated) standing.push(asker);
      continue;
    }
    occupied.add(proposal);
    if (asker.instance.instanceId === self) return proposal;
  }
  let rank = 0;
  for (const asker of standing) {
    while (occupied.has(nameAt(series, rank))) rank += 1;
    const name = nameAt(series, rank);
    if (asker.instance.instanceId === self) return name;
    occupied.add(name);
  }
  throw new TypeError(`Expected ${self} to be among the askers.`);
}
