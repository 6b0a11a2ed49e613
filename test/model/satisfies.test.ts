import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InstanceQuery } from '../../src/model/query.ts';
import { matchesPattern, satisfies } from '../../src/model/satisfies.ts';
import { compilePattern } from '../../src/sandbox/pattern.ts';
import { instance } from '../helpers/instances.ts';

const web = instance({
  instanceId: 'i-1',
  groups: ['tphon', 'web'],
  tags: { status: 'ready', Name: 'web-1', 'service:db': '' },
});

describe('an instance', () => {
  test.each<[InstanceQuery, boolean]>([
    [{}, true],
    [{ instanceIds: ['i-2', 'i-1'] }, true],
    [{ instanceIds: ['i-2'] }, false],
    [{ states: ['running'] }, true],
    [{ states: ['pending', 'stopped'] }, false],
    [{ groups: ['other', 'web'] }, true],
    [{ groups: ['sg-tphon'] }, true],
    [{ groups: ['other'] }, false],
    [{ vpcIds: ['vpc-1'] }, true],
    [{ vpcIds: ['vpc-2'] }, false],
    [{ availabilityZones: ['eu-west-1a'] }, true],
    [{ availabilityZones: ['eu-west-1b'] }, false],
    [{ tagKey: 'service:db' }, true],
    [{ tagKey: 'service:web' }, false],
    [{ tags: [{ key: 'status', patterns: ['drain', 'ready'] }] }, true],
    [{ tags: [{ key: 'status', patterns: ['drain'] }] }, false],
    [{ tags: [{ key: 'Name', patterns: ['*eb-?'] }] }, true],
    [{ tags: [{ key: 'none', patterns: ['*'] }] }, false],
    [{ groups: ['web'], states: ['stopped'] }, false],
  ])('satisfies %j: %j', (query, expected) => {
    expect(satisfies(query, web)).toBe(expected);
  });

  test('without a zone or a VPC is in none', () => {
    const nowhere = instance({ availabilityZone: undefined, vpcId: undefined });
    expect(satisfies({ availabilityZones: ['eu-west-1a'] }, nowhere)).toBe(false);
    expect(satisfies({ vpcIds: ['vpc-1'] }, nowhere)).toBe(false);
  });
});

describe('a pattern', () => {
  const words = fc.stringMatching(/^[ab*?\\]{0,8}$/);
  const differs = (matches: (pattern: string, value: string) => boolean): boolean => {
    const property = fc.property(words, words, (pattern, value) => {
      return matches(pattern, value) === compilePattern(pattern)(value);
    });
    return fc.check(property, { seed: 4, numRuns: 5000 }).failed;
  };

  test('matches what the sandbox matches by it', () => {
    expect(differs(matchesPattern)).toBe(false);
  });

  test('matches otherwise when `?` has to be there (the control)', () => {
    const strict = (pattern: string, value: string): boolean =>
      matchesPattern(pattern, value) && !(pattern.includes('?') && value === '');
    expect(differs(strict)).toBe(true);
  });

  test('takes no time that grows out of hand', () => {
    expect(matchesPattern('*a'.repeat(100), `${'a'.repeat(255)}b`)).toBe(false);
  });
});
