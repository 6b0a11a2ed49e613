/**
 * The generation of a name of rank 0: a number that only grows, whatever a machine's clock says, so
 * that who acts on the name of an old master can be told from the new one.
 */
import { nameAt, type Series } from '../model/series.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { claimOf, type Vocabulary, wantsOf } from '../model/tags.ts';

/** Whose generations are meant. */
export interface GenerationTerms {
  readonly series: Series;
  readonly vocabulary: Vocabulary;
}

/** The highest generation with which the first name was held, in any life of anyone, or 0. */
export function heldGeneration(scan: Snapshot, { series, vocabulary }: GenerationTerms): number {
  const first = nameAt(series, 0);
  return highest(scan, (instance) => {
    const state = claimOf(instance, vocabulary);
    return 'claim' in state && state.claim.held === first ? state.claim.generation : undefined;
  });
}

/** The next one: above every one held or asked for, and not below the time in seconds. */
export function nextGeneration(scan: Snapshot, terms: GenerationTerms): number {
  const first = nameAt(terms.series, 0);
  const wanted = highest(scan, (instance) => {
    const wants = wantsOf(instance, terms.vocabulary);
    return wants?.name === first ? wants.generation : undefined;
  });
  const seen = Math.max(heldGeneration(scan, terms), wanted);
  return Math.max(seen + 1, Math.floor(scan.takenAtMs / 1000));
}

function highest(
  { instances }: Snapshot,
  generationOf: (instance: Snapshot['instances'][number]) => number | undefined,
): number {
  return instances.reduce((max, instance) => Math.max(max, generationOf(instance) ?? 0), 0);
}
