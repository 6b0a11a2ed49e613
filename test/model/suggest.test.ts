import { describe, expect, it } from 'vitest';
import { closest, suggest } from '../../src/model/suggest.ts';

describe('suggest', () => {
  it.each<[word: string, known: readonly string[], said: string]>([
    ['grup', ['group', 'ready'], ' (did you mean "group"?)'],
    ['Wirte', ['write', 'dir'], ' (did you mean "write"?)'],
    ['any-group', ['anyGroup', 'group'], ' (did you mean "anyGroup"?)'],
    ['handelrsFolder', ['handlers', 'handlersFolder'], ' (did you mean "handlersFolder"?)'],
    ['zzzz', ['group', 'ready'], ''],
    ['', ['group'], ''],
    ['group', [], ''],
    ['x'.repeat(60), ['x'.repeat(59)], ` (did you mean "${'x'.repeat(59)}"?)`],
    ['x'.repeat(61), ['x'.repeat(60)], ''],
    ['x'.repeat(1_000_000), ['x'.repeat(40)], ''],
  ])('of %.20s among %j says "%s"', (word, known, said) => {
    expect(suggest(word, known)).toBe(said);
  });
});

describe('closest', () => {
  it('is the first of those that are equally close, and never further away than asked', () => {
    expect(closest('ab', ['ac', 'ad'], 1)).toBe('ac');
    expect(closest('ab', ['cd'], 1)).toBeUndefined();
    expect(closest('ab', ['cd'], 2)).toBe('cd');
  });
});
