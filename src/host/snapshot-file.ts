/**
 * How a snapshot is written in a file: a line that says what follows, all texts one behind the
 * other, a line of JSON, and numbers in the order of this machine, the only one that reads it.
 *
 * A text that many instances have is there once or a few times, and so is a list of tag keys or of
 * groups; an instance is a run of numbers, which are the places of what it has. Most of such a file
 * is read by what is native, and little by a process that has just started, in which all else is
 * slow. A file is untrusted input, so every place is looked at before it is used.
 */
import { createHash } from 'node:crypto';
import { type Instance, instanceStates, type SecurityGroup } from '../model/instance.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { createCells, NumberList, PlaceLists, TextList } from './snapshot-lists.ts';
import {
  type Expected,
  isCount,
  isTime,
  readRemoved,
  readUnconfirmed,
  toPastMs,
} from './snapshot-notes.ts';
import { splitTexts } from './snapshot-texts.ts';
import { createWriter, type FileLists, fixedCells } from './snapshot-writer.ts';
import { StoredTags } from './stored-tags.ts';
import { malformed, UnusableSnapshot } from './unusable-snapshot.ts';

/** The format that this program writes, and the only one that it reads. */
export const snapshotFormat = 5;

const headerPattern = /^nametag-snapshot (\d{1,9}) (?:([0-9a-f]{64}) (\S{1,64}) +(\d{1,9})|.*)$/;
// The longest header that the pattern takes; a foreign file is not searched further for its end.
const headerLengthMax = 192;
// Where nothing tells one start of the system from another.
const noBoot = '-';
const noAddresses: readonly string[] = [];

/** A snapshot as a file, which is written in one go but for its header. */
export interface EncodedSnapshot {
  /** All of the file, in order, with room for the header. To be gone through once. */
  readonly pieces: Iterable<Buffer>;
  /** What the file is to begin with, known when the pieces were gone through. */
  readonly header: () => Buffer;
}

/**
 * Writes a snapshot, and what it is an answer to.
 *
 * Each piece is made when it is asked for: of a large fleet the whole, as text and as bytes, would
 * be more than the fleet itself.
 *
 * @param boot - as {@link Expected} has it
 */
export function encodeSnapshot(
  key: string,
  snapshot: Snapshot,
  boot: string = noBoot,
): EncodedSnapshot {
  const hash = createHash('sha256');
  const texts = new TextList();
  const toHeader = (digest: string): Buffer => Buffer.from(headerOf(digest, boot, texts.bytes));
  function* pieces(): Generator<Buffer> {
    yield toHeader('0'.repeat(64));
    for (const piece of encodeBody(key, snapshot, texts)) {
      hash.update(piece);
      yield piece;
    }
  }
  const header = () => toHeader(hash.update(footerOf(boot, texts.bytes)).digest('hex'));
  return { pieces: pieces(), header };
}

/** As long whatever it says of a snapshot. */
function headerOf(digest: string, boot: string, textsBytes: number): string {
  const length = String(textsBytes).padStart(9);
  return `nametag-snapshot ${snapshotFormat} ${digest} ${boot} ${length}\n`;
}

/** What else of the header the digest is of. */
function footerOf(boot: string, textsBytes: number): string {
  return `\n${boot} ${textsBytes}`;
}

function* encodeBody(key: string, snapshot: Snapshot, texts: TextList): Generator<Buffer> {
  const { region, takenAtMs, unconfirmed, removed, instances } = snapshot;
  const file: FileLists = {
    texts,
    launches: new NumberList((length) => new Float64Array(length)),
    cells: createCells(),
    keyLists: new PlaceLists(texts),
    groupLists: new PlaceLists(texts),
  };
  const write = createWriter(file);
  for (const instance of instances) {
    write(instance);
    // They are first in the file, and most of it.
    const ready = texts.takeFirst();
    if (ready !== undefined) yield ready;
  }
  yield* texts.end();
  const told = {
    key,
    region,
    takenAtMs,
    ...(unconfirmed !== undefined && { unconfirmed: [...unconfirmed] }),
    ...(removed !== undefined && { removed }),
    keyLists: file.keyLists.lists,
    groupLists: file.groupLists.lists,
    instances: instances.length,
  };
  yield Buffer.from(`${JSON.stringify(told)}\n`);
  yield* file.launches.end();
  yield* file.cells.end();
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
  const [, format, digest, boot = noBoot, textsLength] = header;
  if (Number(format) !== snapshotFormat) {
    throw new UnusableSnapshot(`another version of this program wrote it, in format ${format}`);
  }
  const textsBytes = Number(textsLength);
  const body = bytes.subarray(headerEnd + 1);
  if (boot !== expected.boot) {
    const footer = footerOf(boot, textsBytes);
    if (createHash('sha256').update(body).update(footer).digest('hex') !== digest) {
      throw new UnusableSnapshot('it was cut short or changed');
    }
  }
  const toldEnd = body.indexOf('\n', textsBytes);
  if (toldEnd === -1) throw malformed('it ends before its numbers');
  const told = parseTold(body.subarray(textsBytes, toldEnd));
  const numbers = toNumbers(told, body.subarray(toldEnd + 1));
  return toSnapshot(told, body.subarray(0, textsBytes), numbers, expected);
}

