/** What a watcher keeps as the fleet is, made of what a config file or the flags say. */
import type { HostsOutput } from '../config/config.ts';
import { NametagError } from '../errors.ts';
import { shortDigest } from '../host/digest.ts';
import { addressesOf } from '../model/address.ts';
import type { Directory } from '../model/directory.ts';
import { select } from '../model/endpoint.ts';
import { type Selector, showSelector } from '../model/selector.ts';
import type { Vocabulary } from '../model/tags.ts';
import { toHostsEntries } from '../render/hosts-entries.ts';
import { type HostsUpdate, updateHosts } from '../update-hosts.ts';
import type { OutputReport, WatchOutput } from '../watch.ts';
import { prepare, type TargetOptions, toTarget } from './hosts-target.ts';
import type { Io } from './io.ts';

/** How outputs read the directory. */
export interface OutputTerms {
  readonly vocabulary: Vocabulary;
  /** This machine's instance id, for those that leave it out. */
  readonly selfId: string | undefined;
}

/** A hosts file to keep, as {@link HostsOutput} has it, with its selector complete. */
export function toHostsWatch(output: HostsOutput, terms: OutputTerms, io: Io): WatchOutput {
  const { path, block, domain, address, legacy, legacyUpdater, min } = output;
  const options: TargetOptions = {
    ...(output.kind === 'file' ? { write: path } : { dir: path }),
    block,
    ...(legacy !== undefined && { legacy }),
    ...(legacyUpdater !== undefined && { legacyUpdater }),
  };
  const target = toTarget(options, io);
  if (target === undefined) throw new TypeError('Expected a file or a folder to write.');
  const { vocabulary } = terms;
  const selector = withoutSelf(output, terms);
  let hadEntries = false;
  return {
    name: target.path,
    apply: async ({ directory, removed }) => {
      const { endpoints } = select(directory, { selector, address, vocabulary });
      const entries = toHostsEntries(endpoints, domain);
      requireSome(entries.length, min, selector, directory);
      await prepare({ ...(legacyUpdater !== undefined && { legacyUpdater }) }, io);
      // What is asked stays the same, so whom EC2 shows and the selector means no more has changed.
      // Of a block of before nobody knows what was asked for.
      const gone = new Set(removed.flatMap(({ addresses }) => addresses));
      for (const address of hadEntries ? addressesShownIn(directory) : []) gone.add(address);
      const update = await updateHosts(
        { files: target.files, digest: shortDigest },
        { ...target, entries, region: directory.region, isGone: (address) => gone.has(address) },
      );
      hadEntries ||= entries.length > 0;
      return {
        result: update.kind === 'unchanged' ? 'unchanged' : 'written',
        notes: notesOf(update),
      };
    },
  };
}

/** Gives those of everybody whom EC2's newest answer has. */
function addressesShownIn({ members, unconfirmed }: Directory): readonly string[] {
  const shown = members.filter(({ instance }) => !unconfirmed.has(instance.instanceId));
  return shown.flatMap(({ instance }) => addressesOf(instance));
}

/** Completes a selector with what the file could not know. */
export function withoutSelf(
  { selector, notSelf }: Pick<HostsOutput, 'selector' | 'notSelf'>,
  { selfId }: OutputTerms,
): Selector {
  return notSelf && selfId !== undefined ? { ...selector, notInstanceIds: [selfId] } : selector;
}

function requireSome(
  found: number,
  min: number | undefined,
  selector: Selector,
  { region }: Directory,
): void {
  if (min === undefined || found >= min) return;
  throw new NametagError('NAMETAG_TOO_FEW', { what: showSelector(selector), region, found, min });
}

function notesOf({ edited, noBackup, shadowed }: HostsUpdate): OutputReport['notes'] {
  return [
    ...(edited ? ['The block had been edited by hand; what was typed was replaced.'] : []),
    ...(noBackup === undefined ? [] : [`No backup was kept: ${noBackup}.`]),
    ...shadowed.map(
      ({ name, line, address, winner }) =>
        `${name} is also on line ${line}, as ${address}. ` +
        `${winner === 'other' ? 'That line wins' : 'The block wins'}.`,
    ),
  ];
}
