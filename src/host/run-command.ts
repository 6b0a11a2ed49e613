/**
 * Commands of the user's own, run by the shell within bounds: of time, and of what is kept of what
 * they say.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandOptions, CommandResult, Commands } from '../ports.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/** How commands are run on this machine. */
export interface CommandsOptions {
  /** What a command's environment begins with. @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** How long a command that was told to end may take, in milliseconds. @defaultValue `2000` */
  readonly graceMs?: number | undefined;
}

const shell = '/bin/sh';
// By these systemd speaks with this process. A command that said that it is ready, or stopping, as
// any service may that is started by hand, would say so of this one.
const notOurs = { NOTIFY_SOCKET: undefined, WATCHDOG_PID: undefined, WATCHDOG_USEC: undefined };
// What a shell exits with when a program is there and cannot be started (POSIX, 2.8.2).
const notStartedExitCode = 126;
// As much as Serf's agent keeps of a handler; the end, since that is where an error is.
const maxOutputBytes = 8 * 1024;
// What a command started in the background may hold its output open for years.
const drainMs = 500;
const pollMs = 20;
// The longest time that setTimeout can wait.
const maxTimerMs = 2 ** 31 - 1;

/**
 * Makes the commands of this machine.
 *
 * Each runs in a process group of its own. When its time is over, the whole group gets SIGTERM, and
 * what is left of it after `graceMs` gets SIGKILL. A command that ends by itself may leave
 * something running in the background; that is not waited for, nor sent a signal. Nobody reads its
 * output any more soon after, so that writing to it ends it by SIGPIPE unless it has another.
 */
export function createCommands(options: CommandsOptions = {}): Commands {
  const { environment = process.env, graceMs = 2000 } = options;
  return {
    run: async (command, call) => {
      call.signal?.throwIfAborted();
      const started = performance.now();
      const child = start(command, call, environment);
      const result = 'output' in child ? child : await follow(child, call, graceMs);
      return { ...result, durationMs: performance.now() - started };
    },
  };
}

type TimelessResult = Omit<CommandResult, 'durationMs'>;

function start(
  command: string,
  { input, env }: CommandOptions,
  environment: NodeJS.ProcessEnv,
): ChildProcess | TimelessResult {
  try {
    return spawn(shell, ['-c', command], {
      // A group of its own, so that all of it can be ended and nothing else is.
      detached: true,
      env: { ...environment, ...notOurs, ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    // Node throws some failures at once and tells of others later.
    if (systemErrorCode(error) === undefined) throw error;
    return notStarted(error);
  }
}

function notStarted(error: unknown): TimelessResult {
  return {
    exitCode: notStartedExitCode,
    killedBy: undefined,
    timedOut: false,
    output: `${shell} could not be started: ${systemErrorFact(error)}`,
    truncated: false,
  };
}

type Ending = 'timed-out' | 'aborted';

async function follow(
  child: ChildProcess,
  { input, timeoutMs, signal }: CommandOptions,
  graceMs: number,
): Promise<TimelessResult> {
  const tail = collectTail(child);
  let ending: Ending | undefined;
  let ended: Promise<void> | undefined;
  const end = (why: Ending): void => {
    ending ??= why;
    ended ??= endGroup(child, graceMs);
  };
  const timer = setTimeout(() => end('timed-out'), Math.min(timeoutMs, maxTimerMs));
  const onAbort = (): void => end('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const exit = waitForExit(child);
    // A command need not read what it is given.
    child.stdin?.on('error', () => undefined).end(input);
    const { exitCode, killedBy, error } = await exit;
    clearTimeout(timer);
    await ended;
    if (ending === 'aborted') signal?.throwIfAborted();
    if (error !== undefined) return notStarted(error);
    await tail.drain();
    return { exitCode, killedBy, timedOut: ending === 'timed-out', ...tail.read() };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  }
}

interface Exit {
  readonly exitCode: number | undefined;
  readonly killedBy: string | undefined;
  /** Why it could not be started at all. */
  readonly error?: Error;
}

async function waitForExit(child: ChildProcess): Promise<Exit> {
  return await new Promise((resolve) => {
    child.once('exit', (code, name) =>
      resolve({ exitCode: code ?? undefined, killedBy: name ?? undefined }),
    );
    child.once('error', (error) => resolve({ exitCode: undefined, killedBy: undefined, error }));
  });
}

/** Asks the group to end, and makes it; resolves when nothing is left of it. */
async function endGroup({ pid }: ChildProcess, graceMs: number): Promise<void> {
  if (pid === undefined || !tellGroup(pid, 'SIGTERM')) return;
  for (let waitedMs = 0; waitedMs < graceMs; waitedMs += pollMs) {
    await delay(pollMs);
    if (!tellGroup(pid, 0)) return;
  }
  tellGroup(pid, 'SIGKILL');
}

/** Sends a signal to each process of the group; `false` when there is none. */
function tellGroup(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}

interface Tail {
  /** Waits for what is still on its way, for a while. */
  drain(): Promise<void>;
  read(): { readonly output: string; readonly truncated: boolean };
}

/** Keeps the end of what a command says on either stream, in the order in which it arrives. */
function collectTail(child: ChildProcess): Tail {
  let kept = Buffer.alloc(0);
  let truncated = false;
  const take = (chunk: Buffer): void => {
    const all = Buffer.concat([kept, chunk]);
    truncated ||= all.length > maxOutputBytes;
    kept = all.subarray(Math.max(0, all.length - maxOutputBytes));
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    drain: async () => {
      const enough = new AbortController();
      const limit = delay(drainMs, undefined, { signal: enough.signal }).catch(() => undefined);
      await Promise.race([closed, limit]);
      enough.abort();
    },
    read: () => {
      // Not from the middle of a character: RFC 3629 gives the bytes that go on with one.
      let start = 0;
      while (truncated && start < 4 && ((kept[start] ?? 0) & 0xc0) === 0x80) start += 1;
      return { output: new TextDecoder().decode(kept.subarray(start)), truncated };
    },
  };
}
