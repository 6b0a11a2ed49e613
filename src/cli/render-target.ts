/** What `render` is told of one file, and the adapters by which it is written. */
import { resolve } from 'node:path';
import { NametagError } from '../errors.ts';
import { shortDigest } from '../host/digest.ts';
import { createFileSets } from '../host/file-set.ts';
import { createFiles } from '../host/replace-file.ts';
import { createCommands } from '../host/run-command.ts';
import { type EscapeKind, escapeKinds, isEscapeKind } from '../model/escape-kind.ts';
import type { Files } from '../ports.ts';
import { escapeKindOf } from '../render/escape.ts';
import type { FileToRender, RenderFilesPorts } from '../render-files.ts';
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
  return { template, dest: dest === '-' ? dest : resolve(dest), command };
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

/** The adapters, and the name under which these files are written together. */
export function openRendering(
  wanted: readonly Pick<FileToRender, 'dest'>[],
  io: Io,
): RenderFilesPorts & { readonly files: Files; readonly setName: string } {
  const environment = io.env;
  const paths = wanted.map(({ dest }) => dest).sort();
  return {
    files: createFiles({ environment }),
    sets: createFileSets({ warn: (sentence) => say(io, sentence), environment }),
    commands: createCommands({ environment }),
    setName: `render-${shortDigest(Buffer.from(paths.join('\n')).toString('latin1'))}`,
  };
}
