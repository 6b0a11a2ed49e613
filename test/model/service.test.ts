import { describe, expect, test } from 'vitest';
import { toDirectory } from '../../src/model/directory.ts';
import {
  defineServices,
  resolveServices,
  type ServiceDefinition,
  type ServiceDefinitions,
  toSelector,
} from '../../src/model/service.ts';
import { instance, snapshot } from '../helpers/instances.ts';

describe('defineServices', () => {
  test('gives back what it was given', () => {
    const services = {
      postgres: { group: 'tphon', port: 5432, pick: 'one' },
      replicas: { service: 'postgres', label: 'readonly', pick: 'all', min: 0, ready: false },
    } as const;
    expect(defineServices(services)).toBe(services);
    expect(defineServices({})).toEqual({});
  });

  test.each<[unknown, string]>([
    [{ group: 'x' }, "`pick` as 'one' or 'all'"],
    [{ group: 'x', pick: 'first' }, "`pick` as 'one' or 'all'"],
    [{ pick: 'one' }, 'a `group` or a `service`'],
    [{ group: '', pick: 'one' }, 'a `group` that is a name or an id'],
    [{ group: ['x', 'y'], pick: 'one' }, 'a `group` that is a name or an id'],
    [{ service: 5, pick: 'one' }, 'a `service` that is a host name label'],
    [{ service: 'db', label: 5, pick: 'one' }, 'a `label` that is a lower-case word'],
    [{ group: 'x', pick: 'one', ready: 'false' }, '`ready` as true or false'],
    [{ group: 'x', pick: 'one', port: null }, 'a `port` from 1 to 65535'],
    ['tphon', 'an object as its definition'],
    [null, 'an object as its definition'],
    [{ service: 'a b', pick: 'one' }, 'a `service` that is a host name label'],
    [{ service: 'a.b', pick: 'one' }, 'a `service` that is a host name label'],
    [{ group: 'x', label: 'ro', pick: 'one' }, 'a `service` that has the `label`'],
    [{ group: 'x', pick: 'one', port: 0 }, 'a `port` from 1 to 65535'],
    [{ group: 'x', pick: 'one', port: 65_536 }, 'a `port` from 1 to 65535'],
    [{ group: 'x', pick: 'one', port: 80.5 }, 'a `port` from 1 to 65535'],
    [{ group: 'x', pick: 'one', port: '80' }, 'a `port` from 1 to 65535'],
    [{ group: 'x', pick: 'one', min: 0 }, 'a `min` of at least 1'],
    [{ group: 'x', pick: 'all', min: -1 }, 'a `min` of at least 0'],
    [{ group: 'x', pick: 'all', min: 1.5 }, 'a `min` of at least 0'],
    [
      { group: 'x', pick: 'one', prot: 80 },
      'no field `prot` (there are: pick, group, service, label, port, ready, min)',
    ],
  ])('refuses %j: expected %s', (definition, problem) => {
    const services = { db: definition } as ServiceDefinitions;
    const expected = new TypeError(`Expected service "db" to have ${problem}.`);
    expect(() => defineServices(services)).toThrow(expected);
  });

  test.each([undefined, null, 'tphon', [{ group: 'x', pick: 'one' }]])('refuses %j', (services) => {
    const expected = 'Expected services as an object, with a definition of each by its name.';
    const given = services as unknown as ServiceDefinitions;
    expect(() => defineServices(given)).toThrow(new TypeError(expected));
  });

  test('takes what is undefined for what is not there', () => {
    const absent = { service: undefined, label: undefined, port: undefined, ready: undefined };
    const services = { db: { group: 'x', pick: 'one', min: undefined, ...absent } } as const;
    expect(toSelector(defineServices(services).db)).toEqual({ groups: ['x'], ready: true });
  });

  test.each(['close', 'on', 'refresh', 'then'])('refuses the name %s', (name) => {
    const services: ServiceDefinitions = { [name]: { group: 'x', pick: 'one' } };
    const problem = 'a name that the directory does not use itself';
    const expected = new TypeError(`Expected service "${name}" to have ${problem}.`);
    expect(() => defineServices(services)).toThrow(expected);
  });
});

