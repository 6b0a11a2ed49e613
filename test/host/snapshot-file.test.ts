import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSnapshot, encodeSnapshot, snapshotFormat } from '../../src/host/snapshot-file.ts';
import { UnusableSnapshot } from '../../src/host/unusable-snapshot.ts';
import { type Instance, instanceStates } from '../../src/model/instance.ts';
import { evidences, type RecentRemoval } from '../../src/model/removal.ts';
import { type Snapshot, toSnapshot } from '../../src/model/snapshot.ts';
import { instance, snapshot, withMaps } from '../helpers/instances.ts';

const latestMs = Date.UTC(2027, 0, 1);
// Another start of the system than the files are of, so that digests count.
const expected = { key: 'the key', region: 'eu-west-1', latestMs, boot: 'now' };

// Any text, lone surrogates and all: what EC2 answers is not ours to choose.
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 });
const optional = fc.option(text, { nil: undefined });
const timeMs = fc.integer({ min: 0, max: latestMs });
const anyInstance: fc.Arbitrary<Instance> = fc.record({
  instanceId: text,
  state: fc.constantFrom(...instanceStates),
  launchTimeMs: fc.integer({ min: -8.64e15, max: 8.64e15 }).map((ms) => ms + 0),
  launchIndex: fc.nat(),
  instanceType: optional,
  availabilityZone: optional,
  vpcId: optional,
  subnetId: optional,
  privateIpAddress: optional,
  publicIpAddress: optional,
  ipv6Addresses: fc.array(text, { maxLength: 3 }),
  privateDnsName: optional,
  publicDnsName: optional,
  securityGroups: fc.array(fc.record({ groupId: text, groupName: fc.string() }), { maxLength: 3 }),
  tags: fc
    .array(fc.tuple(fc.oneof(text, fc.constant('__proto__')), fc.string()), { maxLength: 4 })
    .map((pairs) => new Map(pairs)),
});
const anyRemoval: fc.Arbitrary<RecentRemoval> = fc.record({
  instanceId: text,
  evidence: fc.constantFrom(...evidences),
  addresses: fc.array(text, { maxLength: 2 }),
  atMs: timeMs,
});
const anySnapshot: fc.Arbitrary<Snapshot> = fc
  .tuple(
    fc.array(anyInstance, { maxLength: 5 }),
    timeMs,
    fc.option(fc.infiniteStream(timeMs)),
    fc.option(fc.array(anyRemoval, { maxLength: 3 })),
  )
  .map(([instances, takenAtMs, seen, removed]) => {
    const whole = toSnapshot('eu-west-1', takenAtMs, instances);
    const also = removed === null ? {} : { removed };
    if (seen === null) return { ...whole, ...also };
    const kept = whole.instances.filter((_, index) => index % 2 === 0);
    const times = kept.map(({ instanceId }) => [instanceId, seen.next().value ?? 0] as const);
    return { ...whole, unconfirmed: new Map(times), ...also };
  });

/** Whether each field, and the order of each list and map, is there again. */
function isSame(before: Snapshot, after: Snapshot): boolean {
  const flat = (value: Snapshot): string =>
    JSON.stringify(withMaps(value), (_, v: unknown) =>
      v instanceof Map ? ['map', ...v] : v === undefined ? ['absent'] : v,
    );
  return flat(before) === flat(after);
}

const encoded = (whole: Snapshot, boot: string | undefined = 'then'): Buffer => {
  const { pieces, header } = encodeSnapshot('the key', whole, boot);
  const file = Buffer.concat([...pieces]);
  const beginning = header();
  // The control: without its header it is no snapshot.
  expect(() => decodeSnapshot(file, expected)).toThrow(UnusableSnapshot);
  beginning.copy(file);
  return file;
};

const roundTrip = (before: Snapshot): Snapshot => decodeSnapshot(encoded(before), expected);

const runs = { seed: 4, numRuns: 300 };

