import {
  type AliasPlan,
  type AliasTerms,
  planAliases,
  toAliasQueries,
} from './claim/alias-plan.ts';
import { type ClaimPorts, settleMsDefault } from './claim-name.ts';
import { NametagError } from './errors.ts';
import type { AliasOmission } from './model/alias.ts';
import { defaultVocabulary, type Vocabulary } from './model/tags.ts';
import type { CallOptions } from './ports.ts';

/** Which aliases an instance that holds a name is to have. */
export interface AliasRequest {
  readonly instanceId: string;
  /** All of them, as `parseAliasList` gives them: others that it has claimed are given up. */
  readonly aliases: readonly string[];
  /** As for a claim. @defaultValue `5000` */
  readonly settleMs?: number;
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary;
}

/** Which aliases an instance has now. */
export interface AliasOutcome {
  /** In the order of names. */
  readonly held: readonly string[];
  /** Those that it claims and does not have: another claimed it later, or has it as a name. */
  readonly omitted: readonly AliasOmission[];
  /** Whether anything was written. */
  readonly written: boolean;
}

// An instance that has just claimed its name is in nearly every answer.
const scanMax = 10;

/**
 * Claims aliases for an instance that holds a name. To be run after `claimName`, which waits until
 * what earlier runs wrote is to be seen.
 *
 * The newest claimant has an alias, and every reader finds the same one. An alias that was claimed
 * here and that another has taken over since is not taken back: two hosts that run this from time
 * to time would rob each other for ever. Run again by the holder it writes nothing.
 *
 * @throws {@link NametagError} with code `NAMETAG_CLAIM_BUSY`, `NAMETAG_INSTANCE_NOT_FOUND`, or as
 * {@link ClaimPorts.ec2} does. A failed write may still have been made; run it again.
 */
export async function claimAliases(
  request: AliasRequest,
  ports: ClaimPorts,
  options: CallOptions = {},
): Promise<AliasOutcome> {
  const { instanceId, settleMs = settleMsDefault, vocabulary = defaultVocabulary } = request;
  const lock = await ports.lock.acquire(instanceId);
  try {
    // The last write of a run that was killed may still land, over this one.
    if (lock.foundMark) await ports.clock.wait(settleMs, options);
    const { aliases } = request;
    const plan = await scanForPlan({ instanceId, aliases, vocabulary }, settleMs, ports, options);
    const { value, held, omitted } = plan;
    if (value !== undefined) {
      await lock.mark();
      const tags = new Map([[vocabulary.aliasesKey, value]]);
      await ports.ec2.createTags(instanceId, tags, options);
    }
    if (value !== undefined || lock.foundMark) await lock.clearMark();
    return { held, omitted, written: value !== undefined };
  } finally {
    await lock.release();
  }
}

async function scanForPlan(
  terms: AliasTerms,
  settleMs: number,
  { ec2, clock }: ClaimPorts,
  options: CallOptions,
): Promise<AliasPlan> {
  for (let scans = 1; ; scans++) {
    const plan = planAliases(await ec2.describeInstances(toAliasQueries(terms), options), terms);
    if (plan !== undefined) return plan;
    if (scans >= scanMax) break;
    await clock.wait(settleMs / 4, options);
  }
  const { instanceId } = terms;
  const doing = 'claim aliases';
  throw new NametagError('NAMETAG_INSTANCE_NOT_FOUND', { doing, region: ec2.region, instanceId });
}
