import { NametagError } from '../../errors.ts';
import { explain, type Subject } from '../../explain.ts';
import { isLabel } from '../../model/name.ts';
import type { Selector, TagTest } from '../../model/selector.ts';
import { reservedTagKey, tagKeyLengthMax, tagValueLengthMax } from '../../model/tag-limits.ts';
import { toQuoted } from '../../model/untrusted-text.ts';
import { renderExplanation, renderExplanationJson } from '../../render/explanation.ts';
import { withinVpc } from '../../within-vpc.ts';
import type { Io } from '../io.ts';
import {
  type AwsOptions,
  type ScopeOptions,
  type SelectorOptions,
  toSelector,
} from '../options.ts';
import { ec2Of, metadataOf, type ScopeOf, scopeVpcOf } from '../wiring.ts';

/** What `explain` was told. */
export interface ExplainOptions extends SelectorOptions, AwsOptions, ScopeOptions {
  readonly subject: string;
  readonly domain?: string;
  readonly whatIf?: readonly TagTest[];
  readonly json?: true;
}

/** Prints why an instance, a name or a service is answered as it is. */
export async function runExplain(options: ExplainOptions, io: Io): Promise<number> {
  const { whatIf = [], domain, vocabulary, json } = options;
  const subject = toSubject(options.subject);
  checkWhatIf(whatIf);
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const self = options.notSelf ? await metadata.instanceId(call) : undefined;
  const whole = await ec2Of(options, io, metadata);
  const vpcId = await scopeVpcOf(whole, scopeOf(subject, options), metadata, call);
  const ec2 = vpcId === undefined ? whole : withinVpc(whole, vpcId);
  const selector = inScope(toSelector(options, self), subject, vpcId);
  const told = await explain({ subject, selector, whatIf, domain, vocabulary }, ec2, call);
  const render = json ? renderExplanationJson : renderExplanation;
  io.stdout(render(options.subject, told));
  return 0;
}

/** An instance has its names in its own VPC, whichever VPC is asked for. */
function scopeOf(subject: Subject, { scope, vpc }: ExplainOptions): ScopeOptions & ScopeOf {
  const { instanceId } = subject.kind === 'instance' ? subject : {};
  return { ...(scope && { scope }), ...(instanceId === undefined ? { vpc } : { instanceId }) };
}

/** The answer is that of the instance's own VPC, and may not be this machine's: it says so. */
function inScope(selector: Selector, subject: Subject, vpcId: string | undefined): Selector {
  const isAsked = Object.keys(selector).length > 0;
  if (subject.kind !== 'instance' || vpcId === undefined || !isAsked) return selector;
  return { vpcIds: [vpcId], ...selector };
}

function toSubject(text: string): Subject {
  if (/^i-[0-9a-f]{8,17}$/.test(text)) return { kind: 'instance', instanceId: text };
  if (isLabel(text.toLowerCase())) return { kind: 'word', word: text };
  const problem = `${toQuoted(text)} is no instance id, and no name that a host can have`;
  throw new NametagError('NAMETAG_USAGE', { problem, remedy: 'Pass an id, a name or a service' });
}

/** What EC2 would not take cannot be foretold; and an instance has one value of a tag. */
function checkWhatIf(tags: readonly TagTest[]): void {
  const refuse = (problem: string, remedy: string): never => {
    throw new NametagError('NAMETAG_USAGE', { problem: `\`--what-if\` has ${problem}`, remedy });
  };
  for (const [place, { key, value }] of tags.entries()) {
    if (reservedTagKey.test(key))
      refuse(`${toQuoted(key)}, which EC2 lets nobody set`, 'Leave it out');
    const long = [...key].length > tagKeyLengthMax ? 'key' : 'value';
    if (long === 'key' || [...value].length > tagValueLengthMax) {
      refuse(`a ${long} that is too long for EC2`, 'Pass a shorter one');
    }
    const first = tags.findIndex((tag) => tag.key === key);
    if (first !== place) refuse(`two values of ${toQuoted(key)}`, 'Pass one');
  }
}
