import { describe, expect, test } from 'vitest';
import { toDirectory } from '../../src/model/directory.ts';
import {
  changesBetween,
  type ExplainQuestion,
  type Explanation,
  explainInstances,
  holderOf,
} from '../../src/model/explanation.ts';
import type { Instance } from '../../src/model/instance.ts';
import type { OmissionReason, Selector } from '../../src/model/selector.ts';
import { boot, type InstanceFields, instance, snapshot } from '../helpers/instances.ts';

function explained(
  selector: Selector,
  instances: readonly Instance[],
  rest: Partial<ExplainQuestion> = {},
): readonly Explanation[] {
  const question = { selector, ...rest };
  const all = snapshot(...instances);
  return explainInstances({ snapshot: all, directory: toDirectory(all, question) }, question);
}

/** What is told of the first of them. */
function told(
  selector: Selector,
  fields: InstanceFields,
  ...others: readonly InstanceFields[]
): readonly string[] {
  const instances = [{ instanceId: 'i-1', ...fields }, ...others].map(instance);
  const [first] = explained(selector, instances);
  return (first?.conditions ?? []).map(
    ({ holds, what, seen }) => `${holds ? 'yes' : 'no'} ${what}: ${seen}`,
  );
}

const web = (id: string, tags: Readonly<Record<string, string>>): InstanceFields => ({
  instanceId: id,
  tags,
});

