/**
 * What a process does: the protocol's own `step`, and beside it the steps of a release, both as
 * tables of numbers that are filled in as they are needed.
 */
import type {
  ClaimEvent,
  ClaimSettings,
  ClaimState,
  ClaimStep,
} from '../../../src/claim/protocol.ts';
import type { Instance } from '../../../src/model/instance.ts';
import { parseName } from '../../../src/model/name.ts';
import { parseSeries, type Series, type ServiceType } from '../../../src/model/series.ts';
import { toSnapshot } from '../../../src/model/snapshot.ts';
import { type Claim, defaultVocabulary, formatClaim, parseClaim } from '../../../src/model/tags.ts';
import { instance as makeInstance } from '../../helpers/instances.ts';
import { isRunning, lifeNumber, unknownLife } from './register.ts';
import {
  type ReleaseState,
  releaseBegun,
  releaseRead,
  releaseWaited,
  releaseWritten,
} from './release.ts';
import { createInterner } from './state-store.ts';

/** The protocol under search: the one that ships, or one with a rule taken out. */
export interface Protocol {
  readonly step: (state: ClaimState, event: ClaimEvent, settings: ClaimSettings) => ClaimStep;
  readonly initialClaimState: ClaimState;
}

/** What one run of a program is for: a name of this service, or none any more. */
export type Command =
  | {
      readonly claim: string;
      /** The series has a master, and `first` is to be it. */
      readonly masterful?: 'lowest' | 'first';
    }
  | 'release';

export type Effect =
  | { readonly kind: 'scan' }
  | { readonly kind: 'wait'; readonly long: boolean }
  | { readonly kind: 'write'; readonly claim: number; readonly name: number }
  | {
      readonly kind: 'finish';
      /** The name that the run says is held, as a number; 0 for none. */
      readonly held: number;
      /** Whether the mark, if there is one, is taken away. */
      readonly clearsMark: boolean;
    };

/** A process after a step: where it stands, as a number, and what it does next. */
export interface Move {
  readonly to: number;
  readonly effect: Effect;
  /** What it saw, for a trace. */
  readonly seen: string;
}

/** What a describe may show of one instance: sets of bits, by the values of a register. */
export interface Candidates {
  readonly life: number;
  readonly claim: number;
  readonly name: number;
  /** Whether a request to be the master may be shown too. */
  readonly wants: boolean;
}

/** What the lock and the system know when a run begins. */
export interface Beginning {
  readonly uptimeMs: number | undefined;
  readonly foundMark: boolean;
  readonly sinceWriteMs: number | undefined;
}

export interface Limits {
  readonly stayMax: number;
  readonly unseenMax: number;
  /** `undefined`: a run makes as many scans as it takes, and never gives up. */
  readonly scanMax?: number | undefined;
}

export interface Machine {
  readonly begin: (who: number, command: Command, beginning: Beginning) => Move;
  readonly waited: (at: number) => Move;
  readonly written: (at: number, acknowledged: boolean) => Move;
  /** Every move that some outcome of a scan leads to, each once. */
  readonly scanned: (at: number, candidates: readonly Candidates[]) => readonly Move[];
  readonly claimNumber: (text: string) => number;
  readonly nameNumber: (text: string) => number;
  readonly claimText: (number: number) => string;
  readonly nameText: (number: number) => string;
  /** The number of the name that this claim holds in this life; 0 for none. */
  readonly heldIn: (claim: number, life: number) => number;
}

export const settleMs = 1000;

export function launchTimeMsOf(life: number): number {
  return Date.UTC(2026, 10, 20, 12, 0, life);
}

type At =
  | { readonly who: number; readonly command: Command; readonly claim: ClaimState }
  | { readonly who: number; readonly release: ReleaseState };

export function seriesOf(service: string, type: ServiceType = 'iterative'): Series {
  const parsed = parseSeries(service, type);
  if (parsed.kind === 'refused') throw new TypeError(parsed.reason);
  return parsed.series;
}

export function instanceIdOf(who: number): string {
  return `i-${'abcdefgh'[who]}`;
}

