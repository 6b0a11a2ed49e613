/**
 * The steps of a release as a machine: it waits until no earlier write can still be made, looks,
 * and writes over what it finds.
 */
import type { Instance } from '../../../src/model/instance.ts';
import { bootMsOf, claimOf, defaultVocabulary, formatClaim } from '../../../src/model/tags.ts';

export type ReleaseState = 'waiting' | 'reading' | 'writing' | 'finished';

export type ReleaseAct =
  | { readonly kind: 'scan' }
  | { readonly kind: 'wait'; readonly long: true }
  | { readonly kind: 'write'; readonly claim: string; readonly name: string | undefined }
  | { readonly kind: 'finish'; readonly held: 0; readonly clearsMark: boolean };

type ReleaseStep = readonly [ReleaseState, ReleaseAct];

export function releaseBegun(): ReleaseStep {
  return ['waiting', { kind: 'wait', long: true }];
}

export function releaseWaited(): ReleaseStep {
  return ['reading', { kind: 'scan' }];
}

/** @param self the instance as the scan shows it; `undefined` ends the run with an error. */
export function releaseRead(self: Instance | undefined): ReleaseStep {
  const write = self === undefined ? undefined : toWrite(self);
  return write === undefined
    ? ['finished', { kind: 'finish', held: 0, clearsMark: self !== undefined }]
    : ['writing', write];
}

/** A write of unknown outcome ends the run with an error, and the mark stays. */
export function releaseWritten(acknowledged: boolean): ReleaseStep {
  return ['finished', { kind: 'finish', held: 0, clearsMark: acknowledged }];
}

function toWrite(self: Instance): ReleaseAct | undefined {
  const state = claimOf(self, defaultVocabulary);
  if (!('claim' in state)) return undefined;
  const names = [state.claim.held, state.claim.ask].filter((name) => name !== undefined);
  if (names.length === 0) return undefined;
  const nothing = { held: undefined, ask: undefined, generation: undefined };
  const unknown = { next: undefined, seen: undefined };
  const mirror = self.tags.get(defaultVocabulary.nameKey);
  return {
    kind: 'write',
    claim: formatClaim({ ...nothing, ...unknown, bootMs: bootMsOf(self) }),
    name: mirror !== undefined && names.includes(mirror) ? '' : undefined,
  };
}