describe('explainInstances', () => {
  test('says what an instance is, is called and is tagged', () => {
    const tags = {
      Name: 'WEB-1',
      'nametag:claim': `held=web-1 ${boot}`,
      'nametag:aliases': 'cache/3 db/1',
      status: 'drain',
      'service:b': 'port=x',
      'service:a': 'port=80',
    };
    expect(told({}, { tags })).toEqual([
      'yes runs: running, launched 2026-11-20T12:00:00Z',
      `yes has the name web-1: nametag:claim=held=web-1 ${boot}`,
      'yes has the alias cache: nametag:aliases=cache/3 db/1',
      'yes has the alias db: nametag:aliases=cache/3 db/1',
      'yes has an address (private): 10.0.0.1',
      'no is tagged status=ready: status=drain',
      'yes offers a: service:a=port=80',
      'no offers b: service:b=port=x, which cannot be read: port=x is out of range',
    ]);
  });

  test.each<[string, InstanceFields, readonly InstanceFields[], string]>([
    ['typed', { tags: { Name: 'web-1' } }, [], 'yes has the name web-1: Name=web-1'],
    ['without any', {}, [], 'no has a name: no tag Name'],
    ['with an empty tag', { tags: { Name: '' } }, [], 'no has a name: Name='],
    [
      'asking for one',
      { tags: { 'nametag:claim': `ask=web-1 ${boot}` } },
      [],
      `no has a name: nametag:claim=ask=web-1 ${boot}, which only asks for it yet`,
    ],
    [
      'refused',
      { tags: { Name: 'web-1 bank.example' } },
      [],
      'no has a name: Name=web-1 bank.example, which is refused: not a host name',
    ],
    [
      'with a claim that cannot be read',
      { tags: { Name: 'web-1', 'nametag:claim': 'held=web-1' } },
      [],
      'no has a name: nametag:claim=held=web-1, which cannot be read; ' +
        'Name=web-1 does not count beside a claim',
    ],
    [
      'claimed in an earlier life',
      { tags: { 'nametag:claim': 'held=web-1 boot=2026-11-19T12:00:00Z' } },
      [],
      'no has a name: nametag:claim=held=web-1 boot=2026-11-19T12:00:00Z, ' +
        'which is from before its last start',
    ],
    [
      'given up, with one typed beside that',
      { tags: { Name: 'web-1', 'nametag:claim': boot } },
      [],
      `no has a name: nametag:claim=${boot}, which says none; ` +
        'Name=web-1 does not count beside a claim',
    ],
    [
      'stopped',
      { state: 'stopped', tags: { Name: 'web-1' } },
      [],
      'no has the name web-1: it is stopped; Name=web-1',
    ],
    [
      'pending',
      { state: 'pending', tags: { Name: 'web-1' } },
      [],
      'yes has the name web-1: Name=web-1',
    ],
    [
      'with another one typed beside its claim',
      { tags: { Name: 'db', 'nametag:claim': `held=web-1 ${boot}` } },
      [],
      `yes has the name web-1: nametag:claim=held=web-1 ${boot}; ` +
        'Name=db does not count beside a claim',
    ],
    [
      'that another one claims',
      { launchTimeMs: 0, tags: { Name: 'web-1' } },
      [web('i-2', { 'nametag:claim': `held=web-1 ${boot}` })],
      'no has the name web-1: i-2 has it, by a claim, which goes before a typed name; ' +
        'Name=web-1',
    ],
    [
      'that an earlier one has',
      { tags: { Name: 'web-1' } },
      [{ ...web('i-2', { Name: 'web-1' }), launchTimeMs: 0 }],
      'no has the name web-1: i-2 has it, and was launched earlier; Name=web-1',
    ],
    [
      'that one of the same launch has',
      { launchIndex: 1, tags: { Name: 'web-1' } },
      [web('i-2', { Name: 'web-1' })],
      'no has the name web-1: i-2 has it, and came first in their launch; Name=web-1',
    ],
    [
      'that one with a lower id has',
      { tags: { Name: 'web-1' } },
      [web('i-0', { Name: 'web-1' })],
      'no has the name web-1: i-0 has it, and its id comes first; Name=web-1',
    ],
    [
      'that it has before another',
      { tags: { Name: 'web-1' } },
      [web('i-2', { Name: 'web-1' })],
      'yes has the name web-1: Name=web-1',
    ],
  ])('tells of a name %s', (_, fields, others, line) => {
    const instances = [{ instanceId: 'i-1', ...fields }, ...others].map(instance);
    const mine = explained({}, instances).find(({ instanceId }) => instanceId === 'i-1');
    const named = mine?.conditions[1];
    expect(`${named?.holds ? 'yes' : 'no'} ${named?.what}: ${named?.seen}`).toBe(line);
    expect(mine?.name).toBe(named?.holds ? 'web-1' : undefined);
  });

  test.each<[string, InstanceFields, readonly InstanceFields[], string]>([
    [
      'that is a name',
      web('i-1', { Name: 'web-1', 'nametag:aliases': 'cache/3' }),
      [web('i-2', { Name: 'cache' })],
      'no has the alias cache: it is the name of i-2; nametag:aliases=cache/3',
    ],
    [
      'that was taken over',
      web('i-1', { Name: 'web-1', 'nametag:aliases': 'cache/3' }),
      [web('i-2', { Name: 'web-2', 'nametag:aliases': 'cache/4' })],
      'no has the alias cache: i-2 claimed it later, by cache/4; ' + 'nametag:aliases=cache/3',
    ],
    [
      'that another one has by as high a number',
      { ...web('i-1', { Name: 'web-1', 'nametag:aliases': 'cache/3' }), launchIndex: 1 },
      [web('i-2', { Name: 'web-2', 'nametag:aliases': 'cache/3' })],
      'no has the alias cache: i-2 claimed it too, and came first in their launch; ' +
        'nametag:aliases=cache/3',
    ],
    [
      'of an instance without a name',
      web('i-1', { 'nametag:aliases': 'cache/3' }),
      [],
      'no has the alias cache: only beside a name, and it says none; nametag:aliases=cache/3',
    ],
    [
      'of an instance that is stopped',
      { ...web('i-1', { Name: 'web-1', 'nametag:aliases': 'cache/3' }), state: 'stopped' },
      [],
      'no has the alias cache: it is stopped; nametag:aliases=cache/3',
    ],
    [
      'that cannot be read',
      web('i-1', { Name: 'web-1', 'nametag:aliases': 'cache' }),
      [],
      'no has aliases: nametag:aliases=cache, which cannot be read',
    ],
  ])('tells of an alias %s', (_, fields, others, line) => {
    expect(told({}, fields, ...others)[2]).toBe(line);
    expect(explained({}, [fields, ...others].map(instance))[0]?.aliases).toEqual([]);
  });

  test.each<[InstanceFields, string]>([
    [{ privateIpAddress: undefined }, 'no has an address (private): none'],
    [
      { privateIpAddress: '10.0.0.300' },
      'no has an address (private): refused: private 10.0.0.300',
    ],
  ])('tells of the address of %j', (fields, line) => {
    expect(told({}, fields)).toContain(line);
  });
});

