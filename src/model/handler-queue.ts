/**
 * Who is still to be told what: for each handler, the latest of everything that it was not told
 * with success.
 *
 * The rule of retries: a run that fails is made again after `retryMs`, then twice that, and so on
 * up to 5 minutes, with whatever is newer merged in. What was told in vain `attempts` times is
 * given up. A handler that waits holds nobody else up.
 */
import { type EventBatch, eventKey, toBatches } from './coalesce.ts';
import type { FleetEvent } from './event.ts';
import type { HandlerSpec } from './handler-spec.ts';
import { retryWaitMs } from './retry-wait.ts';

/** A handler, and how long a run of it may take. */
export interface Handler extends HandlerSpec {
  /** In milliseconds. @defaultValue that of all handlers */
  readonly timeoutMs?: number | undefined;
}

/** How often a handler that fails is run, and when. */
export interface RetryOptions {
  /** How often it is told of one thing, the first time included. @defaultValue `5` */
  readonly attempts?: number | undefined;
  /** How long it waits after the first failure, in milliseconds. @defaultValue `5000` */
  readonly retryMs?: number | undefined;
}

const defaultAttempts = 5;

interface Backlog {
  readonly handler: Handler;
  /** By {@link eventKey}. */
  readonly items: ReadonlyMap<string, { readonly event: FleetEvent; readonly tries: number }>;
  /** How many runs have failed since one did not. */
  readonly failures: number;
  readonly notBeforeMs: number;
}

/** By command; whoever was served last comes last. A plain value. */
export type HandlerQueue = ReadonlyMap<string, Backlog>;

/** One run that is to be made. */
export interface HandlerRun {
  readonly handler: Handler;
  readonly batch: EventBatch;
}

/** Puts events in line for those handlers that are for them. */
export function queueEvents(
  queue: HandlerQueue,
  handlers: readonly Handler[],
  events: readonly FleetEvent[],
): HandlerQueue {
  const next = new Map(queue);
  for (const handler of handlers) {
    const taken = events.filter(({ event }) => handler.events.includes(event));
    if (taken.length === 0) continue;
    const { command } = handler;
    const backlog = next.get(command) ?? idle(handler);
    const items = new Map(backlog.items);
    for (const event of taken) {
      // No attempts yet: it is news.
      items.set(eventKey(event), { event, tries: 0 });
    }
    next.set(command, { ...backlog, items });
  }
  return next;
}

function idle(handler: Handler): Backlog {
  return { handler, items: new Map(), failures: 0, notBeforeMs: 0 };
}

/** Gives the next run: of the handler that has waited longest among those whose time has come. */
export function nextRun(queue: HandlerQueue, nowMs: number): HandlerRun | undefined {
  for (const { handler, items, notBeforeMs } of queue.values()) {
    if (notBeforeMs > nowMs) continue;
    const [batch] = toBatches([...items.values()].map(({ event }) => event));
    if (batch !== undefined) return { handler, batch };
  }
  return undefined;
}

/** Tells when the next run is due; `undefined` if nobody waits. */
export function nextRunAtMs(queue: HandlerQueue): number | undefined {
  const times = [...queue.values()].map(({ notBeforeMs }) => notBeforeMs);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** What becomes of what a run was about. */
export interface SettledRun {
  readonly queue: HandlerQueue;
  /** Of a failed run: in what time the handler is run again; `undefined` if it has nothing left. */
  readonly retryInMs: number | undefined;
  /** How many events were told in vain for the last time. */
  readonly givenUp: number;
}

/** Takes in how a run ended. What came for the handler meanwhile stays in line. */
export function settleRun(
  queue: HandlerQueue,
  { handler, batch }: HandlerRun,
  succeeded: boolean,
  nowMs: number,
  { attempts = defaultAttempts, retryMs }: RetryOptions = {},
): SettledRun {
  const next = new Map(queue);
  const backlog = next.get(handler.command) ?? idle(handler);
  const items = new Map(backlog.items);
  let givenUp = 0;
  for (const event of batch.events) {
    const key = eventKey(event);
    const item = items.get(key);
    if (item === undefined || item.event !== event) continue;
    const tries = item.tries + 1;
    if (succeeded || tries >= attempts) items.delete(key);
    else items.set(key, { event, tries });
    if (!succeeded && tries >= attempts) givenUp += 1;
  }
  next.delete(handler.command);
  const failures = succeeded ? 0 : backlog.failures + 1;
  const waitMs = succeeded ? 0 : retryWaitMs(failures, retryMs);
  if (items.size > 0) {
    next.set(handler.command, { handler, items, failures, notBeforeMs: nowMs + waitMs });
  }
  const retryInMs = succeeded || items.size === 0 ? undefined : waitMs;
  return { queue: next, retryInMs, givenUp };
}
