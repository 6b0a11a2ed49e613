/**
 * Files made of templates: all of one refresh from one directory, and all of them or none.
 */
import type { RenderWaits } from './command-waits.ts';
import { type ErrorCode, isNametagError, NametagError } from './errors.ts';
import { showFailure } from './model/command-end.ts';
import type { Directory } from './model/directory.ts';
import type { EscapeKind } from './model/escape-kind.ts';
import { showSelector } from './model/selector.ts';
import { type TemplateQuestion, toTemplateView } from './model/template-view.ts';
import type {
  CallOptions,
  CommandResult,
  Commands,
  FileSet,
  FileSets,
  Files,
  StagedFile,
} from './ports.ts';
import { toShellWord } from './render/escape-shell.ts';
import { parseTemplate } from './render/template.ts';
import { unifiedDiff } from './render/unified-diff.ts';

/** A file to make of a template. */
export interface FileToRender {
  /** The template's file. */
  readonly template: string;
  /** Where it goes, absolute; `-` is nowhere, for who prints it. */
  readonly dest: string;
  readonly escape: EscapeKind;
  /** Whom the template sees, and as what. */
  readonly question: TemplateQuestion;
  /** With fewer instances nothing is written. */
  readonly min: number;
  /** Tells by its exit code whether the candidate is right, `{{ src }}` in it. */
  readonly check: string | undefined;
  /** Run once the file has changed. */
  readonly command: string | undefined;
  /** Permission bits. @defaultValue those of the file that is there, else 0644 */
  readonly mode: number | undefined;
}

/** A file as its template makes it. */
export interface RenderedFile extends FileToRender {
  readonly text: string;
}

/** What became of files that were to be written. */
export interface WrittenFiles {
  /** The paths of those that differed, in order; empty when all were right. */
  readonly written: readonly string[];
  /** What was written, now or before, and its command has failed: it stays pending. */
  readonly unfinished: readonly UnfinishedFiles[];
}

/** Files of one command that has failed. */
export interface UnfinishedFiles {
  readonly paths: readonly string[];
  /** With code `NAMETAG_RELOAD_FAILED`. */
  readonly error: NametagError;
}

/** What writing needs of the world. */
export interface RenderFilesPorts {
  readonly sets: FileSets;
  readonly commands: Commands;
  /** Of whoever writes again and again. @defaultValue what has failed is run again each time */
  readonly waits?: RenderWaits | undefined;
}

/** What trying checks needs of the world. */
export interface TryChecksPorts {
  readonly files: Pick<Files, 'read'>;
  readonly commands: Commands;
  /** Writes what is to be this file where no other program looks for it, until it is removed. */
  readonly writeTrial: (
    path: string,
    text: string,
  ) => Promise<{ readonly path: string; readonly remove: () => Promise<void> }>;
}

/**
 * Renders every file in memory.
 *
 * Templates are read each time, so that an edit counts from the next refresh on.
 *
 * @throws {@link NametagError} with code `NAMETAG_BAD_TEMPLATE`, `NAMETAG_INPUT_MISSING` or
 * `NAMETAG_TOO_FEW`, and those of {@link Files.read}.
 */
export async function renderFiles(
  wanted: readonly FileToRender[],
  directory: Directory,
  files: Pick<Files, 'read'>,
  { signal }: CallOptions = {},
): Promise<readonly RenderedFile[]> {
  const rendered: RenderedFile[] = [];
  for (const file of wanted) {
    const { template: path, escape: kind, question, min } = file;
    const bytes = await files.read(path, { signal });
    if (bytes === undefined) {
      throw new NametagError('NAMETAG_INPUT_MISSING', { path, fact: 'no such file or folder' });
    }
    const template = parseTemplate({ path, text: toText(path, bytes), escape: kind });
    const view = toTemplateView(directory, question);
    const found = view.instances.length;
    if (found < min) throw tooFew(file, found, directory.region);
    rendered.push({ ...file, text: template.render(view) });
  }
  return rendered;
}

function toText(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const details = { path, place: undefined, problem: 'it is not text in UTF-8' };
    throw new NametagError('NAMETAG_BAD_TEMPLATE', details, { cause });
  }
}

/** Makes the failure of a file for which there are too few instances. */
export function tooFew(
  { question, dest, min }: Pick<FileToRender, 'question' | 'dest' | 'min'>,
  found: number,
  region: string,
): NametagError {
  const what = showSelector(question.selector);
  const also = dest === '-' ? 'Nothing was printed.' : `It is for ${dest}, which was not written.`;
  return new NametagError('NAMETAG_TOO_FEW', { what, region, found, min }, { also });
}

/**
 * Writes every file that differs, if all candidates pass their checks; then runs the commands of
 * those that changed, and those that have failed before, when they are due.
 *
 * A command of several files is run once. All are run, though one of them fails.
 *
 * @throws {@link NametagError} with code `NAMETAG_CHECK_FAILED`, and those of {@link FileSets}:
 * nothing was written then.
 */
export async function writeFiles(
  rendered: readonly RenderedFile[],
  ports: RenderFilesPorts,
  call: CallOptions = {},
): Promise<WrittenFiles> {
  const set = await ports.sets.open(call);
  try {
    const staged = await set.stage(rendered.map(toFileOfSet), call);
    await checkAll(staged.changed, rendered, ports, call);
    if (staged.changed.length > 0) await staged.commit();
    const written = staged.changed.map(({ path }) => path);
    return { written, unfinished: await runPending(set, { rendered, written }, ports, call) };
  } finally {
    await set.close();
  }
}

function toFileOfSet({ dest, text, mode, command }: RenderedFile): {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number | undefined;
  readonly hasCommand: boolean;
} {
  const bytes = new TextEncoder().encode(text);
  return { path: dest, bytes, mode, hasCommand: command !== undefined };
}

