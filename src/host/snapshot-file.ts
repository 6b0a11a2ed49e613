/**
 * How a snapshot is written in a file: one line that says what follows, then one line of JSON.
 *
 * A text that many instances have is in the file once and told by its place, and an instance is a
 * run of numbers, which is less than half the size of plain JSON. A file is untrusted input, so
 * every number is looked at before it is used.
 */
import { createHash } from 'node:crypto';
import { type Instance, instanceStates, type SecurityGroup } from '../model/instance.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** The format that this program writes, and the only one that it reads. */
export const snapshotFormat = 1;

/** The file does not hold a snapshot that can be trusted; the message says why, after a colon. */
export class UnusableSnapshot extends Error {
  override readonly name: string = 'UnusableSnapshot';
}

/** What a file is read against. */
export interface Expected {
  /** What the file must say it is an answer to, to the letter. */
  readonly key: string;
  readonly region: string;
  /** The newest time that the file may speak of, in milliseconds since 1970. */
  readonly latestMs: number;
  /** The ids of instances that are passed over. */
  readonly except?: ReadonlySet<string> | undefined;
}

const headerPattern = /^nametag-snapshot (\d{1,9}) ([0-9a-f]{64})$/;
// The longest header that the pattern takes; a foreign file is not searched further for its end.
const headerLengthMax = 96;
// What a `Date` can hold (ECMA-262, "Time Values and Time Range").
const timeMaxMs = 8.64e15;

/**
 * Writes a snapshot, and what it is an answer to, in pieces that follow each other in the file: of
 * a large fleet the whole at once, as text and as bytes, would be more than the fleet itself.
 */
export function encodeSnapshot(key: string, snapshot: Snapshot): readonly Buffer[] {
  const { region, takenAtMs, unconfirmed, instances } = snapshot;
  const head = JSON.stringify({
    key,
    region,
    takenAtMs,
    ...(unconfirmed !== undefined && { unconfirmed: [...unconfirmed] }),
    count: instances.length,
  });
  const texts = createList<string>(`${head.slice(0, -1)},"texts":[`);
  const cells = createList<number>(',"cells":[');
  const write = createWriter(texts, cells);
  for (const instance of instances) write(instance);
  const body = [...texts.end(']'), ...cells.end(']}')];
  return [Buffer.from(`nametag-snapshot ${snapshotFormat} ${digest(body)}\n`), ...body];
}

/** A JSON array in the making, of which no more is held as items than a piece has. */
interface JsonList<Item> {
  readonly push: (item: Item) => void;
  /** Gives its text in pieces, between what was put before it and this. */
  readonly end: (after: string) => readonly Buffer[];
}

const pieceItems = 8192;

function createList<Item>(before: string): JsonList<Item> {
  const pieces: Buffer[] = [];
  let opening = before;
  let items: Item[] = [];
  const flush = (closing: string): void => {
    pieces.push(Buffer.from(opening + JSON.stringify(items).slice(1, -1) + closing));
    opening = ',';
    items = [];
  };
  return {
    push: (item) => {
      // Before the item, so that there is one left for the end.
      if (items.length === pieceItems) flush('');
      items.push(item);
    },
    end: (after) => {
      flush(after);
      return pieces;
    },
  };
}

