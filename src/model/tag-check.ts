import { type Check, ok } from './check.ts';
import type { Instance } from './instance.ts';
import { tagsMax } from './tag-limits.ts';
import type { Vocabulary } from './tags.ts';

// EC2 User Guide, "Tag restrictions": tags of AWS's own are not counted.
const isUserKey = (key: string): boolean => !key.startsWith('aws:');

// EC2 User Guide, "View tags for your EC2 instances using instance metadata".
const metadataKey = /^[0-9a-zA-Z\-_+=,.@:]{1,255}$/;
const notMetadataKeys: readonly string[] = ['.', '..', '_index'];

/** Judges the keys of an instance's tags: whether there is room, and who else can read them. */
export function tagChecks(instance: Instance, vocabulary: Vocabulary): readonly Check[] {
  const userKeys = [...instance.tags.keys()].filter(isUserKey);
  return [roomCheck(userKeys, vocabulary), keysCheck(userKeys)];
}

function roomCheck(userKeys: readonly string[], { claimKey, nameKey }: Vocabulary): Check {
  const name = 'tag-room';
  const missing = [claimKey, nameKey].filter((key) => !userKeys.includes(key));
  const seen = `${userKeys.length} of ${tagsMax} tags`;
  if (userKeys.length + missing.length <= tagsMax) return ok(name, seen);
  return {
    name,
    verdict: 'problem',
    seen: `${seen}, and none of ${missing.join(' and ')}`,
    advice: `Remove tags that nobody needs until there is room for ${missing.length}.`,
  };
}

function keysCheck(userKeys: readonly string[]): Check {
  const name = 'tag-keys';
  const bad = userKeys.filter((key) => !metadataKey.test(key) || notMetadataKeys.includes(key));
  if (bad.length === 0) return ok(name, 'instance metadata can show every key');
  return {
    name,
    verdict: 'warning',
    seen: `instance metadata cannot show tags with the key ${bad.sort().join(', ')}`,
    advice: 'Rename it before you turn instance tags on in the metadata; EC2 would refuse.',
  };
}
