import { isNametagError, type NametagError } from './errors.ts';
import { showAge } from './model/age.ts';
import {
  type Directory,
  type DirectoryOptions,
  type Member,
  toDirectory,
} from './model/directory.ts';
import { healthOf, type WatchHealth } from './model/health.ts';
import { countInstances } from './model/instance-count.ts';
import type { Log } from './model/log-line.ts';
import {
  afterRefresh,
  askedWait,
  nextWait,
  type Pace,
  type PaceSettings,
  type RefreshOutcome,
  startingPace,
} from './model/pace.ts';
import type { Clock, Metrics, OutputResult, Random, ServiceManager } from './ports.ts';
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
   * Brings it up to date. All outputs of a refresh are given the same directory.
   *
   * @throws {@link NametagError} when it stays as it was, and then it is tried at the next refresh.
   */
  apply(directory: Directory): Promise<OutputReport>;
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
   * what is being written then is written to its end.
   *
   * @throws {@link NametagError} when there is no first answer. Later failures are logged, and the
   * last good answer stays in use.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Has the next refresh made soon. */
  refresh(): void;
  health(): WatchHealth;
}

interface WatchState {
  pace: Pace;
  /** Of the answer in use, in milliseconds since 1970. */
  takenAtMs: number | undefined;
  turnedMs: number;
  dueMs: number;
  wake: AbortController;
  /** By their source, what was said of it last. */
  readonly said: Map<string, readonly string[]>;
}

/** Makes a watcher; nothing is read before it runs. */
export function createWatcher(ports: WatchPorts, settings: WatchSettings): Watcher {
  const { clock, service } = ports;
  const startedMs = clock.monotonicMs();
  const state: WatchState = {
    pace: startingPace,
    takenAtMs: undefined,
    turnedMs: startedMs,
    dueMs: startedMs,
    wake: new AbortController(),
    said: new Map(),
  };
  const { maxStaleMs = defaultMaxStaleMs } = settings;
  const health = (): WatchHealth =>
    healthOf({
      nowMs: clock.monotonicMs(),
      turnedMs: state.turnedMs,
      dueMs: state.dueMs,
      answerAgeMs: state.takenAtMs === undefined ? undefined : clock.wallMs() - state.takenAtMs,
      maxStaleMs,
    });
  return {
    health,
    refresh: () => state.wake.abort(),
    run: async (signal) => {
      const ended = new AbortController();
      const whole = AbortSignal.any([signal, ended.signal]);
      const beside = [settings.handlers.run(whole), beat(ports, health, whole)];
      try {
        await turn(state, ports, settings, signal);
      } finally {
        await service.notify({ state: 'stopping' });
        ended.abort(new Error('The watcher has ended.'));
        await Promise.all(beside);
      }
    },
  };
}

async function turn(
  state: WatchState,
  ports: WatchPorts,
  settings: WatchSettings,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, log } = ports;
  while (!signal.aborted) {
    const beganMs = clock.monotonicMs();
    state.turnedMs = beganMs;
    state.dueMs = beganMs;
    state.wake = new AbortController();
    const isFirst = state.pace.refreshes === 0;
    const outcome = await refresh(state, ports, settings, signal);
    if (signal.aborted) return;
    state.pace = afterRefresh(state.pace, outcome, beganMs);
    if (isFirst) await tellService({ state: 'ready' }, state, ports);
    const chances = { nowMs: clock.monotonicMs(), chance: random() };
    const { waitMs, because } = nextWait(state.pace, settings.pace, chances);
    state.dueMs = clock.monotonicMs() + waitMs;
    const wait = `The next refresh is in ${Math.round(waitMs / 1000)} s.`;
    log({ level: 'debug', event: 'waiting', message: wait, fields: { waitMs, because } });
    await rest(waitMs, state, ports, settings, signal);
  }
}

/** Waits until the next refresh is due, or for a shorter time when somebody asks for it. */
async function rest(
  waitMs: number,
  state: WatchState,
  { clock, random, log }: WatchPorts,
  settings: WatchSettings,
  signal: AbortSignal,
): Promise<void> {
  const woken = state.wake.signal;
  await waitUnless(clock, waitMs, AbortSignal.any([signal, woken]));
  if (!woken.aborted || signal.aborted) return;
  const nowMs = clock.monotonicMs();
  const asked = askedWait(state.pace, settings.pace, { nowMs, chance: random() });
  log({ level: 'info', event: 'refresh-asked', message: 'A refresh was asked for.' });
  await waitUnless(clock, Math.min(asked.waitMs, Math.max(0, state.dueMs - nowMs)), signal);
}

