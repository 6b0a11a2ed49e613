import type { Config } from '../../config/config.ts';
import { isNametagError, NametagError } from '../../errors.ts';
import { systemClock } from '../../host/clock.ts';
import { systemd } from '../../host/systemd-notify.ts';
import { listenForPokes, pokeWatcher } from '../../host/watch-socket.ts';
import { toHostport } from '../../model/address.ts';
import type { Directory, Member } from '../../model/directory.ts';
import { select } from '../../model/endpoint.ts';
import type { HandlerSpec } from '../../model/handler-spec.ts';
import type { ListenAddress } from '../../model/listen-address.ts';
import {
  isLogged,
  type Log,
  type LogFormat,
  type LogLevel,
  renderLogLine,
} from '../../model/log-line.ts';
import type { InstanceQuery } from '../../model/query.ts';
import { type Selector, toQuery } from '../../model/selector.ts';
import { defaultVocabulary, type Vocabulary } from '../../model/tags.ts';
import type { Metadata } from '../../ports.ts';
import { serveStatus } from '../../server/http.ts';
import { createMetrics, type ReadableMetrics } from '../../server/metrics.ts';
import { createWatcher, type Watcher } from '../../watch.ts';
import { defaultConfigPath } from '../config-file.ts';
import type { Io } from '../io.ts';
import {
  type AwsOptions,
  type ReadingOptions,
  type ScopeOptions,
  type SelectorOptions,
  toSelector,
} from '../options.ts';
import { openReader } from '../reading.ts';
import { openClaim } from '../watch-claim.ts';
import { openHandlers } from '../watch-handlers.ts';
import { type OutputTerms, toHostsWatch, withoutSelf } from '../watch-outputs.ts';
import { remarksOf } from '../watch-remarks.ts';
import { toRenderWatch } from '../watch-render.ts';
import { metadataOf } from '../wiring.ts';

/** What `watch` was told, the settings of the config file among it. */
export interface WatchOptions extends SelectorOptions, ScopeOptions, AwsOptions, ReadingOptions {
  readonly handler?: readonly HandlerSpec[];
  /** In milliseconds. */
  readonly interval?: number;
  readonly listen?: ListenAddress;
  readonly logFormat?: LogFormat;
  readonly logLevel?: LogLevel;
  /** What the config file says, if there is one; it was read for the flags, and is read once. */
  readonly configured?: Watched;
  /** Of the claim, in milliseconds. */
  readonly settle?: number;
  readonly poke?: true;
}

const defaultIntervalMs = 30_000;

/** What is kept, and who is told of events. */
export type Watched = Pick<Config, 'hosts' | 'render' | 'handlers'> &
  Partial<Pick<Config, 'claim' | 'handlersFolder' | 'listen'>>;

const nothing: Watched = { hosts: [], render: [], handlers: [] };

/** Watches as the config file and the flags say, or has the watcher of this host refresh. */
export async function runWatch(options: WatchOptions, io: Io): Promise<number> {
  if (options.poke) return await poke(io);
  const { configured = nothing } = options;
  refuseIdle(configured, options);
  return await keepWatch(configured, options, io);
}

/**
 * Refuses to ask EC2 for ever to no end, as when the config file is not where it is looked for.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE`.
 */
function refuseIdle(watched: Watched, { handler = [], listen, config }: WatchOptions): void {
  const { hosts, render, handlers, handlersFolder, claim } = watched;
  const lists = [hosts, render, handlers, handler];
  const singles = [handlersFolder, claim, watched.listen, listen];
  if (lists.some(({ length }) => length > 0) || singles.some((one) => one !== undefined)) return;
  const where = config === '' ? 'a config file' : (config ?? defaultConfigPath);
  throw new NametagError('NAMETAG_USAGE', {
    problem: '`nametag watch` was told of nothing to keep up to date, to run or to serve',
    remedy:
      'Pass `--handler` or `--listen`, or put `hosts`, `render`, `handlers`, `handlersFolder`, ' +
      `\`claim\` or \`listen\` in ${where}`,
  });
}

/** Keeps outputs and handlers up to date until it is interrupted, which is how it is to end. */
export async function keepWatch(watched: Watched, options: WatchOptions, io: Io): Promise<number> {
  refuseForce(options);
  // Until there is a watcher: the first refresh comes anyway.
  io.onHangup(() => undefined);
  const log = createLog(options, io);
  const logged = withLog(io, log);
  const metadata = metadataOf(io);
  const { vocabulary = defaultVocabulary } = options;
  const isNeeded = options.notSelf === true || needsSelf(watched);
  const terms: OutputTerms = { vocabulary, selfId: await findSelf(isNeeded, metadata, io) };
  const outputs = [
    ...watched.hosts.map((output) => toHostsWatch(output, terms, logged)),
    ...toRenderWatch(watched.render, terms, logged),
  ];
  const selectors = selectorsOf(options, watched, terms);
  const queries = toQueries(selectors.all, vocabulary);
  const metrics = createMetrics(systemClock);
  const readerOptions = { ...options, reads: 'again', onRequest: metrics.requested } as const;
  const reader = await openReader(readerOptions, logged, metadata);
  const claim =
    watched.claim && (await openClaim(watched.claim, options, { log, metrics }, logged, metadata));
  const watcher = createWatcher(
    {
      read: () => reader.read({ queries, namesMatter: true, vocabulary }),
      clock: systemClock,
      random: Math.random,
      log,
      metrics,
      service: systemd({ environment: io.env }),
    },
    {
      vocabulary,
      outputs,
      claim,
      handlers: await openHandlers(options.handler, watched, terms, log, logged),
      members: (directory) => membersOf(directory, selectors.ofEvents, vocabulary),
      remarks: (directory, reading) => remarksOf(directory, reading, watched, terms, io),
      pace: { intervalMs: options.interval ?? defaultIntervalMs },
      maxStaleMs: options.maxStale,
    },
  );
  await runServed(watcher, metrics, options.listen ?? watched.listen, log, io);
  return 0;
}

