/**
 * What a claimant does next, from one scan alone.
 *
 * The rules and the argument why two instances never hold one name are in docs/claims.md.
 */
import { comparePrecedence, type Instance, isAlive } from '../model/instance.ts';
import { parseName } from '../model/name.ts';
import { nameAt, rankOf, type Series } from '../model/series.ts';
import type { Snapshot } from '../model/snapshot.ts';
import {
  bootMsOf,
  type Claim,
  claimOf,
  formatClaim,
  generationMax,
  type Vocabulary,
  wantsOf,
} from '../model/tags.ts';
import { knownGeneration, nextGeneration } from './generation.ts';
import { type Occupation, occupationOf, seat } from './seating.ts';

/** What stays the same through one run of the protocol. */
export interface ClaimTerms {
  readonly instanceId: string;
  readonly series: Series;
  readonly vocabulary: Vocabulary;
  /** Whether a stopped instance keeps its name. */
  readonly reserveStopped: boolean;
  /** How often to wait for others to give way before asking for another name. */
  readonly stayMax: number;
  /** The lowest free name, or the first of the series and no other. @defaultValue `lowest` */
  readonly goal?: 'lowest' | 'first';
}

/** What this run knows of itself when it decides. */
export interface OwnClaim {
  /** What it last wrote, at least `settle` before the scan began; `undefined` if nothing yet. */
  readonly written: Claim | undefined;
  /** How often it has stayed with this proposal. */
  readonly stays: number;
}

/** The next move. */
export type Decision =
  /** The name is this instance's already: write nothing. */
  | { readonly kind: 'held'; readonly claim: Claim; readonly name: string }
  /** Write that the name is held. */
  | { readonly kind: 'hold'; readonly claim: Claim; readonly name: string }
  /** Propose a name. `lost` is a name that was held twice and that another keeps. */
  | { readonly kind: 'ask'; readonly claim: Claim; readonly lost: string | undefined }
  /** Keep the proposal and wait a little for the others to give way. */
  | { readonly kind: 'stay' }
  /** Only the first name would do, and another instance has it, or only asks for it too. */
  | {
      readonly kind: 'taken';
      readonly name: string;
      readonly by: string;
      readonly isAsked: boolean;
    }
  /** The scan does not show this instance, or shows it in a state it cannot be in. */
  | { readonly kind: 'unseen'; readonly state: Instance['state'] | undefined };

/** Decides from a scan that began at least `settle` after this instance's last write. */
export function decide(scan: Snapshot, own: OwnClaim, terms: ClaimTerms): Decision {
  const self = scan.instances.find((instance) => instance.instanceId === terms.instanceId);
  if (self === undefined || !isAlive(self)) return { kind: 'unseen', state: self?.state };
  const others = scan.instances.flatMap((instance) =>
    instance === self ? [] : (occupationOf(instance, terms) ?? []),
  );
  const view: View = { scan, self, others, terms };
  const state = claimOf(self, terms.vocabulary);
  return state.kind === 'valid' && showsOwnWrite(scan, own, terms)
    ? weigh(view, state.claim, own.stays)
    : begin(view);
}

/** Tells whether the scan shows what this run last wrote, and nothing else in its place. */
export function showsOwnWrite(scan: Snapshot, { written }: OwnClaim, terms: ClaimTerms): boolean {
  const self = scan.instances.find((instance) => instance.instanceId === terms.instanceId);
  const text = self?.tags.get(terms.vocabulary.claimKey);
  return written !== undefined && text === formatClaim(written);
}

interface View {
  readonly scan: Snapshot;
  readonly self: Instance;
  readonly others: readonly Occupation[];
  readonly terms: ClaimTerms;
}

/**
 * The first decision of a run, and any for which its last write is not to be seen: that was lost or
 * written over, or the instance has been started again. Nothing of this run can still be made, so
 * it goes on from the tags, whoever wrote them; but holds nothing that it has not let settle.
 */
function begin(view: View): Decision {
  const { self, terms } = view;
  const state = claimOf(self, terms.vocabulary);
  if (state.kind !== 'valid') return ask(view, { proposal: formerName(view) });
  const { claim } = state;
  const { held, ask: asked } = claim;
  const stepsDown = held !== undefined && isWantedByAnother(view, held, claim.generation);
  if (asked !== undefined && isOfSeries(terms, asked)) {
    // The one that asked it to step down is gone: then it keeps the name.
    if (held === nameAt(terms.series, 0) && !stepsDown) return holdOn(claim, held);
    return ask(view, { keep: claim, proposal: asked });
  }
  if (held === undefined || !isOfSeries(terms, held)) return ask(view, { keep: claim });
  if (earlierHolder(view, held)) return ask(view, { lost: held });
  if (stepsDown || !isGoal(terms, held)) return ask(view, { keep: claim });
  return { kind: 'held', claim, name: held };
}

/** Goes back from a move to another name: writes that the held one is held, and nothing else. */
function holdOn(claim: Claim, name: string): Decision {
  return { kind: 'hold', claim: { ...claim, ask: undefined }, name };
}

/**
 * Tells whether another living instance asks for the first name with a higher generation than this
 * holder's: then the holder moves to a follower's name, and the write that holds that lets go.
 */
function isWantedByAnother(
  { scan, self, terms }: View,
  held: string,
  generation: number | undefined,
): boolean {
  if (held !== nameAt(terms.series, 0)) return false;
  return scan.instances.some((other) => {
    const wants = other === self ? undefined : wantsOf(other, terms.vocabulary);
    return isAlive(other) && wants?.name === held && wants.generation > (generation ?? 0);
  });
}

