import { expect, test } from 'vitest';
import type { InstanceQuery } from '../src/model/query.ts';
import type { CallOptions, Ec2 } from '../src/ports.ts';
import { refreshSnapshot } from '../src/refresh-snapshot.ts';
import { errorOf, nineHosts, request } from './helpers/fake-fleet.ts';

/** Refreshes after one host went, with something done in place of the call for evidence. */
async function refreshWith(
  evidence: () => Promise<never>,
  options: CallOptions = {},
): Promise<{ readonly kept: number; readonly recalls: number }> {
  const fleet = nineHosts();
  const last = await fleet.describeInstances(request.queries);
  fleet.shows = ({ instanceId }) => instanceId !== 'i-1';
  const ec2: Ec2 = {
    region: fleet.region,
    describeInstances: async (queries: readonly InstanceQuery[]) =>
      queries[0]?.instanceIds === undefined
        ? await fleet.describeInstances(queries)
        : await evidence(),
    createTags: () => fleet.createTags(),
  };
  let recalls = 0;
  const recall = async () => {
    recalls += 1;
    return last;
  };
  const { snapshot } = await refreshSnapshot(request, recall, ec2, {}, options);
  return { kept: snapshot.instances.length, recalls };
}

test('who is missing is kept without evidence, and the last is read once', async () => {
  const failing = async () => await Promise.reject(errorOf.NAMETAG_EC2_THROTTLED);
  expect(await refreshWith(failing)).toEqual({ kept: 9, recalls: 1 });
});

test('a run that is ended while it asks for evidence gives the reason', async () => {
  const ending = new AbortController();
  const reason = new Error('enough');
  const aborting = async () => {
    ending.abort(reason);
    return await Promise.reject(errorOf.NAMETAG_EC2_UNREACHABLE);
  };
  await expect(refreshWith(aborting, { signal: ending.signal })).rejects.toBe(reason);
});

test('a mistake while it asks for evidence is thrown', async () => {
  const mistake = new TypeError('mistake');
  const failing = async () => await Promise.reject(mistake);
  await expect(refreshWith(failing)).rejects.toBe(mistake);
});
