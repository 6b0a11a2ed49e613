import { describe, expect, test } from 'vitest';
import type { FleetRequest } from '../src/describe-fleet.ts';
import { NametagError } from '../src/errors.ts';
import type { InstanceQuery } from '../src/model/query.ts';
import type { ReadSnapshotSource } from '../src/read-snapshot.ts';
import {
  errorOf,
  FakeFleet,
  host,
  ids,
  idsOf,
  nineHosts,
  readerOf,
  request,
  source,
} from './helpers/fake-fleet.ts';
import type { InstanceFields } from './helpers/instances.ts';
import { MemoryStore } from './helpers/memory-store.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const isById = (queries: readonly InstanceQuery[]): boolean =>
  queries.every((query) => query.instanceIds !== undefined);

describe('what is no evidence keeps everybody', () => {
  const faults: readonly (readonly [string, (ec2: FakeFleet) => void, unconfirmed: number])[] = [
    [
      'an empty answer, by id too',
      (ec2) => {
        ec2.shows = () => false;
      },
      9,
    ],
    [
      'a filter that silently matches nothing',
      (ec2) => {
        ec2.shows = (_, queries) => isById(queries);
      },
      0,
    ],
    [
      'a zone that does not answer',
      (ec2) => {
        ec2.shows = (i) => i.availabilityZone !== 'eu-west-1a';
      },
      4,
    ],
    [
      'ids that are not answered',
      (ec2) => {
        ec2.shows = (i) => !['i-2', 'i-5'].includes(i.instanceId);
      },
      2,
    ],
    [
      'a call for evidence that fails',
      (ec2) => {
        ec2.shows = () => false;
        ec2.failure = (queries) => (isById(queries) ? errorOf.NAMETAG_EC2_THROTTLED : undefined);
      },
      9,
    ],
    [
      'an answer that is older than the last',
      (ec2) => {
        ec2.change('i-2', { state: 'pending' });
      },
      1,
    ],
  ];

  test.each(faults)('%s', async (_, fault, unconfirmed) => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    fault(ec2);
    ec2.nowMs += minuteMs;
    const reading = await read();
    expect(idsOf(reading)).toEqual(ids);
    expect(reading).toMatchObject({ from: 'ec2', ageMs: 0, failure: undefined, removed: [] });
    expect(reading.kept).toHaveLength(unconfirmed);
    for (const { lastSeenMs } of reading.kept) expect(lastSeenMs).toBe(ec2.nowMs - minuteMs);
    // One call for the answer, and one for evidence.
    expect(ec2.asked).toHaveLength(3);
  });

  test.each(faults)('%s: without the guard they are lost (the control)', async (_, fault) => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    fault(ec2);
    expect((await read({ force: true })).snapshot.instances.length).toBeLessThan(ids.length);
  });

  test.each(Object.entries(errorOf))('%s: the last good answer, with its age', async (_, error) => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.failure = () => error;
    ec2.nowMs += hourMs;
    const reading = await read();
    expect(idsOf(reading)).toEqual(ids);
    expect(reading).toMatchObject({ from: 'store', ageMs: hourMs, failure: error });
    ec2.nowMs += 1;
    await expect(read()).rejects.toMatchObject({
      code: error.code,
      message: `${error.message} The last answer is 60 min old, which is too old to go by.`,
    });
    await expect(readerOf(ec2)()).rejects.toBe(error);
  });

  test.each([
    new TypeError('a mistake of this program'),
    new NametagError('NAMETAG_USAGE', { problem: 'No', remedy: 'Do' }),
    new NametagError('NAMETAG_EC2_REFUSED', {
      doing: 'describe instances',
      region: 'eu-west-1',
      awsCode: 'InvalidParameterValue',
      awsMessage: 'no',
    }),
  ])('%s is told, whatever is in the store', async (error) => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.failure = () => error;
    await expect(read()).rejects.toBe(error);
  });
});

