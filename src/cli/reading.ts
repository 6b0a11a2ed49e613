/** How commands read the fleet: through the store and the guard, on the terms of the options. */
import process from 'node:process';
import type { FleetRequest } from '../describe-fleet.ts';
import { credentialsKey, tellUrl } from '../ec2/credentials-key.ts';
import { readProfile } from '../ec2/profile.ts';
import { findEndpoint } from '../ec2/settings.ts';
import { cacheFolderOf } from '../host/cache-folder.ts';
import { systemClock } from '../host/clock.ts';
import { createSnapshotStore } from '../host/snapshot-store.ts';
import { showAge } from '../model/age.ts';
import type { Directory } from '../model/directory.ts';
import type { KeptInstance } from '../model/guard.ts';
import type { CallOptions, Ec2, Metadata } from '../ports.ts';
import { type Reading, type ReadSnapshotTerms, readSnapshot } from '../read-snapshot.ts';
import { createRememberingStore } from '../remembering-store.ts';
import { countReasons, explainNobody, type ResolveRequest, resolveIn } from '../resolve.ts';
import { withinVpc } from '../within-vpc.ts';
import { type Io, say } from './io.ts';
import type { ReadingOptions, ScopeOptions } from './options.ts';
import { type Ec2Options, ec2Of, metadataOf, type ScopeOf, scopeVpcOf } from './wiring.ts';

/** What a reader is made from. */
export interface ReaderOptions extends Ec2Options, ScopeOptions, ReadingOptions, ScopeOf {
  /**
   * How often it is to read. One that reads again keeps its last answer in memory too, since what
   * is stored may be lost; for a single reading that would be memory for nothing.
   *
   * @defaultValue `'once'`
   */
  readonly reads?: 'once' | 'again' | undefined;
}

/** Reads the fleet of one region, as often as it is wanted. */
export interface FleetReader {
  /** For what is not to be answered from memory. */
  readonly ec2: Ec2;
  /** @throws as {@link readSnapshot} does. */
  read(request: FleetRequest): Promise<Reading>;
}

/**
 * Makes a reader; EC2 is not asked anything yet, nor the SDK loaded.
 *
 * @throws {@link NametagError} as {@link ec2Of} and {@link scopeVpcOf} do.
 */
export async function openReader(
  options: ReaderOptions,
  io: Io,
  metadata: Metadata = metadataOf(io),
): Promise<FleetReader> {
  const call = { signal: io.signal };
  const whole = await ec2Of(options, io, metadata);
  const vpcId = await scopeVpcOf(whole, options, metadata, call);
  const ec2 = vpcId === undefined ? whole : withinVpc(whole, vpcId);
  const store = createSnapshotStore({
    folder: cacheFolderOf(io.env, process.getuid?.()),
    warn: (sentence) => say(io, sentence),
    environment: io.env,
  });
  const readsAgain = options.reads === 'again';
  if (!readsAgain) io.endsSoon?.();
  const kept = readsAgain ? createRememberingStore(store) : store;
  const ports = { ec2, store: kept, clock: systemClock };
  const endpoint = findEndpoint(undefined, io.env, readProfile(io.env, options.profile)) ?? '';
  const source = {
    credentials: credentialsKey(io.env, options.profile),
    endpoint: tellUrl(endpoint),
    within: vpcId ?? '',
  };
  const terms = toTerms(options);
  return { ec2, read: (request) => readSnapshot(request, ports, source, terms, call) };
}

/** Makes terms of the options. */
export function toTerms({ maxAge, maxStale, maxRemove, force }: ReadingOptions): ReadSnapshotTerms {
  return { maxAgeMs: maxAge, maxStaleMs: maxStale, maxRemove, force };
}

/**
 * Tells in a sentence why nobody matches.
 *
 * When EC2 has just answered it is asked again, more widely. Otherwise the sentence is about the
 * snapshot, since another answer would explain another question.
 */
export async function hintOfNobody(
  request: ResolveRequest,
  { snapshot, from, ageMs, failure }: Reading,
  ec2: Ec2,
  options: CallOptions,
): Promise<string> {
  if (from === 'ec2') return await explainNobody(request, ec2, options);
  const { omitted } = resolveIn(snapshot, request);
  const ago =
    failure === undefined
      ? `${showAge(ageMs)} ago`
      : `${showAge(ageMs)} ago, when it last answered`;
  const seen =
    omitted.length === 0
      ? `EC2 showed nobody ${ago}`
      : `Of ${omitted.length} that EC2 showed running ${ago}: ${countReasons(omitted).join(', ')}`;
  return failure === undefined ? `${seen}; leave \`--max-age\` out to ask it again.` : `${seen}.`;
}

/** Says how old an answer is that EC2 has not just given, and whom EC2 did not show. */
export function warnOfReading(
  { failure, ageMs, kept, letGo }: Reading,
  directory: Directory,
  io: Io,
): void {
  if (failure !== undefined) {
    say(io, `${failure.message} This is the last good answer, ${showAge(ageMs)} old.`);
  }
  if (kept.length > 0) {
    const [subject, verb] = countOf(kept);
    say(
      io,
      `${subject} not in EC2's answer, and nothing says that ${verb} gone: kept as last seen, ` +
        `up to ${oldestOf(kept, directory)} ago (${listOf(kept, directory)}).`,
    );
  }
  if (letGo.length > 0) {
    const [subject] = countOf(letGo);
    const object = letGo.length === 1 ? 'it' : 'them';
    say(
      io,
      `${subject} left out without evidence: EC2 has not shown ${object} for longer than ` +
        `--max-stale, up to ${oldestOf(letGo, directory)} (${listOf(letGo, directory)}).`,
    );
  }
}

function countOf({ length }: readonly KeptInstance[]): readonly [subject: string, verb: string] {
  return length === 1 ? ['1 instance is', 'it is'] : [`${length} instances are`, 'they are'];
}

function oldestOf(instances: readonly KeptInstance[], { takenAtMs }: Directory): string {
  return showAge(takenAtMs - Math.min(...instances.map(({ lastSeenMs }) => lastSeenMs)));
}

function listOf(instances: readonly KeptInstance[], directory: Directory): string {
  const shown = namesOf(instances, directory).slice(0, shownMax);
  const more = instances.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** In the directory's order; who is not a member of it goes by its id, at the end. */
function namesOf(kept: readonly KeptInstance[], { members }: Directory): readonly string[] {
  const left = new Set(kept.map(({ instanceId }) => instanceId));
  const named = members.filter(({ instance }) => left.delete(instance.instanceId));
  return [...named.map((m) => m.ownName ?? m.instance.instanceId), ...left];
}

// A line that names a whole fleet is not read.
const shownMax = 5;
