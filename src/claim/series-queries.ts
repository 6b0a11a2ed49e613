import { anyCase, type InstanceQuery, literal } from '../model/query.ts';
import { commonPrefix, type Series } from '../model/series.ts';
import type { Vocabulary } from '../model/tags.ts';

/**
 * Tells what to ask EC2 for, so that whoever has or wants a name of the series is in the answer,
 * and this instance itself.
 */
export function toSeriesQueries(
  series: Series,
  vocabulary: Vocabulary,
  instanceId: string,
): readonly InstanceQuery[] {
  // A claim is written in lower case by this program alone; a `Name` may be typed in any case.
  const prefix = commonPrefix(series);
  const claimed = `*=${literal(prefix)}*`;
  const named = `${anyCase(prefix)}*`;
  return [
    { tags: [{ key: vocabulary.claimKey, patterns: [claimed] }] },
    { tags: [{ key: vocabulary.nameKey, patterns: [named] }] },
    { instanceIds: [instanceId] },
  ];
}