describe('evidence removes at the first refresh', () => {
  const changes: readonly (readonly [string, InstanceFields, string])[] = [
    ['terminated', { state: 'terminated' }, 'terminated'],
    ['shutting down', { state: 'shutting-down' }, 'shutting-down'],
    ['stopped', { state: 'stopped' }, 'stopped'],
    ['stopping', { state: 'stopping' }, 'stopping'],
    ['a tag flipped', { tags: { status: 'drain' } }, 'does not match'],
    ['a group removed', { groups: ['other'] }, 'does not match'],
  ];

  test.each(changes)('eight of nine: %s', async (_, fields, evidence) => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    for (const id of ids.slice(0, 8)) ec2.change(id, fields);
    const reading = await read({ maxRemove: 0 });
    expect(idsOf(reading)).toEqual(['i-9']);
    expect(reading.kept).toEqual([]);
    expect(reading.removed).toMatchObject(
      ids.slice(0, 8).map((instanceId) => ({ instanceId, evidence, atMs: ec2.nowMs })),
    );
  });

  test.each(changes)('nobody, where EC2 does not show it (the control): %s', async (_, fields) => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    for (const id of ids.slice(0, 8)) ec2.change(id, fields);
    ec2.shows = (i) => i.instanceId === 'i-9';
    expect(idsOf(await read({ maxRemove: 0 }))).toEqual(ids);
  });

  test('even all of them', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    for (const id of ids) ec2.change(id, { state: 'terminated' });
    expect(idsOf(await read())).toEqual([]);
  });

  test('even if they are in the answer still, since they say names that matter', async () => {
    const ec2 = nineHosts();
    for (const id of ids) ec2.change(id, { tags: { status: 'ready', Name: `web-${id}` } });
    const read = readerOf(ec2);
    const named = { ...request, namesMatter: true };
    await read({}, named);
    const flipped = ids.slice(0, 8);
    for (const id of flipped) ec2.change(id, { tags: { status: 'drain', Name: `web-${id}` } });
    const removed = flipped.map((instanceId) => ({
      instanceId,
      evidence: 'does not match',
      atMs: ec2.nowMs,
    }));
    const reading = await read({}, named);
    expect(idsOf(reading)).toEqual(ids);
    expect(reading.removed).toMatchObject(removed);
    expect((await read({}, named)).removed).toMatchObject(removed);
    ec2.change('i-1', { tags: { status: 'ready', Name: 'web-i-1' } });
    expect((await read({}, named)).removed).toMatchObject(removed.slice(1));
  });
});

