import { anyCase, type InstanceQuery, literal } from '../model/query.ts';
import { commonPrefix, type Series } from '../model/series.ts';
import type { Vocabulary } from '../model/tags.ts';

/** Which names a scan is about, and for whom it is made. */
export interface SeriesTerms {
  readonly series: Series;
  readonly vocabulary: Vocabulary;
  readonly instanceId: string;
}

/**
 * Tells what to ask EC2 for, so that whoever has or wants a name of the series is in the answer,
 * or has seen a generation of its first name.
 */
export function toSeriesQueries({
  series,
  vocabulary,
}: Pick<SeriesTerms, 'series' | 'vocabulary'>): readonly InstanceQuery[] {
  // A claim is written in lower case by this program alone; a `Name` may be typed in any case.
  const prefix = commonPrefix(series);
  const claimed = `*=${literal(prefix)}*`;
  const named = `${anyCase(prefix)}*`;
  return [
    { tags: [{ key: vocabulary.claimKey, patterns: [claimed] }] },
    { tags: [{ key: vocabulary.nameKey, patterns: [named] }] },
  ];
}

/** Tells what to ask for when the answer lacks the instance itself: it has no name yet. */
export function toSelfQuery({ instanceId }: Pick<SeriesTerms, 'instanceId'>): InstanceQuery {
  return { instanceIds: [instanceId] };
}
