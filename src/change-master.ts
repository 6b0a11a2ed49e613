import { knownGeneration, nextGeneration } from './claim/generation.ts';
import type { ClaimOutcome } from './claim/protocol.ts';
import { occupationOf } from './claim/seating.ts';
import { type ClaimPorts, claimName, settleMsDefault } from './claim-name.ts';
import {
  defaultWords,
  nameAt,
  parseSeries,
  rankOf,
  type Series,
  type SeriesWords,
} from './model/series.ts';
import type { Snapshot } from './model/snapshot.ts';
import {
  claimOf,
  defaultVocabulary,
  formatWants,
  type Vocabulary,
  type Wants,
  wantsOf,
} from './model/tags.ts';
import type { CallOptions } from './ports.ts';
import { scanSeries } from './scan-series.ts';

/** Who is to be the master of its service. */
export interface ChangeMasterRequest {
  readonly instanceId: string;
  /** Whether `instanceId` is this very machine. @defaultValue `true` */
  readonly isThisMachine?: boolean;
  /** @defaultValue `master` and `slave` */
  readonly words?: SeriesWords;
  /**
   * Whether to do the present master's part for it. Needs the permission to tag that instance.
   *
   * @defaultValue `false`
   */
  readonly force?: boolean;
  /** As for a claim. @defaultValue `5000` */
  readonly settleMs?: number;
  /**
   * How long to wait for the present master to give way, in milliseconds. An attempt to claim the
   * name that is under way then is made to its end, which can take seven `settleMs`.
   *
   * @defaultValue `120_000`
   */
  readonly patienceMs?: number;
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary;
}

/** How a change of master ended. */
export type ChangeMasterOutcome =
  | {
      readonly kind: 'master';
      readonly name: string;
      readonly generation: number | undefined;
      /** Who had the name when this began, if anybody else had. */
      readonly previous: string | undefined;
      /** How long this instance saw nobody have the name, in milliseconds. */
      readonly withoutMasterMs: number;
    }
  /** It holds no name of a masterful series. */
  | { readonly kind: 'not a follower'; readonly held: string | undefined }
  /** The present master has not given way in time. The request stays, and may still be heard. */
  | {
      readonly kind: 'held on';
      readonly name: string;
      readonly by: string;
      readonly waitedMs: number;
    }
  /**
   * Nobody has the name, and another instance asks for it too, as after a change of master that was
   * cut short. Both requests stay; that one's next plain claim gives way to this one's.
   */
  | {
      readonly kind: 'asked for too';
      readonly name: string;
      readonly by: string;
      readonly waitedMs: number;
    }
  | { readonly kind: 'undecided'; readonly outcome: Extract<ClaimOutcome, { kind: 'undecided' }> };

// How long the timer of the present master is given to run: they run every minute.
const patienceMsDefault = 120_000;

/**
 * Makes a follower the master of its service, with no moment at which two are.
 *
 * It writes a request with a generation; the present master's next `claim-name` moves that one to a
 * follower's name; then the first name is claimed like any other. Run again after a crash, on
 * either side, it goes on from the tags.
 *
 * @throws as {@link claimName} does.
 */
export async function changeMaster(
  request: ChangeMasterRequest,
  ports: ClaimPorts,
  options: CallOptions = {},
): Promise<ChangeMasterOutcome> {
  const vocabulary = request.vocabulary ?? defaultVocabulary;
  const words = request.words ?? defaultWords;
  let held = await readHeld(request, ports, options);
  if (held === undefined || seriesOf(held, words) === undefined) {
    // A name that was claimed just now may not be in the first answer.
    await ports.clock.wait(request.settleMs ?? settleMsDefault, options);
    held = await readHeld(request, ports, options);
  }
  const series = held === undefined ? undefined : seriesOf(held, words);
  if (series === undefined) return { kind: 'not a follower', held };
  return await change({ request, series, vocabulary, ports, options });
}

interface Change {
  readonly request: ChangeMasterRequest;
  readonly series: Series;
  readonly vocabulary: Vocabulary;
  readonly ports: ClaimPorts;
  readonly options: CallOptions;
}

