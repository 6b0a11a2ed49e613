import type { HostsOutput } from '../../config/config.ts';
import { NametagError } from '../../errors.ts';
import { shortDigest } from '../../host/digest.ts';
import type { AddressKind } from '../../model/address.ts';
import { showSelector } from '../../model/selector.ts';
import { renderHosts } from '../../render/hosts.ts';
import { toHostsEntries } from '../../render/hosts-entries.ts';
import { resolveIn, toFleetRequest } from '../../resolve.ts';
import { type HostsUpdate, updateHosts } from '../../update-hosts.ts';
import { exitCodeOf } from '../exit-code.ts';
import { prepare, refuseFolder, type TargetOptions, toTarget } from '../hosts-target.ts';
import { type Io, say } from '../io.ts';
import {
  type AwsOptions,
  type ReadingOptions,
  type ScopeOptions,
  type SelectorOptions,
  toSelector,
} from '../options.ts';
import { hintOfNobody, openReader, warnOfReading } from '../reading.ts';
import { warnOfNames } from '../warnings.ts';
import { metadataOf } from '../wiring.ts';

/** What `hosts` was told. */
export interface HostsOptions
  extends SelectorOptions,
    ScopeOptions,
    AwsOptions,
    ReadingOptions,
    TargetOptions {
  readonly domain?: string;
  readonly address?: AddressKind;
  readonly min?: number;
  readonly allowEmpty?: true;
  readonly watch?: true;
  /** In milliseconds. */
  readonly interval?: number;
}

/** Prints a line for every named instance that matches, or keeps a block of them in a file. */
export async function runHosts(options: HostsOptions, io: Io): Promise<number> {
  const { domain, address, min, vocabulary } = options;
  const target = toTarget(options, io);
  await refuseFolder(options);
  if (options.watch) return await keep(options, io);
  await prepare(options, io);
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const self = options.notSelf ? await metadata.instanceId(call) : undefined;
  const selector = toSelector(options, self);
  const reader = await openReader(options, io, metadata);
  const request = { selector, address, domain, vocabulary, namesMatter: true };
  const reading = await reader.read(toFleetRequest(request));
  const { directory, endpoints } = resolveIn(reading.snapshot, request);
  const entries = toHostsEntries(endpoints, domain);
  const { region } = directory;
  warnOfReading(reading, directory, io);
  if (min !== undefined && entries.length < min) {
    const what = showSelector(selector);
    throw new NametagError('NAMETAG_TOO_FEW', { what, region, found: entries.length, min });
  }
  const nobody = entries.length === 0 && !options.allowEmpty && !options.force;
  let changes = true;
  if (target === undefined) {
    io.stdout(renderHosts(entries));
  } else {
    const ports = { files: target.files, digest: shortDigest };
    const { force = false, dryRun = false } = options;
    const gone = new Set(reading.removed.flatMap(({ addresses }) => addresses));
    const isGone = (address: string): boolean => gone.has(address);
    const input = { ...call, ...target, entries, region, force, mayEmpty: force, isGone };
    // With nobody to write there is nothing to do but to empty a block of those who are gone.
    const trial = nobody ? await updateHosts(ports, { ...input, dryRun: true }) : undefined;
    const isIdle = trial !== undefined && trial.removed === 0;
    const update = isIdle ? trial : await updateHosts(ports, { ...input, dryRun });
    if (!isIdle) report(update, target.path, io);
    if (nobody && update.kind === 'written') {
      say(io, `The block in ${target.path} is empty now: EC2 has shown that all in it are gone.`);
    }
    changes = update.kind !== 'unchanged';
  }
  // A file that is right already has been talked about when it was written: cron stays quiet.
  if (changes) warnOfNames(directory, { selector, vocabulary }, 'is left out', io);
  if (!nobody) return 0;
  const hint =
    endpoints.length > 0
      ? `${endpoints.length} match, but none of them has a name.`
      : await hintOfNobody(request, reading, reader.ec2, call);
  const what = showSelector(selector);
  say(io, new NametagError('NAMETAG_NOBODY', { what, region, hint }).message);
  return exitCodeOf.NAMETAG_NOBODY;
}

/** Keeps the file up to date until it is interrupted, as a watcher does with nothing else to do. */
async function keep(options: HostsOptions, io: Io): Promise<number> {
  const { write, dir, block = 'default', domain, address = 'private', min } = options;
  const { legacy, legacyUpdater, splay, notSelf = false } = options;
  await prepare({ ...(splay !== undefined && { splay }) }, io);
  const output: HostsOutput = {
    kind: write === undefined ? 'folder' : 'file',
    path: write ?? dir ?? '',
    block,
    domain,
    address,
    legacy,
    legacyUpdater,
    selector: toSelector(options, undefined),
    notSelf,
    min,
  };
  const { keepWatch } = await import('./watch.ts');
  return await keepWatch({ hosts: [output], render: [], handlers: [] }, options, io);
}

/** Success is quiet; what a person may not expect is told. */
function report(update: HostsUpdate, path: string, io: Io): void {
  const done = update.kind === 'written';
  if (update.diff !== undefined) io.stdout(update.diff);
  if (update.edited) {
    const tense = done ? 'was replaced' : 'would be replaced';
    say(io, `The block in ${path} had been edited by hand; what was typed ${tense}.`);
  }
  if (update.inPlace) {
    say(io, `${path} could not be replaced by renaming, so it was written in place.`);
  }
  if (update.noBackup !== undefined) {
    say(io, `No backup of ${path} was kept: ${update.noBackup}.`);
  }
  for (const { name, line, address, winner } of update.shadowed) {
    const who = winner === 'other' ? 'That line wins' : 'The block wins';
    say(io, `${name} is also on line ${line} of ${path}, as ${address}. ${who}.`);
  }
}
