import { describeFleet, type FleetRequest } from './describe-fleet.ts';
import { type Directory, type DirectoryOptions, toDirectory } from './model/directory.ts';
import { type Question, type Selection, select } from './model/endpoint.ts';
import { satisfiesAny } from './model/satisfies.ts';
import {
  matches,
  type Omission,
  type OmissionReason,
  type Selector,
  showSelector,
  toQuery,
} from './model/selector.ts';
import type { Snapshot } from './model/snapshot.ts';
import { defaultVocabulary } from './model/tags.ts';
import type { CallOptions, Ec2 } from './ports.ts';

/** Who is asked for, and how names are read. */
export interface ResolveRequest extends Question, DirectoryOptions {
  /** Whether the answer will show names. They always matter when the selector has some. */
  readonly namesMatter: boolean;
}

/**
 * The answer, and the directory it was read off.
 *
 * Whoever is omitted was asked for. The directory also holds others who say the same names, since
 * all of them together decide who has one.
 */
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
  const { snapshot } = await describeFleet(toFleetRequest(request), ec2, options);
  return resolveIn(snapshot, request);
}

/** Tells what is to be read, so that the answer to the request can be read off it. */
export function toFleetRequest(request: ResolveRequest): FleetRequest {
  const { selector, domain, vocabulary = defaultVocabulary } = request;
  const namesMatter = request.namesMatter || selector.names !== undefined;
  return { queries: [toQuery(selector, vocabulary)], namesMatter, domain, vocabulary };
}

/** Reads off a snapshot that was read for the request who matches. */
export function resolveIn(snapshot: Snapshot, request: ResolveRequest): Resolution {
  const directory = toDirectory(snapshot, request);
  const { endpoints, omitted } = select(directory, request);
  const { queries } = toFleetRequest(request);
  const asked = new Set<string>();
  for (const instance of omitted.length === 0 ? [] : snapshot.instances) {
    if (satisfiesAny(queries, instance)) asked.add(instance.instanceId);
  }
  return { directory, endpoints, omitted: omitted.filter((o) => asked.has(o.instanceId)) };
}

/**
 * Tells in a sentence why nobody matches: who is there when tags, names and addresses are left
 * aside, and what each of them lacks.
 *
 * @throws as {@link Ec2} does.
 */
export async function explainNobody(
  request: Question & DirectoryOptions,
  ec2: Ec2,
  options: CallOptions = {},
): Promise<string> {
  const { vocabulary = defaultVocabulary } = request;
  const { groups, anyGroup, vpcIds, availabilityZones } = request.selector;
  const place: Selector = {
    ...(groups && { groups }),
    ...(anyGroup && { anyGroup }),
    ...(vpcIds && { vpcIds }),
    ...(availabilityZones && { availabilityZones }),
  };
  // Who matches by a name is decided among all who say it, wherever they are.
  const namesMatter = request.selector.names !== undefined;
  const wider = { ...request, selector: place, namesMatter };
  const { snapshot } = await describeFleet(toFleetRequest(wider), ec2, options);
  const there = new Set<string>();
  for (const instance of snapshot.instances) {
    if (matches(place, instance, vocabulary).kind === 'match') there.add(instance.instanceId);
  }
  if (there.size === 0) return `EC2 shows nobody running for ${showSelector(place)}.`;
  const { endpoints, omitted } = select(toDirectory(snapshot, request), request);
  const matching = endpoints.filter(({ instanceId }) => there.has(instanceId)).length;
  const byNow = matching > 0 ? [`${matching} by now a match`] : [];
  const lacking = omitted.filter(({ instanceId }) => there.has(instanceId));
  const reasons = [...countReasons(lacking), ...byNow].join(', ');
  return `Of ${there.size} running for ${showSelector(place)}: ${reasons}.`;
}

/** Counts why instances were left out: `2 not ready`, `1 name differs`; in the order given. */
export function countReasons(omitted: readonly Omission[]): readonly string[] {
  const counts = new Map<OmissionReason, number>();
  for (const { reason } of omitted) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} ${reason}`);
}