/**
 * Refuses to run for long with nothing before the outputs that asks for evidence.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE`.
 */
function refuseForce({ force }: ReadingOptions): void {
  if (!force) return;
  const problem = '`--force` lets one answer of EC2 remove everybody, and a watcher takes many';
  throw new NametagError('NAMETAG_USAGE', {
    problem,
    remedy: 'Pass `--max-remove 100%` if that is meant',
  });
}

async function poke(io: Io): Promise<number> {
  if (await pokeWatcher(io.env)) return 0;
  throw new NametagError('NAMETAG_NO_WATCHER', {});
}

function createLog({ logFormat = 'text', logLevel = 'info' }: WatchOptions, io: Io): Log {
  return (record) => {
    if (!isLogged(record, logLevel)) return;
    io.stderr(renderLogLine(record, systemClock.wallMs(), logFormat));
  };
}

/** The same but that what is said to a person goes to the log, each line as a record. */
function withLog(io: Io, log: Log): Io {
  const stderr = (text: string): void => {
    for (const line of text.split('\n').filter((each) => each !== '')) {
      log({ level: 'warn', event: 'remark', message: line.replace(/^nametag: /, '') });
    }
  };
  return { ...io, stderr };
}

/** Without its id an instance that is to be left out would be in its own files. */
function needsSelf({ hosts, render, claim }: Watched): boolean {
  return claim !== undefined || [...hosts, ...render].some(({ notSelf }) => notSelf);
}

/** This instance's id; `undefined` off EC2, if it is not needed. */
async function findSelf(
  isNeeded: boolean,
  metadata: Metadata,
  io: Io,
): Promise<string | undefined> {
  try {
    return await metadata.instanceId({ signal: io.signal });
  } catch (error) {
    if (isNeeded || !isNametagError(error)) throw error;
    return undefined;
  }
}

/** Whom the outputs and the events are of; without a word of either, everybody. */
function selectorsOf(
  options: WatchOptions,
  { hosts, render }: Watched,
  terms: OutputTerms,
): { readonly all: readonly Selector[]; readonly ofEvents: readonly Selector[] } {
  const ofOutputs = [...hosts, ...render].map((output) => withoutSelf(output, terms));
  const said = toSelector(options, options.notSelf ? terms.selfId : undefined);
  const ofEvents = Object.keys(said).length > 0 || ofOutputs.length === 0 ? [said] : ofOutputs;
  return { all: [...ofOutputs, ...ofEvents], ofEvents };
}

/** What EC2 is asked: outputs of the same instances ask one thing, and so do their events. */
function toQueries(selectors: readonly Selector[], vocabulary: Vocabulary): InstanceQuery[] {
  const queries = selectors.map((selector) => toQuery(selector, vocabulary));
  return [...new Map(queries.map((query) => [JSON.stringify(query), query])).values()];
}

function membersOf(
  directory: Directory,
  selectors: readonly Selector[],
  vocabulary: Vocabulary,
): readonly Member[] {
  const meant = new Set<string>();
  for (const selector of selectors) {
    for (const { instanceId } of select(directory, { selector, vocabulary }).endpoints) {
      meant.add(instanceId);
    }
  }
  return directory.members.filter(({ instance }) => meant.has(instance.instanceId));
}

/** Runs the watcher with all by which it can be reached. */
async function runServed(
  watcher: Watcher,
  metrics: ReadableMetrics,
  listen: ListenAddress | undefined,
  log: Log,
  io: Io,
): Promise<void> {
  const { health } = watcher;
  io.onHangup(() => {
    const message = 'SIGHUP has a refresh made; the config file is read again by a restart only.';
    log({ level: 'info', event: 'hung-up', message });
    watcher.refresh();
  });
  const server = listen === undefined ? undefined : await serveStatus(listen, { metrics, health });
  if (server !== undefined) {
    const address = toHostport(server.address.host, server.address.port);
    const message = `Serving /metrics, /healthz and /readyz on ${address}.`;
    log({ level: 'info', event: 'listening', message, fields: { address } });
  }
  try {
    const pokes = await listenForPokes(io.env, {
      onPoke: watcher.refresh,
      onOther: () => {
        const message =
          'Another watcher of this machine is the one that `nametag watch --poke` reaches.';
        log({ level: 'info', event: 'not-poked', message });
      },
      onTaken: () => {
        const message = 'The other watcher has ended; `nametag watch --poke` reaches this one.';
        log({ level: 'info', event: 'poked', message });
      },
    });
    try {
      await watcher.run(io.signal);
    } finally {
      await pokes.release();
    }
  } finally {
    await server?.close();
  }
}
