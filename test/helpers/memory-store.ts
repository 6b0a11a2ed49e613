import type { Snapshot } from '../../src/model/snapshot.ts';
import type { SnapshotKey, SnapshotStore } from '../../src/ports.ts';

/** A store in memory whose turns are real: one at a time, in the order in which they were asked. */
export class MemoryStore implements SnapshotStore {
  readonly snapshots = new Map<string, Snapshot>();
  #turns: Promise<void> = Promise.resolve();

  async load(key: SnapshotKey): Promise<Snapshot | undefined> {
    return this.snapshots.get(JSON.stringify(key));
  }

  async save(key: SnapshotKey, snapshot: Snapshot): Promise<void> {
    this.snapshots.set(JSON.stringify(key), snapshot);
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
