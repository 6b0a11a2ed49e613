import {
  reservedTagKey,
  tagKeyLengthMax,
  tagsMax,
  tagValueLengthMax,
} from '../model/tag-limits.ts';
import { Ec2Error, invalidParameterValue, missingParameter } from './ec2-error.ts';

/** A tag in a request; without a value only where that has a meaning of its own. */
export interface RequestTag {
  readonly key: string;
  readonly value?: string | undefined;
}

/**
 * Reads the tags of a call that sets them.
 *
 * @throws {@link Ec2Error} when there is none, a key is missing, too long, reserved or given twice,
 * or a value is too long.
 */
export function checkTagsToSet(tags: readonly RequestTag[]): Map<string, string> {
  if (tags.length === 0) throw missingParameter('tagSet');
  const checked = new Map<string, string>();
  for (const { key, value = '' } of tags) {
    if (key === '') throw invalidParameterValue('Tag key cannot be null or empty');
    if (reservedTagKey.test(key)) {
      throw invalidParameterValue(
        `Tag keys starting with 'aws:' are reserved for internal use: '${key}'`,
      );
    }
    if (lengthOf(key) > tagKeyLengthMax) {
      throw invalidParameterValue(
        `Tag key exceeds the maximum length of ${tagKeyLengthMax} characters`,
      );
    }
    if (lengthOf(value) > tagValueLengthMax) {
      throw invalidParameterValue(
        `Tag value exceeds the maximum length of ${tagValueLengthMax} characters`,
      );
    }
    if (checked.has(key)) throw invalidParameterValue(`Duplicate tag key '${key}' specified.`);
    checked.set(key, value);
  }
  return checked;
}

/** @throws {@link Ec2Error} `TagLimitExceeded` when a resource would have more than 50 tags. */
export function checkTagCount(keys: ReadonlySet<string>): void {
  if (keys.size > tagsMax) {
    throw new Ec2Error(
      'TagLimitExceeded',
      'The maximum number of Tags for a resource has been reached.',
    );
  }
}

/** Counts characters as EC2 does, not UTF-16 code units. */
function lengthOf(text: string): number {
  return [...text].length;
}
