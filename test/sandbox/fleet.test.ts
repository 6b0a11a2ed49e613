import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isNametagError } from '../../src/errors.ts';
import { builtInFleet } from '../../src/sandbox/built-in-fleet.ts';
import { parseFleet, populate, readFleet } from '../../src/sandbox/fleet.ts';
import { beginningMs, plainWorld } from './worlds.ts';

function problemOf(fleet: unknown): string {
  const text = typeof fleet === 'string' ? fleet : JSON.stringify(fleet);
  try {
    parseFleet(text, 'fleet.json');
  } catch (error) {
    if (isNametagError(error, 'NAMETAG_INVALID_FLEET')) return error.details.problems;
    throw error;
  }
  return 'none';
}

const tagsOf = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, '']));

const one = (instance: object): object => ({ groups: [{ name: 'web' }], instances: [instance] });

describe('a fleet file', () => {
  test.each([
    ['{', 'it is not JSON'],
    ['[]', 'the file: '],
    [{}, 'instances: expected array'],
    [
      { instances: [], instnces: [] },
      'the file: unknown key "instnces" (did you mean "instances"?)',
    ],
    [one({ group: ['web'] }), 'instances[0]: unknown key "group" (did you mean "groups"?)'],
    [one({ zzzzzzzz: 1 }), 'instances[0]: unknown key "zzzzzzzz"'],
    [one({ groups: ['wbe'] }), 'instances[0].groups[0]: unknown group "wbe" (did you mean "web"?)'],
    [
      one({ interfaces: [{ groups: ['x'] }] }),
      'instances[0].interfaces[0].groups[0]: unknown group',
    ],
    [one({ state: 'up' }), 'instances[0].state: expected one of pending, running'],
    [one({ zone: 'eu-west-2a' }), 'instances[0].zone: "eu-west-2a" is not a zone of eu-west-1'],
    [one({ id: 'i-1' }), 'instances[0].id: expected "i-" and 17 hexadecimal digits'],
    [one({ privateIp: '10.0.0.256' }), 'instances[0].privateIp: expected an IPv4 address'],
    [one({ publicIp: '198.18.0.1', state: 'stopped' }), 'publicIp: an instance that is stopped'],
    [one({ ipv6: ['10.0.0.1'] }), 'instances[0].ipv6[0]: expected an IPv6 address'],
    [one({ launchedAgo: '3 days' }), 'instances[0].launchedAgo: expected a duration'],
    [one({ tags: { 'aws:x': '' } }), 'instances[0].tags["aws:x"]: keys that begin with "aws:"'],
    [one({ tags: { '': '' } }), 'instances[0].tags[""]: expected a key'],
    [one({ tags: { ['k'.repeat(128)]: '' } }), ': expected a key of at most 127'],
    [one({ tags: { k: 1 } }), 'instances[0].tags.k: '],
    [one({ tags: { ['__proto__']: {} } }), 'instances[0].tags["__proto__"]: expected string'],
    [one({ tags: ['k'] }), 'instances[0].tags: expected object'],
    [one({ tags: tagsOf(51) }), 'instances[0].tags: expected at most 50 tags'],
    [one({ tags: { k: 'v'.repeat(257) } }), 'instances[0].tags.k: expected at most 256'],
    [one({ vpc: 'vpc-0aaaaaaaa', groups: ['web'] }), 'group "web" is in another VPC'],
    [{ instances: [{ name: 'a' }, { name: 'a' }] }, 'instances[1].name: a is there twice'],
    [
      { instances: [{ id: 'i-0000000a' }, { id: 'i-0000000a' }] },
      'instances[1].id: i-0000000a is there twice',
    ],
    [
      { instances: [{ privateIp: '10.0.0.9' }, { privateIp: '10.0.0.9' }] },
      'instances[1].privateIp: 10.0.0.9 is there twice',
    ],
    [{ groups: [{ name: 'a' }, { name: 'a' }], instances: [] }, 'groups[1].name: a is there twice'],
    [{ region: 'Ireland', instances: [] }, 'region: expected a region'],
  ])('that is %j is refused: %s', (fleet, problem) => {
    expect(problemOf(fleet)).toContain(problem);
  });

  test('tells all that is wrong', () => {
    expect(problemOf(one({ state: 'up', zone: 1 })).split('; ')).toHaveLength(2);
  });

  test('is put into the world as it says', () => {
    const { world } = plainWorld();
    const fleet = parseFleet(
      JSON.stringify({
        groups: [
          { name: 'web', vpc: 'vpc-0aaaaaaaa' },
          { name: 'db', vpc: 'vpc-0aaaaaaaa' },
        ],
        instances: [
          {
            name: 'first',
            groups: ['web'],
            interfaces: [{ groups: ['db'], privateIp: '10.1.2.4' }],
            state: 'stopped',
            tags: { Name: 'x', __proto__x: 'y' },
            zone: 'eu-west-1c',
            privateIp: '10.1.2.3',
            launchedAgo: '90m',
          },
        ],
      }),
      'fleet.json',
    );
    populate(world, fleet);
    const [instance] = world.instances();
    expect(instance).toMatchObject({
      state: 'stopped',
      launchTimeMs: beginningMs - 90 * 60_000,
      publicAddress: undefined,
      facts: { handle: 'first', availabilityZone: 'eu-west-1c', vpcId: 'vpc-0aaaaaaaa' },
    });
    expect(instance?.facts.networkInterfaces.map((face) => face.privateIpAddress)).toEqual([
      '10.1.2.3',
      '10.1.2.4',
    ]);
  });

  test('has any tag that EC2 takes, whatever its key means in JavaScript', () => {
    const { world } = plainWorld();
    const tags = '{"__proto__": "a", "constructor": "b", "toString": "c"}';
    populate(world, parseFleet(`{"instances": [{"tags": ${tags}}]}`, 'fleet.json'));
    const [instance] = world.instances();
    expect([...(instance?.tags ?? [])].sort()).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
    ]);
  });

  test('is read from disk, or said to be missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nametag-'));
    const path = join(folder, 'fleet.json');
    await writeFile(path, '{"instances":[{}]}');
    expect((await readFleet(path)).instances).toHaveLength(1);
    await expect(readFleet(join(folder, 'no.json'))).rejects.toSatisfy((error) =>
      isNametagError(error, 'NAMETAG_INPUT_MISSING'),
    );
    await expect(readFleet(folder)).rejects.toSatisfy((error) =>
      isNametagError(error, 'NAMETAG_INPUT_UNREADABLE'),
    );
    await rm(folder, { recursive: true });
  });
});

describe('the built-in fleet', () => {
  test('is a fleet that a file could hold', () => {
    expect(parseFleet(JSON.stringify(builtInFleet), 'built-in')).toEqual(builtInFleet);
  });

  test('has the same ids for the same seed', () => {
    const ids = (seed: number): string => {
      const { world } = plainWorld({}, seed);
      populate(world, builtInFleet);
      return world
        .instances()
        .map(({ facts }) => facts.instanceId)
        .join();
    };
    expect(ids(1)).toBe(ids(1));
    expect(ids(1)).not.toBe(ids(2));
  });
});
