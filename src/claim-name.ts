import { decide } from './claim/decide.ts';
import {
  type ClaimEffect,
  type ClaimEvent,
  type ClaimOutcome,
  type ClaimSettings,
  initialClaimState,
  step,
} from './claim/protocol.ts';
import { type ErrorCode, isNametagError } from './errors.ts';
import type { InstanceState } from './model/instance.ts';
import type { Series } from './model/series.ts';
import { type Claim, defaultVocabulary, formatClaim, type Vocabulary } from './model/tags.ts';
import type { CallOptions, ClaimLock, Clock, Ec2, HeldClaimLock, Random } from './ports.ts';
import { scanSeries } from './scan-series.ts';

/** What {@link claimName} needs of the world. */
export interface ClaimPorts {
  readonly ec2: Ec2;
  readonly clock: Clock;
  readonly random: Random;
  readonly lock: ClaimLock;
}

/** Which name is claimed, for whom, and how patiently. */
export interface ClaimRequest {
  readonly instanceId: string;
  readonly series: Series;
  /** Whether `instanceId` is this very machine, whose uptime then counts. @defaultValue `true` */
  readonly isThisMachine?: boolean;
  /**
   * The longest time that EC2 is assumed to take to show a change to everybody, in milliseconds.
   *
   * With less than EC2 really takes, two instances can hold one name (see docs/claims.md).
   *
   * @defaultValue `5000`
   */
  readonly settleMs?: number;
  /** Whether a stopped instance keeps its name. @defaultValue `false` */
  readonly reserveStopped?: boolean;
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary;
  /** The lowest free name, or the first of the series and no other. @defaultValue `lowest` */
  readonly goal?: 'lowest' | 'first';
}

/** How long EC2 is assumed to take at most to show a change: seconds are usual, none promised. */
export const settleMsDefault = 5000;

/**
 * How often a request of a claim is to be made while EC2 refuses it for the others there are.
 *
 * Hosts that boot together share one bucket of requests (100, and 20 more a second): with the SDK's
 * own three attempts most runs of 200 hosts fail and begin anew, which takes more requests still.
 */
export const claimAttempts = 8;

// Each bounds what a run may take, far above what simulations of 200 claimants needed.
const scanMax = 60;
const stayMax = 5;
// So many writes in a row without an answer, each after all its retries, are no passing trouble.
const failuresMax = 5;
const stepMax = 4 * scanMax;

/** What a dry run found. */
export type ClaimPlan =
  | { readonly kind: 'holds'; readonly name: string }
  | { readonly kind: 'would-ask'; readonly name: string }
  /** EC2 does not show the instance, or shows it in a state in which it can have no name. */
  | { readonly kind: 'unseen'; readonly state: InstanceState | undefined };

/**
 * Claims a name of a series for an instance, and returns when it is held or the run is undecided.
 *
 * Run again by a holder it writes nothing; run again after a crash it goes on from the tags.
 *
 * @throws {@link NametagError} with code `NAMETAG_CLAIM_BUSY` when another process of this machine
 * claims for the instance, or as {@link Ec2} does. A failed write may still have been made.
 */
export async function claimName(
  request: ClaimRequest,
  ports: ClaimPorts,
  options: CallOptions = {},
): Promise<ClaimOutcome> {
  const lock = await ports.lock.acquire(request.instanceId);
  try {
    return await drive(request, ports, lock, options);
  } finally {
    await lock.release();
  }
}

/**
 * Tells what {@link claimName} would do first, and writes nothing.
 *
 * Others may claim meanwhile, so the name is a forecast, not a promise.
 */
export async function planClaim(
  request: ClaimRequest,
  { ec2 }: Pick<ClaimPorts, 'ec2'>,
  options: CallOptions = {},
): Promise<ClaimPlan> {
  const settings = toSettings(request);
  const scan = await scanSeries(settings, ec2, options);
  const decision = decide(scan, { written: undefined, stays: 0 }, settings);
  switch (decision.kind) {
    case 'held':
    case 'hold':
      return { kind: 'holds', name: decision.name };
    case 'unseen':
      return decision;
    case 'ask':
      if (decision.claim.ask !== undefined) return { kind: 'would-ask', name: decision.claim.ask };
      break;
    default:
  }
  throw new TypeError(`Expected no first decision "${decision.kind}".`);
}

