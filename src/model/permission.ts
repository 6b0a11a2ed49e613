/**
 * What a host's credentials may do, and what they had better not.
 */
import type { NametagError } from '../errors.ts';
import type { Vocabulary } from './tags.ts';

/** One request to EC2 that is tried, and never made. Keys of tags are never an empty list. */
export type Attempt =
  | { readonly action: 'DescribeInstances' }
  | {
      readonly action: 'CreateTags' | 'DeleteTags';
      readonly instanceId: string;
      readonly keys: readonly [string, ...string[]];
    }
  | { readonly action: 'TerminateInstances'; readonly instanceId: string };

/** What came of an attempt. */
export type AttemptAnswer = (
  | { readonly kind: 'allowed' | 'denied' }
  /** EC2 gave another answer, or none. */
  | { readonly kind: 'unknown'; readonly failure: NametagError }
) & {
  /**
   * How far this machine's date is ahead of the date of the answer, in milliseconds, to about a
   * second; `undefined` without an answer that has one.
   */
  readonly aheadMs: number | undefined;
};

/** Something that the credentials need, or had better not be able to do. */
export interface PermissionCase {
  /** The name of the check, as `may-tag-itself`. */
  readonly name: string;
  readonly isNeeded: boolean;
  readonly attempt: Attempt;
  /** What to do when it is not as it is to be; a sentence. */
  readonly advice: string;
}

/** The case that is tried before all others: it changes nothing whoever answers. */
export const mayDescribe: PermissionCase = {
  name: 'may-describe-instances',
  isNeeded: true,
  attempt: { action: 'DescribeInstances' },
  advice: 'Grant `ec2:DescribeInstances` as in iam-policy.json.',
};

// Nobody's policy is about this key.
const foreignKey = 'foreign-to-nametag';

/**
 * The cases of an instance's own policy, by iam-policy.json: what it grants, then what each of its
 * conditions keeps from being granted, then what it leaves out on purpose.
 */
export function permissionCasesOf(
  instanceId: string,
  otherInstanceId: string,
  vocabulary: Vocabulary,
): readonly PermissionCase[] {
  const { claimKey, nameKey, wantsKey, aliasesKey } = vocabulary;
  return [
    {
      name: 'may-tag-itself',
      isNeeded: true,
      attempt: {
        action: 'CreateTags',
        instanceId,
        keys: [claimKey, nameKey, wantsKey, aliasesKey],
      },
      advice:
        'Grant `ec2:CreateTags` as in iam-policy.json to the role of the instance profile, and ' +
        'use the credentials of that profile.',
    },
    {
      name: 'may-not-tag-others',
      isNeeded: false,
      attempt: { action: 'CreateTags', instanceId: otherInstanceId, keys: [claimKey] },
      advice:
        'Narrow the statement that allows `ec2:CreateTags` to the own instance, by the ' +
        'condition on `ec2:SourceInstanceARN` in iam-policy.json.',
    },
    {
      name: 'may-not-write-foreign-tags',
      isNeeded: false,
      attempt: { action: 'CreateTags', instanceId, keys: [foreignKey] },
      advice:
        "Narrow the statement that allows `ec2:CreateTags` to nametag's keys, by the condition " +
        'on `aws:TagKeys` in iam-policy.json.',
    },
    {
      name: 'may-not-delete-tags',
      isNeeded: false,
      attempt: { action: 'DeleteTags', instanceId, keys: [claimKey] },
      advice: 'Take `ec2:DeleteTags` out of the statement that allows it; nametag never deletes.',
    },
    {
      name: 'may-not-terminate-itself',
      isNeeded: false,
      attempt: { action: 'TerminateInstances', instanceId },
      advice: 'Take `ec2:TerminateInstances` out of the statement that allows it.',
    },
  ];
}
