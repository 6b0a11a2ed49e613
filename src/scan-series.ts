import { type SeriesTerms, toSelfQuery, toSeriesQueries } from './claim/series-queries.ts';
import { mergeSnapshots, type Snapshot } from './model/snapshot.ts';
import type { CallOptions, Ec2 } from './ports.ts';

/**
 * Describes whoever has or wants a name of a series, and the instance that claims.
 *
 * That one is asked for by its id only when it is not among the others: most often it is, and EC2
 * counts requests.
 *
 * @throws as {@link Ec2} does.
 */
export async function scanSeries(
  terms: SeriesTerms,
  ec2: Ec2,
  options: CallOptions,
): Promise<Snapshot> {
  const scan = await ec2.describeInstances(toSeriesQueries(terms), options);
  const { instanceId } = terms;
  if (scan.instances.some((instance) => instance.instanceId === instanceId)) return scan;
  return mergeSnapshots(scan, await ec2.describeInstances([toSelfQuery(terms)], options));
}
