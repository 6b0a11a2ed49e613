import type { Snapshot } from '../../src/model/snapshot.ts';
import type { LoadOptions, SnapshotKey, SnapshotStore } from '../../src/ports.ts';

/** A store in memory whose turns are real: one at a time, in the order in which they were asked. */
export class MemoryStore implements SnapshotStore {
  readonly snapshots = new Map<string, Snapshot>();
  readonly failures = new Map<string, number>();
  #turns: Promise<void> = Promise.resolve();

  async load(
    key: SnapshotKey,
    { sinceMs = 0, except }: LoadOptions = {},
  ): Promise<Snapshot | undefined> {
    const snapshot = this.snapshots.get(JSON.stringify(key));
    if (snapshot === undefined || snapshot.takenAtMs < sinceMs) return undefined;
    return except === undefined ? snapshot : withoutInstances(snapshot, except);
  }

  async save(key: SnapshotKey, snapshot: Snapshot): Promise<void> {
    this.snapshots.set(JSON.stringify(key), snapshot);
  }

  async noteFailure(key: SnapshotKey, atMs: number): Promise<void> {
    this.failures.set(JSON.stringify(key), atMs);
  }

  async lastFailureMs(key: SnapshotKey): Promise<number | undefined> {
    return this.failures.get(JSON.stringify(key));
  }

  async takeTurn(): Promise<() => Promise<void>> {
    let end = (): void => {};
    const before = this.#turns;
    this.#turns = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return async () => end();
  }
}

/** Leaves out the instances with these ids. */
function withoutInstances(snapshot: Snapshot, ids: ReadonlySet<string>): Snapshot {
  const { instances, unconfirmed } = snapshot;
  return {
    ...snapshot,
    instances: instances.filter(({ instanceId }) => !ids.has(instanceId)),
    ...(unconfirmed && { unconfirmed: new Map([...unconfirmed].filter(([id]) => !ids.has(id))) }),
  };
}