/** What the JSON says, still to be looked at. */
type Told = Readonly<Record<string, unknown>>;

function parseTold(told: Buffer): Told {
  let value: unknown;
  try {
    value = JSON.parse(told.toString());
  } catch {
    throw malformed('its content is no JSON');
  }
  if (typeof value !== 'object' || value === null) throw malformed('its content is no object');
  // Checked by the line above; what the fields hold is still unknown.
  return value as Told;
}

/** The numbers of a file. */
interface Numbers {
  /** Of each instance when it was launched, and its place in the launch. */
  readonly launches: Float64Array;
  readonly cells: Uint32Array;
}

/** Copies them, since a typed array begins at a multiple of its size. */
function toNumbers(told: Told, { buffer, byteOffset, length }: Buffer): Numbers {
  const { instances } = told;
  if (!isCount(instances)) throw malformed('its count of instances is none');
  const launchesEnd = byteOffset + instances * 2 * Float64Array.BYTES_PER_ELEMENT;
  const end = byteOffset + length;
  if (launchesEnd > end || (end - launchesEnd) % Uint32Array.BYTES_PER_ELEMENT !== 0) {
    throw malformed('a number of it is cut off');
  }
  return {
    launches: new Float64Array(buffer.slice(byteOffset, launchesEnd)),
    cells: new Uint32Array(buffer.slice(launchesEnd, end)),
  };
}

function toSnapshot(told: Told, texts: Buffer, numbers: Numbers, expected: Expected): Snapshot {
  if (told['key'] !== expected.key || told['region'] !== expected.region) {
    throw new UnusableSnapshot('it is the answer to another question');
  }
  const takenAtMs = toPastMs(told['takenAtMs'], expected);
  const lists = readLists(told, texts, numbers.cells.length);
  const instances = readInstances(lists, numbers, expected.except);
  const unconfirmed = readUnconfirmed(told['unconfirmed'], instances, expected);
  const removed = readRemoved(told['removed'], expected);
  return {
    region: expected.region,
    takenAtMs,
    instances,
    ...(unconfirmed !== undefined && { unconfirmed }),
    ...(removed !== undefined && { removed }),
  };
}

/** All of a file but its numbers; of a list of lists one is known by its place, less 1. */
interface Lists {
  /** By their places; at 0 is none. */
  readonly texts: readonly (string | undefined)[];
  /** Each key once. */
  readonly keyLists: readonly (readonly string[])[];
  readonly groupLists: readonly (readonly SecurityGroup[])[];
}

function readLists(told: Told, textBytes: Buffer, cellCount: number): Lists {
  const keyLists = listsOf(told['keyLists']);
  const groupLists = listsOf(told['groupLists']);
  // None is there that nothing points to.
  let countMax = cellCount;
  for (const { length } of [...keyLists, ...groupLists]) countMax += length;
  const texts = splitTexts(textBytes, countMax);
  const text = (place: unknown): string => {
    const found = typeof place === 'number' ? texts[place] : undefined;
    if (found === undefined) throw malformed('a list points to a text that it does not have');
    return found;
  };
  const toKeys = (places: readonly unknown[]): readonly string[] => {
    const keys = places.map(text);
    if (new Set(keys).size !== keys.length) throw malformed('an instance has a tag twice');
    return keys;
  };
  const toGroups = (places: readonly unknown[]): readonly SecurityGroup[] =>
    Array.from({ length: Math.ceil(places.length / 2) }, (_, index) => ({
      groupId: text(places[2 * index]),
      groupName: text(places[2 * index + 1]),
    }));
  return {
    texts,
    keyLists: keyLists.map(toKeys),
    groupLists: groupLists.map(toGroups),
  };
}

function listsOf(value: unknown): readonly (readonly unknown[])[] {
  if (Array.isArray(value) && value.every(isList)) return value;
  throw malformed('a list of it is none');
}

/** Goes through the cells, each of which is read once. */
interface Cursor extends Lists {
  readonly cells: Uint32Array;
  next: number;
}

