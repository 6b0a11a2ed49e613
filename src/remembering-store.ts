import type { Snapshot } from './model/snapshot.ts';
import type { LoadOptions, SnapshotKey, SnapshotStore } from './ports.ts';

/**
 * Makes a store that also keeps the last snapshot of each key in memory, and gives the newer one.
 *
 * Evidence is asked for by what was read last. Where nothing can be stored, a process that reads
 * again and again would otherwise take every answer as it is.
 */
export function createRememberingStore(store: SnapshotStore): SnapshotStore {
  const remembered = new Map<string, Snapshot>();
  const failures = new Map<string, number>();
  return {
    load: async (key, options = {}) => {
      const text = toText(key);
      const own = remembered.get(text);
      if (own === undefined) return await load(text, key, options);
      const { sinceMs = 0 } = options;
      // The usual case costs no read: nobody else of this machine has asked since.
      const newer = { ...options, sinceMs: Math.max(sinceMs, own.takenAtMs + 1) };
      const stored = await load(text, key, newer);
      return stored ?? (own.takenAtMs < sinceMs ? undefined : own);
    },
    save: async (key, snapshot, options) => {
      remembered.set(toText(key), snapshot);
      await store.save(key, snapshot, options);
    },
    takeTurn: (key, options) => store.takeTurn(key, options),
    noteFailure: async (key, atMs) => {
      failures.set(toText(key), atMs);
      await store.noteFailure(key, atMs);
    },
    lastFailureMs: async (key) => {
      const own = failures.get(toText(key));
      const stored = await store.lastFailureMs(key);
      return own === undefined || stored === undefined ? (own ?? stored) : Math.max(own, stored);
    },
  };

  async function load(
    text: string,
    key: SnapshotKey,
    options: LoadOptions,
  ): Promise<Snapshot | undefined> {
    const stored = await store.load(key, options);
    // One without some of its instances is no snapshot to go by the next time.
    if (stored !== undefined && options.except === undefined) remembered.set(text, stored);
    return stored;
  }
}

function toText({ credentials, region, endpoint, question }: SnapshotKey): string {
  return JSON.stringify([credentials, region, endpoint, question]);
}
