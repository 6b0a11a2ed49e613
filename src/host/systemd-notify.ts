/**
 * systemd's protocol of sd_notify(3), for a process that has no Unix datagram sockets, as Node has
 * none: through the program `systemd-notify`, so that the unit needs `NotifyAccess=all`.
 */
import { execFile } from 'node:child_process';
import process from 'node:process';
import type { ServiceManager, ServiceNotice } from '../ports.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/** How systemd is reached. */
export interface SystemdOptions {
  /** Has `NOTIFY_SOCKET` when systemd listens. @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

// It waits for systemd to take the message, up to 5 s (sd_notify_barrier), which then hangs too.
const programMs = 5000;
const statusLengthMax = 200;

/**
 * Makes systemd as this process sees it; what is said to it goes nowhere when it does not listen.
 *
 * Notices are sent one after the other, so that the last one said is the last one heard.
 */
export function systemd({ environment = process.env }: SystemdOptions = {}): ServiceManager {
  const listens = Boolean(environment['NOTIFY_SOCKET']);
  let last: Promise<unknown> = Promise.resolve();
  let told = false;
  return {
    aliveEveryMs: listens ? aliveEveryMs(environment) : undefined,
    notify: async (notice) => {
      const words = toWords(notice);
      if (!listens || words.length === 0) return undefined;
      const sent = last.then(() => send(words, environment));
      last = sent;
      const fact = await sent;
      if (fact === undefined || told) return undefined;
      told = true;
      return fact;
    },
  };
}

/** Half of the time after which systemd kills, as sd_watchdog_enabled(3) advises. */
function aliveEveryMs(environment: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC: text = '', WATCHDOG_PID: whose } = environment;
  if (!/^[1-9]\d{0,15}$/.test(text)) return undefined;
  // It is another's when a process was started by the one that is watched.
  if (whose !== undefined && whose !== String(process.pid)) return undefined;
  return Number(text) / 2000;
}

function toWords({ state, status, alive }: ServiceNotice): readonly string[] {
  return [
    ...(state === undefined ? [] : [`${state.toUpperCase()}=1`]),
    ...(status === undefined ? [] : [`STATUS=${oneLine(status)}`]),
    ...(alive ? ['WATCHDOG=1'] : []),
  ];
}

/** A newline would begin another assignment, which systemd would obey. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ').slice(0, statusLengthMax);
}

function send(words: readonly string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const options = { env, timeout: programMs, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile('systemd-notify', words, options, (error, _, said) => {
      if (error === null) resolve(undefined);
      else resolve(`\`systemd-notify\` ${toFact(error, said)}`);
    });
  });
}

function toFact(error: Error, said: string): string {
  if (systemErrorCode(error) === 'ENOENT') return 'is not there';
  if (systemErrorCode(error) !== undefined) return `cannot be run: ${systemErrorFact(error)}`;
  if ('killed' in error && error.killed) return `did not end within ${programMs} ms`;
  const [line = ''] = said.split('\n', 1);
  return line === '' ? 'failed' : `said "${oneLine(line)}"`;
}