describe('a file', () => {
  test('gives back every field of every snapshot', () => {
    fc.assert(
      fc.property(anySnapshot, (before) => {
        const after = roundTrip(before);
        expect(withMaps(after)).toEqual(before);
        expect(isSame(before, after)).toBe(true);
      }),
      runs,
    );
  });

  test('gives the same but for those who are passed over', () => {
    const property = (passOver: boolean) =>
      fc.property(anySnapshot, fc.func(fc.boolean()), (before, choose) => {
        const ids = before.instances.map(({ instanceId }) => instanceId);
        const except = new Set(ids.filter((id) => choose(id)));
        const { unconfirmed } = before;
        expect(
          decodeSnapshot(encoded(before), { ...expected, ...(passOver && { except }) }),
        ).toEqual({
          ...before,
          instances: before.instances.filter(({ instanceId }) => !except.has(instanceId)),
          ...(unconfirmed && {
            unconfirmed: new Map([...unconfirmed].filter(([id]) => !except.has(id))),
          }),
        });
      });
    fc.assert(property(true), runs);
    // The control: nobody is passed over.
    expect(fc.check(property(false), runs).failed).toBe(true);
  });

  // Controls of the first property: a file that loses one thing is found out.
  test.each<[string, (lost: Snapshot) => Snapshot]>([
    ['the unconfirmed', ({ unconfirmed: _, ...rest }) => rest],
    ['the removed', ({ removed: _, ...rest }) => rest],
    ['an address', (s) => ({ ...s, instances: s.instances.map((i) => ({ ...i, vpcId: '' })) })],
    [
      'the order of tags',
      (s) => ({
        ...s,
        instances: s.instances.map((i) => ({ ...i, tags: new Map([...i.tags].reverse()) })),
      }),
    ],
  ])('that lost %s would not pass', (_, lose) => {
    const property = fc.property(anySnapshot, (before) => isSame(before, lose(roundTrip(before))));
    expect(fc.check(property, runs).failed).toBe(true);
  });

  // Of each list one piece, a little more, and some that are full: cells are 15 an instance.
  // Of 8,192 texts that may come again all are forgotten.
  test.each([1, 682, 683, 2_048, 2_049, 4_681, 4_682, 8_192, 8_193, 16_400])(
    'of %i instances is whole',
    (count) => {
      const many = Array.from({ length: count }, (_, place) =>
        instance({
          instanceId: `i-${String(place).padStart(5, '0')}`,
          tags: { Name: `n-${place}`, odd: '\u20ac'.repeat(place % 2) },
        }),
      );
      const whole = snapshot(...many);
      const after = roundTrip(whole);
      expect(after.instances).toHaveLength(count);
      expect(isSame(whole, after)).toBe(true);
    },
  );

  const bytes = encoded(snapshot(instance({ tags: { Name: 'é' } })));

  test('is refused when it is cut short anywhere, and when any byte of it is another', () => {
    expect(decodeSnapshot(bytes, expected).instances).toHaveLength(1);
    for (let place = 0; place < bytes.length; place += 1) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 1;
      for (const bad of [bytes.subarray(0, place), changed]) {
        expect(() => decodeSnapshot(bad, expected)).toThrow(UnusableSnapshot);
      }
    }
    const longer = Buffer.concat([bytes, Buffer.from('\n')]);
    expect(() => decodeSnapshot(longer, expected)).toThrow(UnusableSnapshot);
  });

  test.each([
    ['another start of the system', 'then', 'now', true],
    ['this start of the system', 'now', 'now', false],
    ['nobody knows which', undefined, undefined, true],
  ])('of %s is or is not compared with its digest', (_, then, now, isCompared) => {
    const file = encoded(snapshot(instance({ tags: { Name: 'one' } })), then);
    expect(decodeSnapshot(file, { ...expected, boot: now }).instances).toHaveLength(1);
    const changed = Buffer.from(file.toString('latin1').replace('\0one', '\0two'), 'latin1');
    const read = () => decodeSnapshot(changed, { ...expected, boot: now }).instances[0]?.tags;
    if (isCompared) expect(read).toThrow('it was cut short or changed');
    else expect(read()?.get('Name')).toBe('two');
  });

  test('that is not compared with its digest is a snapshot or refused, whatever is in it', () => {
    const file = encoded(snapshot(instance({ tags: { Name: 'é' } })));
    const current = { ...expected, boot: 'then' };
    let read = 0;
    for (let place = 0; place < file.length; place += 1) {
      for (const bit of [1, 32, 128]) {
        const changed = Buffer.from(file);
        changed[place] = (changed[place] ?? 0) ^ bit;
        try {
          const { instances } = decodeSnapshot(changed, current);
          expect(instances).toHaveLength(1);
          read += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(UnusableSnapshot);
        }
      }
      expect(() => decodeSnapshot(file.subarray(0, place), current)).toThrow(UnusableSnapshot);
    }
    // The control: some of it is read.
    expect(read).toBeGreaterThan(0);
  });

  test('is refused when it is the answer to something else, or of the future', () => {
    for (const other of [{ key: 'the keys' }, { region: 'eu-west-2' }, { latestMs: 0 }]) {
      const read = () => decodeSnapshot(bytes, { ...expected, ...other });
      expect(read).toThrow(UnusableSnapshot);
    }
  });

  test('of a newer format is refused, whatever is in it', () => {
    const newer = bytes.toString('latin1').replace(`snapshot ${snapshotFormat} `, 'snapshot 9 ');
    expect(() => decodeSnapshot(Buffer.from(newer, 'latin1'), expected)).toThrow(/in format 9/);
  });
});

