import { settleMsDefault } from './claim-name.ts';
import { NametagError } from './errors.ts';
import type { Instance } from './model/instance.ts';
import {
  bootMsOf,
  claimOf,
  defaultVocabulary,
  formatClaim,
  type Vocabulary,
} from './model/tags.ts';
import type { CallOptions, ClaimLock, Clock, Ec2 } from './ports.ts';

/** What {@link releaseName} needs of the world. */
export interface ReleasePorts {
  readonly ec2: Ec2;
  readonly clock: Clock;
  readonly lock: ClaimLock;
}

/** Whose name is released. */
export interface ReleaseRequest {
  readonly instanceId: string;
  /** As for a claim. @defaultValue `5000` */
  readonly settleMs?: number;
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary;
}

/** What was released: the names that were held or asked for; empty when there was none. */
export interface ReleaseOutcome {
  readonly released: readonly string[];
}

/**
 * Gives up the name that an instance holds or asks for.
 *
 * The claim is overwritten rather than deleted: `DeleteTags` would need a permission that can wipe
 * every tag. A `Name` that is the mirror of the claim is emptied, one that a person wrote is kept.
 * Aliases, which stand beside a name, go with it.
 *
 * @throws {@link NametagError} with code `NAMETAG_CLAIM_BUSY` or `NAMETAG_INSTANCE_NOT_FOUND`, or
 * as {@link Ec2} does. A failed write may still have been made; run it again.
 */
export async function releaseName(
  request: ReleaseRequest,
  ports: ReleasePorts,
  options: CallOptions = {},
): Promise<ReleaseOutcome> {
  const lock = await ports.lock.acquire(request.instanceId);
  try {
    // What an earlier run wrote may still be made, or not be in an answer yet. That run may have
    // been killed, by a reboot too, which takes the mark; or its write was sent twice.
    await ports.clock.wait(request.settleMs ?? settleMsDefault, options);
    const plan = await planRelease(request, ports.ec2, options);
    if (plan === undefined) {
      if (lock.foundMark) await lock.clearMark();
      return { released: [] };
    }
    await lock.mark();
    await ports.ec2.createTags(request.instanceId, plan.tags, options);
    await lock.clearMark();
    return { released: plan.names };
  } finally {
    await lock.release();
  }
}

interface ReleasePlan {
  readonly tags: ReadonlyMap<string, string>;
  readonly names: readonly string[];
}

async function planRelease(
  { instanceId, vocabulary = defaultVocabulary }: ReleaseRequest,
  ec2: Ec2,
  options: CallOptions,
): Promise<ReleasePlan | undefined> {
  const { instances, region } = await ec2.describeInstances(
    [{ instanceIds: [instanceId] }],
    options,
  );
  const self = instances.find((instance) => instance.instanceId === instanceId);
  if (self === undefined) {
    const doing = `release the name of ${instanceId}`;
    throw new NametagError('NAMETAG_INSTANCE_NOT_FOUND', { doing, region, instanceId });
  }
  return toReleasePlan(self, vocabulary);
}

function toReleasePlan(self: Instance, vocabulary: Vocabulary): ReleasePlan | undefined {
  const state = claimOf(self, vocabulary);
  if (!('claim' in state)) return undefined;
  const names = [state.claim.held, state.claim.ask].filter((name) => name !== undefined);
  if (names.length === 0) return undefined;
  const { held, generation, seen } = state.claim;
  const own = held !== undefined && generation !== undefined;
  const released = {
    held: undefined,
    ask: undefined,
    bootMs: bootMsOf(self),
    generation: undefined,
    next: undefined,
    // Whoever holds the name next must know which generation to be above.
    seen: own ? { name: held, number: generation } : seen,
  };
  const tags = new Map([[vocabulary.claimKey, formatClaim(released)]]);
  if (self.tags.get(vocabulary.aliasesKey)) tags.set(vocabulary.aliasesKey, '');
  const mirror = self.tags.get(vocabulary.nameKey);
  if (mirror !== undefined && names.includes(mirror)) tags.set(vocabulary.nameKey, '');
  return { tags, names };
}