describe('the answer at the end', () => {
  const asked: Selector = { groups: ['x'], ready: true };
  const good: InstanceFields = { groups: ['x'], tags: { Name: 'web-1', status: 'ready' } };

  test('is that of the question, behind each of its conditions', () => {
    expect(told(asked, good).slice(3)).toEqual([
      'yes is in the security group x: x',
      'yes is tagged status=ready: status=ready',
      'yes is in the answer to "--group x --ready": 10.0.0.1',
    ]);
  });

  test.each<[OmissionReason, Selector, InstanceFields, string]>([
    ['not running', {}, { state: 'stopped' }, 'stopped'],
    ['not in the security group', { groups: ['y'] }, {}, 'x'],
    ['not ready', { ready: true }, { tags: {} }, 'no tag status'],
    ['tag differs', { tags: [{ key: 'env', value: 'a' }] }, {}, 'no tag env'],
    ['tag excluded', { notTags: [{ key: 'status', value: 'ready' }] }, {}, 'status=ready'],
    ['other availability zone', { availabilityZones: ['z'] }, {}, 'eu-west-1a'],
    ['other VPC', { vpcIds: ['vpc-2'] }, {}, 'vpc-1'],
    ['is this instance', { notInstanceIds: ['i-1'] }, {}, ''],
    ['does not offer the service', { service: 'db' }, {}, ''],
    [
      'service tag unreadable',
      { service: 'db' },
      { tags: { 'service:db': 'port=0' } },
      'port=0 is out of range',
    ],
    ['lacks the label', { service: 'db', label: 'ro' }, { tags: { 'service:db': 'rw' } }, 'rw'],
    ['no name', { names: ['db-*'] }, { tags: {} }, ''],
    [
      'name refused',
      { names: ['db-*'] },
      { tags: { Name: 'localhost' } },
      'Name=localhost: reserved',
    ],
    ['name differs', { names: ['db-*'] }, {}, 'web-1'],
    ['claim unreadable', { names: ['w*'] }, { tags: { 'nametag:claim': '?' } }, 'nametag:claim=?'],
    [
      'claim of an earlier life',
      { names: ['w*'] },
      { tags: { 'nametag:claim': 'held=web-1 boot=2026-11-19T12:00:00Z' } },
      'web-1',
    ],
    ['no such address', { groups: ['x'] }, { privateIpAddress: undefined }, 'private'],
    ['address refused', { groups: ['x'] }, { privateIpAddress: '10.1' }, 'private 10.1'],
  ])('says "%s"', (reason, selector, fields, seen) => {
    const answer = told({ groups: ['x'], ...selector }, { ...good, ...fields }).at(-1) ?? '';
    expect(answer).toMatch(/^no is in the answer to /);
    expect(answer.slice(answer.indexOf('": ') + 3)).toBe(
      seen === '' ? reason : `${reason}: ${seen}`,
    );
  });

  test('says "name held by another"', () => {
    const others = [web('i-0', { Name: 'web-1' })];
    const [, second] = explained({ names: ['w*'] }, [instance(good), ...others.map(instance)]);
    expect(second?.conditions.at(-1)).toEqual({
      holds: false,
      what: 'is in the answer to "--name w*"',
      seen: 'name held by another: web-1: i-0',
    });
  });
});

describe('holderOf', () => {
  const all = explained({}, [
    instance(web('i-1', { Name: 'web-1', 'nametag:aliases': 'cache/1 db/1' })),
    instance(web('i-2', { Name: 'cache' })),
  ]);

  test.each([
    ['web-1', { instanceId: 'i-1', as: 'name' }],
    ['cache', { instanceId: 'i-2', as: 'name' }],
    ['db', { instanceId: 'i-1', as: 'alias' }],
    ['web-2', undefined],
  ])('finds who has %s', (text, holder) => {
    expect(holderOf(all, text)).toEqual(holder);
  });
});

describe('changesBetween', () => {
  const one = (tags: Readonly<Record<string, string>>) => [instance(web('i-1', tags))];
  const other = instance(web('i-2', { Name: 'web-2' }));

  test('gives what is otherwise of whom, and nothing of the rest', () => {
    const before = explained({}, [...one({ Name: 'web-1' }), other]);
    const after = explained({}, [...one({ Name: 'web-3' }), other]);
    expect(changesBetween(before, after)).toEqual([
      {
        instanceId: 'i-1',
        name: 'web-1',
        before: [{ holds: true, what: 'has the name web-1', seen: 'Name=web-1' }],
        after: [{ holds: true, what: 'has the name web-3', seen: 'Name=web-3' }],
      },
    ]);
    expect(changesBetween(before, before)).toEqual([]);
  });
});
