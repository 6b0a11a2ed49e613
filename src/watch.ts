import { isNametagError, type NametagError } from './errors.ts';
import type { ClaimKeeper } from './keep-claim.ts';
import { showAge } from './model/age.ts';
import {
  type Directory,
  type DirectoryOptions,
  type Member,
  toDirectory,
} from './model/directory.ts';
import { healthOf, type WatchHealth } from './model/health.ts';
import { countInstances } from './model/instance-count.ts';
import type { Log, LogRecord } from './model/log-line.ts';
import { toCause, toNews } from './model/news.ts';
import {
  afterRefresh,
  askedWait,
  nextWait,
  type Pace,
  type PaceSettings,
  type RefreshOutcome,
  startingPace,
} from './model/pace.ts';
import type {
  Clock,
  Metrics,
  OutputResult,
  Random,
  ServiceManager,
  ServiceNotice,
} from './ports.ts';
import type { Reading } from './read-snapshot.ts';
import { defaultMaxStaleMs } from './refresh-snapshot.ts';
import type { HandlerFeed } from './run-handlers.ts';

/** What a watcher needs of the world. */
export interface WatchPorts {
  /** Reads the fleet: every time the same question, by `readSnapshot`. */
  readonly read: () => Promise<Reading>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly service: ServiceManager;
}

/** What is kept as the fleet is. */
export interface WatchOutput {
  /** What it is called in logs and metrics, such as its path. */
  readonly name: string;
  /**
   * Brings it up to date. All outputs of a refresh are given the same answer.
   *
   * @param showLife - to be called after each step that may take a minute: of a watcher that shows
   * none for five, it is taken that it is stuck
   * @throws {@link NametagError} when it stays as it was, and then it is tried at the next refresh.
   */
  apply(answer: WatchedAnswer, showLife?: () => void): Promise<OutputReport>;
}

/** What a refresh has found out. */
export interface WatchedAnswer extends Pick<Reading, 'removed' | 'letGo'> {
  readonly directory: Directory;
}

/** What became of an output, and what a person may not expect. */
export interface OutputReport {
  readonly result: 'unchanged' | 'written';
  /** Sentences; each is logged once, and again when it has not been true meanwhile. */
  readonly notes: readonly string[];
}

/** What a watcher watches, and what it does about it. */
export interface WatchSettings extends DirectoryOptions {
  readonly outputs: readonly WatchOutput[];
  readonly handlers: HandlerFeed;
  /** Keeps this instance's own name. @defaultValue nobody does */
  readonly claim?: ClaimKeeper | undefined;
  /** Whom events are about. @defaultValue everybody in the directory */
  readonly members?: ((directory: Directory) => readonly Member[]) | undefined;
  /** Sentences about an answer itself, such as of names that are claimed twice. */
  readonly remarks?: ((directory: Directory, reading: Reading) => readonly string[]) | undefined;
  readonly pace: PaceSettings;
  /** An older answer is not to be used. @defaultValue {@link defaultMaxStaleMs} */
  readonly maxStaleMs?: number | undefined;
}

/** A watcher, before and while it runs. */
export interface Watcher {
  /**
   * Reads the fleet and brings all outputs up to date, again and again, until the signal aborts;
   * what is being written then is written to its end, and a handler that runs has its time.
   *
   * @throws {@link NametagError} when there is no first answer. Later failures are logged, and the
   * last good answer stays in use.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Has the next refresh made soon. */
  refresh(): void;
  health(): WatchHealth;
}

/** An answer in use. */
interface Answer {
  /** In milliseconds since 1970. */
  readonly takenAtMs: number;
  readonly members: number;
}

interface WatchState {
  pace: Pace;
  answer: Answer | undefined;
  /** When something of the loop was last done, and by when it is to go on. */
  turnedMs: number;
  dueMs: number;
  /** Ends the wait for the next refresh. */
  wake: AbortController;
  /** What fails, by its name, in which way, and since when on the clock that never goes back. */
  readonly failing: Map<string, { readonly way: string; readonly sinceMs: number }>;
  /** What was remarked last, by what it is about. */
  readonly remarked: Map<string, readonly string[]>;
}

interface Watch {
  readonly state: WatchState;
  readonly ports: WatchPorts;
  readonly settings: WatchSettings;
}

