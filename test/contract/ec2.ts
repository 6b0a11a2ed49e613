/**
 * What every implementation of the port to EC2 does, as one suite that runs over each of them.
 *
 * Where one is known to differ from EC2, the test is expected to fail there, so that it is noticed
 * when the difference goes away.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Instance, InstanceState } from '../../src/model/instance.ts';
import { type InstanceQuery, literal } from '../../src/model/query.ts';
import type { Ec2 } from '../../src/ports.ts';

/** An instance to begin with. */
export interface Cast {
  readonly group: string;
  readonly state: Extract<InstanceState, 'running' | 'stopped'>;
  readonly tags: ReadonlyMap<string, string>;
}

/** An EC2 of which the port under test is one way in. */
export interface Stage {
  readonly ec2: Ec2;
  /** Puts the instances there, visible to all; resolves to their ids, in the same order. */
  readonly enter: (cast: readonly Cast[]) => Promise<readonly string[]>;
  /** Waits until what was written is visible to every read. */
  readonly settle: () => Promise<void>;
  /** Waits for a call that waits itself, in less time than it takes. */
  readonly hurry: <T>(call: () => Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

/** The tests that fail with an implementation, and why that is so. */
export type Differences = Readonly<Record<string, string>>;

const cast: readonly Cast[] = [
  {
    group: 'tphon',
    state: 'running',
    tags: new Map([
      ['Name', 'tphon-1'],
      ['status', 'ready'],
    ]),
  },
  { group: 'tphon', state: 'running', tags: new Map([['Name', 'tphon-2']]) },
  { group: 'tphon', state: 'stopped', tags: new Map([['Name', 'tphon-3']]) },
  { group: 'search', state: 'running', tags: new Map([['Name', 'a*b']]) },
  { group: 'search', state: 'running', tags: new Map([['Name', 'a--b']]) },
];

export function describeEc2Contract(
  name: string,
  openStage: () => Promise<Stage>,
  differences: Differences = {},
): void {
  const check = (title: string, body: () => Promise<void>): void => {
    const reason = differences[title];
    if (reason === undefined) test(title, body);
    else test.fails(`${title} (not here: ${reason})`, body);
  };

  describe(`${name} as a port to EC2`, () => {
    let stage: Stage;
    let ec2: Ec2;
    let ids: readonly string[];
    let first: Instance;

    beforeAll(async () => {
      stage = await openStage();
      ec2 = stage.ec2;
      ids = await stage.enter(cast);
      await stage.settle();
      const { instances } = await ec2.describeInstances([{}]);
      first = instances.find(({ instanceId }) => instanceId === ids[0])!;
    });
    afterAll(() => stage.close());

    /** The places in the cast of those that a query finds. */
    const find = async (...queries: readonly InstanceQuery[]): Promise<number[]> => {
      const { instances } = await ec2.describeInstances(queries);
      return instances.map(({ instanceId }) => ids.indexOf(instanceId)).sort();
    };

    check('describes an instance as it was launched', async () => {
      expect(first).toMatchObject({
        state: 'running',
        launchIndex: 0,
        availabilityZone: expect.stringContaining(ec2.region),
        vpcId: expect.stringMatching(/^vpc-/),
        subnetId: expect.stringMatching(/^subnet-/),
        privateIpAddress: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        securityGroups: [{ groupId: expect.stringMatching(/^sg-/), groupName: 'tphon' }],
        tags: cast[0]?.tags,
      });
      expect(Number.isInteger(first.launchTimeMs)).toBe(true);
    });

    check('gives each instance once, by id', async () => {
      const snapshot = await ec2.describeInstances([{}, { states: ['running'] }]);
      expect(snapshot.region).toBe(ec2.region);
      expect(snapshot.instances.map(({ instanceId }) => instanceId)).toEqual([...ids].sort());
    });

    check('narrows by id, and knows of no unknown one', async () => {
      const known = [ids[0]!, ids[3]!, 'i-0fffffffffffffff0'];
      expect(await find({ instanceIds: known })).toEqual([0, 3]);
    });

    check('takes more ids than EC2 takes at once', async () => {
      const unknown = Array.from({ length: 398 }, (_, n) => `i-0${String(n).padStart(16, '0')}`);
      const instanceIds = [ids[0]!, ...unknown, ids[4]!];
      expect(await find({ instanceIds })).toEqual([0, 4]);
    });

    check('narrows by state', async () => {
      expect(await find({ states: ['stopped', 'pending'] })).toEqual([2]);
    });

    check('narrows by VPC', async () => {
      expect(await find({ vpcIds: [first.vpcId!] })).toEqual([0, 1, 2, 3, 4]);
      expect(await find({ vpcIds: ['vpc-0fffffffffffffff0'] })).toEqual([]);
    });

    check('finds all of a zone', async () => {
      expect(await find({ availabilityZones: [first.availabilityZone!] })).toContain(0);
    });

    check('finds nobody in a zone that is not there', async () => {
      expect(await find({ availabilityZones: ['nowhere-1a'] })).toEqual([]);
    });

    check('finds all of a group, by name and by id', async () => {
      const { groupId } = first.securityGroups[0]!;
      for (const group of ['tphon', groupId]) {
        expect(await find({ groups: [group] })).toEqual(expect.arrayContaining([0, 1, 2]));
      }
    });

    check('finds nobody else of a group', async () => {
      expect(await find({ groups: ['tphon'] })).toEqual([0, 1, 2]);
      expect(await find({ groups: ['search', first.securityGroups[0]!.groupId] })).toEqual([
        0, 1, 2, 3, 4,
      ]);
      expect(await find({ groups: ['TPHON'] })).toEqual([]);
    });

    check('narrows by tag, with wildcards', async () => {
      expect(await find({ tags: [{ key: 'Name', patterns: ['tphon-*'] }] })).toEqual([0, 1, 2]);
      expect(await find({ tags: [{ key: 'Name', patterns: ['tphon-?', 'none'] }] })).toEqual([
        0, 1, 2,
      ]);
      expect(await find({ tags: [{ key: 'status', patterns: ['*'] }] })).toEqual([0]);
      expect(await find({ tags: [{ key: 'name', patterns: ['tphon-1'] }] })).toEqual([]);
    });

    check('takes an escaped star for a star', async () => {
      expect(await find({ tags: [{ key: 'Name', patterns: ['a*b'] }] })).toEqual([3, 4]);
      expect(await find({ tags: [{ key: 'Name', patterns: [literal('a*b')] }] })).toEqual([3]);
    });

    check('holds an instance to all conditions of one query', async () => {
      const tags = [{ key: 'Name', patterns: ['tphon-*'] }];
      expect(await find({ states: ['running'], tags })).toEqual([0, 1]);
      expect(await find({ states: ['running'], tags }, { instanceIds: [ids[4]!] })).toEqual([
        0, 1, 4,
      ]);
    });

    check('writes tags over those of the same key, and keeps the others', async () => {
      await ec2.createTags(
        ids[1]!,
        new Map([
          ['Name', 'tphon-9'],
          ['empty', ''],
          ['odd', 'é <&> "\'" = \\* \u{1f600}'],
        ]),
      );
      await ec2.createTags(ids[1]!, new Map([['Name', 'tphon-2']]));
      await stage.settle();
      const { instances } = await ec2.describeInstances([{ instanceIds: [ids[1]!] }]);
      expect(instances[0]?.tags).toEqual(
        new Map([
          ['Name', 'tphon-2'],
          ['empty', ''],
          ['odd', 'é <&> "\'" = \\* \u{1f600}'],
        ]),
      );
    });

    check('says that there is no room for a 51st tag', async () => {
      const tags = Array.from({ length: 51 }, (_, n): [string, string] => [`key${n}`, '']);
      await expect(ec2.createTags(ids[2]!, new Map(tags))).rejects.toMatchObject({
        code: 'NAMETAG_TAG_LIMIT',
        details: { instanceId: ids[2] },
      });
    });

    check('says that a key is refused', async () => {
      await expect(ec2.createTags(ids[2]!, new Map([['aws:name', 'x']]))).rejects.toMatchObject({
        code: 'NAMETAG_EC2_REFUSED',
      });
    });

    check('says that an instance is unknown', async () => {
      const unknown = 'i-0fffffffffffffff0';
      const write = () => ec2.createTags(unknown, new Map([['Name', 'x']]));
      await expect(stage.hurry(write)).rejects.toMatchObject({
        code: 'NAMETAG_INSTANCE_NOT_FOUND',
        details: { instanceId: unknown },
      });
    });

    check('refuses empty lists as a mistake', async () => {
      await expect(ec2.describeInstances([{ instanceIds: [] }])).rejects.toThrow(TypeError);
      await expect(ec2.describeInstances([{ groups: [] }])).rejects.toThrow(TypeError);
      await expect(ec2.createTags(ids[0]!, new Map())).rejects.toThrow(TypeError);
    });

    check('throws the reason of a caller who has ended already', async () => {
      const signal = AbortSignal.abort('before');
      await expect(ec2.describeInstances([{}], { signal })).rejects.toBe('before');
      await expect(ec2.createTags(ids[0]!, new Map([['Name', 'x']]), { signal })).rejects.toBe(
        'before',
      );
    });
  });
}