function createWriter(
  texts: JsonList<string>,
  cells: JsonList<number>,
): (instance: Instance) => void {
  const places = new Map<string, number>();
  let count = 0;
  const add = (text: string): number => {
    texts.push(text);
    count += 1;
    return count;
  };
  // Place 0 is "absent", so that no text stands for it.
  const placeOf = (text: string | undefined): number => {
    if (text === undefined) return 0;
    const known = places.get(text);
    if (known !== undefined) return known;
    const place = add(text);
    places.set(text, place);
    return place;
  };
  /** For what no other instance has: to look for it would take longer than to write it. */
  const own = (text: string | undefined): number => (text === undefined ? 0 : add(text));
  return (instance) => {
    const { push } = cells;
    push(own(instance.instanceId));
    push(instanceStates.indexOf(instance.state));
    push(instance.launchTimeMs);
    push(instance.launchIndex);
    push(placeOf(instance.instanceType));
    push(placeOf(instance.availabilityZone));
    push(placeOf(instance.vpcId));
    push(placeOf(instance.subnetId));
    push(own(instance.privateIpAddress));
    push(own(instance.publicIpAddress));
    push(instance.ipv6Addresses.length);
    for (const address of instance.ipv6Addresses) push(own(address));
    push(own(instance.privateDnsName));
    push(own(instance.publicDnsName));
    push(instance.securityGroups.length);
    for (const { groupId, groupName } of instance.securityGroups) {
      push(placeOf(groupId));
      push(placeOf(groupName));
    }
    push(instance.tags.size);
    for (const [tagKey, value] of instance.tags) {
      push(placeOf(tagKey));
      push(placeOf(value));
    }
  };
}

/**
 * Reads a snapshot.
 *
 * @throws {@link UnusableSnapshot} when the file is torn, of another format or of another key, or
 * says what no snapshot says.
 */
export function decodeSnapshot(bytes: Buffer, expected: Expected): Snapshot {
  const headerEnd = bytes.subarray(0, headerLengthMax).indexOf('\n');
  const header = headerPattern.exec(bytes.toString('latin1', 0, Math.max(headerEnd, 0)));
  if (header === null) throw new UnusableSnapshot('it is no snapshot, or was cut short');
  if (Number(header[1]) !== snapshotFormat) {
    throw new UnusableSnapshot(`another version of this program wrote it, in format ${header[1]}`);
  }
  const body = bytes.subarray(headerEnd + 1);
  if (digest([body]) !== header[2]) throw new UnusableSnapshot('it was cut short or changed');
  return toSnapshot(parseBody(body), expected);
}

function digest(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

function parseBody(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw malformed('its content is no JSON');
  }
  if (typeof value !== 'object' || value === null) throw malformed('its content is no object');
  // Checked by the line above; what the fields hold is still unknown.
  return value as Readonly<Record<string, unknown>>;
}

function toSnapshot(body: Readonly<Record<string, unknown>>, expected: Expected): Snapshot {
  if (body['key'] !== expected.key || body['region'] !== expected.region) {
    throw new UnusableSnapshot('it is the answer to another question');
  }
  const takenAtMs = toPastMs(body['takenAtMs'], expected);
  const instances = readInstances(body, expected.except ?? nobody);
  const unconfirmed = readUnconfirmed(body['unconfirmed'], instances, expected);
  return {
    region: expected.region,
    takenAtMs,
    instances,
    ...(unconfirmed !== undefined && { unconfirmed }),
  };
}

function toPastMs(value: unknown, { latestMs }: Expected): number {
  if (!isCount(value) || value > timeMaxMs) throw malformed('a time of it is none');
  if (value > latestMs) throw new UnusableSnapshot('it is from the future');
  return value;
}

function readUnconfirmed(
  value: unknown,
  instances: readonly Instance[],
  expected: Expected,
): ReadonlyMap<string, number> | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw malformed('its list of the unconfirmed is none');
  const { except = nobody } = expected;
  const known = new Set(instances.map(({ instanceId }) => instanceId));
  return new Map(
    value.flatMap((pair: unknown): [string, number][] => {
      const [instanceId, seenMs]: readonly unknown[] = Array.isArray(pair) ? pair : [];
      if (typeof instanceId === 'string' && except.has(instanceId)) return [];
      if (typeof instanceId !== 'string' || !known.has(instanceId)) {
        throw malformed('an unconfirmed instance is not among its instances');
      }
      return [[instanceId, toPastMs(seenMs, expected)]];
    }),
  );
}

const nobody: ReadonlySet<string> = new Set();

/** Walks the cells; each step gives the next one as what it must be, or throws. */
interface Cursor {
  readonly count: () => number;
  readonly cell: () => number;
  readonly text: () => string;
  readonly optionalText: () => string | undefined;
  /** Goes on by so many cells. */
  readonly skip: (count: number) => void;
  readonly isAtEnd: () => boolean;
}

