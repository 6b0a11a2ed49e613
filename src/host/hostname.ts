/**
 * The hostname of the operating system: set where systemd is through `hostnamectl`, which knows of
 * every place that keeps it, else in `/etc/hostname` and in the kernel.
 */
import { execFile } from 'node:child_process';
import { hostname as currentHostname } from 'node:os';
import { promisify } from 'node:util';
import { NametagError } from '../errors.ts';
import { toPrintable } from '../model/untrusted-text.ts';
import type { CallOptions, Files, Hostname } from '../ports.ts';
import { createFiles } from './replace-file.ts';
import { systemErrorCode, systemErrorFact } from './system-error.ts';

/** How the hostname is set on this machine. */
export interface HostnameOptions {
  /** Where programs are found, by its `PATH`. @defaultValue `process.env` */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** @defaultValue {@link createFiles} */
  readonly files?: Files | undefined;
  /** The file that is read when the system starts. @defaultValue `/etc/hostname` */
  readonly path?: string | undefined;
  /** What the kernel says. @defaultValue `hostname` of `node:os` */
  readonly current?: (() => string) | undefined;
}

// hostnamectl starts a service, which takes a second or two on a machine that is booting.
const programMs = 20_000;

/** Makes the hostname of this machine. */
export function systemHostname(options: HostnameOptions = {}): Hostname {
  const { environment = process.env, path = '/etc/hostname', current = currentHostname } = options;
  const files = options.files ?? createFiles({ environment });
  const run = async (program: string, words: readonly string[], call: CallOptions) =>
    await runProgram(program, words, { env: environment, ...call });
  return {
    async set(name, call = {}) {
      const kept = new TextDecoder().decode(await files.read(path, call)).trim();
      if (kept === name && current() === name) return 'unchanged';
      // Also there without systemd, and then it says so and fails.
      if ((await run('hostnamectl', ['set-hostname', name], call)) === undefined) return 'set';
      const bytes = new TextEncoder().encode(`${name}\n`);
      await files.update(path, () => ({ bytes, report: undefined }), call);
      const fact = current() === name ? undefined : await run('hostname', [name], call);
      if (fact !== undefined) throw new NametagError('NAMETAG_HOSTNAME_REFUSED', { name, fact });
      return 'set';
    },
  };
}

/** Runs a program; gives why it failed, or `undefined` when it did not. */
async function runProgram(
  program: string,
  words: readonly string[],
  { env, signal }: CallOptions & { readonly env: NodeJS.ProcessEnv },
): Promise<string | undefined> {
  try {
    await promisify(execFile)(program, words, { env, signal, timeout: programMs });
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    return `\`${program}\` ${toFact(error)}`;
  }
}

function toFact(error: unknown): string {
  const code = systemErrorCode(error);
  if (code === 'ENOENT') return 'is not there';
  if (code !== undefined) return `cannot be run: ${systemErrorFact(error)}`;
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const line = toPrintable(said.split('\n', 1)[0] ?? '').slice(0, 200);
  return line ? `said "${line}"` : 'failed';
}
