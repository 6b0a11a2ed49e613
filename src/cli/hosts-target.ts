/** Which file `hosts` keeps a block of, and what is to be done before. */
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { NametagError } from '../errors.ts';
import { createBackups } from '../host/backup.ts';
import { systemClock } from '../host/clock.ts';
import { createFiles } from '../host/replace-file.ts';
import { createCommands } from '../host/run-command.ts';
import { showCommandEnd } from '../model/command-end.ts';
import type { Files } from '../ports.ts';
import { isProfile } from '../render/managed-block.ts';
import { splay } from '../splay.ts';
import { type Io, say } from './io.ts';

/** What of `hosts` is about the file, not about the fleet. */
export interface TargetOptions {
  readonly write?: string;
  readonly dir?: string;
  readonly block?: string;
  readonly legacy?: string;
  readonly legacyUpdater?: string;
  /** In milliseconds. */
  readonly splay?: number;
  readonly dryRun?: true;
  readonly watch?: true;
  /** In milliseconds. */
  readonly interval?: number;
}

/** A file of which a block is to be kept. */
export interface HostsTarget {
  readonly path: string;
  readonly profile: string;
  readonly legacyPath: string | undefined;
  /** What the machine calls itself, where its own lines are in the file. */
  readonly hostname: string | undefined;
  readonly files: Files;
}

/**
 * Finds the target; `undefined` when lines are to be printed.
 *
 * A file of `--dir` has nothing in it but the block, so it needs no backups. The program that reads
 * the folder passes over names that begin with a dot, as those of our temporary files do.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE` when options make no sense together.
 */
export function toTarget(options: TargetOptions, io: Io): HostsTarget | undefined {
  const { write, dir, block: profile = 'default', legacy: legacyPath } = options;
  checkTogether(options);
  const environment = io.env;
  if (write !== undefined) {
    const files = createFiles({ environment, backups: createBackups({ environment }) });
    return { path: write, profile, legacyPath, hostname: hostname(), files };
  }
  if (dir === undefined) return undefined;
  return {
    path: join(dir, `nametag-${profile}`),
    profile,
    legacyPath: undefined,
    hostname: undefined,
    files: createFiles({ environment }),
  };
}

/**
 * Refuses a folder where a file is to have a block.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE`.
 */
export async function refuseFolder({ write }: TargetOptions): Promise<void> {
  if (write === undefined) return;
  // Whoever writes it tells what else is wrong with it.
  const stats = await stat(write).catch(() => undefined);
  if (!write.endsWith('/') && stats?.isDirectory() !== true) return;
  throw new NametagError('NAMETAG_USAGE', {
    problem: `\`--write\` keeps a block of a file, and ${write} is a folder`,
    remedy: `Name a file, or pass \`--dir ${write}\` for a file of its own in it`,
  });
}

function checkTogether(options: TargetOptions): void {
  const { write, dir, block, legacy, legacyUpdater, dryRun, watch, interval } = options;
  const printed = write === undefined && dir === undefined;
  const needsFile = 'Pass `--write PATH` or `--dir DIR` too';
  const mistakes: readonly (readonly [boolean, string, string])[] = [
    [
      write !== undefined && dir !== undefined,
      '`--write` keeps a block of one file, and `--dir` a file of its own',
      'Pass one of them',
    ],
    [printed && dryRun === true, '`--dry-run` is of a file', needsFile],
    [printed && watch === true, '`--watch` is of a file', needsFile],
    [
      watch === true && dryRun === true,
      '`--dry-run` changes nothing, and `--watch` goes on changing',
      'Pass one of them',
    ],
    [
      watch === undefined && interval !== undefined,
      '`--interval` is how often `--watch` looks',
      'Pass `--watch` too',
    ],
    [printed && block !== undefined, '`--block` is of a file', needsFile],
    [
      write === undefined && legacy !== undefined,
      '`--legacy` comes before the block of a file',
      'Pass `--write PATH` too',
    ],
    [
      legacy === undefined && legacyUpdater !== undefined,
      '`--legacy-updater` makes the file of `--legacy`',
      'Pass `--legacy FILE` too',
    ],
    [
      legacy !== undefined && write !== undefined && resolve(legacy) === resolve(write),
      '`--legacy` and `--write` name the same file',
      'Pass two files',
    ],
    [
      legacy !== undefined && block !== undefined && !isProfile(`${block}.legacy`),
      `\`--block ${block}\` is too long for a file with \`--legacy\``,
      'Choose a shorter name',
    ],
  ];
  for (const [isMistake, problem, remedy] of mistakes) {
    if (isMistake) throw new NametagError('NAMETAG_USAGE', { problem, remedy });
  }
}

// Cron starts the next run after a minute.
const updaterTimeoutMs = 60_000;

/**
 * Waits for this host's moment, and has the legacy file made.
 *
 * @throws {@link NametagError} with code `NAMETAG_COMMAND_FAILED` when that fails.
 */
export async function prepare(
  { splay: splayMs, legacyUpdater, dryRun }: TargetOptions,
  io: Io,
): Promise<void> {
  const { signal } = io;
  if (splayMs !== undefined) {
    await splay({ clock: systemClock, random: Math.random }, splayMs, { signal });
  }
  if (legacyUpdater === undefined) return;
  if (dryRun) {
    say(io, 'The command of `--legacy-updater` is not part of a dry run.');
    return;
  }
  const commands = createCommands({ environment: io.env });
  const result = await commands.run(legacyUpdater, { timeoutMs: updaterTimeoutMs, signal });
  if (result.exitCode === 0 && !result.timedOut) return;
  io.stderr(toLines(result.output));
  throw new NametagError('NAMETAG_COMMAND_FAILED', {
    command: legacyUpdater,
    fact: showCommandEnd(result),
  });
}

/** Whole lines, without what a terminal would act on. */
function toLines(output: string): string {
  const text = output.replace(/[^\P{C}\n\t]/gu, '?');
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
