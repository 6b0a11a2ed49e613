/**
 * Every state of a few instances that claim names, over the protocol that ships: in none of them is
 * a name held twice. And without any one of its rules there is one in which it is.
 *
 * `node scripts/search-claims.js` searches further, and shows the way to each of the latter.
 */
import { afterAll, describe, expect, it } from 'vitest';
import * as shipped from '../../src/claim/protocol.ts';
import { controls } from './search/controls.ts';
import { loadMutant } from './search/mutation.ts';
import { scenarios } from './search/scenarios.ts';
import { search } from './search/search.ts';

describe('an exhaustive search', () => {
  let explored = 0;
  afterAll(() => console.info(`Searched ${explored} states of ${scenarioCount} scenarios.`));
  const scenarioCount = Object.keys(scenarios).length;

  it.each(Object.values(scenarios))('finds no name held twice when $title', (scenario) => {
    const { states, isComplete, finding } = search(scenario, { protocol: shipped });
    explored += states;
    expect(finding).toBeUndefined();
    expect(isComplete).toBe(true);
  });

  it.each(controls)(
    'finds one when it is not so that $title (the control)',
    async ({ rules, mutations, scenario }) => {
      const protocol = mutations === undefined ? shipped : await loadMutant(mutations);
      const { finding } = search(scenario, { protocol, endsAt: /twice/, ...(rules && { rules }) });
      expect(finding?.complaint).toMatch(/is held twice/);
      expect(finding?.trace.length).toBeGreaterThan(2);
    },
  );

  it('takes no text for a rule that is not in the source once', async () => {
    const mutation = { file: 'claim/decide.ts', text: 'no such text', instead: '' };
    await expect(loadMutant([mutation])).rejects.toThrow(/Expected "no such text" once/);
  });
});
