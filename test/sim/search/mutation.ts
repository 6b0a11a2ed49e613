/**
 * The protocol with a rule taken out: the shipped source with one piece of its text replaced.
 * Alone, for a search, or in a storm.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type * as storms from '../storm/storm.ts';
import type { Protocol } from './machine.ts';

export interface Mutation {
  /** The file below src/. */
  readonly file: string;
  /** It must be there exactly once, or this is no mutation of what ships any more. */
  readonly text: string;
  readonly instead: string;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));

export async function loadMutant(mutations: readonly Mutation[]): Promise<Protocol> {
  return (await loadMutated('src/claim/protocol.ts', mutations)) as Protocol;
}

export async function loadMutantStorm(
  mutations: readonly Mutation[],
): Promise<Pick<typeof storms, 'runStorm'>> {
  return (await loadMutated('test/sim/storm/storm.ts', mutations)) as typeof storms;
}

/** Loads a module of its own, with all that it imports. */
async function loadMutated(entry: string, mutations: readonly Mutation[]): Promise<unknown> {
  const used = new Set<Mutation>();
  const { outputFiles } = await build({
    entryPoints: [`${root}${entry}`],
    bundle: true,
    write: false,
    logLevel: 'silent',
    format: 'esm',
    platform: 'node',
    plugins: [
      {
        name: 'mutate',
        setup: ({ onLoad }) => {
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            let contents = await readFile(path, 'utf8');
            for (const mutation of mutations) {
              if (!path.replaceAll('\\', '/').endsWith(`/src/${mutation.file}`)) continue;
              contents = replaceOnce(contents, mutation);
              used.add(mutation);
            }
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  const unused = mutations.find((mutation) => !used.has(mutation));
  if (unused !== undefined) throw new TypeError(`Expected to load ${basename(unused.file)}.`);
  const code = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  return await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`);
}

function replaceOnce(contents: string, { file, text, instead }: Mutation): string {
  const parts = contents.split(text);
  if (parts.length !== 2) {
    throw new TypeError(
      `Expected ${JSON.stringify(text)} once in ${file}, not ${parts.length - 1}.`,
    );
  }
  return parts.join(instead);
}
