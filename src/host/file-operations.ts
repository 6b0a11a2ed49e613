/**
 * The system calls that writing a file takes, as values, so that a test can make each of them fail.
 */
import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import {
  access,
  type FileHandle,
  lstat,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  unlink,
} from 'node:fs/promises';
import { promisify } from 'node:util';

/** Those of `node:fs/promises`, and one that Node does not have. */
export interface FileOperations {
  readonly access: (path: string, mode: number) => Promise<void>;
  readonly lstat: (path: string) => Promise<Stats>;
  readonly open: (path: string, flags: string, mode?: number) => Promise<FileHandle>;
  readonly readdir: (path: string) => Promise<string[]>;
  readonly readlink: (path: string) => Promise<string>;
  readonly realpath: (path: string) => Promise<string>;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly unlink: (path: string) => Promise<void>;
  /** Copies owner, mode, access list, security label and other attributes, as far as it can. */
  readonly copyAttributes: (from: string, to: string) => Promise<void>;
}

/** The real ones. */
export const systemFileOperations: FileOperations = {
  access,
  lstat: (path) => lstat(path),
  open,
  readdir: (path) => readdir(path),
  readlink: (path) => readlink(path),
  realpath: (path) => realpath(path),
  rename,
  unlink,
  copyAttributes,
};

async function copyAttributes(from: string, to: string): Promise<void> {
  // With `all`, attributes that the file system or the user cannot have are passed over. The time
  // is left out: programs that read the file again when it changes go by it.
  const what = ['--attributes-only', '--preserve=all', '--no-preserve=timestamps,links'];
  try {
    await promisify(execFile)('cp', [...what, '-T', '--', from, to], { timeout: 10_000 });
  } catch {
    // Not GNU's. Owner and mode are set by the caller in any case.
  }
}
