import type { AliasOmission } from '../model/alias.ts';
import type { Conflict, Directory } from '../model/directory.ts';
import { type Question, select } from '../model/endpoint.ts';
import type { Omission } from '../model/selector.ts';
import type { UnreadableService } from '../model/unreadable-service.ts';
import { toQuoted } from '../model/untrusted-text.ts';
import { type Io, say } from './io.ts';

/** What comes of a name that is not used: no line of a hosts file, or no name in a template. */
export type NamelessFate = 'is left out' | 'has no name';

/** Reports what is odd about names of whoever the selector means but for its name. */
export function warnOfNames(
  directory: Directory,
  { selector, vocabulary }: Question,
  fate: NamelessFate,
  io: Io,
): void {
  const { names: _, ...nameless } = selector;
  const { endpoints } = select(directory, { selector: nameless, vocabulary });
  const meant = new Set(endpoints.map((endpoint) => endpoint.instanceId));
  warnOfConflicts(
    directory.conflicts.filter(({ winner, losers }) =>
      [winner, ...losers].some((instanceId) => meant.has(instanceId)),
    ),
    io,
  );
  warnOfRefusals(
    directory.omitted.filter(({ instanceId }) => meant.has(instanceId)),
    fate,
    io,
  );
  warnOfAliases(
    directory.aliasOmissions.filter(({ instanceId }) => meant.has(instanceId)),
    io,
  );
}

/** Reports every name that several instances say, and who has it. */
export function warnOfConflicts(conflicts: readonly Conflict[], io: Io): void {
  for (const { name, winner, losers } of conflicts) {
    say(io, `${name} is claimed by ${[winner, ...losers].join(' and ')}; ${winner} has it.`);
  }
}

/** Reports every instance whose tags say a name that is not used. */
export function warnOfRefusals(omitted: readonly Omission[], fate: NamelessFate, io: Io): void {
  for (const { instanceId, reason, seen } of omitted) {
    if (reason !== 'name refused' && reason !== 'claim unreadable') continue;
    say(io, `${instanceId} ${fate}: ${reason} (${toQuoted(seen)}).`);
  }
}

/** Reports every instance that is left out of a service by a tag that cannot be read. */
export function warnOfServices(unreadable: readonly UnreadableService[], io: Io): void {
  for (const { instanceId, key, fact } of unreadable) {
    const seen = toQuoted(`${key}: ${fact}`);
    say(io, `${instanceId} is left out: service tag unreadable (${seen}).`);
  }
}

/**
 * Reports every alias that is nobody's because it is a name, and every unreadable list of them.
 *
 * One that was taken over by a newer claim is where it belongs, and nothing to be told.
 */
export function warnOfAliases(omissions: readonly AliasOmission[], io: Io): void {
  for (const { instanceId, alias, reason, seen } of omissions) {
    if (reason === 'alias is a name') {
      say(io, `${instanceId} does not have the alias ${alias}: it is the name of ${seen}.`);
    } else if (reason === 'aliases unreadable') {
      say(io, `${instanceId} has no alias: its tag is unreadable (${toQuoted(seen)}).`);
    }
  }
}

/** Reports the aliases that this instance claims and does not have. */
export function warnOfOwnAliases(omissions: readonly AliasOmission[], io: Io): void {
  for (const { alias, reason, seen } of omissions) {
    say(
      io,
      reason === 'alias is a name'
        ? `The alias ${alias} is nobody's, since it is the name of ${seen}.`
        : `The alias ${alias} was claimed later by ${seen}, which has it; it is not taken back.`,
    );
  }
}
