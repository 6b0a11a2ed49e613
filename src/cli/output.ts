/** Where the program writes: the file descriptors that the process was given. */
import { fstatSync, writeSync } from 'node:fs';
import process from 'node:process';
import { isatty } from 'node:tty';
import { systemErrorCode } from '../host/system-error.ts';
import { exitCodeOf } from './exit-code.ts';

/** The descriptor of standard output, and of standard error. */
export const descriptors = { stdout: 1, stderr: 2 } as const;

type Name = keyof typeof descriptors;

/**
 * Makes a writer that writes at once, as Node's streams do too, but does not load them: that takes
 * longer than all else that a small command does.
 *
 * It says nothing more once nobody reads on, as `head` does. Any other failure is said where that
 * can still be said, and the process exits with 74 whatever the command would have.
 */
export function writerTo(name: Name): (text: string) => void {
  let write = (bytes: Buffer): void => {
    let written = 0;
    while (written < bytes.length) {
      try {
        written += writeSync(descriptors[name], bytes, written);
      } catch (error) {
        // Another process has made the pipe non-blocking, and it is full: Node's stream can wait.
        write = systemErrorCode(error) === 'EAGAIN' ? streamTo(name) : () => {};
        if (systemErrorCode(error) === 'EAGAIN') write(bytes.subarray(written));
        else tell(name, error);
        return;
      }
    }
  };
  return (text) => write(Buffer.from(text));
}

function streamTo(name: Name): (bytes: Buffer) => void {
  const stream = process[name].on('error', (error) => tell(name, error));
  return (bytes) => void stream.write(bytes);
}

function tell(name: Name, error: unknown): void {
  if (systemErrorCode(error) === 'EPIPE') return;
  const fact = error instanceof Error ? error.message : String(error);
  try {
    if (name !== 'stderr') {
      writeSync(descriptors.stderr, `nametag: Could not write the output: ${fact}.\n`);
    }
  } catch {
    // Nobody is left to say it to.
  }
  process.once('exit', () => {
    process.exitCode = exitCodeOf.NAMETAG_OUTPUT_FAILED;
  });
}

/** Whether a person reads standard output; what is a file or a pipe is known at less cost. */
export function isTerminal(): boolean {
  const { stdout } = descriptors;
  return fstatSync(stdout).isCharacterDevice() && isatty(stdout);
}
