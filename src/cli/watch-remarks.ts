/** What a watcher remarks on an answer, each sentence once until it has not been true. */
import type { Config, HostsOutput, RenderOutput } from '../config/config.ts';
import type { Directory } from '../model/directory.ts';
import { type Question, select } from '../model/endpoint.ts';
import {
  findUnreadable,
  type UnreadableService,
  unreadableAmong,
} from '../model/unreadable-service.ts';
import type { Reading } from '../read-snapshot.ts';
import type { Io } from './io.ts';
import { warnOfReading } from './reading.ts';
import { warnOfAliases, warnOfConflicts, warnOfRefusals, warnOfServices } from './warnings.ts';
import { type OutputTerms, withoutSelf } from './watch-outputs.ts';

/** Says what commands say of an answer on stderr; its failure is told by the watcher itself. */
export function remarksOf(
  directory: Directory,
  reading: Reading,
  outputs: Pick<Config, 'hosts' | 'render'>,
  terms: OutputTerms,
  io: Io,
): readonly string[] {
  // Several outputs may have a reason to say the same.
  const lines = new Set<string>();
  const ear: Io = { ...io, stderr: (text) => void lines.add(text) };
  warnOfReading({ ...reading, failure: undefined }, directory, ear);
  warnOfConflicts(directory.conflicts, ear);
  warnOfRefusals(directory.omitted, 'is left out', ear);
  warnOfAliases(directory.aliasOmissions, ear);
  warnOfServices(unreadableFor(outputs, directory, terms), ear);
  return [...lines].map((line) => line.replace(/^nametag: /, '').trimEnd());
}

/** Finds the service tags by which an output would say more if they could be read. */
function unreadableFor(
  { hosts, render }: Pick<Config, 'hosts' | 'render'>,
  directory: Directory,
  terms: OutputTerms,
): readonly UnreadableService[] {
  const toQuestion = (output: HostsOutput | RenderOutput): Question => {
    const { address } = output;
    return { selector: withoutSelf(output, terms), address, vocabulary: terms.vocabulary };
  };
  const ofHosts = hosts.map(toQuestion).flatMap((question) => {
    return unreadableAmong(select(directory, question).omitted, question);
  });
  const ofRender = render.map(toQuestion).flatMap((question) => {
    return findUnreadable(directory, question);
  });
  return [...ofHosts, ...ofRender];
}
