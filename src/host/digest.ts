import { createHash } from 'node:crypto';

/**
 * The first 12 hex digits of the SHA-256 of a text with one character for each byte (latin1).
 *
 * Enough to see that somebody edited a text; it is no protection against anybody.
 */
export function shortDigest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 12);
}
