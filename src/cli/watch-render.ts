/** The rendered files of a watcher, made of what a config file says. */
import { resolve } from 'node:path';
import { createRenderWaits } from '../command-waits.ts';
import type { RenderOutput } from '../config/config.ts';
import { isNametagError, type NametagError } from '../errors.ts';
import { systemClock } from '../host/clock.ts';
import { select } from '../model/endpoint.ts';
import type { Clock, Commands } from '../ports.ts';
import { type FileToRender, renderFiles, tooFew, writeFiles } from '../render-files.ts';
import type { OutputReport, WatchedAnswer, WatchOutput } from '../watch.ts';
import type { Io } from './io.ts';
import {
  findEscapeKind,
  openRendering,
  refuseOverTemplates,
  resolveDest,
} from './render-target.ts';
import { type OutputTerms, withoutSelf } from './watch-outputs.ts';

/**
 * The files to render, each an output that is told of under its own path.
 *
 * They are written together, at the turn of the first: all that can be, or none. A file of too few
 * instances is held and leaves the others alone; a mistake in one leaves all as they are.
 *
 * A file of nobody is written only after one of somebody, or with `"min": 0`: the guard has seen to
 * it by then that whoever was in it is gone.
 */
export function toRenderWatch(
  outputs: readonly RenderOutput[],
  terms: OutputTerms,
  io: Io,
  clock: Pick<Clock, 'monotonicMs'> = systemClock,
): readonly WatchOutput[] {
  const { files, ...rendering } = openRendering(io);
  const ports = { ...rendering, waits: createRenderWaits(clock) };
  const call = { signal: io.signal };
  const wanted = outputs.map((output) => ({ ...toFile(output, terms), min: output.min }));
  refuseOverTemplates(wanted);
  const inhabited = new Set<string>();

  async function writeAll(
    { directory, letGo }: WatchedAnswer,
    showLife: () => void,
  ): Promise<Map<string, Outcome>> {
    const outcomes = new Map<string, Outcome>();
    const writable: FileToRender[] = [];
    for (const file of wanted) {
      const { dest, question } = file;
      const found = select(directory, question).endpoints.length;
      // Somebody is left out without evidence, so nobody knows whether there should be none.
      if (found === 0 && letGo.length > 0) inhabited.delete(dest);
      const { min = inhabited.has(dest) ? 0 : 1 } = file;
      if (found < min) outcomes.set(dest, tooFew({ ...file, min }, found, directory.region));
      else writable.push({ ...file, min });
    }
    if (writable.length === 0) return outcomes;
    try {
      const rendered = await renderFiles(writable, directory, files, call);
      const { written, unfinished } = await writeFiles(
        rendered,
        { ...ports, commands: showing(showLife, ports.commands) },
        call,
      );
      for (const { dest, question } of writable) {
        if (select(directory, question).endpoints.length > 0) inhabited.add(dest);
        outcomes.set(dest, written.includes(dest) ? 'written' : 'unchanged');
      }
      for (const { paths, error } of unfinished) {
        for (const path of paths) outcomes.set(path, error);
      }
    } catch (error) {
      if (!isNametagError(error)) throw error;
      for (const { dest } of writable) outcomes.set(dest, error);
    }
    return outcomes;
  }

  // Of this refresh, until each is told.
  let untold = new Map<string, Outcome>();
  return wanted.map(({ dest: name }) => ({
    name,
    apply: async (answer, showLife = () => undefined) => {
      if (!untold.has(name)) untold = await writeAll(answer, showLife);
      const outcome = untold.get(name);
      untold.delete(name);
      if (outcome === undefined) throw new TypeError(`Expected an outcome of ${name}`);
      if (typeof outcome !== 'string') throw outcome;
      return { result: outcome, notes: [] };
    },
  }));
}

/** Commands that show life when each has ended: each has its minute, and there may be many. */
function showing(showLife: () => void, commands: Commands): Commands {
  return {
    run: async (command, options) => {
      const result = await commands.run(command, options);
      showLife();
      return result;
    },
  };
}

/** What became of one file. */
type Outcome = OutputReport['result'] | NametagError;

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