// Its digest is right, so only what it says speaks against it.
function signed(
  told: unknown,
  { texts = goodTexts, launches = goodLaunches, cells = goodCells, end = '' }: Content = {},
): Buffer {
  const body = Buffer.concat([
    Buffer.from(texts, 'latin1'),
    Buffer.from(`${JSON.stringify(told)}\n`),
    Buffer.from(Float64Array.from(launches).buffer),
    Buffer.from(Uint32Array.from(cells).buffer),
    Buffer.from(end),
  ]);
  return Buffer.concat([headerOf(body, texts.length), body]);
}

function headerOf(body: Buffer, textsBytes: number): Buffer {
  const digest = createHash('sha256').update(body).update(`\nthen ${textsBytes}`).digest('hex');
  const length = String(textsBytes).padStart(9);
  return Buffer.from(`nametag-snapshot ${snapshotFormat} ${digest} then ${length}\n`);
}

interface Content {
  readonly texts?: string;
  readonly launches?: readonly number[];
  readonly cells?: readonly number[];
  readonly end?: string;
}

const good = {
  key: 'the key',
  region: 'eu-west-1',
  takenAtMs: 5,
  unconfirmed: [['i-1', 4]],
  removed: [{ instanceId: 'i-2', evidence: 'stopped', addresses: ['10.0.0.2'], atMs: 5 }],
  keyLists: [[2]],
  groupLists: [[3, 2]],
  instances: 1,
};
const goodTexts = '\0i-1\0k\0sg-1';
const goodLaunches = [7, 0];
// The id, running; six things absent, no IPv6 address, two things absent, the groups, a tag.
const goodCells = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2];
const cellsWith = (place: number, value: number) => goodCells.with(place, value);

