/**
 * Searches what the tests search and further, and prints the figures; or shows how a name comes to
 * be held twice without each of the rules. Run by scripts/search-claims.js.
 */
import { parseArgs } from 'node:util';
import * as shipped from '../../../src/claim/protocol.ts';
import { controls } from './controls.ts';
import { loadMutant } from './mutation.ts';
import { deepScenarios, endlessScenarios, scenarios } from './scenarios.ts';
import { type SearchResult, search } from './search.ts';

const { values } = parseArgs({
  options: {
    controls: { type: 'boolean', default: false },
    deep: { type: 'boolean', default: false },
    endless: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    'state-max': { type: 'string', default: '60000000' },
  },
});

const number = new Intl.NumberFormat('en');

function trace({ finding }: SearchResult): string {
  const steps = finding?.trace.map((step, index) => `   ${index + 1}. ${step}\n`) ?? [];
  return finding === undefined ? '' : `   ${finding.complaint}:\n${steps.join('')}`;
}

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(0)} s`;
}

let isClean = true;
if (values.controls) {
  for (const { title, rules, mutations, scenario } of controls) {
    const protocol = mutations === undefined ? shipped : await loadMutant(mutations);
    const result = search(scenario, { protocol, endsAt: /twice/, ...(rules && { rules }) });
    console.log(`Were it not so that ${title} (${scenario.title}):\n${trace(result)}`);
    isClean &&= result.finding !== undefined;
  }
} else {
  const chosen = values.endless
    ? endlessScenarios
    : values.deep
      ? deepScenarios
      : Object.values(scenarios);
  for (const scenario of chosen.filter(({ title }) => title.includes(values.only))) {
    const beganMs = performance.now();
    const stateMax = Number(values['state-max']);
    const result = search(scenario, { protocol: shipped, stateMax });
    const { states, transitions, isComplete } = result;
    const counts = `${number.format(states)} states, ${number.format(transitions)} steps`;
    const end = result.finding ? 'FOUND' : isComplete ? 'all of them' : 'not all of them';
    console.log(`${scenario.title}: ${counts}, ${end}, ${seconds(beganMs)}`);
    if (result.finding) console.log(trace(result));
    isClean &&= result.finding === undefined;
  }
}
process.exitCode = isClean ? 0 : 1;