async function change(about: Change): Promise<ChangeMasterOutcome> {
  const { request, series, ports, options } = about;
  const { clock, random } = ports;
  const { settleMs = settleMsDefault, patienceMs = patienceMsDefault } = request;
  const name = nameAt(series, 0);
  const beganMs = clock.monotonicMs();
  let previous: string | undefined;
  let freeSinceMs: number | undefined;
  let asked: Asked | undefined;
  let forced = false;
  for (;;) {
    const scan = await scanSeries({ ...about, instanceId: request.instanceId }, ports.ec2, options);
    const master = masterOf(scan, about);
    let inTheWay = master === undefined ? undefined : { by: master, isAsked: false };
    if (inTheWay === undefined) {
      freeSinceMs ??= clock.monotonicMs();
      const outcome = await claimFirst(about);
      if (outcome.kind === 'held') {
        const { generation } = outcome;
        const withoutMasterMs = Math.round(clock.monotonicMs() - freeSinceMs);
        return { kind: 'master', name, generation, previous, withoutMasterMs };
      }
      if (outcome.why.kind !== 'name taken') return { kind: 'undecided', outcome };
      inTheWay = outcome.why;
    }
    if (!inTheWay.isAsked) previous = inTheWay.by;
    // At least once, however slow EC2 is, as is the force: the request outlives this run.
    asked = await ask(scan, asked, about);
    const waitedMs = clock.monotonicMs() - beganMs;
    if (waitedMs >= patienceMs && (forced || !request.force)) {
      const { by, isAsked } = inTheWay;
      const kind = isAsked ? 'asked for too' : 'held on';
      return { kind, name, by, waitedMs: Math.round(waitedMs) };
    }
    if (request.force) await stepDown(inTheWay.by, about);
    else await clock.wait((settleMs / 2) * (1 + random()), options);
    forced = request.force ?? false;
  }
}

/** The other living instance that has the first name, by its claim or by its `Name`. */
function masterOf(scan: Snapshot, { request, series, vocabulary }: Change): string | undefined {
  const first = nameAt(series, 0);
  return scan.instances.find(
    (instance) =>
      instance.instanceId !== request.instanceId &&
      occupationOf(instance, { vocabulary, reserveStopped: false })?.taken.includes(first),
  )?.instanceId;
}

interface Asked {
  readonly wants: Wants;
  readonly atMs: number;
}

/** Writes the request, unless one that counts is to be seen, or was written too shortly ago. */
async function ask(
  scan: Snapshot,
  asked: Asked | undefined,
  { request, series, vocabulary, ports, options }: Change,
): Promise<Asked | undefined> {
  const { instanceId, settleMs = settleMsDefault } = request;
  const name = nameAt(series, 0);
  const self = scan.instances.find((instance) => instance.instanceId === instanceId);
  const written = self && wantsOf(self, vocabulary);
  const held = knownGeneration(scan.instances, { series, vocabulary });
  if (written?.name === name && written.generation > held) return asked;
  const nowMs = ports.clock.monotonicMs();
  const counts = asked !== undefined && asked.wants.generation > held;
  if (counts && nowMs - asked.atMs < settleMs) return asked;
  // Lost, it is written again as it was.
  const generation = nextGeneration(scan.instances, scan.takenAtMs, { series, vocabulary });
  const wants = counts ? asked.wants : { name, generation };
  const tags = new Map([[vocabulary.wantsKey, formatWants(wants)]]);
  await ports.ec2.createTags(instanceId, tags, options);
  return { wants, atMs: ports.clock.monotonicMs() };
}

/** Does the part of the master, or of who asks too: its next claim moves it to another name. */
async function stepDown(master: string, about: Change): Promise<void> {
  const { request, series, ports, options } = about;
  const { settleMs, vocabulary } = request;
  await claimName(
    {
      instanceId: master,
      series,
      isThisMachine: false,
      ...(settleMs !== undefined && { settleMs }),
      ...(vocabulary !== undefined && { vocabulary }),
    },
    ports,
    options,
  );
}

async function claimFirst({ request, series, ports, options }: Change): Promise<ClaimOutcome> {
  const { instanceId, isThisMachine, settleMs, vocabulary } = request;
  return await claimName(
    {
      instanceId,
      series,
      goal: 'first',
      ...(isThisMachine !== undefined && { isThisMachine }),
      ...(settleMs !== undefined && { settleMs }),
      ...(vocabulary !== undefined && { vocabulary }),
    },
    ports,
    options,
  );
}

async function readHeld(
  { instanceId, vocabulary = defaultVocabulary }: ChangeMasterRequest,
  { ec2 }: ClaimPorts,
  options: CallOptions,
): Promise<string | undefined> {
  const { instances } = await ec2.describeInstances([{ instanceIds: [instanceId] }], options);
  const self = instances.find((instance) => instance.instanceId === instanceId);
  const state = self && claimOf(self, vocabulary);
  return state?.kind === 'valid' ? state.claim.held : undefined;
}

/** The masterful series that a name is of, or `undefined` if it is of none. */
function seriesOf(name: string, words: SeriesWords): Series | undefined {
  const ordinal = /-\d+$/.exec(name)?.[0] ?? '';
  for (const end of [`-${words.master}`, `-${words.slave}${ordinal}`]) {
    const parsed = parseSeries(name.slice(0, -end.length), 'masterful', words);
    // Only a name that ends so has a rank in the series of what is before it.
    if (parsed.kind === 'series' && rankOf(parsed.series, name) !== undefined) return parsed.series;
  }
  return undefined;
}