function readInstances(
  body: Readonly<Record<string, unknown>>,
  except: ReadonlySet<string>,
): Instance[] {
  const { count, texts, cells } = body;
  if (!isCount(count) || !Array.isArray(texts) || !Array.isArray(cells)) {
    throw malformed('its lists are none');
  }
  const cursor = createCursor(texts, cells);
  const instances: Instance[] = [];
  let lastId = '';
  for (let index = 0; index < count; index += 1) {
    const instanceId = cursor.text();
    // Orders by code unit, as `compareText` does.
    if (instanceId <= lastId) throw malformed('its instances are out of order');
    lastId = instanceId;
    if (except.has(instanceId)) skipInstance(cursor);
    else instances.push(readInstance(instanceId, cursor));
  }
  if (!cursor.isAtEnd()) throw malformed('it holds more than its instances');
  return instances;
}

/** Looks at each thing as it is used: one walk over all of them, not two. */
function createCursor(texts: readonly unknown[], cells: readonly unknown[]): Cursor {
  let next = 0;
  const cell = (): number => {
    const value = cells[next];
    if (typeof value !== 'number') throw malformed('it ends within an instance');
    next += 1;
    return value;
  };
  const optionalText = (): string | undefined => {
    const place = cell();
    if (place === 0) return undefined;
    const text = texts[place - 1];
    if (typeof text !== 'string') throw malformed('it points to a text that it does not have');
    return text;
  };
  return {
    cell,
    optionalText,
    count: () => {
      const value = cell();
      if (!isCount(value)) throw malformed('a count of it is none');
      return value;
    },
    text: () => {
      const text = optionalText();
      if (text === undefined) throw malformed('an instance lacks what every instance has');
      return text;
    },
    skip: (count) => {
      next += count;
    },
    isAtEnd: () => next === cells.length,
  };
}

/** Passes over what {@link readInstance} reads. */
function skipInstance(cursor: Cursor): void {
  cursor.skip(9);
  cursor.skip(cursor.count());
  cursor.skip(2);
  cursor.skip(2 * cursor.count());
  cursor.skip(2 * cursor.count());
}

/** After the id, in the order that `createWriter` wrote. */
function readInstance(instanceId: string, cursor: Cursor): Instance {
  const state = instanceStates[cursor.cell()];
  if (state === undefined) throw malformed('an instance is in no state');
  const launchTimeMs = cursor.cell();
  if (!Number.isSafeInteger(launchTimeMs) || Math.abs(launchTimeMs) > timeMaxMs) {
    throw malformed('a launch time of it is none');
  }
  return {
    instanceId,
    state,
    launchTimeMs,
    launchIndex: cursor.count(),
    instanceType: cursor.optionalText(),
    availabilityZone: cursor.optionalText(),
    vpcId: cursor.optionalText(),
    subnetId: cursor.optionalText(),
    privateIpAddress: cursor.optionalText(),
    publicIpAddress: cursor.optionalText(),
    ipv6Addresses: readList(cursor, () => cursor.text()),
    privateDnsName: cursor.optionalText(),
    publicDnsName: cursor.optionalText(),
    securityGroups: readList(cursor, () => readGroup(cursor)),
    tags: readTags(cursor),
  };
}

function readGroup(cursor: Cursor): SecurityGroup {
  return { groupId: cursor.text(), groupName: cursor.text() };
}

function readTags(cursor: Cursor): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (let left = cursor.count(); left > 0; left -= 1) tags.set(cursor.text(), cursor.text());
  return tags;
}

/** A count too large for what follows ends at the last cell, which throws. */
function readList<Item>(cursor: Cursor, read: () => Item): Item[] {
  const items: Item[] = [];
  for (let left = cursor.count(); left > 0; left -= 1) items.push(read());
  return items;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function malformed(fact: string): UnusableSnapshot {
  return new UnusableSnapshot(`${fact}, which no snapshot of this program says`);
}
