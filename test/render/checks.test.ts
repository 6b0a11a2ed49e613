import { describe, expect, test } from 'vitest';
import type { Check } from '../../src/model/check.ts';
import { renderChecks, renderChecksJson } from '../../src/render/checks.ts';

const checks: readonly Check[] = [
  { name: 'region', verdict: 'ok', seen: 'eu-west-1', advice: undefined },
  { name: 'tag-keys', verdict: 'warning', seen: 'a\nb', advice: 'Rename it.' },
];

describe('checks', () => {
  test('are a line each, whatever a tag says', () => {
    expect(renderChecks(checks)).toBe(
      'ok       region    eu-west-1\nwarning  tag-keys  a?b. Rename it.\n',
    );
  });

  test('are JSON with a version and no missing key', () => {
    expect(JSON.parse(renderChecksJson(checks))).toEqual({
      version: 1,
      checks: [
        { name: 'region', verdict: 'ok', seen: 'eu-west-1', advice: null },
        { name: 'tag-keys', verdict: 'warning', seen: 'a\nb', advice: 'Rename it.' },
      ],
    });
  });
});