function isGoal({ series, goal = 'lowest' }: ClaimTerms, name: string): boolean {
  return goal === 'lowest' || name === nameAt(series, 0);
}

/** What to do with what this run wrote, which every scan shows by now. */
function weigh(view: View, claim: Claim, stays: number): Decision {
  const { self, others, terms } = view;
  const proposal = claim.ask;
  if (proposal === undefined) {
    return claim.held === undefined ? begin(view) : { kind: 'held', claim, name: claim.held };
  }
  if (others.some((other) => other.taken.includes(proposal))) return ask(view, { keep: claim });
  const rivals = others.filter((other) => other.ask === proposal);
  const [rival] = rivals;
  if (rival === undefined) return hold(view, proposal, claim);
  // Coming first is no reason to hold: a rival may have decided before it could see this claim.
  const first = rivals.every((rival) => comparePrecedence(self, rival.instance) < 0);
  const mayStay = stays < terms.stayMax;
  if (terms.goal === 'first') {
    // There is no other name to ask for: one of the rivals gives way, or holds it.
    const by = rival.instance.instanceId;
    return mayStay ? { kind: 'stay' } : { kind: 'taken', name: proposal, by, isAsked: true };
  }
  if (!first) return ask(view, { keep: claim, proposal });
  return mayStay ? { kind: 'stay' } : ask(view, { keep: claim });
}

interface AskOptions {
  /** The claim whose held name this instance keeps until it holds the next one. */
  readonly keep?: Claim;
  readonly proposal?: string | undefined;
  readonly lost?: string | undefined;
}

function ask(view: View, options: AskOptions): Decision {
  const { self, others, terms } = view;
  const { keep, lost } = options;
  const first = nameAt(terms.series, 0);
  if (terms.goal === 'first') {
    const holder = others.find((other) => other.taken.includes(first));
    if (holder !== undefined) {
      return { kind: 'taken', name: first, by: holder.instance.instanceId, isAsked: false };
    }
  }
  const name = terms.goal === 'first' ? first : findSeat(view, options);
  const { held, generation } = keep ?? {};
  const { instances, takenAtMs } = view.scan;
  const next = name === first ? nextGeneration(instances, takenAtMs, terms) : undefined;
  const claim = { held, ask: name, bootMs: bootMsOf(self), generation, next };
  return { kind: 'ask', claim: { ...claim, seen: seenFor(view, claim) }, lost };
}

/** Which generation a claim tells others of: the highest that is known, if not its own. */
function seenFor(
  { scan, terms }: View,
  { held, generation = 0 }: Pick<Claim, 'held' | 'generation'>,
): Claim['seen'] {
  const name = nameAt(terms.series, 0);
  const number = knownGeneration(scan.instances, terms);
  return number > (held === name ? generation : 0) ? { name, number } : undefined;
}

function findSeat({ self, others, terms }: View, { keep, proposal }: AskOptions): string {
  const taken = new Set(others.flatMap((other) => other.taken));
  // A name that this instance moves away from is not one to move to.
  if (keep?.held !== undefined) taken.add(keep.held);
  const askers = others
    .filter((other) => other.ask !== undefined && isOfSeries(terms, other.ask))
    .map((other) => ({
      instance: other.instance,
      proposal: other.ask,
      // Its claim may be seen late beside its name: it does not need another seat.
      seated: other.taken.some((name) => isOfSeries(terms, name)),
    }));
  askers.push({ instance: self, proposal, seated: false });
  return seat(terms.series, taken, askers, self.instanceId);
}

/**
 * A name of rank 0 is held with the generation that was asked for with it, which everybody can see
 * by now, or it is asked for again: whoever finds the name free later, and perhaps does not see yet
 * that it was held, has seen the proposal and goes above that.
 */
function hold(view: View, name: string, asked: Claim): Decision {
  const { scan, self, terms } = view;
  const claim = { held: name, ask: undefined, bootMs: bootMsOf(self), next: undefined };
  if (rankOf(terms.series, name) !== 0) {
    const seen = seenFor(view, { held: name, generation: undefined });
    return { kind: 'hold', claim: { ...claim, generation: undefined, seen }, name };
  }
  const generation = asked.next ?? 0;
  const isAbove = generation > knownGeneration(scan.instances, terms);
  if (!isAbove && generation < generationMax) return ask(view, { keep: asked, proposal: name });
  return { kind: 'hold', claim: { ...claim, generation, seen: undefined }, name };
}

function isOfSeries({ series }: ClaimTerms, name: string): boolean {
  return rankOf(series, name) !== undefined;
}

/** The name to ask for first, if it is still free: the one of an earlier life, or set by hand. */
function formerName({ self, terms }: View): string | undefined {
  const state = claimOf(self, terms.vocabulary);
  const tagged = parseName(self.tags.get(terms.vocabulary.nameKey) ?? '');
  const candidates =
    state.kind === 'earlier-life'
      ? [state.claim.held, state.claim.ask]
      : [tagged.kind === 'name' ? tagged.name : undefined];
  return candidates.find((name) => name !== undefined && isOfSeries(terms, name));
}

/** Tells whether another instance holds the same name and comes first. */
function earlierHolder({ self, others, terms }: View, name: string): boolean {
  return others.some((other) => {
    const state = claimOf(other.instance, terms.vocabulary);
    return (
      state.kind === 'valid' &&
      state.claim.held === name &&
      comparePrecedence(other.instance, self) < 0
    );
  });
}
