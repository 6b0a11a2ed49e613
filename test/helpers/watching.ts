/** A watcher of nine hosts, on a clock that the test turns. */
import { NametagError } from '../../src/errors.ts';
import type { Directory } from '../../src/model/directory.ts';
import type { LogRecord } from '../../src/model/log-line.ts';
import type { CommandOptions, Random, ServiceNotice } from '../../src/ports.ts';
import type { Reading, ReadSnapshotTerms } from '../../src/read-snapshot.ts';
import { createHandlerFeed } from '../../src/run-handlers.ts';
import { ManualClock } from '../../src/sandbox/manual-clock.ts';
import { createMetrics, type ReadableMetrics } from '../../src/server/metrics.ts';
import {
  createWatcher,
  type Watcher,
  type WatchOutput,
  type WatchSettings,
} from '../../src/watch.ts';
import { errorOf, type FakeFleet, nineHosts, readerOf } from './fake-fleet.ts';
import { MemoryStore } from './memory-store.ts';

export interface Watching {
  readonly clock: ManualClock;
  readonly fleet: FakeFleet;
  readonly store: MemoryStore;
  readonly watcher: Watcher;
  readonly metrics: ReadableMetrics;
  readonly logs: readonly LogRecord[];
  /** In words, as systemd hears them. */
  readonly notices: readonly string[];
  /** What each handler was given, in the order of the runs. */
  readonly handled: readonly CommandOptions[];
  /** When reads began, in milliseconds of the clock. */
  readonly reads: readonly number[];
  /** When set, a read ends when it does. */
  gate: Promise<void> | undefined;
  /** Ends the watcher, and waits for its end. */
  stop(): Promise<void>;
  /** How the run ends. */
  readonly done: Promise<void>;
  /** The events of log lines that people see, in order. */
  told(): readonly string[];
}

export interface WatchingOptions extends Partial<WatchSettings> {
  readonly fleet?: FakeFleet;
  readonly store?: MemoryStore;
  readonly terms?: ReadSnapshotTerms;
  readonly clock?: ManualClock;
  readonly random?: Random;
  readonly aliveEveryMs?: number;
}

/** Starts a watcher; its first refresh is made when the clock is turned, be it by nothing. */
export function startWatching(options: WatchingOptions = {}): Watching {
  const { fleet = nineHosts(), store = new MemoryStore(), clock = new ManualClock() } = options;
  const { terms, random, aliveEveryMs } = options;
  const ended = new AbortController();
  const logs: LogRecord[] = [];
  const notices: string[] = [];
  const handled: CommandOptions[] = [];
  const reads: number[] = [];
  const metrics = createMetrics(clock);
  const read = readerOf(fleet, store);
  const log = (record: LogRecord): void => void logs.push(record);
  const handlers = createHandlerFeed(
    {
      clock,
      log,
      eventFiles: { write: async () => ({ path: '/event', remove: async () => {} }) },
      commands: {
        run: async (_, given) => {
          handled.push(given);
          const result = { exitCode: 0, killedBy: undefined, timedOut: false };
          return { ...result, output: '', truncated: false, durationMs: 0 };
        },
      },
    },
    { handlers: [{ events: ['member-failed'], command: 'told' }], selfName: 'here' },
  );
  const watching: Watching = {
    ...{ clock, fleet, store, metrics, logs, notices, handled, reads },
    gate: undefined,
    watcher: createWatcher(
      {
        clock,
        random: random ?? (() => 0.5),
        log,
        metrics,
        service: {
          aliveEveryMs,
          notify: async (notice) => {
            notices.push(toWords(notice));
            return undefined;
          },
        },
        read: async (): Promise<Reading> => {
          reads.push(clock.monotonicMs());
          fleet.nowMs = clock.wallMs();
          // The test may still say so after it has started the watcher.
          await Promise.resolve();
          await watching.gate;
          ended.signal.throwIfAborted();
          return await read(terms);
        },
      },
      { outputs: [], handlers, pace: { intervalMs: 30_000 }, ...options },
    ),
    stop: async () => {
      ended.abort(new Error('Ended by the test.'));
      await watching.done;
    },
    told: () => logs.filter(({ level }) => level !== 'debug').map(({ event }) => event),
    done: Promise.resolve(),
  };
  const done = watching.watcher.run(ended.signal);
  done.catch(() => undefined);
  return Object.assign(watching, { done });
}

function toWords({ state, status, alive }: ServiceNotice): string {
  const words = [state?.toUpperCase(), status, alive === true ? 'WATCHDOG' : undefined];
  return words.filter((word) => word !== undefined).join(' ');
}

/** An output that remembers what it was given. */
export interface RecordingOutput extends WatchOutput {
  readonly given: readonly Directory[];
  /** Thrown in place of success. */
  failure: NametagError | undefined;
}

export function recordingOutput(name: string): RecordingOutput {
  const given: Directory[] = [];
  let size = -1;
  const output: RecordingOutput = {
    name,
    given,
    failure: undefined,
    apply: async ({ directory }) => {
      given.push(directory);
      if (output.failure !== undefined) throw output.failure;
      const result = directory.members.length === size ? 'unchanged' : 'written';
      size = directory.members.length;
      return { result, notes: [] };
    },
  };
  return output;
}

/** A failure of EC2, by the end of its code. */
export function ec2Failure(name: 'UNREACHABLE' | 'THROTTLED'): () => NametagError {
  const failure = errorOf[`NAMETAG_EC2_${name}`];
  if (failure === undefined) throw new TypeError(`Expected a failure of ${name}.`);
  return () => failure;
}

export const diskFull: NametagError = new NametagError('NAMETAG_OUTPUT_FAILED', {
  path: '/etc/hosts',
  fact: 'no space left on device',
});
