/** What a reader that reads again and again goes by where nothing can be stored. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSnapshotStore } from '../src/host/snapshot-store.ts';
import type { LoadOptions, SnapshotKey, SnapshotStore } from '../src/ports.ts';
import { readSnapshot } from '../src/read-snapshot.ts';
import { createRememberingStore } from '../src/remembering-store.ts';
import { FakeFleet, host, idsOf, request, source } from './helpers/fake-fleet.ts';
import { instance, snapshot } from './helpers/instances.ts';
import { MemoryStore } from './helpers/memory-store.ts';

const five = ['i-1', 'i-2', 'i-3', 'i-4', 'i-5'];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Reads five, and then an answer with one of them. */
async function readTwice(wrap: (store: SnapshotStore) => SnapshotStore): Promise<string[]> {
  writeFileSync(join(folder, 'file'), '');
  const place = join(folder, 'file', 'nametag');
  const ec2 = new FakeFleet(five.map((id) => host(id)));
  const clock = { wallMs: () => ec2.nowMs };
  const store = wrap(createSnapshotStore({ folder: place, warn: () => undefined, clock }));
  const read = () => readSnapshot(request, { ec2, store, clock }, source);
  expect(idsOf(await read())).toEqual(five);
  ec2.shows = ({ instanceId }) => instanceId === 'i-1';
  ec2.nowMs += 30_000;
  return idsOf(await read());
}

describe('where nothing can be stored', () => {
  test('four that EC2 does not show are kept', async () => {
    expect(await readTwice(createRememberingStore)).toEqual(five);
  });

  test('without a memory they are lost (the control)', async () => {
    expect(await readTwice((store) => store)).toEqual(['i-1']);
  });
});

describe('a store that remembers', () => {
  const key: SnapshotKey = { credentials: '', region: 'eu-west-1', endpoint: '', question: 'all' };
  const older = snapshot(instance({ instanceId: 'i-1' }));
  const newer = { ...older, takenAtMs: older.takenAtMs + 1 };

  test('gives what another process has stored since, and goes by it afterwards', async () => {
    const store = new MemoryStore();
    const remembering = createRememberingStore(store);
    await remembering.save(key, older);
    expect(await store.load(key)).toBe(older);
    expect(await remembering.load(key)).toBe(older);
    await store.save(key, newer);
    expect(await remembering.load(key)).toBe(newer);
    store.snapshots.clear();
    expect(await remembering.load(key)).toBe(newer);
  });

  test('does not go by one that was loaded without some of its instances', async () => {
    const store = new MemoryStore();
    const remembering = createRememberingStore(store);
    await remembering.save(key, older);
    await store.save(key, newer);
    const except = new Set(['i-1']);
    expect((await remembering.load(key, { except }))?.instances).toEqual([]);
    store.snapshots.clear();
    expect(await remembering.load(key)).toBe(older);
  });

  test('gives nothing that is older than is asked for', async () => {
    const remembering = createRememberingStore(new MemoryStore());
    await remembering.save(key, older);
    expect(await remembering.load(key, { sinceMs: older.takenAtMs })).toBe(older);
    expect(await remembering.load(key, { sinceMs: newer.takenAtMs })).toBeUndefined();
  });

  test('does not have the store read what is no newer', async () => {
    const asked: (number | undefined)[] = [];
    const store = new MemoryStore();
    const load = store.load.bind(store);
    store.load = (wanted: SnapshotKey, options: LoadOptions = {}) => {
      asked.push(options.sinceMs);
      return load(wanted, options);
    };
    const remembering = createRememberingStore(store);
    await remembering.save(key, older);
    await remembering.load(key);
    expect(asked).toEqual([older.takenAtMs + 1]);
  });

  test('remembers a failure that cannot be stored, and one of another process', async () => {
    const store = new MemoryStore();
    const remembering = createRememberingStore(store);
    expect(await remembering.lastFailureMs(key)).toBeUndefined();
    await store.noteFailure(key, 5);
    expect(await remembering.lastFailureMs(key)).toBe(5);
    await remembering.noteFailure(key, 7);
    await store.noteFailure(key, 9);
    expect(await remembering.lastFailureMs(key)).toBe(9);
    store.failures.clear();
    expect(await remembering.lastFailureMs(key)).toBe(7);
    expect(await remembering.lastFailureMs({ ...key, question: 'some' })).toBeUndefined();
  });

  test('keeps the answers of two questions apart', async () => {
    const remembering = createRememberingStore(new MemoryStore());
    await remembering.save(key, older);
    expect(await remembering.load({ ...key, question: 'some' })).toBeUndefined();
  });
});
