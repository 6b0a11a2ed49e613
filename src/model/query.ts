import type { InstanceState } from './instance.ts';

/**
 * What EC2 is asked to narrow a describe to.
 *
 * Every given condition must hold; within one, any of its values will do. A query only narrows:
 * who is in an answer is decided in code, from the instance's own fields. An absent condition
 * narrows nothing; an empty list is a mistake (EC2 reads it as "everything") and is refused.
 */
export interface InstanceQuery {
  readonly instanceIds?: readonly string[];
  readonly states?: readonly InstanceState[];
  /** Names or ids (`sg-…`). */
  readonly groups?: readonly string[];
  readonly vpcIds?: readonly string[];
  readonly availabilityZones?: readonly string[];
  readonly tags?: readonly TagQuery[];
  /** A tag of this key is there, whatever its value. */
  readonly tagKey?: string;
}

/** One tag key and the patterns of which its value must match one. */
export interface TagQuery {
  readonly key: string;
  /** In EC2's filter language; put {@link literal} text through that function first. */
  readonly patterns: readonly string[];
}

/**
 * Escapes text for EC2's filters: there `*` is any text, `?` at most one character, `\` escapes.
 *
 * Source: EC2 User Guide, "List and filter using the CLI and API".
 */
export function literal(text: string): string {
  return text.replace(/[\\*?]/g, '\\$&');
}

/**
 * Makes a pattern that matches this name however its letters are cased.
 *
 * EC2's filters are case-sensitive and host names are not, so each letter becomes `?`. The pattern
 * matches more than the name, which is all right: a query only narrows.
 */
export function anyCase(name: string): string {
  return literal(name).replace(/[a-z]/gi, '?');
}