// Whoever has the set keeps others from it, and a refresh is due every half minute.
const commandTimeoutMs = 60_000;

/** Runs the checks of all candidates, unless one of them is still to wait: one refuses all. */
async function checkAll(
  candidates: readonly StagedFile[],
  rendered: readonly RenderedFile[],
  { commands, waits }: RenderFilesPorts,
  call: CallOptions,
): Promise<void> {
  const checks = candidates.flatMap((candidate) => {
    const file = rendered.find(({ dest }) => dest === candidate.path);
    if (file?.check === undefined) return [];
    const { check: command, text } = file;
    return [{ candidate, command, text, key: JSON.stringify([file.dest, command]) }];
  });
  for (const { key, text } of checks) {
    const waiting = waits?.checks.waiting(key, text);
    if (waiting !== undefined) throw waiting;
  }
  for (const { candidate, command, text, key } of checks) {
    try {
      await check(candidate, command, commands, call);
      waits?.checks.ended(key, undefined, text);
    } catch (error) {
      if (isNametagError(error)) waits?.checks.ended(key, error, text);
      throw error;
    }
  }
}

async function check(
  { path, candidatePath }: Pick<StagedFile, 'path' | 'candidatePath'>,
  command: string,
  commands: Commands,
  { signal }: CallOptions,
): Promise<void> {
  const quoted = toShellWord(candidatePath);
  if ('refused' in quoted) throw new TypeError(`Expected a path, got ${candidatePath}`);
  // As confd has it and as Liquid would.
  const line = command.replace(/\{\{\s*\.?src\s*\}\}/g, () => quoted.text);
  const env = { NAMETAG_SRC: candidatePath, NAMETAG_DEST: path };
  const result = await commands.run(line, { env, timeoutMs: commandTimeoutMs, signal });
  // The candidate has another name each time, and is gone when anybody reads this.
  const output = result.output.replaceAll(candidatePath, '{{ src }}');
  requireDone({ ...result, output }, 'NAMETAG_CHECK_FAILED', { path, command });
}

async function runPending(
  set: FileSet,
  { rendered, written }: Pick<WrittenFiles, 'written'> & { rendered: readonly RenderedFile[] },
  { commands, waits }: RenderFilesPorts,
  { signal }: CallOptions,
): Promise<readonly UnfinishedFiles[]> {
  const byCommand = new Map<string, string[]>();
  const unmeant: string[] = [];
  for (const path of set.pending()) {
    const file = rendered.find(({ dest }) => dest === path);
    // Of another set, which has its command.
    if (file === undefined) continue;
    const { command } = file;
    const paths = command === undefined ? unmeant : (byCommand.get(command) ?? []);
    if (command !== undefined) byCommand.set(command, paths);
    paths.push(path);
  }
  // Their commands were taken away meanwhile.
  if (unmeant.length > 0) await set.done(unmeant);
  const unfinished: UnfinishedFiles[] = [];
  for (const [command, paths] of byCommand) {
    // What has been written is to be loaded, whatever became of what was there before.
    const isNews = paths.some((path) => written.includes(path));
    const waiting = isNews ? undefined : waits?.commands.waiting(command);
    if (waiting !== undefined) {
      unfinished.push({ paths, error: waiting });
      continue;
    }
    try {
      const env = { NAMETAG_DEST: paths[0] };
      const result = await commands.run(command, { env, timeoutMs: commandTimeoutMs, signal });
      requireDone(result, 'NAMETAG_RELOAD_FAILED', { path: paths.join(' and '), command });
      waits?.commands.ended(command, undefined);
      await set.done(paths);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isNametagError(error, 'NAMETAG_RELOAD_FAILED')) throw error;
      waits?.commands.ended(command, error);
      unfinished.push({ paths, error });
    }
  }
  return unfinished;
}

function requireDone(
  result: CommandResult,
  code: Extract<ErrorCode, 'NAMETAG_CHECK_FAILED' | 'NAMETAG_RELOAD_FAILED'>,
  of: { readonly path: string; readonly command: string },
): void {
  if (result.exitCode === 0 && !result.timedOut) return;
  throw new NametagError(code, { ...of, fact: showFailure(result) });
}

/**
 * Runs the checks of those files that differ, as {@link writeFiles} would, but on candidates that
 * are not beside them: whoever only asks need not be able to write there.
 *
 * @throws {@link NametagError} with code `NAMETAG_CHECK_FAILED`, and those of {@link Files.read}.
 */
export async function tryChecks(
  rendered: readonly RenderedFile[],
  { files, commands, writeTrial }: TryChecksPorts,
  call: CallOptions = {},
): Promise<void> {
  for (const { dest, text, check: command } of rendered) {
    if (command === undefined) continue;
    const old = await files.read(dest, call);
    if (old !== undefined && new TextDecoder().decode(old) === text) continue;
    const trial = await writeTrial(dest, text);
    try {
      await check({ path: dest, candidatePath: trial.path }, command, commands, call);
    } finally {
      await trial.remove();
    }
  }
}

/**
 * Tells what would be written, as `diff -u` has it; empty when all is right.
 *
 * @throws as {@link Files.read} does.
 */
export async function diffFiles(
  rendered: readonly RenderedFile[],
  files: Pick<Files, 'read'>,
  { signal }: CallOptions = {},
): Promise<string> {
  const diffs: string[] = [];
  for (const { dest, text } of rendered) {
    const old = await files.read(dest, { signal });
    diffs.push(unifiedDiff(dest, new TextDecoder().decode(old ?? new Uint8Array()), text));
  }
  return diffs.join('');
}
