import type { Condition } from '../model/condition.ts';
import type { Explanation, ExplanationChange, Holder } from '../model/explanation.ts';
import type { TagTest } from '../model/selector.ts';
import { toPrintable } from '../model/untrusted-text.ts';
import { renderJson } from './json.ts';

/** What is told of an instance, a name or a service. */
export interface ToldExplanation {
  readonly region: string;
  /** In milliseconds since 1970. */
  readonly takenAtMs: number;
  readonly holder: Holder | undefined;
  readonly instances: readonly Explanation[];
  readonly whatIf:
    | {
        readonly instanceId: string;
        readonly tags: readonly TagTest[];
        readonly changes: readonly ExplanationChange[];
      }
    | undefined;
}

/** What `explain --json` prints; its own type, so that the model may change without it. */
export interface ExplanationJson {
  readonly version: 1;
  readonly subject: string;
  readonly region: string;
  /** As ISO 8601 has it, in UTC. */
  readonly takenAt: string;
  /** Who has the name or alias that was asked for; `null` when nobody has, or an id was given. */
  readonly holder: { readonly instanceId: string; readonly as: 'name' | 'alias' } | null;
  readonly instances: readonly {
    readonly instanceId: string;
    readonly name: string | null;
    readonly aliases: readonly string[];
    /** `null` when the options select nothing, and no service was asked for. */
    readonly inAnswer: boolean | null;
    readonly conditions: readonly Condition[];
  }[];
  /** `null` when no other tags were thought of. */
  readonly whatIf: {
    readonly instanceId: string;
    readonly tags: readonly TagTest[];
    readonly changes: readonly {
      readonly instanceId: string;
      readonly name: string | null;
      readonly before: readonly Condition[];
      readonly after: readonly Condition[];
    }[];
  } | null;
}

/**
 * For people: who has the word and how many are in the answer, then a block an instance, `yes` or
 * `no` and what was seen for each condition; then, as a difference, what would be otherwise.
 */
export function renderExplanation(subject: string, told: ToldExplanation): string {
  const { region, takenAtMs, instances, whatIf } = told;
  const head = `EC2 in ${region}, at ${toTime(takenAtMs)}:\n`;
  const blocks = [
    head + holderLine(subject, told) + countLine(instances),
    ...instances.map((one) => blockOf(one)),
  ];
  if (whatIf === undefined) return blocks.join('\n');
  const tags = whatIf.tags.map(({ key, value }) => `${key}=${value}`).join(' and ');
  const other = `${toPrintable(`With ${tags} on ${whatIf.instanceId}`)}:\n`;
  const changes = whatIf.changes.map(
    (one) =>
      `${titleOf(one)}\n` +
      one.before.map((c) => lineOf('- ', c)).join('') +
      one.after.map((c) => lineOf('+ ', c)).join(''),
  );
  return [...blocks, other + (changes.join('') || 'nothing changes\n')].join('\n');
}

/** Prints the same as JSON. */
export function renderExplanationJson(subject: string, told: ToldExplanation): string {
  const { region, takenAtMs, holder = null, instances, whatIf } = told;
  const value: ExplanationJson = {
    version: 1,
    subject,
    region,
    takenAt: toTime(takenAtMs),
    holder,
    instances: instances.map(
      ({ instanceId, name = null, aliases, inAnswer = null, conditions }) => ({
        instanceId,
        name,
        aliases,
        inAnswer,
        conditions,
      }),
    ),
    whatIf:
      whatIf === undefined
        ? null
        : {
            ...whatIf,
            changes: whatIf.changes.map((one) => ({ ...one, name: one.name ?? null })),
          },
  };
  return renderJson(value);
}

/** Of an id there is none to tell. */
function holderLine(subject: string, { holder, instances }: ToldExplanation): string {
  if (instances.some(({ instanceId }) => instanceId === subject)) return '';
  const word = toPrintable(subject);
  if (holder === undefined) return `no instance has the name or alias ${word}\n`;
  const { instanceId, as: kind } = holder;
  return `${word} is ${kind === 'name' ? 'the name' : 'an alias'} of ${instanceId}\n`;
}

/** Of one it is told below. */
function countLine(instances: readonly Explanation[]): string {
  const asked = instances.filter(({ inAnswer }) => inAnswer !== undefined);
  if (asked.length < 2) return '';
  const answered = asked.filter(({ inAnswer }) => inAnswer);
  return `${answered.length} of these ${asked.length} instances are in the answer\n`;
}

function blockOf(one: Explanation): string {
  return `${titleOf(one)}\n${one.conditions.map((c) => lineOf('  ', c)).join('')}`;
}

function titleOf({ instanceId, name }: { instanceId: string; name: string | undefined }): string {
  return name === undefined ? instanceId : `${instanceId} (${name})`;
}

/** A tag's value must not begin a line of its own. */
function lineOf(margin: string, { holds, what, seen }: Condition): string {
  const text = seen === '' ? what : `${what}: ${seen}`;
  return `${margin}${holds ? 'yes' : 'no '}  ${toPrintable(text)}\n`;
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}
