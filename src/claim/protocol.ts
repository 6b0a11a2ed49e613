/**
 * The claim protocol as a machine: one event in, one effect out, nothing else.
 *
 * The driver (claim-name.ts) carries effects out and reports events; simulation drives the same
 * machine. Rule numbers are those of docs/claims.md.
 */
import type { InstanceState } from '../model/instance.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Claim } from '../model/tags.ts';
import { type ClaimTerms, decide, type OwnClaim, showsOwnWrite } from './decide.ts';

/** How one run goes about it. */
export interface ClaimSettings extends ClaimTerms {
  /** The longest time that EC2 is assumed to take to show a change to everybody. */
  readonly settleMs: number;
  /** How many scans a run makes before it gives up undecided. */
  readonly scanMax: number;
  /** How many of them, in a row, may not show the instance. */
  readonly unseenMax: number;
}

/** What has happened. */
export type ClaimEvent =
  | {
      readonly kind: 'begun';
      /** How long the system has been up; `undefined` if that of another instance is not known. */
      readonly uptimeMs: number | undefined;
      /** Whether an earlier run ended while a write may have been under way. */
      readonly foundMark: boolean;
      /** How long ago an earlier run ended with its writes certain, if one did. */
      readonly sinceWriteMs?: number | undefined;
    }
  | { readonly kind: 'waited' }
  | { readonly kind: 'scanned'; readonly scan: Snapshot }
  /** The write was acknowledged, or given up with its outcome unknown: both count as written. */
  | { readonly kind: 'written'; readonly acknowledged: boolean };

/** What is to be done next. */
export type ClaimEffect =
  | { readonly kind: 'scan' }
  /** `name`, if given, is to be written as the `Name` tag in the same call. */
  | { readonly kind: 'write'; readonly claim: Claim; readonly name: string | undefined }
  /** Wait at least `minMs` and at most `maxMs`, drawn at random. */
  | { readonly kind: 'wait'; readonly minMs: number; readonly maxMs: number }
  | { readonly kind: 'finish'; readonly outcome: ClaimOutcome };

/** How a run ended. */
export type ClaimOutcome =
  | {
      readonly kind: 'held';
      readonly name: string;
      readonly generation: number | undefined;
      readonly tally: ClaimTally;
    }
  | { readonly kind: 'undecided'; readonly why: Undecided; readonly tally: ClaimTally };

/** Why a run ended without a name. */
export type Undecided =
  | { readonly kind: 'others were in the way' }
  | { readonly kind: 'own write not seen' }
  /** Only the first name of the series would do, and this instance has it, or asks for it too. */
  | { readonly kind: 'name taken'; readonly by: string; readonly isAsked: boolean }
  /** EC2 does not show the instance, or shows it in a state in which it can have no name. */
  | { readonly kind: 'instance not seen'; readonly state: InstanceState | undefined };

/** What a run took. */
export interface ClaimTally {
  readonly scans: number;
  readonly writes: number;
  /** How often a write was not to be seen after `settle`: lost, overwritten, or seen late. */
  readonly rewrites: number;
  /** A name that this instance held together with another, which keeps it. */
  readonly lost: string | undefined;
}

/** Where a run stands. */
export interface ClaimState extends OwnClaim {
  readonly phase: 'beginning' | 'waiting' | 'scanning' | 'writing' | 'finished';
  /** How many scans in a row have not shown this instance alive. */
  readonly unseen: number;
  readonly tally: ClaimTally;
}

/** What a step gives. */
export type ClaimStep = readonly [ClaimState, ClaimEffect];

/** The state before anything has happened. */
export const initialClaimState: ClaimState = {
  phase: 'beginning',
  written: undefined,
  stays: 0,
  unseen: 0,
  tally: { scans: 0, writes: 0, rewrites: 0, lost: undefined },
};

/**
 * Takes one step.
 *
 * @throws `TypeError` when the event cannot follow the effect before it: a mistake in the driver.
 */
export function step(state: ClaimState, event: ClaimEvent, settings: ClaimSettings): ClaimStep {
  if (state.phase === 'beginning' && event.kind === 'begun') return begin(state, event, settings);
  if (state.phase === 'waiting' && event.kind === 'waited') return scan(state);
  if (state.phase === 'writing' && event.kind === 'written') return wrote(state, event, settings);
  if (state.phase === 'scanning' && event.kind === 'scanned') {
    return scanned({ ...state, tally: count(state.tally, 'scans') }, event.scan, settings);
  }
  throw new TypeError(`Expected no event "${event.kind}" while ${state.phase}.`);
}

