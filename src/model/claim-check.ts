import { type Check, ok } from './check.ts';
import { ownNameOf, toDirectory } from './directory.ts';
import type { Instance } from './instance.ts';
import type { Snapshot } from './snapshot.ts';
import { bootMsOf, type Claim, claimOf, defaultVocabulary, type Vocabulary } from './tags.ts';

const claimAgain = 'Run `nametag claim-name` again; it goes on from the tags.';

/** By which words a host is judged, and among whom. */
export interface CheckTerms {
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary | undefined;
  /**
   * Where names are unique: the `web-0` of another VPC is a conflict in the region only.
   *
   * @defaultValue `'region'`
   */
  readonly scope?: 'region' | 'vpc' | undefined;
}

/** Judges what an instance says of its name, alone and among the others. */
export function claimChecks(
  self: Instance,
  snapshot: Snapshot,
  { vocabulary = defaultVocabulary, scope = 'region' }: CheckTerms = {},
): readonly Check[] {
  return [
    claimCheck(self, vocabulary),
    ...mirrorChecks(self, vocabulary),
    ...conflictChecks(self, snapshot, { vocabulary, scope }),
  ];
}

const name = 'claim';

function claimCheck(self: Instance, vocabulary: Vocabulary): Check {
  const state = claimOf(self, vocabulary);
  switch (state.kind) {
    case 'none':
      return unclaimedCheck(self, vocabulary);
    case 'valid':
      return validCheck(state.claim);
    case 'earlier-life': {
      const claimed = state.claim.held ?? state.claim.ask ?? 'no name';
      const since = new Date(bootMsOf(self)).toISOString();
      const seen = `a claim of ${claimed} from before the start at ${since}`;
      return { name, verdict: 'warning', seen, advice: claimAgain };
    }
    case 'malformed':
      return {
        name,
        verdict: 'problem',
        seen: `${vocabulary.claimKey} cannot be read: ${state.text}`,
        advice: 'Run `nametag claim-name` again, which writes it anew.',
      };
  }
}

function unclaimedCheck(self: Instance, vocabulary: Vocabulary): Check {
  const own = ownNameOf(self, { vocabulary });
  if (own.kind !== 'none') {
    return ok(name, `no claim; called ${own.name} by its tag ${vocabulary.nameKey}`);
  }
  if (own.reason !== 'name refused') return ok(name, 'no claim and no name');
  return {
    name,
    verdict: 'warning',
    seen: `no claim, and the tag is not used as a name: ${own.seen}`,
    advice: `Set ${vocabulary.nameKey} to a host name without dots, or claim a name.`,
  };
}

function validCheck({ held, ask, generation }: Claim): Check {
  const holds = `holds ${held}${generation === undefined ? '' : `, generation ${generation}`}`;
  if (ask !== undefined) {
    const seen = held === undefined ? `asks for ${ask}` : `${holds}; asks for ${ask}`;
    return { name, verdict: 'warning', seen, advice: claimAgain };
  }
  return ok(name, held === undefined ? 'its name was released' : holds);
}

function mirrorChecks(self: Instance, vocabulary: Vocabulary): readonly Check[] {
  const own = ownNameOf(self, { vocabulary });
  if (own.kind !== 'held') return [];
  const name = 'name-tag';
  const text = self.tags.get(vocabulary.nameKey);
  if (text === own.name) return [ok(name, `${vocabulary.nameKey} is ${text}`)];
  return [
    {
      name,
      verdict: 'warning',
      seen: `${vocabulary.nameKey} is ${text ?? 'not set'}; ${own.name} is held`,
      advice: `Set ${vocabulary.nameKey} to ${own.name}; the claim is what counts.`,
    },
  ];
}

function conflictChecks(
  self: Instance,
  snapshot: Snapshot,
  { vocabulary, scope }: Required<CheckTerms>,
): readonly Check[] {
  const { instanceId, vpcId } = self;
  const name = 'conflict';
  const own = ownNameOf(self, { vocabulary });
  if (own.kind === 'none') return [];
  const inVpc = scope === 'vpc';
  const instances = snapshot.instances.filter((other) => !inVpc || other.vpcId === vpcId);
  const { conflicts } = toDirectory({ ...snapshot, instances }, { vocabulary });
  const conflict = conflicts.find((found) => found.name === own.name);
  if (conflict === undefined) {
    return [ok(name, `nobody else${inVpc ? ' in its VPC' : ''} says ${own.name}`)];
  }
  const { winner, losers } = conflict;
  const others = [winner, ...losers].filter((id) => id !== instanceId).join(' and ');
  const seen = `${own.name} is said by ${others} too; ${winner} has it`;
  return winner === instanceId
    ? [{ name, verdict: 'warning', seen, advice: `Run \`nametag claim-name\` on ${others}.` }]
    : [{ name, verdict: 'problem', seen, advice: 'Run `nametag claim-name` here for another.' }];
}