describe('when the time of those who are kept is over', () => {
  const silence = async (missing: readonly string[]) => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.shows = (i) => !missing.includes(i.instanceId);
    for (let passed = 0; passed < hourMs; passed += 20 * minuteMs) {
      ec2.nowMs += 20 * minuteMs;
      expect(idsOf(await read())).toEqual(ids);
    }
    ec2.nowMs += minuteMs;
    return { ec2, read };
  };

  test('a few of them go', async () => {
    const { read } = await silence(['i-1', 'i-2']);
    expect(idsOf(await read())).toEqual(ids.slice(2));
  });

  test('many are held, until EC2 shows them, alive or not', async () => {
    const { ec2, read } = await silence(ids.slice(0, 3));
    const held = { code: 'NAMETAG_GUARD_HELD', details: { unseen: 3, members: 9, percent: 30 } };
    await expect(read()).rejects.toMatchObject(held);
    // It does not give in, and a store that is young is not an answer either.
    for (let hours = 0; hours < 5; hours++) {
      ec2.nowMs += hourMs;
      await expect(read()).rejects.toMatchObject(held);
      await expect(read({ maxAgeMs: minuteMs })).rejects.toMatchObject(held);
    }
    ec2.shows = () => true;
    ec2.change('i-1', { state: 'terminated' });
    expect(idsOf(await read())).toEqual(ids.slice(1));
  });

  test('a refusal of EC2 does not let them through', async () => {
    const { ec2, read } = await silence(ids.slice(0, 3));
    await expect(read()).rejects.toMatchObject({ code: 'NAMETAG_GUARD_HELD' });
    ec2.failure = () => errorOf.NAMETAG_EC2_DENIED;
    const { message } = errorOf.NAMETAG_EC2_DENIED ?? {};
    ec2.nowMs += 5_000;
    await expect(read()).rejects.toMatchObject({
      code: 'NAMETAG_EC2_DENIED',
      message:
        `${message} The last answer, 5 s old, is held back: ` +
        'too many in it were not seen for too long.',
    });
    ec2.nowMs -= 6_000;
    await expect(read()).rejects.toThrow(/The last answer is of a time that has not come yet/);
  });

  test.each([{ force: true }, { maxRemove: 0.34 }])('%j ends it', async (terms) => {
    const { read } = await silence(ids.slice(0, 3));
    await expect(read()).rejects.toMatchObject({ code: 'NAMETAG_GUARD_HELD' });
    expect(idsOf(await read(terms))).toEqual(ids.slice(3));
    expect(idsOf(await read())).toEqual(ids.slice(3));
  });

  describe('since nobody read for so long', () => {
    const silentHour = async () => {
      const ec2 = nineHosts();
      const read = readerOf(ec2);
      await read();
      const lastSeenMs = ec2.nowMs;
      ec2.nowMs += hourMs + 1;
      return { ec2, read, lastSeenMs };
    };

    test('all whom EC2 does not know any more go, and that is told', async () => {
      const { ec2, read, lastSeenMs } = await silentHour();
      ec2.instances = [host('i-1')];
      const reading = await read();
      expect(idsOf(reading)).toEqual(['i-1']);
      expect(reading.letGo).toEqual(ids.slice(1).map((instanceId) => ({ instanceId, lastSeenMs })));
      expect((await read()).letGo).toEqual([]);
    });

    test('an answer of nobody is held back, with evidence of one too', async () => {
      const { ec2, read } = await silentHour();
      ec2.instances = [host('i-2', { state: 'terminated' })];
      await expect(read()).rejects.toMatchObject({ code: 'NAMETAG_GUARD_HELD' });
      await expect(read()).rejects.toMatchObject({ code: 'NAMETAG_GUARD_HELD' });
    });

    test('there was no pause where EC2 was asked and could not be heard', async () => {
      const { ec2, read } = await silentHour();
      ec2.failure = () => errorOf.NAMETAG_EC2_THROTTLED;
      await expect(read()).rejects.toMatchObject({ code: 'NAMETAG_EC2_THROTTLED' });
      ec2.failure = undefined;
      ec2.instances = [host('i-1')];
      await expect(read()).rejects.toMatchObject({ code: 'NAMETAG_GUARD_HELD' });
    });

    test('those whom it does know stay, or go with evidence', async () => {
      const { ec2, read } = await silentHour();
      ec2.shows = (_, queries) => isById(queries);
      ec2.change('i-2', { state: 'terminated' });
      const reading = await read();
      expect(idsOf(reading)).toEqual(ids.filter((id) => id !== 'i-2'));
      expect(reading.removed).toMatchObject([{ instanceId: 'i-2', evidence: 'terminated' }]);
      expect(reading.letGo).toEqual([]);
    });
  });
});

