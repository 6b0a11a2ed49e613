import type { Conflict } from '../model/directory.ts';
import type { Omission } from '../model/selector.ts';
import { type Io, say } from './io.ts';

/** Reports every name that several instances say, and who has it. */
export function warnOfConflicts(conflicts: readonly Conflict[], io: Io): void {
  for (const { name, winner, losers } of conflicts) {
    say(io, `${name} is claimed by ${[winner, ...losers].join(' and ')}; ${winner} has it.`);
  }
}

/** Reports every instance whose tags say a name that is not used. */
export function warnOfRefusals(omitted: readonly Omission[], io: Io): void {
  for (const { instanceId, reason, seen } of omitted) {
    if (reason !== 'name refused' && reason !== 'claim unreadable') continue;
    say(io, `${instanceId} is left out: ${reason} (${printable(seen)}).`);
  }
}

/** A tag's value is untrusted: a terminal must not obey what is in it. */
function printable(text: string): string {
  return JSON.stringify(text).replace(/[^\x20-\x7e]/g, '?');
}
