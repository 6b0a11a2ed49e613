import { describe, expect, test } from 'vitest';
import { fnvDigest } from '../../src/host/fnv.ts';

describe('fnvDigest', () => {
  // Source: RFC 9923, the test vectors of FNV-1a with 64 bits; the first is the offset basis.
  test.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
  ])('of %j is what the RFC says', (text, digest) => {
    expect(fnvDigest(text)).toBe(digest);
  });

  test('is of the bytes of the text, and of all of them', () => {
    expect(fnvDigest('é')).not.toBe(fnvDigest('\u00c3'));
    expect(fnvDigest('ab')).not.toBe(fnvDigest('ba'));
    expect(fnvDigest('x'.repeat(1000))).toMatch(/^[0-9a-f]{16}$/);
  });

  test('of many like texts is another each time', () => {
    const texts = Array.from({ length: 5000 }, (_, n) => JSON.stringify(['eu-west-1', n, '']));
    expect(new Set(texts.map(fnvDigest)).size).toBe(5000);
    // The control: of its last digits alone some are the same.
    expect(new Set(texts.map((text) => fnvDigest(text).slice(-4))).size).toBeLessThan(5000);
  });
});
