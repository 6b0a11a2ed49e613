import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Sandbox } from './server.ts';

/** How a command is run. */
export interface RunOptions {
  /** The instance, by id or name, as on which it runs. */
  readonly as?: string | undefined;
  /** The environment to begin with; settings of the real AWS in it are left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: this process's own. */
  readonly stdio?: StdioOptions | undefined;
  /** Who hears the signals that are to be passed on: this process. */
  readonly signals?: Pick<NodeJS.EventEmitter, 'on' | 'off'> | undefined;
  /** Ends the command, as when the sandbox ends: `SIGTERM`, and `SIGKILL` if it does not go. */
  readonly signal?: AbortSignal | undefined;
}

/** How a command ended. */
export type RunOutcome =
  /** As in a shell: 128 and the signal's number when a signal ended it. */
  | { readonly kind: 'ended'; readonly exitCode: number }
  /** It could not be started; a shell would exit with 127, or 126 where it may not be run. */
  | { readonly kind: 'not started'; readonly exitCode: 126 | 127; readonly fact: string };

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// What says how to talk, and not to whom.
const keptSettings: ReadonlySet<string> = new Set([
  'AWS_MAX_ATTEMPTS',
  'AWS_PAGER',
  'AWS_RETRY_MODE',
  'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
]);

// How long a command may take to go after it was asked to.
const graceMs = 5000;

/**
 * Runs a command with the environment that points to the sandbox.
 *
 * As on an instance, it waits until every call sees the instance, as a host has by the time that it
 * has booted.
 */
export async function runInSandbox(
  sandbox: Sandbox,
  command: readonly [string, ...string[]],
  options: RunOptions,
): Promise<RunOutcome> {
  const { as, signal } = options;
  const [file, ...args] = command;
  const environment = await sandbox.environment(as);
  if (as !== undefined) await sandbox.whenVisible(as);
  signal?.throwIfAborted();
  const child = spawn(file, args, {
    stdio: options.stdio ?? 'inherit',
    env: { ...withoutAws(options.env), ...environment },
  });
  const stopPassing = passSignals(child, options);
  try {
    return await ended(child);
  } finally {
    stopPassing();
  }
}

/** Leaves out what would lead to the real AWS, or to another account. */
function withoutAws(env: RunOptions['env']): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(
    ([name]) => !name.startsWith('AWS_') || keptSettings.has(name),
  );
  return Object.fromEntries(kept);
}

function passSignals(child: ChildProcess, { signals, signal }: RunOptions): () => void {
  const pass = (name: NodeJS.Signals): void => {
    child.kill(name);
  };
  let killing: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    killing = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  // From a terminal the command has the interrupt already; a second one would end its clean-up.
  const passInterrupt = process.stdin.isTTY ? (): void => {} : pass;
  const passes = passedOn.map((name) => [name, name === 'SIGINT' ? passInterrupt : pass] as const);
  for (const [name, handle] of passes) signals?.on(name, handle);
  signal?.addEventListener('abort', end, { once: true });
  return () => {
    for (const [name, handle] of passes) signals?.off(name, handle);
    signal?.removeEventListener('abort', end);
    clearTimeout(killing);
  };
}

function ended(child: ChildProcess): Promise<RunOutcome> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      // It may also be that a running command could not be sent a signal.
      if (child.pid !== undefined) return;
      const missing = error.code === 'ENOENT';
      resolve({
        kind: 'not started',
        exitCode: missing ? 127 : 126,
        fact: missing ? 'there is no such command' : `it may not be run (${error.code})`,
      });
    });
    child.once('close', (code, signal) => {
      if (child.pid === undefined) return;
      const exitCode = signal === null ? (code ?? 0) : 128 + constants.signals[signal];
      resolve({ kind: 'ended', exitCode });
    });
  });
}