describe('toSelector', () => {
  test.each<[ServiceDefinition, object]>([
    [
      { group: 'x', pick: 'one' },
      { groups: ['x'], ready: true },
    ],
    [
      { group: 'x', pick: 'one', ready: false },
      { groups: ['x'], ready: false },
    ],
    [
      { service: 'db', label: 'ro', group: 'x', pick: 'all', port: 80, min: 2 },
      { groups: ['x'], service: 'db', label: 'ro', ready: true },
    ],
  ])('means by %j %j', (definition, selector) => {
    expect(toSelector(definition)).toEqual(selector);
  });
});

describe('resolveServices', () => {
  const host = (Name: string, privateIpAddress: string, tags: Record<string, string> = {}) =>
    instance({
      instanceId: `i-${Name}`,
      groups: ['x'],
      privateIpAddress,
      tags: { Name, status: 'ready', ...tags },
    });
  const directory = toDirectory(
    snapshot(
      host('db-10', '10.0.0.10', { 'service:db': 'ro port=5433' }),
      host('db-9', '10.0.0.9', { 'service:db': 'rw port=5432' }),
      host('db-1', '10.0.0.1', { status: 'drain', 'service:db': 'ro' }),
    ),
  );
  const hostsOf = (definitions: Readonly<Record<string, ServiceDefinition>>) => {
    const answer = resolveServices(definitions, directory);
    if (answer.kind === 'short') return answer;
    return Object.entries(answer.services).map(([name, found]) => {
      const endpoints = Array.isArray(found) ? found : [found];
      return [name, Array.isArray(found), endpoints.map((e) => `${e.host}:${e.port}`)];
    });
  };

  test('gives one, or all in order of name, with the port of either tag or definition', () => {
    const definitions: ServiceDefinitions = {
      one: { group: 'x', pick: 'one' },
      all: { group: 'x', port: 80, pick: 'all' },
      labelled: { service: 'db', label: 'ro', pick: 'one' },
      tagged: { service: 'db', pick: 'all' },
      any: { group: 'x', ready: false, pick: 'all' },
      nobody: { group: 'y', pick: 'all', min: 0 },
    };
    expect(hostsOf(definitions)).toEqual([
      ['one', false, ['10.0.0.9:undefined']],
      ['all', true, ['10.0.0.9:80', '10.0.0.10:80']],
      ['labelled', false, ['10.0.0.10:5433']],
      ['tagged', true, ['10.0.0.9:5432', '10.0.0.10:5433']],
      ['any', true, ['10.0.0.1:undefined', '10.0.0.9:undefined', '10.0.0.10:undefined']],
      ['nobody', true, []],
    ]);
  });

  test.each<[ServiceDefinition, number, number, string]>([
    [{ group: 'y', pick: 'one' }, 0, 1, 'are in group "y" and are ready'],
    [{ group: 'y', pick: 'all', ready: false }, 0, 1, 'are in group "y"'],
    [{ group: 'x', pick: 'all', min: 3 }, 2, 3, 'are in group "x" and are ready'],
    [{ service: 'db', pick: 'one', min: 3 }, 2, 3, 'offer "db" and are ready'],
    [
      { group: 'x', service: 'db', label: 'ro', pick: 'all', min: 2 },
      ...([1, 2, 'are in group "x", offer "db", are labelled "ro" and are ready'] as const),
    ],
  ])('is short of %j', (definition, found, min, wanted) => {
    const definitions: ServiceDefinitions = { good: { group: 'x', pick: 'one' }, bad: definition };
    const shortage = { service: 'bad', wanted, found, min };
    expect(hostsOf(definitions)).toEqual({ kind: 'short', shortage });
  });

  test('freezes the answer throughout', () => {
    const answer = resolveServices(
      { one: { group: 'x', pick: 'one' }, all: { group: 'x', pick: 'all' } },
      directory,
    );
    if (answer.kind === 'short') throw new Error('short');
    const { one, all } = answer.services;
    expect([answer.services, one, all, all[0]].every(Object.isFrozen)).toBe(true);
  });

  test('takes a service of any name', () => {
    const definitions: ServiceDefinitions = { ['__proto__']: { group: 'x', pick: 'all' } };
    const answer = resolveServices(definitions, directory);
    if (answer.kind === 'short') throw new Error('short');
    expect(Object.keys(answer.services)).toEqual(['__proto__']);
  });
});