describe('content with the right digest', () => {
  test('is read when it is a snapshot', () => {
    const { instances, unconfirmed, removed } = withMaps(decodeSnapshot(signed(good), expected));
    expect(instances).toMatchObject([
      {
        instanceId: 'i-1',
        state: 'running',
        launchTimeMs: 7,
        tags: new Map([['k', 'k']]),
        securityGroups: [{ groupId: 'sg-1', groupName: 'k' }],
      },
    ]);
    expect(unconfirmed).toEqual(new Map([['i-1', 4]]));
    expect(removed).toEqual(good.removed);
  });

  test('may have texts that are no Latin-1', () => {
    const texts = '\0i-1\0\u00ff\\20ac\\0000\\005c\0sg-1';
    const [one] = decodeSnapshot(signed(good, { texts }), expected).instances;
    expect(new Map(one?.tags)).toEqual(new Map([['\u20ac\0\\', '\u20ac\0\\']]));
  });

  test.each<[string, readonly number[], Content?]>([
    ['none', []],
    ['too few', goodCells.slice(0, -1)],
    ['too many', [...goodCells, 0]],
    ['cut off', goodCells, { end: '\0' }],
    ['without launches', [], { launches: [] }],
    [
      'of one instance twice',
      [...goodCells, ...goodCells],
      { launches: [...goodLaunches, ...goodLaunches] },
    ],
    ['of a launch that was never', goodCells, { launches: [1e16, 0] }],
    ['of half a millisecond', goodCells, { launches: [0.5, 0] }],
    ['of no time', goodCells, { launches: [Number.NaN, 0] }],
    ['of an index below 0', goodCells, { launches: [7, -1] }],
    ['of half an index', goodCells, { launches: [7, 0.5] }],
    ['of an instance without id', cellsWith(0, 0)],
    ['of a state that is none', cellsWith(1, 6)],
    ['of a text that is not there', cellsWith(2, 4)],
    ['of a text far beyond', cellsWith(9, 4_294_967_295)],
    ['of no list of groups', cellsWith(11, 0)],
    ['of a list of groups that is not there', cellsWith(11, 2)],
    ['of no list of keys', cellsWith(12, 0)],
    ['of a list of keys that is not there', cellsWith(12, 2)],
    ['of a tag without value', cellsWith(13, 0)],
    ['of a value that is not there', cellsWith(13, 4)],
    ['of endless addresses', cellsWith(8, 4_294_967_295)],
  ])('is refused when its numbers are %s', (_, cells, content) => {
    const file = signed(good, { ...content, cells });
    expect(() => decodeSnapshot(file, expected)).toThrow(UnusableSnapshot);
  });

  test.each([
    ['too few', '\0i-1\0k'],
    ['none', ''],
    ['more than places for them', `${goodTexts}${'\0'.repeat(20)}`],
  ])('is refused when its texts are %s', (_, texts) => {
    expect(() => decodeSnapshot(signed(good, { texts }), expected)).toThrow(UnusableSnapshot);
  });

  test('is refused when it is one line, or its texts go on to its end', () => {
    const body = Buffer.from('{}');
    for (const textsBytes of [0, 2, 999]) {
      const file = Buffer.concat([headerOf(body, textsBytes), body]);
      expect(() => decodeSnapshot(file, expected)).toThrow(UnusableSnapshot);
    }
  });

  test.each<[string, unknown]>([
    ['no object', 3],
    ['null', null],
    ['a list', []],
    ['no time', { ...good, takenAtMs: undefined }],
    ['a time in words', { ...good, takenAtMs: '5' }],
    ['a time before 1970', { ...good, takenAtMs: -1 }],
    ['a time beyond all dates', { ...good, takenAtMs: 9e15 }],
    ['half a millisecond', { ...good, takenAtMs: 0.5 }],
    ['no lists of keys', { ...good, keyLists: undefined }],
    ['a list of keys that is none', { ...good, keyLists: ['abc'] }],
    ['a key that is not there', { ...good, keyLists: [[4]] }],
    ['a key in words', { ...good, keyLists: [['1']] }],
    ['a key below all', { ...good, keyLists: [[-1]] }],
    ['a key twice', { ...good, keyLists: [[2, 2]] }],
    ['no lists of groups', { ...good, groupLists: {} }],
    ['half a group', { ...good, groupLists: [[3]] }],
    ['a group that is not there', { ...good, groupLists: [[3, 4]] }],
    ['no count of instances', { ...good, instances: undefined }],
    ['a count below the instances', { ...good, instances: 0 }],
    ['a count beyond the instances', { ...good, instances: 2 }],
    ['a count beyond all', { ...good, instances: 2 ** 52 }],
    ['half an instance', { ...good, instances: 1.5 }],
    ['a list of the unconfirmed that is none', { ...good, unconfirmed: {} }],
    ['an unconfirmed that is none', { ...good, unconfirmed: [7] }],
    ['an unconfirmed that it does not have', { ...good, unconfirmed: [['i-2', 4]] }],
    ['a list of the removed that is none', { ...good, removed: {} }],
    ['a removed that is none', { ...good, removed: [null] }],
    ['a removed without id', { ...good, removed: [{ evidence: 'stopped', atMs: 5 }] }],
    [
      'a removed without evidence',
      { ...good, removed: [{ instanceId: 'i-2', evidence: 'unseen', atMs: 5 }] },
    ],
    [
      'a removed of the future',
      { ...good, removed: [{ instanceId: 'i-2', evidence: 'stopped', atMs: latestMs + 1 }] },
    ],
    ['an unconfirmed of the future', { ...good, unconfirmed: [['i-1', latestMs + 1]] }],
  ])('is refused when it is %s', (_, body) => {
    expect(() => decodeSnapshot(signed(body), expected)).toThrow(UnusableSnapshot);
  });
});
