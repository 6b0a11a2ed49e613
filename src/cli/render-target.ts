/** What `render` is told of one file, and the adapters by which it is written. */
import { realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { NametagError } from '../errors.ts';
import { createFileSets } from '../host/file-set.ts';
import { createFiles } from '../host/replace-file.ts';
import { createCommands } from '../host/run-command.ts';
import { writeTrialFile } from '../host/trial-files.ts';
import { type EscapeKind, escapeKinds, isEscapeKind } from '../model/escape-kind.ts';
import type { Files } from '../ports.ts';
import { escapeKindOf } from '../render/escape.ts';
import type { FileToRender, RenderFilesPorts, TryChecksPorts } from '../render-files.ts';
import { type Io, say } from './io.ts';

/** A template, where it goes, and what is run then. */
export type RenderTarget = Pick<FileToRender, 'template' | 'dest' | 'command'>;

// Planned, and so not taken for the names of files.
const formats: readonly string[] = ['ansible', 'munin', 'nagios', 'prometheus', 'ssh'];

/**
 * Reads `TEMPLATE:DEST[:CMD]`, the form of consul-template; CMD may have colons, the others not.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE`.
 */
export function parseTarget(text: string): RenderTarget {
  const [, template = '', dest = '', command] = /^([^:]*):([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (template === '' || dest === '' || command === '') {
    const problem = `\`${text}\` is not TEMPLATE:DEST or TEMPLATE:DEST:CMD`;
    throw usage(problem, 'Name a file and where it goes, as `a.cfg.liquid:/etc/a.cfg`');
  }
  if (formats.includes(template)) {
    const remedy = `Write a template; \`./${template}\` means a file of that name`;
    throw usage(`The format \`${template}\` does not exist yet`, remedy);
  }
  if (dest === '-' && command !== undefined) {
    throw usage('`-` prints, and no file changes', 'Leave the command out, or name a file');
  }
  return { template, dest: dest === '-' ? dest : resolveDest(dest), command };
}

/**
 * Makes the path of a file to write absolute.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE` when it is that of a folder.
 */
export function resolveDest(dest: string): string {
  // Resolving takes the slash away, and a file would be made where a folder was meant.
  if (/(?:^|\/)\.{0,2}$/.test(dest)) throw usage(`\`${dest}\` is a folder`, 'Name a file in it');
  return resolve(dest);
}

function usage(problem: string, remedy: string): NametagError {
  return new NametagError('NAMETAG_USAGE', { problem, remedy });
}

/**
 * Finds what the values in a file are escaped for.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE` when it is no kind that is known.
 */
export function findEscapeKind(
  said: string | undefined,
  { template, dest }: Pick<RenderTarget, 'template' | 'dest'>,
): EscapeKind {
  // What is printed has no name of its own, but its template may have that of a file.
  const named = dest === '-' ? template.replace(/\.(?:liquid|c?tmpl|template)$/, '') : dest;
  if (said === undefined) return escapeKindOf(named);
  if (isEscapeKind(said)) return said;
  const kinds = `${escapeKinds.slice(0, -1).join(', ')} or ${escapeKinds.at(-1)}`;
  throw usage(`Values cannot be escaped for \`${said}\``, `Expected ${kinds}`);
}

/**
 * Refuses to write over a template, whatever it is called: what is rendered would be all that is
 * left of it.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE`.
 */
export function refuseOverTemplates(
  targets: readonly Pick<RenderTarget, 'template' | 'dest'>[],
): void {
  const templates = new Set(targets.map(({ template }) => realPathOf(template)));
  const over = targets.find(({ dest }) => dest !== '-' && templates.has(realPathOf(dest)));
  if (over === undefined) return;
  throw usage(`${over.dest} is a template, and would be written over`, 'Name another file');
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It is not there yet, or whoever reads it tells what is wrong.
    return resolve(path);
  }
}

/** The adapters by which files are written together, or only tried. */
export function openRendering(io: Io): RenderFilesPorts & TryChecksPorts & { files: Files } {
  const environment = io.env;
  const told = new Set<string>();
  // A watcher opens a set at each refresh, and what is wrong may last.
  const warn = (sentence: string): void => {
    if (!told.has(sentence)) say(io, sentence);
    told.add(sentence);
  };
  return {
    files: createFiles({ environment }),
    sets: createFileSets({ warn, environment }),
    commands: createCommands({ environment }),
    writeTrial: async (path, text) => await writeTrialFile(basename(path), text),
  };
}
