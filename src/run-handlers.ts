import { isNametagError } from './errors.ts';
import type { CoalesceOptions, CoalesceState } from './model/coalesce.ts';
import { addEvents, dueAtMs, nothingPending, takeDue } from './model/coalesce.ts';
import { showCommandEnd } from './model/command-end.ts';
import type { Difference, Reading } from './model/difference.ts';
import { goesBy } from './model/difference.ts';
import type { Directory } from './model/directory.ts';
import type { FleetEvent } from './model/event.ts';
import { type EventOptions, type EventState, nobodyKnown, stepEvents } from './model/event.ts';
import {
  type Handler,
  type HandlerQueue,
  type HandlerRun,
  nextRun,
  nextRunAtMs,
  queueEvents,
  type RetryOptions,
  settleRun,
} from './model/handler-queue.ts';
import type { Log } from './model/log-line.ts';
import type { Clock, CommandResult, Commands, EventFiles, HandlersFolder } from './ports.ts';
import { type EventSelf, renderHandlerInput } from './render/serf-event.ts';

/** What handlers need of the world. */
export interface HandlersPorts {
  readonly commands: Commands;
  readonly clock: Clock;
  readonly eventFiles: EventFiles;
  /** @defaultValue none */
  readonly handlersFolder?: HandlersFolder | undefined;
  readonly log: Log;
}

/** Which handlers there are, and when they run. */
export interface HandlersOptions extends CoalesceOptions, EventOptions, RetryOptions {
  /** In the order in which they are told; those of the folder come after them. */
  readonly handlers: readonly Handler[];
  /** How long a run may take unless its handler says so, in milliseconds. @defaultValue `60000` */
  readonly timeoutMs?: number | undefined;
  /** This machine's instance id; `undefined` off EC2. */
  readonly selfId?: string | undefined;
  /** What this machine goes by when it is no member, such as its hostname. */
  readonly selfName: string;
}

/** The handlers of this machine, while it watches. */
export interface HandlerFeed {
  /** Takes a reading in, and returns at once, whatever handlers do; tells what it changes. */
  take(reading: Reading): Difference;
  /**
   * Runs handlers, one at a time, until the signal aborts; then the one that runs may end within
   * its time, and no other begins. Never throws on account of a handler.
   */
  run(signal: AbortSignal): Promise<void>;
}

interface FeedState {
  events: EventState;
  coalesce: CoalesceState;
  queue: HandlerQueue;
  directory: Directory | undefined;
  /** Of the last run. */
  ltime: number;
  wake: AbortController;
}

const defaultTimeoutMs = 60_000;
// As Serf's agent warns.
const slowMs = 1000;

/**
 * Makes the feed from readings to handlers: what happened, folded into batches, told in turn.
 *
 * A handler that fails or hangs is reported, ended after `timeoutMs`, and told again by the rule of
 * model/handler-queue.ts.
 */
export function createHandlerFeed(ports: HandlersPorts, options: HandlersOptions): HandlerFeed {
  const { clock, log } = ports;
  const state: FeedState = {
    events: nobodyKnown,
    coalesce: nothingPending,
    queue: new Map(),
    directory: undefined,
    ltime: 0,
    wake: new AbortController(),
  };
  return {
    take: (reading) => {
      const nowMs = clock.monotonicMs();
      const step = stepEvents(state.events, reading, nowMs, options);
      state.events = step.state;
      state.coalesce = addEvents(state.coalesce, step.events, nowMs);
      state.directory = reading.directory;
      if (step.events.length > 0) state.wake.abort();
      return step.difference;
    },
    run: async (signal) => {
      // Not `AbortSignal.any` at each wait: on Node 20 every use stays with the signal for good.
      signal.addEventListener('abort', () => state.wake.abort(), { once: true });
      while (!signal.aborted) {
        state.wake = new AbortController();
        await flush(state, ports, options);
        const run = nextRun(state.queue, clock.monotonicMs());
        if (run === undefined) {
          await rest(state, clock, options);
          continue;
        }
        const result = await runHandler(run, state, ports, options);
        settle(run, result, state, ports, options);
      }
      const waiting = [...state.queue.values()].length;
      if (waiting > 0) {
        log({
          level: 'warn',
          event: 'handlers-dropped',
          message: `Ended while handlers were still to be told of something: ${waiting}.`,
        });
      }
    },
  };
}

/** Moves events whose time has come into the line of each handler. */
async function flush(
  state: FeedState,
  { clock, log, handlersFolder }: HandlersPorts,
  options: HandlersOptions,
): Promise<void> {
  const due = takeDue(state.coalesce, clock.monotonicMs(), options);
  state.coalesce = due.state;
  for (const name of due.flapping) {
    log({
      level: 'warn',
      event: 'member-flaps',
      message: `${name} comes and goes; that it is back is told when it has stayed.`,
      fields: { name },
    });
  }
  if (due.events.length === 0) return;
  const inFolder = await listFolder(due.events, handlersFolder, log);
  state.queue = queueEvents(state.queue, [...options.handlers, ...inFolder], due.events);
}

