/** The rendered files of a watcher, made of what a config file says. */
import { resolve } from 'node:path';
import type { RenderOutput } from '../config/config.ts';
import { select } from '../model/endpoint.ts';
import { type FileToRender, renderFiles, writeFiles } from '../render-files.ts';
import type { WatchOutput } from '../watch.ts';
import type { Io } from './io.ts';
import { findEscapeKind, openRendering, resolveDest } from './render-target.ts';
import { type OutputTerms, withoutSelf } from './watch-outputs.ts';

/**
 * All the files to render, as one output: they are written together or not at all. None without
 * any.
 *
 * A file of nobody is written only after one of somebody, or with `"min": 0`: the guard has seen to
 * it by then that whoever was in it is gone.
 */
export function toRenderWatch(
  outputs: readonly RenderOutput[],
  terms: OutputTerms,
  io: Io,
): readonly WatchOutput[] {
  if (outputs.length === 0) return [];
  const wanted = outputs.map((output) => toFile(output, terms));
  const { files, ...ports } = openRendering(io);
  const call = { signal: io.signal };
  const inhabited = new Set<string>();
  const output: WatchOutput = {
    name: wanted.map(({ dest }) => dest).join(' '),
    apply: async (directory) => {
      const guarded = wanted.map((file, index) => {
        const least = inhabited.has(file.dest) ? 0 : 1;
        return { ...file, min: outputs[index]?.min ?? least };
      });
      const rendered = await renderFiles(guarded, directory, files, call);
      const written = await writeFiles(rendered, ports, call);
      for (const { dest, question } of wanted) {
        if (select(directory, question).endpoints.length > 0) inhabited.add(dest);
      }
      return { result: written.length > 0 ? 'written' : 'unchanged', notes: [] };
    },
  };
  return [output];
}

function toFile(output: RenderOutput, terms: OutputTerms): Omit<FileToRender, 'min'> {
  const { template, command, check, mode, domain, address, port } = output;
  const selector = withoutSelf(output, terms);
  return {
    template: resolve(template),
    dest: resolveDest(output.dest),
    escape: findEscapeKind(output.escape, { template, dest: output.dest }),
    question: { selector, address, port, domain, vocabulary: terms.vocabulary },
    command,
    check,
    mode,
  };
}