/**
 * Rule 0: no scan before `settle` after this system booted, since an earlier one may still show a
 * name of an earlier life as this instance's own; none before the last write of an unfinished run
 * has landed or never will; and none that might not show what an earlier run has written.
 */
function begin(
  state: ClaimState,
  { uptimeMs, foundMark, sinceWriteMs }: Extract<ClaimEvent, { kind: 'begun' }>,
  { settleMs }: ClaimSettings,
): ClaimStep {
  const sinceMs = foundMark ? 0 : Math.min(uptimeMs ?? 0, sinceWriteMs ?? settleMs);
  const waitMs = Math.max(0, settleMs - sinceMs);
  // Hosts that boot in one moment would all scan in one moment too.
  const justBooted = uptimeMs !== undefined && uptimeMs < settleMs;
  if (justBooted) return wait(state, waitMs, waitMs + settleMs);
  return waitMs > 0 ? wait(state, waitMs) : scan(state);
}

function scanned(before: ClaimState, seen: Snapshot, settings: ClaimSettings): ClaimStep {
  const decision = decide(seen, before, settings);
  if (decision.kind === 'unseen') return unseen(before, decision.state, settings);
  const isLost = before.written !== undefined && !showsOwnWrite(seen, before, settings);
  const tally = isLost ? count(before.tally, 'rewrites') : before.tally;
  const state = { ...before, tally, unseen: 0 };
  if (decision.kind === 'held') return finishHeld(state, decision);
  if (decision.kind === 'taken') {
    return finish(state, { kind: 'name taken', by: decision.by, isAsked: decision.isAsked });
  }
  if (tally.scans >= settings.scanMax) {
    return finish(state, { kind: isLost ? 'own write not seen' : 'others were in the way' });
  }
  switch (decision.kind) {
    case 'hold':
      return write(state, decision.claim, decision.name);
    case 'ask': {
      const lost = decision.lost ?? tally.lost;
      return write({ ...state, stays: 0, tally: { ...tally, lost } }, decision.claim, undefined);
    }
    case 'stay': {
      const { settleMs } = settings;
      return wait({ ...state, stays: state.stays + 1 }, settleMs / 2, settleMs);
    }
  }
}

/** An instance in its first moments is not in every answer; nothing was decided or written. */
function unseen(
  state: ClaimState,
  seenAs: InstanceState | undefined,
  { settleMs, unseenMax }: ClaimSettings,
): ClaimStep {
  const next = { ...state, unseen: state.unseen + 1 };
  const dead = seenAs === 'shutting-down' || seenAs === 'terminated';
  if (dead || next.unseen >= unseenMax) {
    return finish(next, { kind: 'instance not seen', state: seenAs });
  }
  return wait(next, settleMs / 4, settleMs / 2);
}

/** Rules 3 and 5: a proposal settles; an acknowledged hold is final, an uncertain one is not. */
function wrote(
  state: ClaimState,
  { acknowledged }: Extract<ClaimEvent, { kind: 'written' }>,
  { settleMs }: ClaimSettings,
): ClaimStep {
  const next = { ...state, tally: count(state.tally, 'writes') };
  const { written } = state;
  if (acknowledged && written?.ask === undefined && written?.held !== undefined) {
    return finishHeld(next, { claim: written, name: written.held });
  }
  return wait(next, settleMs);
}

function scan(state: ClaimState): ClaimStep {
  return [{ ...state, phase: 'scanning' }, { kind: 'scan' }];
}

function wait(state: ClaimState, minMs: number, maxMs: number = minMs): ClaimStep {
  return [
    { ...state, phase: 'waiting' },
    { kind: 'wait', minMs, maxMs },
  ];
}

function write(state: ClaimState, claim: Claim, name: string | undefined): ClaimStep {
  return [
    { ...state, phase: 'writing', written: claim },
    { kind: 'write', claim, name },
  ];
}

function finishHeld(state: ClaimState, held: { claim: Claim; name: string }): ClaimStep {
  const { name } = held;
  const { generation } = held.claim;
  const outcome = { kind: 'held' as const, name, generation, tally: state.tally };
  return [
    { ...state, phase: 'finished' },
    { kind: 'finish', outcome },
  ];
}

function finish(state: ClaimState, why: Undecided): ClaimStep {
  const outcome = { kind: 'undecided' as const, why, tally: state.tally };
  return [
    { ...state, phase: 'finished' },
    { kind: 'finish', outcome },
  ];
}

function count(tally: ClaimTally, what: 'scans' | 'writes' | 'rewrites'): ClaimTally {
  return { ...tally, [what]: tally[what] + 1 };
}