export function createMachine(protocol: Protocol, limits: Limits): Machine {
  const places = createInterner<At>((at) => JSON.stringify(at));
  const claims = createInterner<string>((text) => text);
  const names = createInterner<string>((text) => text);
  claims.numberOf('');
  names.numberOf('');
  const scans = new Map<string, readonly Move[]>();
  const reads = new Map<string, { readonly move: Move; readonly key: string }>();
  const steps = new Map<string, Move>();
  const held = new Map<number, number>();

  const settingsOf = (
    who: number,
    { claim, masterful }: Exclude<Command, 'release'>,
  ): ClaimSettings => ({
    instanceId: instanceIdOf(who),
    series: seriesOf(claim, masterful === undefined ? 'iterative' : 'masterful'),
    goal: masterful ?? 'lowest',
    vocabulary: defaultVocabulary,
    reserveStopped: false,
    settleMs,
    stayMax: limits.stayMax,
    scanMax: limits.scanMax ?? Number.POSITIVE_INFINITY,
    unseenMax: limits.unseenMax,
  });
  const claimNumber = (text: string): number => limited(claims.numberOf(text));
  const nameNumber = (text: string): number => limited(names.numberOf(text));

  const claimMove = (
    { who, command, claim }: Extract<At, { claim: ClaimState }>,
    event: ClaimEvent,
    seen: string,
  ): Move => {
    if (command === 'release') throw new TypeError('Expected a claim.');
    const [state, effect] = protocol.step(claim, event, settingsOf(who, command));
    const to = places.numberOf({ who, command, claim: withoutTallies(state, limits) });
    switch (effect.kind) {
      case 'scan':
        return { to, effect, seen };
      case 'wait':
        return { to, effect: { kind: 'wait', long: effect.minMs >= settleMs }, seen };
      case 'write': {
        const text = formatClaim(withoutGeneration(effect.claim));
        const name = effect.name === undefined ? -1 : nameNumber(effect.name);
        return { to, effect: { kind: 'write', claim: claimNumber(text), name }, seen };
      }
      case 'finish': {
        const { outcome } = effect;
        const held = outcome.kind === 'held' ? nameNumber(outcome.name) : 0;
        return { to, effect: { kind: 'finish', held, clearsMark: true }, seen };
      }
    }
  };
  const releaseMove = (
    who: number,
    [release, act]: ReturnType<typeof releaseBegun>,
    seen: string,
  ): Move => {
    const to = places.numberOf({ who, release });
    if (act.kind !== 'write') return { to, effect: act, seen };
    const claim = claimNumber(act.claim);
    return {
      to,
      effect: { kind: 'write', claim, name: act.name === undefined ? -1 : nameNumber(act.name) },
      seen,
    };
  };
  const once = (key: string, move: () => Move): Move => {
    const known = steps.get(key) ?? move();
    steps.set(key, known);
    return known;
  };
  const describe = (who: number, record: number): Instance | undefined => {
    const life = record & 0xff;
    if (life === unknownLife) return undefined;
    const claim = claims.valueOf((record >> 8) & 0xff);
    const name = names.valueOf((record >> 16) & 0xff);
    const wants = record >> 24 === 1;
    return makeInstance({
      instanceId: instanceIdOf(who),
      state: isRunning(life) ? 'running' : 'stopped',
      launchTimeMs: launchTimeMsOf(lifeNumber(life)),
      tags: new Map([
        ...(claim === '' ? [] : [[defaultVocabulary.claimKey, claim] as const]),
        ...(name === '' ? [] : [[defaultVocabulary.nameKey, name] as const]),
        ...(wants ? [[defaultVocabulary.wantsKey, 'db-master 1'] as const] : []),
      ]),
    });
  };
  const read = (number: number, instances: readonly (Instance | undefined)[]): Move => {
    const at = places.valueOf(number);
    const shown = instances.filter((i) => i !== undefined);
    const seen = shown.map(describeSeen).join(', ');
    return 'release' in at
      ? releaseMove(at.who, releaseRead(shown[0]), seen)
      : claimMove(at, { kind: 'scanned', scan: toSnapshot('eu-west-1', 0, shown) }, seen);
  };
  const readAll = (number: number, candidates: readonly Candidates[]): readonly Move[] => {
    const at = places.valueOf(number);
    const moves = new Map<string, Move>();
    const choices = candidates.map((one, who) =>
      'release' in at && who !== at.who ? [0] : recordsOf(one, who === at.who),
    );
    for (const records of product(choices)) {
      const key = `${number}|${records.join()}`;
      let known = reads.get(key);
      if (known === undefined) {
        const move = read(
          number,
          records.map((record, who) => describe(who, record)),
        );
        known = { move, key: JSON.stringify([move.to, move.effect]) };
        reads.set(key, known);
      }
      if (!moves.has(known.key)) moves.set(known.key, known.move);
    }
    return [...moves.values()];
  };

  return {
    begin: (who, command, beginning) =>
      command === 'release'
        ? releaseMove(who, releaseBegun(), '')
        : once(`begin ${who} ${JSON.stringify([command, beginning])}`, () =>
            claimMove(
              { who, command, claim: protocol.initialClaimState },
              { kind: 'begun', ...beginning },
              '',
            ),
          ),
    waited: (number) =>
      once(`waited ${number}`, () => {
        const at = places.valueOf(number);
        return 'release' in at
          ? releaseMove(at.who, releaseWaited(), '')
          : claimMove(at, { kind: 'waited' }, '');
      }),
    written: (number, acknowledged) =>
      once(`written ${number} ${acknowledged}`, () => {
        const at = places.valueOf(number);
        return 'release' in at
          ? releaseMove(at.who, releaseWritten(acknowledged), '')
          : claimMove(at, { kind: 'written', acknowledged }, '');
      }),
    scanned: (number, candidates) => {
      const key = `${number}|${candidates.map(candidatesKey).join()}`;
      const known = scans.get(key) ?? readAll(number, candidates);
      scans.set(key, known);
      return known;
    },
    claimNumber,
    nameNumber,
    claimText: claims.valueOf,
    nameText: names.valueOf,
    heldIn: (claim, life) => {
      const key = claim * 256 + life;
      const known = held.get(key);
      if (known !== undefined) return known;
      const parsed = parseClaim(claims.valueOf(claim));
      const isHeld = parsed?.held !== undefined && parsed.bootMs === launchTimeMsOf(life);
      held.set(key, isHeld ? nameNumber(parsed.held) : 0);
      return held.get(key) ?? 0;
    },
  };
}

