import { describe, expect, test } from 'vitest';
import { literal } from '../../src/model/query.ts';
import { codeOf, idsWhere, plainWorld, type StillWorld, stillWorld } from './worlds.ts';

function fleet(): StillWorld {
  const still = plainWorld();
  const { world } = still;
  const web = world.addGroup({ groupName: 'web' });
  const db = world.addGroup({ groupName: 'db*' });
  world.place({
    handle: 'a',
    instanceId: 'i-0000000000000000a',
    groups: [web],
    tags: new Map([
      ['Name', 'web-0'],
      ['status', 'ready'],
    ]),
    availabilityZone: 'eu-west-1b',
    privateIpAddress: '10.9.8.7',
    publicIpAddress: '198.18.9.9',
    instanceType: 'm5.large',
  });
  world.place({
    handle: 'b',
    groups: [web],
    moreInterfaces: [{ groups: [db], ipv6Addresses: ['2001:db8::1'] }],
    tags: new Map([['Name', 'a*b']]),
    state: 'stopped',
    vpcId: 'vpc-0aaaaaaaaaaaaaaaa',
  });
  world.place({ handle: 'c', groups: [db], tags: new Map([['status', '']]), state: 'terminated' });
  return still;
}

describe('DescribeInstances', () => {
  test.each([
    ['instance-id', ['i-0000000000000000a'], ['a']],
    ['instance-id', ['i-0000000000000000b'], []],
    ['instance-state-name', ['running'], ['a']],
    ['instance-state-name', ['running', 'stopped'], ['a', 'b']],
    ['instance-state-code', ['48'], ['c']],
    ['instance.group-name', ['web'], ['a', 'b']],
    ['instance.group-name', ['w*'], ['a', 'b']],
    ['instance.group-name', ['Web'], []],
    ['instance.group-name', ['db*'], []],
    ['network-interface.group-name', ['db*'], ['b']],
    ['network-interface.group-name', [literal('db*')], ['b']],
    ['network-interface.group-name', [literal('d*')], []],
    ['tag:Name', ['web-0'], ['a']],
    ['tag:Name', ['web-?'], ['a']],
    ['tag:Name', ['a*b'], ['b']],
    ['tag:Name', [literal('a*b')], ['b']],
    ['tag:Name', [literal('a?b')], []],
    ['tag:name', ['web-0'], []],
    ['tag:status', [''], ['c']],
    ['tag-key', ['status'], ['a', 'c']],
    ['tag-key', ['N*'], ['a', 'b']],
    ['vpc-id', ['vpc-0aaaaaaaaaaaaaaaa'], ['b']],
    ['availability-zone', ['eu-west-1b'], ['a']],
    ['availability-zone', ['eu-west-1?'], ['a', 'b', 'c']],
    ['private-ip-address', ['10.9.8.7'], ['a']],
    ['private-dns-name', ['ip-10-9-8-7.eu-west-1.compute.internal'], ['a']],
    ['ip-address', ['198.18.9.9'], ['a']],
    ['ipv6-address', ['2001:db8::1'], ['b']],
    ['instance-type', ['m5.*'], ['a']],
    ['launch-time', ['2026-11-19*'], ['a', 'b', 'c']],
  ])('with the filter %s of %j answers %j', (name, values, expected) => {
    expect(idsWhere(fleet(), name, ...values)).toEqual(expected);
  });

  test('wants every filter to hold', () => {
    const { world } = fleet();
    const both = [
      { name: 'tag-key', values: ['Name'] },
      { name: 'instance-state-name', values: ['stopped', 'stopping'] },
    ];
    const handles = world.describeInstances({ filters: both }).items.map((i) => i.facts.handle);
    expect(handles).toEqual(['b']);
  });

  test('refuses what EC2 refuses', () => {
    const { world } = fleet();
    const filtered = (name: string, values: string[]) => () =>
      world.describeInstances({ filters: [{ name, values }] });
    const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`);
    const known = 'i-0000000000000000a';
    expect(codeOf(filtered('colour', ['x']))).toBe('InvalidParameterValue');
    expect(codeOf(filtered('vpc-id', []))).toBe('InvalidParameterValue');
    expect(codeOf(filtered('vpc-id', many(201)))).toBe('FilterLimitExceeded');
    expect(codeOf(filtered('vpc-id', many(200)))).toBeUndefined();
    for (const maxResults of [4, 1001, 5.5]) {
      expect(codeOf(() => world.describeInstances({ maxResults }))).toBe('InvalidParameterValue');
    }
    const paged = { instanceIds: [known], maxResults: 5 };
    expect(codeOf(() => world.describeInstances(paged))).toBe('InvalidParameterCombination');
    const unknown = { instanceIds: [known, 'i-0000000000000000f'] };
    expect(codeOf(() => world.describeInstances(unknown))).toBe('InvalidInstanceID.NotFound');
    const bad = { instanceIds: ['web-0'] };
    expect(codeOf(() => world.describeInstances(bad))).toBe('InvalidInstanceID.Malformed');
    expect(codeOf(() => world.describeInstances({ dryRun: true }))).toBe('DryRunOperation');
  });

  test.each([
    ['whole pages', {}],
    ['short pages', { shortPages: 1 }],
    ['empty pages', { emptyPages: 0.5 }],
    ['an empty page at every chance', { emptyPages: 1 }],
    ['short and empty pages', { shortPages: 0.5, emptyPages: 0.5 }],
  ])('gives every instance once over %s', (_, knobs) => {
    const { world } = plainWorld(knobs);
    const placed = Array.from({ length: 83 }, () => world.place({}).facts.instanceId);
    const seen: string[] = [];
    let nextToken: string | undefined;
    let pages = 0;
    do {
      const page = world.describeInstances({ maxResults: 10, nextToken });
      expect(page.items.length).toBeLessThanOrEqual(10);
      seen.push(...page.items.map(({ facts }) => facts.instanceId));
      nextToken = page.nextToken;
      pages += 1;
    } while (nextToken !== undefined && pages < 500);
    expect(seen.toSorted()).toEqual(placed.toSorted());
    expect(pages).toBeGreaterThanOrEqual(9);
  });

  test('takes a token only for the request that it came from', () => {
    const { world } = plainWorld();
    for (let i = 0; i < 12; i += 1) world.place({});
    const { nextToken } = world.describeInstances({ maxResults: 5 });
    const other = [{ name: 'instance-state-name', values: ['running'] }];
    const wrong = { maxResults: 5, nextToken, filters: other };
    expect(codeOf(() => world.describeInstances(wrong))).toBe('InvalidPaginationToken');
    const made = { maxResults: 5, nextToken: 'made up' };
    expect(codeOf(() => world.describeInstances(made))).toBe('InvalidPaginationToken');
    expect(world.describeInstances({ maxResults: 5, nextToken }).items).toHaveLength(5);
  });
});

describe('CreateTags', () => {
  const tagged = (tags: { key: string; value?: string }[], { world } = fleet()) =>
    codeOf(() => world.createTags({ resources: ['i-0000000000000000a'], tags }));

  test('refuses what EC2 refuses', () => {
    expect(tagged([])).toBe('MissingParameter');
    expect(tagged([{ key: '', value: 'x' }])).toBe('InvalidParameterValue');
    expect(tagged([{ key: 'aws:x', value: 'x' }])).toBe('InvalidParameterValue');
    expect(tagged([{ key: 'k'.repeat(128), value: 'x' }])).toBe('InvalidParameterValue');
    expect(tagged([{ key: 'k', value: 'v'.repeat(257) }])).toBe('InvalidParameterValue');
    expect(tagged([{ key: 'k' }, { key: 'k' }])).toBe('InvalidParameterValue');
    const { world } = fleet();
    const tags = [{ key: 'k', value: 'v' }];
    const on = (...resources: string[]) => codeOf(() => world.createTags({ resources, tags }));
    expect(on()).toBe('MissingParameter');
    expect(on('web')).toBe('InvalidID');
    expect(on('i-zz')).toBe('InvalidInstanceID.Malformed');
    expect(on('i-0000000000000000a', 'i-0000000000000000f')).toBe('InvalidInstanceID.NotFound');
    expect(world.instance('i-0000000000000000a')?.tags.has('k')).toBe(false);
  });

  test('takes keys of 127 and values of 256 characters, whatever their encoding', () => {
    expect(tagged([{ key: '😀'.repeat(127), value: 'é'.repeat(256) }])).toBeUndefined();
  });

  test('gives a resource 50 tags and not one more', () => {
    const still = fleet();
    const many = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `k${i}` }));
    expect(tagged(many(48), still)).toBeUndefined();
    expect(tagged([{ key: 'Name', value: 'over an old one' }], still)).toBeUndefined();
    expect(tagged([{ key: 'k48' }], still)).toBe('TagLimitExceeded');
  });

  test('answers a dry run without writing', () => {
    const { world } = fleet();
    const request = { resources: ['i-0000000000000000a'], tags: [{ key: 'k' }], dryRun: true };
    expect(codeOf(() => world.createTags(request))).toBe('DryRunOperation');
    expect(world.instance('i-0000000000000000a')?.tags.has('k')).toBe(false);
  });

  test('is refused for a concurrent one as often as the knob says, and writes nothing then', () => {
    const { world } = plainWorld({ concurrent: 1 });
    const { instanceId } = world.place({}).facts;
    const request = { resources: [instanceId], tags: [{ key: 'k' }] };
    expect(codeOf(() => world.createTags(request))).toBe('ConcurrentTagAccess');
    expect(world.instance(instanceId)?.tags.size).toBe(0);
  });
});

describe('DeleteTags', () => {
  test.each([
    ['a key', [{ key: 'a' }], 'b,empty'],
    ['a key that is not there', [{ key: 'z' }], 'a,b,empty'],
    ['a key with its value', [{ key: 'a', value: '1' }], 'b,empty'],
    ['a key with another value', [{ key: 'a', value: '2' }], 'a,b,empty'],
    ['a key with the empty value', [{ key: 'a', value: '' }], 'a,b,empty'],
    ['an empty tag with the empty value', [{ key: 'empty', value: '' }], 'a,b'],
    ['two keys', [{ key: 'a' }, { key: 'b' }], 'empty'],
    ['an empty list', [], ''],
    ['no list', undefined, ''],
  ])('given %s leaves %s', (_, tags, left) => {
    const { world } = plainWorld();
    const start = new Map([
      ['a', '1'],
      ['b', '2'],
      ['empty', ''],
    ]);
    const { instanceId } = world.place({ tags: start }).facts;
    world.deleteTags({ resources: [instanceId], tags });
    expect([...(world.instance(instanceId)?.tags.keys() ?? [])].join()).toBe(left);
  });
});

describe('DescribeTags', () => {
  test('lists tags by key, value and resource, each once over pages', () => {
    const { world } = plainWorld({ shortPages: 0.5, emptyPages: 0.5 });
    for (let i = 0; i < 20; i += 1) {
      world.place({
        tags: new Map([
          ['a', `${i}`],
          ['b', 'same'],
        ]),
      });
    }
    const seen: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = world.describeTags({ maxResults: 5, nextToken });
      seen.push(...page.items.map((tag) => `${tag.resourceId} ${tag.key}`));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(new Set(seen).size).toBe(40);
    expect(seen).toHaveLength(40);
    const count = (name: string, ...values: string[]) =>
      pagesOf((token) => world.describeTags({ filters: [{ name, values }], nextToken: token }));
    expect(count('key', 'b')).toBe(20);
    expect(count('value', '1*')).toBe(11);
    expect(count('tag:a', '7')).toBe(1);
    expect(count('resource-type', 'volume')).toBe(0);
  });
});

function pagesOf(
  read: (token: string | undefined) => { items: readonly unknown[]; nextToken: string | undefined },
): number {
  let count = 0;
  let token: string | undefined;
  do {
    const page = read(token);
    count += page.items.length;
    token = page.nextToken;
  } while (token !== undefined);
  return count;
}

describe('DescribeSecurityGroups', () => {
  test('lists groups by id, name and filter', () => {
    const { world } = plainWorld();
    const web = world.addGroup({ groupName: 'web' });
    world.addGroup({ groupName: 'db', vpcId: 'vpc-0aaaaaaaaaaaaaaaa' });
    const names = (request: object) =>
      world.describeSecurityGroups(request).items.map((g) => g.groupName);
    expect(names({})).toEqual(['web', 'db']);
    expect(names({ groupIds: [web.groupId] })).toEqual(['web']);
    expect(names({ groupNames: ['db'] })).toEqual(['db']);
    expect(names({ filters: [{ name: 'group-name', values: ['d*'] }] })).toEqual(['db']);
    expect(codeOf(() => names({ groupIds: ['sg-0'] }))).toBe('InvalidGroup.NotFound');
  });
});

describe('a denied action', () => {
  test('is refused, and only that one', () => {
    const { world } = plainWorld({ deny: new Set(['CreateTags']) });
    const { instanceId } = world.place({}).facts;
    const tags = [{ key: 'k' }];
    expect(codeOf(() => world.createTags({ resources: [instanceId], tags }))).toBe(
      'UnauthorizedOperation',
    );
    expect(codeOf(() => world.deleteTags({ resources: [instanceId], tags }))).toBeUndefined();
  });
});

describe('one seed', () => {
  function history(seed: number): string {
    const { world, time } = stillWorld(
      { settleMaxMs: 900, lostLate: 0.2, concurrent: 0.2, shortPages: 0.3, emptyPages: 0.2 },
      seed,
    );
    const told: string[] = [];
    for (let i = 0; i < 60; i += 1) {
      time.nowMs += 100;
      const { instanceId } = world.place({}).facts;
      const tags = [{ key: 'k', value: `${i}` }];
      told.push(codeOf(() => world.createTags({ resources: [instanceId], tags })) ?? 'done');
      const page = world.describeInstances({});
      told.push(JSON.stringify(page.items.map((x) => [x.facts.instanceId, [...x.tags]])));
    }
    return told.join('\n');
  }

  test('gives one history, another seed another', () => {
    expect(history(7)).toBe(history(7));
    expect(history(7)).not.toBe(history(8));
  });
});
