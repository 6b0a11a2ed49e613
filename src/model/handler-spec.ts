import { suggest } from './suggest.ts';

/** The events that a handler can be for: Serf's own, and those of names. */
export const eventNames = [
  'member-join',
  'member-leave',
  'member-failed',
  'member-update',
  'member-reap',
  'name-gained',
  'name-lost',
  'conflict',
] as const;

/** One of {@link eventNames}. */
export type EventName = (typeof eventNames)[number];

/** A command, and at which events it runs. */
export interface HandlerSpec {
  /** Never empty. */
  readonly events: readonly EventName[];
  readonly command: string;
}

/** A handler, or what is wrong, to go behind a colon. */
export type ParsedHandler = HandlerSpec | { readonly problem: string };

/**
 * Reads `[event[,event]=]command`, as Serf's agent has it: all events if none are said, or `*`.
 *
 * The first `=` ends the events, so a command that has one needs them, `*=A=1 command`.
 */
export function parseHandlerSpec(text: string): ParsedHandler {
  const equals = text.indexOf('=');
  const events = equals === -1 ? ['*'] : text.slice(0, equals).split(',');
  const command = text.slice(equals + 1);
  if (command.trim() === '') return { problem: 'there is no command' };
  if (events.includes('*')) return { events: eventNames, command };
  const unknown = events.find((event) => !eventNames.some((name) => name === event));
  if (unknown === undefined) {
    return { events: eventNames.filter((name) => events.includes(name)), command };
  }
  const word = JSON.stringify(unknown.slice(0, 60));
  return { problem: `unknown event ${word}${suggest(unknown, eventNames)}` };
}