function limited(number: number): number {
  if (number > 30) throw new TypeError('Expected no more than 31 values of a tag.');
  return number;
}

function bitsOf(set: number): readonly number[] {
  const bits: number[] = [];
  for (let bit = 0; set >> bit !== 0; bit += 1) if (((set >> bit) & 1) === 1) bits.push(bit);
  return bits;
}

/** Every record of an instance that may be shown, as a number; of another one, if dead, one. */
function recordsOf({ life, claim, name, wants }: Candidates, isOwn: boolean): readonly number[] {
  const records = new Set<number>();
  for (const l of bitsOf(life)) {
    if (l === unknownLife || (!isRunning(l) && !isOwn)) {
      records.add(unknownLife);
      continue;
    }
    for (const c of bitsOf(claim)) {
      for (const n of bitsOf(name)) {
        const record = l | (c << 8) | (n << 16);
        records.add(record);
        if (wants) records.add(record | (1 << 24));
      }
    }
  }
  return [...records];
}

function product(choices: readonly (readonly number[])[]): readonly number[][] {
  return choices.reduce<readonly number[][]>(
    (rows, values) => rows.flatMap((row) => values.map((value) => [...row, value])),
    [[]],
  );
}

/**
 * A generation that was held is not looked at by a decision on names but through `next`, which
 * stays, and would make two equal states differ.
 */
function withoutGeneration(claim: Claim): Claim {
  return { ...claim, generation: undefined, seen: undefined };
}

/** Counts that are only reported are left out, so that any number of rounds is a finite search. */
function withoutTallies(state: ClaimState, { scanMax }: Limits): ClaimState {
  const scans = scanMax === undefined ? 0 : state.tally.scans;
  return {
    ...state,
    written: state.written === undefined ? undefined : withoutGeneration(state.written),
    tally: { scans, writes: 0, rewrites: 0, lost: undefined },
  };
}

export function candidatesKey({ life, claim, name, wants }: Candidates): string {
  return `${life}.${claim}.${name}.${wants}`;
}

function describeSeen(instance: Instance): string {
  const claim = instance.tags.get(defaultVocabulary.claimKey) ?? '';
  const name = parseName(instance.tags.get(defaultVocabulary.nameKey) ?? '');
  const life = new Date(instance.launchTimeMs).getUTCSeconds();
  const named = name.kind === 'name' ? ` Name=${name.name}` : '';
  const wants = instance.tags.has(defaultVocabulary.wantsKey) ? ' wants db-master' : '';
  const who = `${instance.instanceId} ${instance.state}`;
  return `${who} life ${life} [${shortClaim(claim)}]${named}${wants}`;
}

/** A claim with its boot as the number of a life. */
export function shortClaim(text: string): string {
  return text.replace(/boot=2026-11-20T12:00:0(\d)Z/, 'boot=$1');
}
