/**
 * The generation of a name of rank 0: a number that only grows, whatever a machine's clock says, so
 * that who acts on the name of an old master can be told from the new one.
 *
 * Every claim carries the highest one that its writer knew of, so that it outlives its holder.
 */
import { type Instance, isAlive } from '../model/instance.ts';
import { nameAt, type Series } from '../model/series.ts';
import { claimOf, generationMax, type Vocabulary, wantsOf } from '../model/tags.ts';

/** Whose generations are meant. */
export interface GenerationTerms {
  readonly series: Series;
  readonly vocabulary: Vocabulary;
}

/**
 * The highest generation that the first name can have had, as far as the instances tell, in any
 * life and state; or 0.
 *
 * Somebody who asked for it and is gone may have held it, though that is not to be seen yet.
 */
export function knownGeneration(
  instances: readonly Instance[],
  { series, vocabulary }: GenerationTerms,
): number {
  const first = nameAt(series, 0);
  return highest(instances, (instance) => {
    const state = claimOf(instance, vocabulary);
    if (!('claim' in state)) return 0;
    const { held, ask, generation = 0, next = 0, seen } = state.claim;
    const isAsking = state.kind === 'valid' && isAlive(instance);
    return Math.max(
      held === first ? generation : 0,
      ask === first && !isAsking ? next : 0,
      seen?.name === first ? seen.number : 0,
    );
  });
}

/** The next one: above all that is known or asked for, and not below the time in seconds. */
export function nextGeneration(
  instances: readonly Instance[],
  nowMs: number,
  terms: GenerationTerms,
): number {
  const first = nameAt(terms.series, 0);
  const wanted = highest(instances, (instance) => {
    const wants = wantsOf(instance, terms.vocabulary);
    return wants?.name === first ? wants.generation : 0;
  });
  const above = Math.max(knownGeneration(instances, terms), wanted) + 1;
  // What a stranger wrote must not make a claim that cannot be read.
  return Math.min(generationMax, Math.max(above, Math.floor(nowMs / 1000)));
}

function highest(
  instances: readonly Instance[],
  generationOf: (instance: Instance) => number,
): number {
  return instances.reduce((max, instance) => Math.max(max, generationOf(instance)), 0);
}
