import type { Directory, DirectoryOptions } from './model/directory.ts';
import { type Question, type Selection, select } from './model/endpoint.ts';
import {
  matches,
  type OmissionReason,
  type Selector,
  showSelector,
  toQuery,
} from './model/selector.ts';
import { defaultVocabulary, type Vocabulary } from './model/tags.ts';
import type { CallOptions, Ec2 } from './ports.ts';
import { readDirectory } from './read-directory.ts';

/** Who is asked for, and how names are read. */
export interface ResolveRequest extends Question, DirectoryOptions {
  /** Whether the answer will show names. They always matter when the selector has some. */
  readonly namesMatter: boolean;
}

/** The answer, and the directory it was read off. */
export interface Resolution extends Selection {
  readonly directory: Directory;
}

/**
 * Asks EC2 who matches.
 *
 * @throws as {@link Ec2} does. Nobody matching is an empty answer, not an error.
 */
export async function resolve(
  request: ResolveRequest,
  ec2: Ec2,
  options: CallOptions = {},
): Promise<Resolution> {
  const { selector, domain, vocabulary = defaultVocabulary } = request;
  const queries = [toQuery(selector, vocabulary)];
  const namesMatter = request.namesMatter || selector.names !== undefined;
  const directory = await readDirectory({ queries, namesMatter, domain, vocabulary }, ec2, options);
  return { directory, ...select(directory, request) };
}

/**
 * Tells in a sentence why nobody matches: who is there when tags and names are left aside.
 *
 * @throws as {@link Ec2} does.
 */
export async function explainNobody(
  selector: Selector,
  ec2: Ec2,
  options: CallOptions = {},
  vocabulary: Vocabulary = defaultVocabulary,
): Promise<string> {
  const { groups, anyGroup, vpcIds, availabilityZones } = selector;
  const place: Selector = {
    ...(groups && { groups }),
    ...(anyGroup && { anyGroup }),
    ...(vpcIds && { vpcIds }),
    ...(availabilityZones && { availabilityZones }),
  };
  const { instances } = await ec2.describeInstances([toQuery(place, vocabulary)], options);
  const there = instances.filter((i) => matches(place, i, vocabulary).kind === 'match');
  if (there.length === 0) return `EC2 shows nobody running for ${showSelector(place)}.`;
  const counts = new Map<OmissionReason, number>();
  for (const instance of there) {
    const match = matches(selector, instance, vocabulary);
    const reason = match.kind === 'match' ? 'name differs' : match.reason;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).join(', ');
  return `Of ${there.length} running for ${showSelector(place)}: ${reasons}.`;
}