async function waitUnless(clock: Clock, waitMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.wait(waitMs, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function refresh(
  state: WatchState,
  ports: WatchPorts,
  settings: WatchSettings,
  signal: AbortSignal,
): Promise<RefreshOutcome> {
  const { log, metrics } = ports;
  let reading: Reading;
  try {
    reading = await ports.read();
  } catch (error) {
    if (signal.aborted) return 'failed';
    if (!isNametagError(error) || state.takenAtMs === undefined) throw error;
    metrics.guardHeld(error.code === 'NAMETAG_GUARD_HELD');
    tell('EC2', [`${error.message} ${ageNote(state, ports)}`], state, log);
    await tellService({}, state, ports);
    return 'failed';
  }
  const { snapshot, failure } = reading;
  const directory = toDirectory(snapshot, settings);
  const { takenAtMs } = snapshot;
  state.takenAtMs = takenAtMs;
  metrics.answered({ takenAtMs, counts: countInstances(snapshot.instances, settings.vocabulary) });
  metrics.guardHeld(reading.kept.length > 0);
  const stale = failure === undefined ? [] : [`${failure.message} ${ageNote(state, ports)}`];
  tell('EC2', stale, state, log);
  tell('answer', settings.remarks?.(directory, reading) ?? [], state, log);
  for (const output of settings.outputs) await apply(output, directory, state, ports);
  const changed = takeEvents(directory, reading, settings, log);
  await tellService({}, state, ports, directory.members.length);
  if (failure !== undefined) return 'failed';
  return changed ? 'changed' : 'unchanged';
}

function ageNote({ takenAtMs = 0 }: WatchState, { clock }: WatchPorts): string {
  return `The last good answer, ${showAge(clock.wallMs() - takenAtMs)} old, stays in use.`;
}

async function apply(
  output: WatchOutput,
  directory: Directory,
  state: WatchState,
  { log, metrics }: WatchPorts,
): Promise<void> {
  const { name } = output;
  try {
    const { result, notes } = await output.apply(directory);
    metrics.rendered(name, result);
    tell(name, notes, state, log);
    if (result === 'unchanged') return;
    const message = `Brought ${name} up to date.`;
    log({ level: 'info', event: 'output-written', message, fields: { output: name } });
  } catch (error) {
    if (!isNametagError(error)) throw error;
    metrics.rendered(name, toResult(error));
    tell(name, [error.message], state, log);
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
  { handlers, members }: WatchSettings,
  log: Log,
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

/** Logs what was not said of this source the last time; a log that repeats itself is not read. */
function tell(source: string, sentences: readonly string[], state: WatchState, log: Log): void {
  const last = state.said.get(source) ?? [];
  for (const message of sentences) {
    const level = last.some((said) => isSame(said, message)) ? 'debug' : 'warn';
    log({ level, event: 'remark', message, fields: { of: source } });
  }
  if (sentences.length === 0 && last.length > 0) {
    const message = 'What was said of it is over.';
    log({ level: 'info', event: 'remark-over', message, fields: { of: source } });
  }
  state.said.set(source, sentences);
}

/** Ages and counts grow in the meantime: that is no news. */
function isSame(a: string, b: string): boolean {
  return a.replace(/\d+/g, '') === b.replace(/\d+/g, '');
}

async function tellService(
  notice: { readonly state?: 'ready' },
  { takenAtMs }: WatchState,
  { service, clock, log }: WatchPorts,
  members?: number,
): Promise<void> {
  const ageMs = takenAtMs === undefined ? undefined : clock.wallMs() - takenAtMs;
  const words = [
    ...(members === undefined ? [] : [`${members} instances`]),
    ...(ageMs === undefined ? [] : [`the answer is ${showAge(ageMs)} old`]),
  ];
  const status = words.length === 0 ? undefined : words.join(', ');
  const fact = await service.notify({ ...notice, status });
  if (fact === undefined) return;
  const message = `The service manager could not be told: ${fact}.`;
  log({ level: 'warn', event: 'notify-failed', message });
}

/** Gives the service manager signs of life, as long as the loop comes round. */
async function beat(
  { service, clock }: WatchPorts,
  health: () => WatchHealth,
  signal: AbortSignal,
): Promise<void> {
  const { aliveEveryMs } = service;
  if (aliveEveryMs === undefined) return;
  while (!signal.aborted) {
    if (health().alive) await service.notify({ alive: true });
    await waitUnless(clock, aliveEveryMs, signal);
  }
}