async function listFolder(
  events: readonly FleetEvent[],
  folder: HandlersFolder | undefined,
  log: Log,
): Promise<readonly Handler[]> {
  if (folder === undefined) return [];
  const specs: Handler[] = [];
  for (const name of new Set(events.map(({ event }) => event))) {
    const { commands, refused } = await folder.list(name);
    specs.push(...commands.map((command) => ({ events: [name], command })));
    for (const { path, fact } of refused) {
      log({
        level: 'warn',
        event: 'handler-refused',
        message: `Did not run ${path}: ${fact}.`,
        fields: { path },
      });
    }
  }
  return specs;
}

/** Waits until something is due, or comes in. */
async function rest(state: FeedState, clock: Clock, options: HandlersOptions): Promise<void> {
  const times = [nextRunAtMs(state.queue), dueAtMs(state.coalesce, options)];
  const atMs = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
  const woken = state.wake.signal;
  // The longest time that setTimeout can wait; then it looks again.
  const waitMs = Math.min(atMs - clock.monotonicMs(), 2 ** 31 - 1);
  try {
    await clock.wait(waitMs, { signal: woken });
  } catch (error) {
    if (!woken.aborted) throw error;
  }
}

async function runHandler(
  { handler, batch }: HandlerRun,
  state: FeedState,
  ports: HandlersPorts,
  options: HandlersOptions,
): Promise<CommandResult> {
  const { commands, clock, log } = ports;
  const { vocabulary } = options;
  const { command, timeoutMs = options.timeoutMs ?? defaultTimeoutMs } = handler;
  // Grows over a restart too, as long as the date does.
  state.ltime = Math.max(state.ltime + 1, clock.wallMs());
  const self = findSelf(state.directory, options);
  const region = state.directory?.region ?? '';
  const { ltime } = state;
  const { env, stdin, json } = renderHandlerInput(batch, { self, region, ltime, vocabulary });
  const file = await writeEventFile(json, ports);
  const ended = new AbortController();
  const slow = clock.wait(slowMs, { signal: ended.signal }).then(
    () =>
      log({
        level: 'warn',
        event: 'handler-slow',
        message: `A handler of ${batch.event} takes longer than ${slowMs} ms: ${command}`,
        fields: { command, on: batch.event },
      }),
    () => undefined,
  );
  try {
    return await commands.run(command, {
      env: { ...env, NAMETAG_EVENT_JSON: file?.path },
      input: stdin,
      timeoutMs,
    });
  } finally {
    ended.abort();
    await slow;
    await file?.remove();
  }
}

function findSelf(
  directory: Directory | undefined,
  { selfId, selfName }: HandlersOptions,
): EventSelf {
  const member = directory?.members.find(({ instance }) => instance.instanceId === selfId);
  return { name: member === undefined ? selfName : goesBy(member), member };
}

/** A machine that has no room for the file still runs its handlers. */
async function writeEventFile(
  json: string,
  { eventFiles, log }: HandlersPorts,
): Promise<Awaited<ReturnType<EventFiles['write']>> | undefined> {
  try {
    return await eventFiles.write(json);
  } catch (error) {
    if (!isNametagError(error)) throw error;
    log({
      level: 'warn',
      event: 'event-file-failed',
      message: `${error.message} The handler runs without NAMETAG_EVENT_JSON.`,
    });
    return undefined;
  }
}

function settle(
  run: HandlerRun,
  result: CommandResult,
  state: FeedState,
  { clock, log }: HandlersPorts,
  options: HandlersOptions,
): void {
  const { command } = run.handler;
  const succeeded = result.exitCode === 0 && !result.timedOut;
  const settled = settleRun(state.queue, run, succeeded, clock.monotonicMs(), options);
  state.queue = settled.queue;
  const { retryInMs, givenUp } = settled;
  const told = `a handler of ${run.batch.event} (${run.batch.events.length})`;
  const fields = {
    command,
    on: run.batch.event,
    members: run.batch.events.length,
    durationMs: Math.round(result.durationMs),
    output: result.output === '' ? undefined : result.output,
    outputCut: result.truncated ? true : undefined,
  };
  if (succeeded) {
    log({ level: 'info', event: 'handler-done', message: `Ran ${told}: ${command}`, fields });
    return;
  }
  const then = [
    ...(givenUp > 0 ? [`${givenUp} of its events are given up`] : []),
    ...(retryInMs === undefined ? [] : [`it runs again in ${retryInMs / 1000} s`]),
  ].join('; ');
  log({
    level: givenUp > 0 ? 'error' : 'warn',
    event: givenUp > 0 ? 'handler-given-up' : 'handler-failed',
    message: `Could not run ${told}: ${showCommandEnd(result)}. ${capitalise(then)}: ${command}`,
    fields: { ...fields, exitCode: result.exitCode, timedOut: result.timedOut },
  });
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
