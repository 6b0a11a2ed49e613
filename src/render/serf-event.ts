/**
 * What a handler is given: its environment and stdin as Serf's agent gives them, and ours beside.
 *
 * Source: `invokeEventScript` of Serf's agent 0.9. Whatever is read from a tag goes into values of
 * the environment and onto stdin only; nothing of it is ever part of a command.
 */
import { type EventBatch, subjectOf } from '../model/coalesce.ts';
import { goesBy, isBookkeeping } from '../model/difference.ts';
import type { Member } from '../model/directory.ts';
import type { FleetEvent } from '../model/event.ts';
import { compareText } from '../model/instance.ts';
import { defaultVocabulary, type Vocabulary } from '../model/tags.ts';

/** The machine on which handlers run. */
export interface EventSelf {
  /** What it goes by; empty if it is not known. */
  readonly name: string;
  /** As the fleet shows it; `undefined` when it is no member, or no instance. */
  readonly member: Member | undefined;
}

/** One run of a handler. */
export interface HandlerInput {
  /** On top of the environment that there is. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** The same without loss, for a file: lines of Serf's cannot be read back for sure. */
  readonly json: string;
}

/** Who is told, and how tags are read. */
export interface HandlerInputOptions {
  readonly self: EventSelf;
  readonly region: string;
  /** A number that only grows, which Serf's user events carry. */
  readonly ltime: number;
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary | undefined;
}

const roleKey = 'role';

/**
 * Renders a batch for a handler.
 *
 * Events of members are Serf's own. Those of names are user events there, so that a handler that
 * takes every event has nothing to trip over: `SERF_EVENT` is `user`, `SERF_USER_EVENT` the event.
 */
export function renderHandlerInput(batch: EventBatch, options: HandlerInputOptions): HandlerInput {
  const { self, ltime, vocabulary = defaultVocabulary } = options;
  const isUserEvent = !batch.event.startsWith('member-');
  const tags = self.member === undefined ? [] : tagsOf(self.member, vocabulary);
  const serf = {
    SERF_EVENT: isUserEvent ? 'user' : batch.event,
    SERF_SELF_NAME: self.name,
    SERF_SELF_ROLE: self.member?.instance.tags.get(roleKey) ?? '',
    ...(isUserEvent && { SERF_USER_EVENT: batch.event, SERF_USER_LTIME: String(ltime) }),
  };
  const ours = {
    NAMETAG_EVENT: batch.event,
    NAMETAG_REGION: options.region,
    NAMETAG_SELF_ID: self.member?.instance.instanceId ?? '',
    NAMETAG_SELF_ADDRESS: self.member?.instance.privateIpAddress ?? '',
  };
  return {
    env: withoutNul({ ...tagVariables(tags), ...serf, ...ours }),
    stdin: batch.events.map((event) => renderLine(event, vocabulary)).join(''),
    json: renderJson(batch, options),
  };
}

/** An instance's tags for others, by key: Serf has them in no order, so in any that stays. */
function tagsOf({ instance }: Member, vocabulary: Vocabulary): readonly [string, string][] {
  return [...instance.tags]
    .filter(([key]) => !isBookkeeping(key, vocabulary))
    .sort(([a], [b]) => compareText(a, b));
}

/** Of two keys that become one variable, the first by code unit has it. */
function tagVariables(tags: readonly [string, string][]): Record<string, string> {
  const variables = new Map<string, string>();
  for (const [key, value] of tags) {
    const variable = `SERF_TAG_${[...key].map(toVariableCharacter).join('')}`;
    if (!variables.has(variable)) variables.set(variable, value);
  }
  return Object.fromEntries(variables);
}

/** One for one: `ß` in capitals would be two in JavaScript, and is one other in Go. */
function toVariableCharacter(character: string): string {
  const capital = character.toUpperCase();
  return /^[A-Z0-9_]$/.test(capital) ? capital : '_';
}

/** A variable ends at a NUL, and a system that is given one starts nothing. */
function withoutNul(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([key, value]) => [key, value.replaceAll('\0', '\ufffd')]),
  );
}

function renderLine(event: FleetEvent, vocabulary: Vocabulary): string {
  if (event.event === 'conflict') {
    const { name, winner, losers } = event.conflict;
    return toLine([name, winner, losers.join(',')]);
  }
  const { instance } = event.member;
  const tags = tagsOf(event.member, vocabulary).map(([key, value]) => `${key}=${value}`);
  return toLine([
    subjectOf(event),
    instance.privateIpAddress ?? '',
    instance.tags.get(roleKey) ?? '',
    tags.join(','),
  ]);
}

function toLine(fields: readonly string[]): string {
  return `${fields.map(clean).join('\t')}\n`;
}

/** As `eventClean` of Serf's agent: a backslash itself stays as it is. */
function clean(field: string): string {
  return field.replaceAll('\t', '\\t').replaceAll('\n', '\\n');
}

function renderJson(batch: EventBatch, options: HandlerInputOptions): string {
  const { self, region, ltime, vocabulary = defaultVocabulary } = options;
  const shown = {
    version: 1,
    event: batch.event,
    region,
    ltime,
    self: {
      name: self.name,
      instanceId: self.member?.instance.instanceId ?? null,
      privateIpAddress: self.member?.instance.privateIpAddress ?? null,
    },
    changes: batch.events.map((event) => showEvent(event, self, vocabulary)),
  };
  return `${JSON.stringify(shown, undefined, 2)}\n`;
}

function showEvent(event: FleetEvent, self: EventSelf, vocabulary: Vocabulary): object {
  if (event.event === 'conflict') return event.conflict;
  const selfId = self.member?.instance.instanceId;
  const shown = {
    name: subjectOf(event),
    self: event.member.instance.instanceId === selfId,
    ...showMember(event.member, vocabulary),
  };
  if (!('evidence' in event) && !('aspects' in event)) return shown;
  const { evidence, aspects, before } = event;
  return {
    ...shown,
    ...(evidence !== undefined && { evidence }),
    ...(aspects !== undefined && { changed: aspects }),
    ...(before !== undefined && {
      before: { name: goesBy(before), ...showMember(before, vocabulary) },
    }),
  };
}

function showMember(member: Member, vocabulary: Vocabulary): object {
  const { instance } = member;
  return {
    instanceId: instance.instanceId,
    state: instance.state,
    ready: member.ready,
    aliases: member.aliases,
    generation: member.generation ?? null,
    privateIpAddress: instance.privateIpAddress ?? null,
    publicIpAddress: instance.publicIpAddress ?? null,
    ipv6Addresses: instance.ipv6Addresses,
    availabilityZone: instance.availabilityZone ?? null,
    vpcId: instance.vpcId ?? null,
    securityGroups: instance.securityGroups.map(({ groupName }) => groupName),
    tags: Object.fromEntries(tagsOf(member, vocabulary)),
  };
}