/** Makes a watcher; nothing is read before it runs. */
export function createWatcher(ports: WatchPorts, settings: WatchSettings): Watcher {
  const startedMs = ports.clock.monotonicMs();
  const state: WatchState = {
    pace: startingPace,
    answer: undefined,
    turnedMs: startedMs,
    dueMs: startedMs,
    wake: new AbortController(),
    failing: new Map(),
    remarked: new Map(),
  };
  const watch: Watch = { state, ports, settings };
  const refresh = (): void => state.wake.abort();
  return {
    refresh,
    health: () => toHealth(watch),
    run: async (signal) => {
      const ended = new AbortController();
      const whole = AbortSignal.any([signal, ended.signal]);
      whole.addEventListener('abort', refresh, { once: true });
      const tasks = [turn(watch, whole), settings.handlers.run(whole)];
      if (settings.claim !== undefined) tasks.push(settings.claim.run(whole, refresh));
      const { aliveEveryMs } = ports.service;
      if (aliveEveryMs !== undefined) tasks.push(beat(watch, aliveEveryMs, whole));
      // Each goes on to the signal: when one ends, be it by a mistake, so do the others.
      const end = (): void => ended.abort(new Error('The watcher has ended.'));
      const outcomes = await Promise.allSettled(tasks.map((task) => task.finally(end)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
  };
}

function toHealth({ state, ports: { clock }, settings }: Watch): WatchHealth {
  const { maxStaleMs = defaultMaxStaleMs } = settings;
  const { turnedMs, dueMs, answer } = state;
  const answerAgeMs = answer === undefined ? undefined : clock.wallMs() - answer.takenAtMs;
  return healthOf({ nowMs: clock.monotonicMs(), turnedMs, dueMs, answerAgeMs, maxStaleMs });
}

async function turn(watch: Watch, signal: AbortSignal): Promise<void> {
  const { state, ports } = watch;
  try {
    let asked = false;
    while (!signal.aborted) {
      const beganMs = ports.clock.monotonicMs();
      const isFirst = state.answer === undefined;
      state.wake = new AbortController();
      showLife(watch);
      if (asked) await tellService({ state: 'reloading' }, watch);
      const outcome = await refresh(watch, signal);
      if (signal.aborted) return;
      state.pace = afterRefresh(state.pace, outcome, beganMs);
      const status = toStatus(watch);
      await tellService({ status, ...((isFirst || asked) && { state: 'ready' }) }, watch);
      asked = await rest(watch, signal);
    }
  } finally {
    await tellService({ state: 'stopping' }, watch);
  }
}

/** Waits until the next refresh is due, or is asked for, and tells whether it was. */
async function rest(
  { state, ports: { clock, random, log }, settings: { pace } }: Watch,
  signal: AbortSignal,
): Promise<boolean> {
  const begunMs = clock.monotonicMs();
  const { waitMs, because } = nextWait(state.pace, pace, { nowMs: begunMs, chance: random() });
  state.dueMs = begunMs + waitMs;
  const message = `The next refresh is in ${Math.round(waitMs / 1000)} s.`;
  log({ level: 'debug', event: 'waiting', message, fields: { waitMs, because } });
  await waitUnless(clock, waitMs, state.wake.signal);
  if (!state.wake.signal.aborted || signal.aborted) return false;
  const nowMs = clock.monotonicMs();
  const asked = askedWait(state.pace, pace, { nowMs, chance: random() });
  log({ level: 'info', event: 'refresh-asked', message: 'A refresh was asked for.' });
  await waitUnless(clock, Math.min(asked.waitMs, Math.max(0, state.dueMs - nowMs)), signal);
  return true;
}

async function waitUnless(clock: Clock, waitMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.wait(waitMs, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function refresh(watch: Watch, signal: AbortSignal): Promise<RefreshOutcome> {
  const { state, ports, settings } = watch;
  const { metrics } = ports;
  let reading: Reading;
  try {
    reading = await ports.read();
  } catch (error) {
    if (signal.aborted) return 'failed';
    if (!isNametagError(error) || state.answer === undefined) throw error;
    const isHeld = error.code === 'NAMETAG_GUARD_HELD';
    metrics.guardHeld(isHeld);
    complain(itself, error, watch);
    // EC2 has answered, and may show more the next time.
    return isHeld ? 'unchanged' : 'failed';
  }
  const { snapshot, failure, removed, letGo } = reading;
  const directory = toDirectory(snapshot, settings);
  const { takenAtMs } = snapshot;
  state.answer = { takenAtMs, members: directory.members.length };
  metrics.answered({ takenAtMs, counts: countInstances(snapshot.instances, settings.vocabulary) });
  metrics.guardHeld(reading.kept.length > 0);
  if (failure === undefined) recover(itself, watch);
  else complain(itself, failure, watch);
  remark('answer', settings.remarks?.(directory, reading) ?? [], watch);
  for (const output of settings.outputs) {
    await apply(output, { directory, removed, letGo }, watch, signal);
    // What is being written is written to its end, and nothing after it.
    if (signal.aborted) return 'failed';
    showLife(watch);
  }
  const changed = takeEvents(directory, reading, watch);
  if (failure !== undefined) return 'failed';
  // At the start all are new, and nothing has happened.
  return changed && state.pace.refreshes > 0 ? 'changed' : 'unchanged';
}

async function apply(
  output: WatchOutput,
  answer: WatchedAnswer,
  watch: Watch,
  signal: AbortSignal,
): Promise<void> {
  const { metrics, log } = watch.ports;
  const { name } = output;
  try {
    const { result, notes } = await output.apply(answer, () => showLife(watch));
    metrics.rendered(name, result);
    remark(name, notes, watch);
    recover(name, watch);
    if (result === 'unchanged') return;
    const message = `Brought ${name} up to date.`;
    log({ level: 'info', event: 'output-written', message, fields: { output: name } });
  } catch (error) {
    // Whatever it began to do before it writes ends early.
    if (signal.aborted) return;
    if (!isNametagError(error)) throw error;
    metrics.rendered(name, toResult(error));
    complain(name, error, watch);
  }
}

/** Fewer than wanted, or none: the output is held as it is, and is right to be. */
function toResult({ code }: NametagError): OutputResult {
  return code === 'NAMETAG_TOO_FEW' || code === 'NAMETAG_BLOCK_EMPTIED' ? 'held' : 'failed';
}

/** Gives handlers what happened, and tells whether anything did. */
function takeEvents(
  directory: Directory,
  { removed }: Reading,
  { ports: { log }, settings: { handlers, members } }: Watch,
): boolean {
  const { joined, updated, departed } = handlers.take({
    directory,
    members: members?.(directory),
    removed,
  });
  if (joined.length + updated.length + departed.length === 0) return false;
  const message =
    `Of ${directory.members.length} instances ${joined.length} are new and ${updated.length} ` +
    `have changed; ${departed.length} are gone.`;
  const counts = { joined: joined.length, updated: updated.length, departed: departed.length };
  log({ level: 'info', event: 'fleet-changed', message, fields: counts });
  return true;
}

// Among what may fail: the refresh. Outputs have names.
const itself = '';

/** Logs that something fails, once for each way to fail; a log that repeats itself is not read. */
function complain(of: string, error: NametagError, { state, ports, settings }: Watch): void {
  const { clock, log } = ports;
  const { code, message } = error;
  // One code of an output has several causes, each with a remedy of its own.
  const way = of === itself ? code : toCause(message);
  const last = state.failing.get(of);
  state.failing.set(of, { way, sinceMs: last?.sinceMs ?? clock.monotonicMs() });
  const level = last?.way === way ? 'debug' : 'warn';
  if (of !== itself) {
    log({ level, event: 'output-failed', message, fields: { output: of, code } });
    return;
  }
  const ageMs = clock.wallMs() - (state.answer?.takenAtMs ?? 0);
  const kept =
    ageMs > (settings.maxStaleMs ?? defaultMaxStaleMs)
      ? 'Outputs stay as they are.'
      : `The last good answer, ${showAge(ageMs)} old, stays in use.`;
  log({ level, event: 'refresh-failed', message: `${message} ${kept}`, fields: { code } });
}

/** Logs that something does not fail any more, if it did. */
function recover(of: string, { state, ports: { clock, log } }: Watch): void {
  const failed = state.failing.get(of);
  if (failed === undefined) return;
  state.failing.delete(of);
  const after = `after ${showAge(clock.monotonicMs() - failed.sinceMs)}`;
  const record: Pick<LogRecord, 'event' | 'message' | 'fields'> =
    of === itself
      ? { event: 'refresh-recovered', message: `A refresh has succeeded, ${after}.` }
      : {
          event: 'output-recovered',
          message: `${of} is up to date again, ${after}.`,
          fields: { output: of },
        };
  log({ level: 'info', ...record });
}

/** Logs what was not said of this the last time, and what is not so any more. */
function remark(about: string, sentences: readonly string[], { state, ports }: Watch): void {
  const { fresh, over } = toNews(state.remarked.get(about) ?? [], sentences);
  state.remarked.set(about, sentences);
  const fields = { about };
  for (const message of fresh) ports.log({ level: 'warn', event: 'remark', message, fields });
  for (const sentence of over) {
    const message = `No longer so: ${sentence}`;
    ports.log({ level: 'info', event: 'remark-over', message, fields });
  }
}

function toStatus({ state: { answer, failing } }: Watch): string | undefined {
  if (answer === undefined) return undefined;
  const { members, takenAtMs } = answer;
  // Not an age, which would be wrong as soon as it is written.
  const at = new Date(takenAtMs).toISOString().replace(/\.\d+/, '');
  const failed = [...failing.keys()].map((name) => `; ${name || 'refreshing'} fails`);
  return `${members} instances as of ${at}${failed.join('')}`;
}

async function tellService(notice: ServiceNotice, { ports }: Watch): Promise<void> {
  const fact = await ports.service.notify(notice);
  if (fact === undefined) return;
  const message = `The service manager could not be told: ${fact}.`;
  ports.log({ level: 'warn', event: 'notify-failed', message });
}

function showLife({ state, ports: { clock } }: Watch): void {
  state.turnedMs = clock.monotonicMs();
  state.dueMs = state.turnedMs;
}

/** Gives the service manager signs of life, as long as the loop goes on. */
async function beat(watch: Watch, everyMs: number, signal: AbortSignal): Promise<void> {
  const { clock } = watch.ports;
  while (!signal.aborted) {
    if (toHealth(watch).alive) await tellService({ alive: true }, watch);
    await waitUnless(clock, everyMs, signal);
  }
}
