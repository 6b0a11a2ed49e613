/**
 * The program: arguments and streams in, exit code out. The only place that catches everything.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { type Command, CommanderError } from 'commander';
import { isNametagError } from '../errors.ts';
import { optimiseLate } from '../host/optimise-late.ts';
import { applyConfig } from './config-file.ts';
import { applyEnvironment, refuseMistypedVariables } from './environment.ts';
import { bugExitCode, exitCodeOf, Interruption, usageExitCode } from './exit-code.ts';
import { type Io, say } from './io.ts';
import { isTerminal, writerTo } from './output.ts';
import { createProgram } from './program.ts';
import { toSentences, unknownCommand } from './usage-message.ts';

/** Runs the program with these arguments, without the program's own name. */
export async function main(argv: readonly string[], io: Io = openProcess()): Promise<number> {
  const exitCode = await run(argv, io);
  try {
    await io.written?.();
  } catch (error) {
    return report(error, io);
  }
  return exitCode;
}

async function run(argv: readonly string[], io: Io): Promise<number> {
  let exitCode = 0;
  const declare = (word?: string): Command =>
    createProgram(
      io,
      readVersion,
      (code) => {
        exitCode = code;
      },
      word,
    );
  const program = declare(argv[0]);
  speakThrough(program, io);
  program.hook('preAction', async (_, command) => {
    refuseMistypedVariables(declare, io.env);
    applyEnvironment(command, io.env);
    await applyConfig(command, io);
  });
  const word = unknownCommandOf(argv, program);
  if (word !== undefined) {
    const names = program.commands.map((command) => command.name());
    say(io, unknownCommand(word, names));
    return usageExitCode;
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, io);
  }
}

/** Finds the word that is no command: the first, or the one that help is asked for. */
function unknownCommandOf(argv: readonly string[], program: Command): string | undefined {
  const [first, second] = argv;
  const word = first === 'help' ? second : first;
  if (word === undefined || word.startsWith('-') || word === 'help') return undefined;
  return program.commands.some((command) => command.name() === word) ? undefined : word;
}

function report(error: unknown, io: Io): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Help for want of a command has been printed already.
    if (error.code !== 'commander.help') say(io, toSentences(error.message));
    return usageExitCode;
  }
  if (isNametagError(error)) {
    say(io, error.message);
    return exitCodeOf[error.code];
  }
  if (error instanceof Interruption) return error.exitCode;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(io, `This is a mistake in nametag. Report it with what follows.\n${text}`);
  return bugExitCode;
}

/** Gives commander our streams, lets it not exit, and leaves its errors to {@link report}. */
function speakThrough(command: Command, io: Io): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => io.stdout(text),
    writeErr: (text) => io.stderr(text),
    outputError: () => {},
    // Commander would load Node's streams to find out.
    getOutHasColors: () => false,
    getOutHelpWidth: () => (io.isTerminal ? process.stdout.columns : 80),
  });
  for (const below of command.commands) speakThrough(below, io);
}

/** From package.json, which is two folders above this file, built or not. */
function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

/** The process's own streams and environment; SIGINT, SIGTERM and SIGHUP end the command. */
function openProcess(): Io {
  const interruption = new AbortController();
  const interrupt = (signal: 'SIGHUP' | 'SIGINT' | 'SIGTERM'): void =>
    interruption.abort(new Interruption(signal));
  let hangUp = (): void => interrupt('SIGHUP');
  process
    .once('SIGINT', interrupt)
    .once('SIGTERM', interrupt)
    .on('SIGHUP', () => hangUp());
  const [stdout, stderr] = [writerTo('stdout'), writerTo('stderr')];
  const writers = [stdout, stderr];
  return {
    stdout: stdout.write,
    stderr: stderr.write,
    written: async () => {
      if (!writers.some((writer) => writer.isUnsure())) return;
      const { signal } = interruption;
      await new Promise<void>((resolve, reject) => {
        // Whoever reads may never read on.
        const stop = (): void => reject(signal.reason);
        if (signal.aborted && writers.some((writer) => writer.isBehind())) stop();
        signal.addEventListener('abort', stop, { once: true });
        void Promise.all(writers.map((writer) => writer.written())).then(() => resolve());
      });
    },
    env: process.env,
    signal: interruption.signal,
    onHangup: (listener) => {
      hangUp = listener;
    },
    endsSoon: () => optimiseLate(),
    get isTerminal() {
      return isTerminal();
    },
  };
}