describe('a young snapshot', () => {
  test('is the answer without a call, until it is too old', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read({ maxAgeMs: minuteMs });
    ec2.nowMs += minuteMs;
    expect(await read({ maxAgeMs: minuteMs })).toMatchObject({ from: 'store', ageMs: minuteMs });
    expect(ec2.asked).toHaveLength(1);
    ec2.nowMs += 1;
    expect(await read({ maxAgeMs: minuteMs })).toMatchObject({ from: 'ec2', ageMs: 0 });
    ec2.nowMs += 1;
    expect(await read()).toMatchObject({ from: 'ec2' });
    expect(ec2.asked).toHaveLength(3);
  });

  test('of a time that has not come is none', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.nowMs -= 1;
    expect(await read({ maxAgeMs: hourMs })).toMatchObject({ from: 'ec2' });
  });

  const other = { ...request, queries: [{ ...request.queries[0], groups: ['other'] }] };
  test.each<[string, FleetRequest, ReadSnapshotSource]>([
    ['other credentials', request, { ...source, credentials: 'keys b' }],
    ['another endpoint', request, { ...source, endpoint: 'http://127.0.0.1:1' }],
    ['another VPC', request, { ...source, within: 'vpc-1' }],
    ['another selector', other, source],
    ['another domain', { ...request, domain: 'example.com' }, source],
    ['an answer with names', { ...request, namesMatter: true }, source],
  ])('is not shared with %s', async (_, asked, of) => {
    const ec2 = nineHosts();
    const store = new MemoryStore();
    await readerOf(ec2, store)();
    await readerOf(ec2, store)({ maxAgeMs: hourMs }, asked, of);
    expect(store.snapshots.size).toBe(2);
  });

  test('is not shared with another region', async () => {
    const store = new MemoryStore();
    await readerOf(nineHosts(), store)();
    const wrong = readerOf(new FakeFleet([], 'us-east-1'), store);
    expect(idsOf(await wrong({ maxAgeMs: hourMs }))).toEqual([]);
    expect(idsOf(await readerOf(nineHosts(), store)({ maxAgeMs: hourMs }))).toEqual(ids);
  });

  test('is shared by the same question, however it is put', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    const put = (groups: string[]): FleetRequest => ({
      queries: [{ tags: [{ key: 'b', patterns: ['1', '2'] }], groups }, { states: ['running'] }],
      namesMatter: false,
    });
    await read({}, put(['a', 'b']));
    const { queries } = put(['b', 'a']);
    const again = { namesMatter: false, queries: queries.toReversed() };
    expect(await read({ maxAgeMs: 1 }, again)).toMatchObject({ from: 'store' });
  });
});

describe('several at once', () => {
  test('ask once, where a young answer will do', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    const readings = await Promise.all(ids.map(() => read({ maxAgeMs: minuteMs })));
    expect(readings.filter(({ from }) => from === 'ec2')).toHaveLength(1);
    expect(ec2.asked).toHaveLength(1);
  });

  test('use an answer that was begun after they began, though none may be old', async () => {
    const ec2 = nineHosts();
    const store = new MemoryStore();
    const endTurn = await store.takeTurn();
    const waiting = ids.map(() => readerOf(ec2, store)());
    ec2.nowMs += 1;
    await endTurn();
    const readings = await Promise.all(waiting);
    expect(readings.map(({ from }) => from)).toEqual(['ec2', ...Array(8).fill('store')]);
    expect(ec2.asked).toHaveLength(1);
  });

  test('end their turns also when they fail', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    ec2.failure = () => errorOf.NAMETAG_EC2_DENIED;
    await expect(read()).rejects.toThrow();
    ec2.failure = undefined;
    expect(idsOf(await read())).toEqual(ids);
  });
});

describe('names', () => {
  test('of one that is kept still have the same winner', async () => {
    const claim = { 'nametag:claim': 'held=web-0 boot=2026-11-20T12:00:00Z' };
    const mine = host('i-2', { tags: { status: 'ready', Name: 'web-0' } });
    const ec2 = new FakeFleet([mine, host('i-1', { groups: ['other'], tags: claim })]);
    const read = readerOf(ec2);
    const named = { ...request, namesMatter: true };
    expect(idsOf(await read({}, named))).toEqual(['i-1', 'i-2']);
    ec2.shows = (i) => i.instanceId !== 'i-2';
    expect(idsOf(await read({}, named))).toEqual(['i-1', 'i-2']);
  });
});
