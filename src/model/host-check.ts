/**
 * What is wrong with a host, from what was seen on it: one table of checks, each by itself.
 *
 * A check that cannot be made, since one before it failed, is left out.
 */
import { isNametagError, type NametagError } from '../errors.ts';
import { type Check, ok } from './check.ts';
import { type CheckTerms, claimChecks } from './claim-check.ts';
import type { AttemptAnswer, PermissionCase } from './permission.ts';
import type { Snapshot } from './snapshot.ts';
import { tagChecks } from './tag-check.ts';
import { defaultVocabulary } from './tags.ts';

/** Something that was looked for, or why it was not found. */
export type Finding<T> =
  | { readonly kind: 'found'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: NametagError };

/** Everything that was seen on a host. */
export interface Observations {
  /** From the instance metadata service. */
  readonly metadata: Finding<{ readonly instanceId: string; readonly region: string }>;
  readonly region: Finding<{
    readonly region: string;
    /** The option, variable, file or service that it is from, for a person. */
    readonly from: string;
  }>;
  readonly credentials: Finding<{ readonly areTemporary: boolean }>;
  /** What was tried; empty without region or credentials. */
  readonly attempts: readonly {
    readonly permission: PermissionCase;
    readonly answer: AttemptAnswer;
  }[];
  /** Every living instance of the region; `undefined` when it was not asked for. */
  readonly snapshot: Finding<Snapshot> | undefined;
}

/** Judges what was seen; the order of the checks is always the same. */
export function toChecks(observations: Observations, terms: CheckTerms = {}): readonly Check[] {
  const { attempts } = observations;
  return [
    metadataCheck(observations),
    regionCheck(observations),
    credentialsCheck(observations),
    ...clockChecks(attempts.map(({ answer }) => answer)),
    ...attempts.map(({ permission, answer }) => permissionCheck(permission, answer)),
    ...instanceChecks(observations, terms),
  ];
}

function metadataCheck({ metadata }: Observations): Check {
  const name = 'metadata';
  if (metadata.kind === 'found') {
    return ok(name, `IMDSv2 answers: this is ${metadata.value.instanceId}`);
  }
  const { failure } = metadata;
  const check = problemOf(name, failure);
  const advice = 'Run this on the instance; only there can a name be claimed without an id.';
  if (isNametagError(failure, 'NAMETAG_NOT_ON_EC2')) return { ...check, advice };
  if (isNametagError(failure, 'NAMETAG_METADATA_DISABLED')) {
    return { ...check, advice: 'Unset `AWS_EC2_METADATA_DISABLED`.' };
  }
  return check;
}

function regionCheck({ region, metadata }: Observations): Check {
  const name = 'region';
  if (region.kind === 'failed') return problemOf(name, region.failure);
  const seen = `${region.value.region}, from ${region.value.from}`;
  if (metadata.kind === 'found' && metadata.value.region !== region.value.region) {
    return {
      name,
      verdict: 'warning',
      seen: `${seen}; this instance is in ${metadata.value.region}`,
      advice: `Set it to ${metadata.value.region}; a claim finds this instance nowhere else.`,
    };
  }
  return ok(name, seen);
}

function credentialsCheck({ credentials }: Observations): Check {
  const name = 'credentials';
  if (credentials.kind === 'failed') return problemOf(name, credentials.failure);
  // Only those of an instance profile carry the instance that iam-policy.json asks for, and all
  // of those end. Source: IAM User Guide, "Using an IAM role to grant permissions to applications".
  const seen = credentials.value.areTemporary ? 'found, temporary' : 'found, keys without an end';
  return ok(name, seen);
}

// AWS refuses a signature whose date is off by more than five minutes. Source: IAM User Guide,
// "AWS Signature Version 4". A minute is more than any machine with a time service is off.
const aheadMaxMs = 5 * 60_000;
const aheadWorthAWordMs = 60_000;

function clockChecks(answers: readonly AttemptAnswer[]): readonly Check[] {
  const aheadMs = answers.find((answer) => answer.aheadMs !== undefined)?.aheadMs;
  if (aheadMs === undefined) return [];
  const name = 'clock';
  const offMs = Math.abs(aheadMs);
  const side = aheadMs > 0 ? 'ahead of' : 'behind';
  // The date of an answer is in whole seconds, and the answer took its time.
  if (offMs < aheadWorthAWordMs) return [ok(name, `with EC2's, to ${Math.ceil(offMs / 1000)} s`)];
  return [
    {
      name,
      verdict: offMs < aheadMaxMs ? 'warning' : 'problem',
      seen: `${Math.round(offMs / 1000)} s ${side} EC2's`,
      advice: 'Set the clock by a time service; AWS refuses signatures 5 minutes off.',
    },
  ];
}

function permissionCheck({ name, isNeeded, advice }: PermissionCase, answer: AttemptAnswer): Check {
  if (answer.kind === 'unknown') {
    const told = problemOf(name, answer.failure);
    if (isNeeded) return told;
    const compare = "Compare the role's policies with iam-policy.json.";
    return { ...told, verdict: 'warning', seen: `not known: ${told.seen}`, advice: compare };
  }
  if ((answer.kind === 'allowed') === isNeeded) return ok(name, answer.kind);
  return { name, verdict: isNeeded ? 'problem' : 'warning', seen: answer.kind, advice };
}

function instanceChecks({ metadata, snapshot }: Observations, terms: CheckTerms): readonly Check[] {
  if (metadata.kind === 'failed' || snapshot === undefined) return [];
  const name = 'instance';
  if (snapshot.kind === 'failed') return [problemOf(name, snapshot.failure)];
  const { instanceId } = metadata.value;
  const self = snapshot.value.instances.find((instance) => instance.instanceId === instanceId);
  if (self === undefined) {
    const seen = `EC2 shows no living ${instanceId} in ${snapshot.value.region}`;
    const advice = 'Check the region; if it was launched just now, run this again.';
    return [{ name, verdict: 'problem', seen, advice }];
  }
  return [
    ok(name, `EC2 shows it as ${self.state} in ${self.availabilityZone ?? snapshot.value.region}`),
    ...tagChecks(self, terms.vocabulary ?? defaultVocabulary),
    ...claimChecks(self, snapshot.value, terms),
  ];
}

// Every failure is told as `Could not <verb> <object>: <fact>. <What to do next>.`
const failureSentences = /^Could not .+?: (.+)\. ([A-Z`].+)$/s;

function problemOf(name: string, { message }: NametagError): Check {
  const [, seen = message, advice] = failureSentences.exec(message) ?? [];
  return { name, verdict: 'problem', seen, advice };
}
