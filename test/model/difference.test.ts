import { describe, expect, test } from 'vitest';
import {
  changedAspects,
  type Departed,
  findDifference,
  findEvidence,
  memberKey,
  type Reading,
} from '../../src/model/difference.ts';
import { type Member, toDirectory } from '../../src/model/directory.ts';
import type { Instance } from '../../src/model/instance.ts';
import type { Removal } from '../../src/model/removal.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { type InstanceFields, instance, launchTimeMs, snapshot } from '../helpers/instances.ts';

const web = (fields: InstanceFields = {}): Instance =>
  instance({ tags: { Name: 'web-1', env: 'a' }, groups: ['tphon'], ...fields });
const membersOf = (...all: readonly Instance[]): readonly Member[] =>
  toDirectory(snapshot(...all)).members;

describe('the aspects that changed', () => {
  const member: Member = {
    instance: web({ publicIpAddress: '192.0.2.1', ipv6Addresses: ['2001:db8::1'] }),
    name: 'web-1',
    ownName: 'web-1',
    aliases: ['cache'],
    generation: undefined,
    ready: false,
  };
  const changed = (fields: Partial<Instance>, of: Partial<Member> = {}): readonly string[] =>
    changedAspects(member, { ...member, instance: { ...member.instance, ...fields }, ...of });
  const tagged = (tags: Record<string, string>) => ({ tags: new Map(Object.entries(tags)) });
  const group = { groupId: 'sg-tphon', groupName: 'tphon' };

  test.each<[string, readonly string[], Partial<Instance>, Partial<Member>?]>([
    ['nothing', [], {}],
    ['no address, but the type', [], { instanceType: 't3.large' }],
    ['the instance, whenever it started', ['instance'], { instanceId: 'i-2', launchTimeMs: 1 }],
    ['the launch', ['launch'], { launchTimeMs: launchTimeMs + 1 }],
    ['the private address', ['addresses'], { privateIpAddress: '10.0.0.9' }],
    ['the public address', ['addresses'], { publicIpAddress: undefined }],
    ['an IPv6 address', ['addresses'], { ipv6Addresses: ['2001:db8::2'] }],
    ['that an IPv6 address was removed', ['addresses'], { ipv6Addresses: [] }],
    [
      'that an IPv6 address was added',
      ['addresses'],
      { ipv6Addresses: ['2001:db8::1', '2001:db8::2'] },
    ],
    ['the value of a tag', ['tags'], tagged({ Name: 'web-1', env: 'b' })],
    ['the key of a tag', ['tags'], tagged({ Name: 'web-1', stage: 'a' })],
    ['that a tag was added', ['tags'], tagged({ Name: 'web-1', env: 'a', role: 'api' })],
    ['that a tag was removed', ['tags'], tagged({ Name: 'web-1' })],
    [
      'no tag but those of claims',
      [],
      tagged({
        ...{ Name: 'web-1', env: 'a', 'nametag:claim': 'x' },
        ...{ 'nametag:wants': 'y', 'nametag:aliases': 'z' },
      }),
    ],
    ['a security group', ['security groups'], { securityGroups: [{ ...group, groupId: 'sg-2' }] }],
    ['the name of a security group alone', [], { securityGroups: [{ ...group, groupName: 'x' }] }],
    ['an alias', ['aliases'], {}, { aliases: ['db'] }],
    [
      'everything, in order',
      ['instance', 'addresses', 'tags', 'security groups', 'aliases'],
      { instanceId: 'i-2', privateIpAddress: '10.0.0.9', securityGroups: [], ...tagged({}) },
      { aliases: [] },
    ],
  ])('say %s', (_, aspects, fields, of) => {
    expect(changed(fields, of)).toEqual(aspects);
  });

  test('leave the tags of claims aside when they are removed or written anew', () => {
    const claimed = (value: string): Member => ({
      ...member,
      instance: web({ tags: { 'nametag:claim': value, 'nametag:wants': value } }),
    });
    const without = { ...member, instance: web({ tags: {} }) };
    expect(changedAspects(claimed('x'), claimed('y'))).toEqual([]);
    expect(changedAspects({ ...claimed('x'), aliases: ['cache'] }, without)).toEqual([]);
  });

  test('go by the keys of the vocabulary', () => {
    const vocabulary = { ...defaultVocabulary, claimKey: 'env', wantsKey: 'w', aliasesKey: 'a' };
    const after = { ...member, instance: { ...member.instance, ...tagged({ Name: 'web-1' }) } };
    expect(changedAspects(member, after, vocabulary)).toEqual([]);
    expect(changedAspects(member, after)).toEqual(['tags']);
  });
});

test('the evidence is of those who do not run, and of no name that reads like a state', () => {
  const earlier = (held: string) => ({ 'nametag:claim': `held=${held} boot=2026-11-19T00:00:00Z` });
  const directory = toDirectory(
    snapshot(
      instance({ instanceId: 'i-1', tags: earlier('stopped') }),
      instance({ instanceId: 'i-2', state: 'stopped' }),
      instance({ instanceId: 'i-3', state: 'pending' }),
    ),
  );
  expect(findEvidence({ directory })).toEqual(new Map([['i-2', 'stopped']]));
});

describe('one that is not in the answer any more', () => {
  const before = new Map(membersOf(web()).map((member) => [memberKey(member), member]));
  const departed = (...instances: readonly Instance[]) => ({
    with: ({ removed, only }: { removed?: readonly Removal[]; only?: readonly string[] } = {}) => {
      const directory = toDirectory(snapshot(...instances));
      const members = directory.members.filter(({ name }) => only?.includes(name ?? ''));
      const reading: Reading = { directory, removed, members: only && members };
      return findDifference(before, reading).departed.map(
        ({ kind, evidence }): Omit<Departed, 'member'> => ({ kind, evidence }),
      );
    },
  });

  test.each(['stopping', 'stopped', 'shutting-down', 'terminated'] as const)(
    'failed when it is shown as %s, or was removed as such',
    (evidence) => {
      const failed = [{ kind: 'failed', evidence }];
      expect(departed(web({ state: evidence })).with()).toEqual(failed);
      expect(departed().with({ removed: [{ instanceId: 'i-1', evidence }] })).toEqual(failed);
    },
  );

  test.each<[string, readonly Instance[], 'leave' | 'failed', Departed['evidence']]>([
    ['was let go when nothing is said of it', [], 'failed', 'let go'],
    ['was let go when it starts again', [web({ state: 'pending' })], 'failed', 'let go'],
    ['was renamed when it has another name', [web({ tags: { Name: 'b' } })], 'leave', 'renamed'],
    ['was renamed when it has none', [web({ tags: {} })], 'leave', 'renamed'],
  ])('%s', (_, instances, kind, evidence) => {
    expect(departed(...instances).with()).toEqual([{ kind, evidence }]);
  });

  test('was withdrawn when it runs, and is not meant', () => {
    const withdrawn = [{ kind: 'leave', evidence: 'withdrawn' }];
    expect(departed(web()).with({ only: [] })).toEqual(withdrawn);
    expect(departed(web({ tags: { Name: 'b' } })).with({ only: [] })).toEqual(withdrawn);
  });

  test('left when it does not match, whatever it was shown as', () => {
    const removed = [{ instanceId: 'i-1', evidence: 'does not match' }] as const;
    const left = [{ kind: 'leave', evidence: 'does not match' }];
    expect(departed().with({ removed })).toEqual(left);
    expect(departed(web({ state: 'stopped' })).with({ removed })).toEqual(left);
  });
});
