import { expect, test } from 'vitest';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { toHostsEntries } from '../../src/render/hosts-entries.ts';

const endpoint = (fields: Partial<Endpoint>): Endpoint => ({
  host: '10.0.0.1',
  port: undefined,
  name: undefined,
  aliases: [],
  instanceId: 'i-1',
  region: 'eu-west-1',
  availabilityZone: 'eu-west-1a',
  priority: 0,
  weight: 1,
  url: (scheme) => `${scheme}://10.0.0.1`,
  ...fields,
});

// As long as a domain can be: 253 characters, which leave no room for a name.
const longDomain = `${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61);

test.each<[string, Partial<Endpoint>, domain: string | undefined, names: readonly string[]]>([
  ['a name', { name: 'web-1' }, undefined, ['web-1']],
  ['a name in a domain', { name: 'web-1' }, 'example.org', ['web-1', 'web-1.example.org']],
  ['a name that is too long in its domain', { name: 'web-1' }, longDomain, ['web-1']],
  [
    'a name and aliases, which have no full form',
    { name: 'web-1', aliases: ['cache', 'db'] },
    'example.org',
    ['web-1', 'web-1.example.org', 'cache', 'db'],
  ],
  ['aliases alone', { aliases: ['cache'] }, 'example.org', ['cache']],
])('an endpoint with %s has them in its entry', (_, fields, domain, names) => {
  expect(toHostsEntries([endpoint(fields)], domain)).toEqual([{ address: '10.0.0.1', names }]);
});

test.each<[string, Partial<Endpoint>]>([
  ['neither name nor alias', {}],
  ['an address that is no literal', { name: 'web-1', host: 'ec2-192-0-2-1.example.com' }],
])('an endpoint with %s has no entry', (_, fields) => {
  expect(toHostsEntries([endpoint(fields)], 'example.org')).toEqual([]);
});

test('entries are in the order of the endpoints', () => {
  const endpoints = [
    endpoint({ name: 'web-2', host: '10.0.0.2' }),
    endpoint({ host: '10.0.0.3' }),
    endpoint({ name: 'web-1', host: '2001:db8::1' }),
  ];
  expect(toHostsEntries(endpoints)).toEqual([
    { address: '10.0.0.2', names: ['web-2'] },
    { address: '2001:db8::1', names: ['web-1'] },
  ]);
});
