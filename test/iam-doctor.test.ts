/** What doctor finds on an instance with the policy that is shipped, and with wider ones. */
import { describe, expect, test } from 'vitest';
import { examineHost } from '../src/examine-host.ts';
import { toChecks } from '../src/model/host-check.ts';
import type { Attempt } from '../src/model/permission.ts';
import type { Ec2 } from '../src/ports.ts';
import {
  createTags,
  describeInstances,
  isAllowed,
  other,
  own,
  type Policy,
  policy,
  type Request,
  region,
  type Statement,
  without,
} from './helpers/iam.ts';
import { instance, snapshot } from './helpers/instances.ts';

const tags = 'NametagTagsItsOwnInstance';

/** The request that an attempt makes, from the own instance. */
function toRequest(attempt: Attempt): Request {
  if (attempt.action === 'DescribeInstances') return describeInstances(region);
  const keys = 'keys' in attempt ? attempt.keys : [];
  return { ...createTags(attempt.instanceId, ...keys), action: `ec2:${attempt.action}` };
}

/** What doctor finds to mend on an instance whose role has this policy. */
async function complaints(by: Policy): Promise<string[]> {
  const ec2: Ec2 = {
    region,
    describeInstances: async () =>
      snapshot(instance({ instanceId: own }), instance({ instanceId: other })),
    createTags: () => Promise.reject(new Error('Nothing is written here.')),
  };
  const observations = await examineHost({
    metadata: {
      instanceId: async () => own,
      region: async () => region,
      identity: () => Promise.reject(new Error('Not asked for here.')),
    },
    findRegion: async () => ({ region, from: 'a test' }),
    findCredentials: async () => ({ areTemporary: true }),
    open: () => ({
      ec2,
      permissions: {
        mayI: async (attempt) => ({
          kind: (await isAllowed(toRequest(attempt), by)) ? 'allowed' : 'denied',
          aheadMs: 0,
        }),
      },
    }),
  });
  return toChecks(observations)
    .filter(({ verdict }) => verdict !== 'ok')
    .map(({ name, verdict }) => `${verdict} ${name}`);
}

/** The policy and one more statement. */
const allowing = (action: string): Policy => ({
  ...policy,
  Statement: [
    ...policy.Statement,
    { Sid: 'More', Effect: 'Allow', Action: action, Resource: '*', Condition: {} },
  ],
});

describe('what doctor says of the policy', () => {
  test('is that there is nothing to mend', async () => {
    expect(await complaints(policy)).toEqual([]);
  });

  test.each<[string, Policy, string[]]>([
    ['without the condition on the instance', without(tags, 'ArnLike'), ['tag-others']],
    [
      'without the condition on the keys',
      without(tags, 'ForAllValues:StringLike'),
      ['write-foreign-tags'],
    ],
    ['with deletion of tags', allowing('ec2:DeleteTags'), ['delete-tags']],
    ['with termination', allowing('ec2:TerminateInstances'), ['terminate-itself']],
    [
      'with everything',
      allowing('ec2:*'),
      ['tag-others', 'write-foreign-tags', 'delete-tags', 'terminate-itself'],
    ],
  ])('%s, is a warning', async (_, wider, names) => {
    expect(await complaints(wider)).toEqual(names.map((name) => `warning may-not-${name}`));
  });

  test('is a problem where a statement is missing', async () => {
    const [reading, tagging] = policy.Statement;
    const just = (statement: Statement | undefined): Policy => ({
      ...policy,
      Statement: statement === undefined ? [] : [statement],
    });
    expect(await complaints(just(reading))).toEqual(['problem may-tag-itself']);
    expect(await complaints(just(tagging))).toEqual(['problem may-describe-instances']);
  });
});
