import { Ec2Error, instancesNotFound, missingParameter } from './ec2-error.ts';
import type { Reading } from './history.ts';
import type { InstanceRecord } from './instance-record.ts';
import type { Store } from './store.ts';

// The short form is of instances from before 2016.
const instanceId = /^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/;

/** How a call that names instances may miss one that was just launched. */
export interface Blindness {
  /** For this long after a launch the id may be unknown, the less likely the later. */
  readonly notFoundMs: number;
  /** Whether an instance that lists do not show yet is unknown too. */
  readonly untilListed: boolean;
}

/**
 * Finds the instances of a request, each once.
 *
 * @throws {@link Ec2Error} `InvalidInstanceID.Malformed`, or `.NotFound` naming all unknown ones.
 */
export function findInstances(
  store: Store,
  ids: readonly string[],
  reading: Reading,
  blindness: Blindness,
): InstanceRecord[] {
  if (ids.length === 0) throw missingParameter('InstanceId');
  const found = new Set<InstanceRecord>();
  const unknown: string[] = [];
  for (const id of ids) {
    if (!instanceId.test(id)) {
      throw new Ec2Error('InvalidInstanceID.Malformed', `Invalid id: "${id}"`);
    }
    const record = store.find(id);
    if (record === undefined || isUnseen(record, reading, blindness)) unknown.push(id);
    else found.add(record);
  }
  if (unknown.length > 0) throw instancesNotFound(unknown);
  return [...found];
}

/**
 * Finds what a tagging call names.
 *
 * @throws {@link Ec2Error} as {@link findInstances}, and `InvalidID` for another kind of resource.
 */
export function findTagged(
  store: Store,
  ids: readonly string[],
  reading: Reading,
  blindness: Blindness,
): InstanceRecord[] {
  if (ids.length === 0) throw missingParameter('resourceIdSet');
  for (const id of ids) {
    if (!id.startsWith('i-')) throw new Ec2Error('InvalidID', `The ID '${id}' is not valid`);
  }
  return findInstances(store, ids, reading, blindness);
}

function isUnseen(record: InstanceRecord, reading: Reading, blindness: Blindness): boolean {
  const ageMs = reading.nowMs - record.facts.createdAtMs;
  if (ageMs < blindness.notFoundMs && reading.random() * blindness.notFoundMs > ageMs) return true;
  return blindness.untilListed && !record.listed.read(reading);
}