function readInstances(
  lists: Lists,
  { launches, cells }: Numbers,
  except: ReadonlySet<string> | undefined,
): Instance[] {
  const cursor: Cursor = { ...lists, cells, next: 0 };
  const instances: Instance[] = [];
  let lastId = '';
  for (let launch = 0; launch < launches.length; launch += 2) {
    const instanceId = toText(cursor, cells[cursor.next]);
    const launchTimeMs = launches[launch];
    const launchIndex = launches[launch + 1];
    if (!isTime(launchTimeMs) || !isCount(launchIndex)) throw malformed('a launch of it is none');
    // Orders by code unit, as `compareText` does.
    if (instanceId <= lastId) throw malformed('its instances are out of order');
    lastId = instanceId;
    if (except?.has(instanceId)) skipInstance(cursor);
    else instances.push(readInstance(instanceId, launchTimeMs, launchIndex, cursor));
  }
  if (cursor.next !== cells.length) throw malformed('it holds more than its instances');
  return except === undefined ? instances : cutLoose(instances);
}

/** Copies a few instances, which would else keep all that was read in memory. */
function cutLoose(few: readonly Instance[]): Instance[] {
  return few.length === 0
    ? []
    : structuredClone(few.map((one) => ({ ...one, tags: new Map(one.tags) })));
}

/** Passes over what {@link readInstance} reads. */
function skipInstance(cursor: Cursor): void {
  const addresses = cursor.cells[cursor.next + 8] ?? 0;
  cursor.next += fixedCells - 1 + addresses;
  cursor.next += 1 + keysAt(cursor, cursor.next).length;
}

/**
 * In the order that `createWriter` wrote, from the id on. Cells are taken by their distance and
 * looked at together, since in a process that has just started a call for each would take most of
 * the time.
 */
function readInstance(
  instanceId: string,
  launchTimeMs: number,
  launchIndex: number,
  cursor: Cursor,
): Instance {
  const { cells, texts, next } = cursor;
  const state = instanceStates[cells[next + 1] ?? -1];
  if (state === undefined) throw malformed('an instance is in no state');
  const ipv6Addresses = readAddresses(cursor, next + 8);
  const rest = next + 9 + ipv6Addresses.length;
  const type = cells[next + 2] ?? noPlace;
  const zone = cells[next + 3] ?? noPlace;
  const vpc = cells[next + 4] ?? noPlace;
  const subnet = cells[next + 5] ?? noPlace;
  const privateIp = cells[next + 6] ?? noPlace;
  const publicIp = cells[next + 7] ?? noPlace;
  const privateDns = cells[rest] ?? noPlace;
  const publicDns = cells[rest + 1] ?? noPlace;
  const last = Math.max(type, zone, vpc, subnet, privateIp, publicIp, privateDns, publicDns);
  if (last >= texts.length) throw malformed('it points to a text that it does not have');
  const securityGroups = cursor.groupLists[(cells[rest + 2] ?? 0) - 1];
  if (securityGroups === undefined) throw malformed('it points to a list that it does not have');
  return {
    instanceId,
    state,
    launchTimeMs,
    launchIndex,
    instanceType: texts[type],
    availabilityZone: texts[zone],
    vpcId: texts[vpc],
    subnetId: texts[subnet],
    privateIpAddress: texts[privateIp],
    publicIpAddress: texts[publicIp],
    ipv6Addresses,
    privateDnsName: texts[privateDns],
    publicDnsName: texts[publicDns],
    securityGroups,
    tags: readTags(cursor, rest + 3),
  };
}

const noPlace = Number.POSITIVE_INFINITY;

function toText({ texts }: Cursor, place: number | undefined): string {
  const text = place === undefined ? undefined : texts[place];
  if (text === undefined) throw malformed('an instance lacks what every instance has');
  return text;
}

function readAddresses(cursor: Cursor, at: number): readonly string[] {
  const count = cursor.cells[at] ?? 0;
  if (count === 0) return noAddresses;
  const addresses: string[] = [];
  // A count too large for what follows ends at the last cell, which throws.
  while (addresses.length < count) {
    addresses.push(toText(cursor, cursor.cells[at + 1 + addresses.length]));
  }
  return addresses;
}

function keysAt({ cells, keyLists }: Cursor, at: number): readonly string[] {
  const keys = keyLists[(cells[at] ?? 0) - 1];
  if (keys === undefined) throw malformed('it points to a list that it does not have');
  return keys;
}

/** They are last, so that the cursor is at the next instance then. */
function readTags(cursor: Cursor, at: number): ReadonlyMap<string, string> {
  const keys = keysAt(cursor, at);
  const { cells, texts } = cursor;
  const end = at + 1 + keys.length;
  for (let next = at + 1; next < end; next += 1) {
    const place = cells[next] ?? 0;
    if (place === 0 || place >= texts.length) throw malformed('a tag has no value');
  }
  cursor.next = end;
  return new StoredTags(keys, at + 1, cursor);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
