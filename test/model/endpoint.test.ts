import { describe, expect, test } from 'vitest';
import type { AddressKind } from '../../src/model/address.ts';
import { toDirectory } from '../../src/model/directory.ts';
import { type Question, select } from '../../src/model/endpoint.ts';
import type { Instance } from '../../src/model/instance.ts';
import { boot, type InstanceFields, instance, snapshot } from '../helpers/instances.ts';

const ask = (question: Question, ...instances: readonly Instance[]) =>
  select(toDirectory(snapshot(...instances)), question);

const named = (instanceId: string, Name: string, fields: InstanceFields = {}) =>
  instance({ instanceId, ...fields, tags: { ...fields.tags, Name } });

describe('select', () => {
  test('gives endpoints in the order of names', () => {
    const { endpoints } = ask(
      { selector: {} },
      named('i-1', 'web-10'),
      named('i-2', 'web-9'),
      instance({ instanceId: 'i-0' }),
    );
    expect(endpoints.map((e) => e.name)).toEqual(['web-9', 'web-10', undefined]);
  });

  test('gives what an instance and its service tag say', () => {
    const tags = { 'service:db': 'ro port=5432 priority=2 weight=7' };
    const { endpoints, omitted } = ask(
      { selector: { service: 'db' } },
      named('i-1', 'db-0', { tags }),
    );
    expect(endpoints).toEqual([
      {
        host: '10.0.0.1',
        port: 5432,
        name: 'db-0',
        aliases: [],
        instanceId: 'i-1',
        region: 'eu-west-1',
        availabilityZone: 'eu-west-1a',
        priority: 2,
        weight: 7,
        url: expect.any(Function),
      },
    ]);
    expect(omitted).toEqual([]);
    expect(endpoints[0]).toSatisfy(Object.isFrozen);
  });

  test.each([
    [undefined, undefined, undefined],
    [9000, undefined, 9000],
    [undefined, 'port=5432', 5432],
    [9000, 'port=5432', 9000],
  ])('with the port %j and the service tag %j gives the port %j', (port, text, given) => {
    const tags: Record<string, string> = text === undefined ? {} : { 'service:db': text };
    const selector = text === undefined ? {} : { service: 'db' };
    expect(ask({ selector, port }, instance({ tags })).endpoints).toMatchObject([
      { port: given, priority: 0, weight: 1 },
    ]);
  });

  test.each<[AddressKind, number | undefined, string]>([
    ['private', 80, 'http://10.0.0.1:80'],
    ['private', undefined, 'http://10.0.0.1'],
    ['ipv6', 80, 'http://[2001:db8::1]:80'],
    ['ipv6', undefined, 'http://[2001:db8::1]'],
    ['private-dns', 80, 'http://ip-10-0-0-1.ec2.internal:80'],
  ])('gives a url of the %s address with port %j', (address, port, url) => {
    const where = instance({
      ipv6Addresses: ['2001:db8::1'],
      privateDnsName: 'ip-10-0-0-1.ec2.internal',
    });
    const [endpoint] = ask({ selector: {}, address, port }, where).endpoints;
    expect(endpoint?.url('http')).toBe(url);
    expect(new URL(endpoint?.url('http') ?? '').host).not.toBe('');
  });

  test.each([
    [['web-*'], ['web-1', 'web-2']],
    [
      ['web-1', 'db-?'],
      ['db-1', 'web-1'],
    ],
    [['WEB-*'], ['web-1', 'web-2']],
    [['*'], ['db-1', 'web-1', 'web-2']],
    [['web'], []],
    [[], []],
  ])('by the names %j finds %j', (names, found) => {
    const fleet = [
      named('i-1', 'web-1'),
      named('i-2', 'Web-2'),
      named('i-3', 'db-1'),
      instance({ instanceId: 'i-4' }),
    ];
    expect(ask({ selector: { names } }, ...fleet).endpoints.map((e) => e.name)).toEqual(found);
  });

  describe('by an alias', () => {
    const aliased = (instanceId: string, Name: string, aliases: string, launchIndex = 0) =>
      named(instanceId, Name, { tags: { 'nametag:aliases': aliases }, launchIndex });
    const fleet = [
      aliased('i-1', 'web-0', 'cache/2 db/1'),
      aliased('i-2', 'web-1', 'cache/1'),
      aliased('i-3', 'web-0', 'queue/1', 1),
      aliased('i-4', 'web-2', 'web-1/9'),
      aliased('i-5', '', 'lost/1'),
      aliased('i-6', 'web-3', 'torn/x'),
    ];

    test.each([
      ['the newest claimant', ['cache'], ['i-1']],
      ['it, however the letters are cased', ['CACHE'], ['i-1']],
      ['it by a pattern, once', ['c*', 'd?', 'web-0'], ['i-1']],
      ['one whose name another has', ['queue'], ['i-3']],
      ['several, in their order', ['web-3', 'queue', 'db'], ['i-1', 'i-3', 'i-6']],
      ['whose name it is, and nobody else', ['web-1'], ['i-2']],
      ['nobody, of one without a name', ['lost'], []],
      ['nobody, of a list that is unreadable', ['torn'], []],
    ])('finds %s', (_, names, ids) => {
      const { endpoints } = ask({ selector: { names } }, ...fleet);
      expect(endpoints.map((e) => e.instanceId)).toEqual(ids);
    });

    test('tells of the others what they are called instead', () => {
      const { omitted } = ask({ selector: { names: ['nosuch'] } }, ...fleet);
      expect(omitted).toEqual([
        { instanceId: 'i-1', reason: 'name differs', seen: 'web-0 cache db' },
        { instanceId: 'i-2', reason: 'name differs', seen: 'web-1' },
        { instanceId: 'i-3', reason: 'name held by another', seen: 'web-0: i-1' },
        { instanceId: 'i-4', reason: 'name differs', seen: 'web-2' },
        { instanceId: 'i-5', reason: 'no name', seen: '' },
        { instanceId: 'i-6', reason: 'name differs', seen: 'web-3' },
      ]);
    });
  });

  test('tells why each of the others was left out, by id', () => {
    const { endpoints, omitted } = ask(
      { selector: { names: ['web-*'], groups: ['x'] }, address: 'public' },
      named('i-9', 'web-9', { groups: ['x'], publicIpAddress: '192.0.2.9' }),
      named('i-8', 'web-8', { groups: ['x'] }),
      named('i-7', 'db-7', { groups: ['x'] }),
      named('i-6', 'web-6'),
      named('i-5', 'localhost', { groups: ['x'] }),
      named('i-4', 'web-9', { groups: ['x'], launchIndex: 1 }),
      instance({ instanceId: 'i-3', groups: ['x'] }),
      named('i-2', 'web-2', { groups: ['x'], state: 'stopped' }),
      named('i-1', 'web-1', { groups: ['x'], publicIpAddress: '1.2.3' }),
    );
    expect(endpoints.map((e) => e.instanceId)).toEqual(['i-9']);
    expect(omitted).toEqual([
      { instanceId: 'i-1', reason: 'address refused', seen: 'public 1.2.3' },
      { instanceId: 'i-2', reason: 'not running', seen: 'stopped' },
      { instanceId: 'i-3', reason: 'no name', seen: '' },
      { instanceId: 'i-4', reason: 'name held by another', seen: 'web-9: i-9' },
      { instanceId: 'i-5', reason: 'name refused', seen: 'Name=localhost: reserved' },
      { instanceId: 'i-6', reason: 'not in the security group', seen: '' },
      { instanceId: 'i-7', reason: 'name differs', seen: 'db-7' },
      { instanceId: 'i-8', reason: 'no such address', seen: 'public' },
    ]);
  });

  test('says of a claim why there is no name for a pattern', () => {
    const { omitted } = ask(
      { selector: { names: ['web-*'] } },
      instance({ instanceId: 'i-1', tags: { 'nametag:claim': `ask=web-1 ${boot}` } }),
      instance({ instanceId: 'i-2', tags: { 'nametag:claim': 'x' } }),
    );
    expect(omitted.map((omission) => omission.reason)).toEqual(['no name', 'claim unreadable']);
  });
});
