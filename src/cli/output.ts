/** Where the program writes: the file descriptors that the process was given. */
import { fstatSync, writeSync } from 'node:fs';
import process from 'node:process';
import { isatty } from 'node:tty';
import { systemErrorCode } from '../host/system-error.ts';
import { exitCodeOf } from './exit-code.ts';

/** The descriptor of standard output, and of standard error. */
export const descriptors = { stdout: 1, stderr: 2 } as const;

type Name = keyof typeof descriptors;

// A pipe takes 64 KiB (pipe(7)), of which this leaves room for others that write to it; a socket
// takes not much more than 200 writes, however short they are.
const directBytesMax = 16 * 1024;
const directBytesMin = 1024;

/** Writes text to one of the two. */
export interface Writer {
  readonly write: (text: string) => void;
  /** Whether some of it has not been taken yet. */
  readonly isBehind: () => boolean;
  /** Whether some of what has been taken may still fail, as a stream says later. */
  readonly isUnsure: () => boolean;
  /** Waits until all of it has been taken, or nobody is left to take it. */
  readonly written: () => Promise<void>;
}

/**
 * Makes a writer that writes at once, and does not load Node's streams: that takes longer than all
 * else that a small command does. A large output is left to them, since whoever writes at once
 * stands still while nobody reads.
 *
 * It says nothing more once nobody reads on, as `head` does. Any other failure is said where that
 * can still be said, and the process exits with 74 whatever the command would have.
 */
export function writerTo(name: Name): Writer {
  let directBytes = 0;
  let stream: NodeJS.WriteStream | undefined;
  let isOpen = true;
  const fail = (error: unknown): void => {
    isOpen = false;
    tell(name, error);
  };
  const write = (text: string): void => {
    let left = Buffer.from(text);
    directBytes += Math.max(left.length, directBytesMin);
    if (directBytes > directBytesMax) stream ??= streamTo(name, fail);
    try {
      while (isOpen && stream === undefined && left.length > 0) {
        left = left.subarray(writeSync(descriptors[name], left));
      }
    } catch (error) {
      // Another process has made the pipe non-blocking, and it is full.
      if (systemErrorCode(error) === 'EAGAIN') stream = streamTo(name, fail);
      else fail(error);
    }
    if (isOpen) stream?.write(left);
  };
  const written = async (): Promise<void> => {
    // Taken after all that was given to the stream before, or refused as that was.
    await new Promise<void>((resolve) => {
      if (stream === undefined) resolve();
      else stream.write('', () => resolve());
    });
  };
  const isBehind = (): boolean => stream !== undefined && stream.writableLength > 0;
  const isUnsure = (): boolean => stream !== undefined && isOpen;
  return { write, isBehind, isUnsure, written };
}

function streamTo(name: Name, onError: (error: unknown) => void): NodeJS.WriteStream {
  return process[name].on('error', onError);
}

function tell(name: Name, error: unknown): void {
  // The second is what a socket says.
  if (['EPIPE', 'ECONNRESET'].includes(systemErrorCode(error) ?? '')) return;
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
