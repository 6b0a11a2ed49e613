/**
 * Rules without which no name is held twice, but something else is lost: storms in which it is, and
 * the same storms in which it is not, with the rule in its place.
 */
import { describe, expect, it } from 'vitest';
import { loadMutantStorm, type Mutation } from './search/mutation.ts';
import { stormOf } from './storm/figures.ts';
import { runStorm, type Storm, type StormResult } from './storm/storm.ts';

interface Rule {
  readonly title: string;
  readonly mutation: Mutation;
  readonly storm: Storm;
  /** Whether what the rule is for is lost. */
  readonly isLost: (result: StormResult) => boolean;
}

const decide = 'claim/decide.ts';

function takesOver(scans: number): Rule['isLost'] {
  return ({ figures }) => figures.some(({ scansOfRun }) => scansOfRun > scans);
}

function complains(of: RegExp): Rule['isLost'] {
  return ({ complaints }) => complaints.some((text) => of.test(text));
}

const rules: readonly Rule[] = [
  {
    title: 'every claim tells of the highest generation, or that steps back',
    mutation: {
      file: 'claim/generation.ts',
      text: 'seen?.name === first ? seen.number : 0',
      instead: 'seen === undefined ? 0 : 0',
    },
    storm: stormOf('all', 10, 60_000, 381),
    isLost: complains(/with generation \d+, after/),
  },
  {
    title: 'a first name is held with a generation above all that are known, or that steps back',
    mutation: {
      file: decide,
      text: 'if (!isAbove && generation < generationMax)',
      instead: 'if (!isAbove && generation < 0)',
    },
    storm: stormOf('all', 10, 60_000, 179),
    isLost: complains(/with generation \d+, after/),
  },
  {
    title: 'whoever comes first stays, or all take turns for long',
    mutation: {
      file: decide,
      text: 'const mayStay = stays < terms.stayMax;',
      instead: 'const mayStay = false;',
    },
    storm: stormOf('calm', 10, 0, 1),
    isLost: takesOver(10),
  },
  {
    title: 'it does not stay for ever, or waits for the dead until a run gives up',
    mutation: {
      file: decide,
      text: 'const mayStay = stays < terms.stayMax;',
      instead: 'const mayStay = true;',
    },
    storm: { ...stormOf('crashes', 8, 0, 13), runsAgain: false, claimsAgain: false },
    isLost: takesOver(30),
  },
  {
    title: 'an asker that has a name of the series takes no seat, or a gap is left',
    mutation: {
      file: decide,
      text: 'seated: other.taken.some((name) => isOfSeries(terms, name)),',
      instead: 'seated: false,',
    },
    storm: stormOf('calm', 10, 0, 2),
    isLost: complains(/free below/),
  },
  {
    title: 'those without a seat take one each, or many rounds go by',
    mutation: {
      file: 'claim/seating.ts',
      text: 'return name;\n    occupied.add(name);',
      instead: 'return name;',
    },
    storm: stormOf('calm', 50, 0, 1),
    isLost: takesOver(10),
  },
];

describe('a rule that keeps no name from being held twice', () => {
  it.each(rules)('is for something else: $title', async ({ mutation, storm, isLost }) => {
    const mutant = await loadMutantStorm([mutation]);
    expect(isLost(await mutant.runStorm(storm))).toBe(true);
    expect(isLost(await runStorm(storm))).toBe(false);
  });
});