async function drive(
  request: ClaimRequest,
  ports: ClaimPorts,
  lock: HeldClaimLock,
  options: CallOptions,
): Promise<ClaimOutcome> {
  const settings = toSettings(request);
  const uptimeMs = (request.isThisMachine ?? true) ? ports.clock.uptimeMs() : undefined;
  const { foundMark, sinceWriteMs } = lock;
  let [state, effect] = step(
    initialClaimState,
    { kind: 'begun', uptimeMs, foundMark, sinceWriteMs },
    settings,
  );
  let failures = 0;
  for (let steps = 0; steps < stepMax; steps++) {
    if (effect.kind === 'finish') {
      // Every write of this run was acknowledged or has settled, so none is in doubt.
      const { outcome } = effect;
      if (foundMark || outcome.tally.writes > 0) await lock.clearMark();
      return outcome;
    }
    const { event, failure } = await perform(effect, request, ports, lock, options);
    if (event.kind === 'written') failures = event.acknowledged ? 0 : failures + 1;
    // The mark stays: the last of them may still be made.
    if (failures >= failuresMax) throw failure;
    [state, effect] = step(state, event, settings);
  }
  throw new TypeError(`Expected a run to end within ${stepMax} steps.`);
}

interface Performed {
  readonly event: ClaimEvent;
  /** Why a write was not acknowledged. */
  readonly failure?: unknown;
}

async function perform(
  effect: Exclude<ClaimEffect, { kind: 'finish' }>,
  request: ClaimRequest,
  { ec2, clock, random }: ClaimPorts,
  lock: HeldClaimLock,
  options: CallOptions,
): Promise<Performed> {
  switch (effect.kind) {
    case 'scan': {
      const scan = await scanSeries(toSettings(request), ec2, options);
      return { event: { kind: 'scanned', scan } };
    }
    case 'wait':
      await clock.wait(effect.minMs + random() * (effect.maxMs - effect.minMs), options);
      return { event: { kind: 'waited' } };
    case 'write': {
      await lock.mark();
      const tags = toTags(effect, request.vocabulary ?? defaultVocabulary);
      try {
        await ec2.createTags(request.instanceId, tags, options);
        return { event: { kind: 'written', acknowledged: true } };
      } catch (error) {
        if (!mayHaveBeenMade(error)) throw error;
        return { event: { kind: 'written', acknowledged: false }, failure: error };
      }
    }
  }
}

function toTags(
  { claim, name }: { claim: Claim; name: string | undefined },
  { claimKey, nameKey }: Vocabulary,
): ReadonlyMap<string, string> {
  const tags = new Map([[claimKey, formatClaim(claim)]]);
  if (name !== undefined) tags.set(nameKey, name);
  return tags;
}

const uncertain: readonly ErrorCode[] = [
  'NAMETAG_EC2_UNREACHABLE',
  'NAMETAG_EC2_MALFORMED',
  'NAMETAG_EC2_THROTTLED',
  'NAMETAG_EC2_BUSY',
  'NAMETAG_INSTANCE_NOT_FOUND',
];

/**
 * Tells whether a failed write may have been made all the same.
 *
 * A throttled or refused answer may be the last of several attempts, of which an earlier one
 * went through and lost its answer.
 */
function mayHaveBeenMade(error: unknown): boolean {
  return isNametagError(error) && uncertain.includes(error.code);
}

function toSettings(request: ClaimRequest): ClaimSettings {
  return {
    instanceId: request.instanceId,
    series: request.series,
    vocabulary: request.vocabulary ?? defaultVocabulary,
    reserveStopped: request.reserveStopped ?? false,
    settleMs: request.settleMs ?? settleMsDefault,
    scanMax,
    // On an instance's own machine its id is no mistake, only perhaps not yet in EC2's answers.
    unseenMax: (request.isThisMachine ?? true) ? scanMax : 3,
    stayMax,
    goal: request.goal ?? 'lowest',
  };
}
