import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AliasTerms, planAliases, toAliasQueries } from '../../src/claim/alias-plan.ts';
import { toDirectory } from '../../src/model/directory.ts';
import type { Instance } from '../../src/model/instance.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { boot, type InstanceFields, instance, snapshot } from '../helpers/instances.ts';

const terms = (...aliases: string[]): AliasTerms => ({
  instanceId: 'i-5',
  aliases,
  vocabulary: defaultVocabulary,
});

const host = (n: number, aliases?: string, fields: InstanceFields = {}) =>
  instance({
    instanceId: `i-${n}`,
    ...fields,
    tags: {
      'nametag:claim': `held=web-${n} ${boot}`,
      ...(aliases === undefined ? {} : { 'nametag:aliases': aliases }),
    },
  });

describe('planAliases', () => {
  it.each<[string, readonly string[], readonly Instance[], object]>([
    ['claims what nobody has', ['cache'], [host(5)], { value: 'cache/1', held: ['cache'] }],
    [
      'claims above all who live, are stopped or are terminated',
      ['cache', 'db'],
      [
        host(5),
        host(1, 'cache/3 x/9'),
        host(2, 'cache/7', { state: 'stopped' }),
        host(3, 'db/2', { state: 'terminated' }),
      ],
      { value: 'cache/8 db/3', held: ['cache', 'db'] },
    ],
    [
      'writes nothing when its tag says it',
      ['cache', 'db'],
      [host(5, 'cache/3 db/1'), host(1, 'cache/2')],
      { value: undefined, held: ['cache', 'db'] },
    ],
    [
      'keeps its old claims beside a new one',
      ['cache', 'db'],
      [host(5, 'cache/3')],
      { value: 'cache/3 db/1', held: ['cache', 'db'] },
    ],
    ['drops what it is not to have', ['db'], [host(5, 'cache/3 db/1')], { value: 'db/1' }],
    [
      'does not take back what was taken over',
      ['cache'],
      [host(5, 'cache/3'), host(1, 'cache/4')],
      {
        value: undefined,
        held: [],
        omitted: [{ alias: 'cache', reason: 'alias held by another', seen: 'i-1' }],
      },
    ],
    [
      'has an alias again when the one that took it is gone',
      ['cache'],
      [host(5, 'cache/3'), host(1, 'cache/4', { state: 'terminated' })],
      { value: undefined, held: ['cache'] },
    ],
    [
      'claims what is a name, and does not have it',
      ['web-1', 'cache'],
      [host(5), host(1)],
      {
        value: 'cache/1 web-1/1',
        held: ['cache'],
        omitted: [{ alias: 'web-1', reason: 'alias is a name', seen: 'i-1' }],
      },
    ],
    [
      'does not give in to a claimant without a name',
      ['cache'],
      [host(5, 'cache/3'), instance({ instanceId: 'i-1', tags: { 'nametag:aliases': 'cache/4' } })],
      { held: ['cache'] },
    ],
    ['writes over what is not of its making', ['cache'], [host(5, 'cache')], { value: 'cache/1' }],
    [
      'goes no higher than the highest generation there is',
      ['cache'],
      [host(5), host(6, 'cache/999999999')],
      { value: 'cache/999999999', held: ['cache'] },
    ],
    [
      'knows that it holds its name, whatever the scan shows',
      ['cache'],
      [instance({ instanceId: 'i-5', tags: { 'nametag:claim': `ask=web-5 ${boot}` } })],
      { held: ['cache'] },
    ],
  ])('%s', (_, aliases, instances, plan) => {
    expect(planAliases(snapshot(...instances), terms(...aliases))).toMatchObject(plan);
  });

  it('knows nothing when the scan does not show the instance', () => {
    expect(planAliases(snapshot(host(1)), terms('cache'))).toBeUndefined();
  });

  const fleet = fc
    .array(fc.constantFrom('', 'a/1', 'a/2 b/1', 'b/7', 'a/1 web-1/2'), { maxLength: 5 })
    .map((tags) => [host(5, tags[0]), ...tags.slice(1).map((text, i) => host(i, text))]);
  const agreesWithReaders = (plan: typeof planAliases) =>
    fc.property(fleet, fc.subarray(['a', 'b', 'web-1', 'c'], { minLength: 1 }), (all, aliases) => {
      const planned = plan(snapshot(...all), terms(...aliases));
      const [self, ...others] = all;
      const tags = new Map(self?.tags);
      if (planned?.value !== undefined) tags.set('nametag:aliases', planned.value);
      const { members } = toDirectory(snapshot(instance({ instanceId: 'i-5', tags }), ...others));
      expect(members.find((m) => m.instance.instanceId === 'i-5')?.aliases).toEqual(planned?.held);
    });

  it('says what every reader will find', () => {
    fc.assert(agreesWithReaders(planAliases), { seed: 1, numRuns: 300 });
  });

  it('would not if a claimant thought that it has whatever it claims (the control)', () => {
    const hopeful: typeof planAliases = (scan, about) => {
      const plan = planAliases(scan, about);
      return plan && { ...plan, held: about.aliases };
    };
    const control = agreesWithReaders(hopeful);
    expect(fc.check(control, { seed: 1, numRuns: 300 }).failed).toBe(true);
  });
});

describe('toAliasQueries', () => {
  it('asks for names of the living, aliases of everybody, and the instance itself', () => {
    expect(toAliasQueries(terms('cache'))).toEqual([
      {
        states: ['pending', 'running'],
        tags: [{ key: 'nametag:claim', patterns: ['*held=cache*'] }],
      },
      { states: ['pending', 'running'], tags: [{ key: 'Name', patterns: ['?????*'] }] },
      { tags: [{ key: 'nametag:aliases', patterns: ['cache/*', '* cache/*'] }] },
      { instanceIds: ['i-5'] },
    ]);
  });
});
