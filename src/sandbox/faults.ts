import { NametagError } from '../errors.ts';
import { suggest } from '../model/suggest.ts';
import { actionNames } from './actions.ts';
import type { Knobs } from './knobs.ts';

/** The knobs, open to be turned. */
type Turned = { -readonly [Name in keyof Knobs]?: Knobs[Name] };

/** How a knob is written, and what its text turns. */
interface Fault {
  readonly value: 'probability' | 'duration' | 'action' | 'text' | 'none';
  readonly turn: (turned: Turned, value: Value) => void;
}

interface Value {
  readonly number: number;
  readonly text: string;
}

type NumberKnob = {
  [Name in keyof Knobs]: Knobs[Name] extends number ? Name : never;
}[keyof Knobs];

function probability(...knobs: readonly NumberKnob[]): Fault {
  return {
    value: 'probability',
    turn: (turned, { number }) => {
      for (const knob of knobs) turned[knob] = number;
    },
  };
}

function duration(knob: NumberKnob): Fault {
  return {
    value: 'duration',
    turn: (turned, { number }) => {
      turned[knob] = number;
    },
  };
}

function flag(knob: 'throttle' | 'instanceTags'): Fault {
  return {
    value: 'none',
    turn: (turned) => {
      turned[knob] = true;
    },
  };
}

const faults: ReadonlyMap<string, Fault> = new Map<string, Fault>([
  ['settle-max', duration('settleMaxMs')],
  ['not-found', duration('notFoundMs')],
  ['pending', duration('pendingMs')],
  ['stopping', duration('stoppingMs')],
  ['shutting-down', duration('shuttingDownMs')],
  ['terminated', duration('terminatedVisibleMs')],
  ['latency', duration('latencyMs')],
  ['latency-min', duration('latencyMinMs')],
  ['throttle', flag('throttle')],
  ['instance-tags', flag('instanceTags')],
  ['concurrent', probability('concurrent')],
  ['short-pages', probability('shortPages')],
  ['empty-pages', probability('emptyPages')],
  ['empty-answers', probability('emptyAnswers')],
  ['silent-filter', probability('silentFilter')],
  [
    'hide',
    {
      value: 'text',
      turn: (turned, { text }) => {
        turned.hidden = new Set([...(turned.hidden ?? []), text]);
      },
    },
  ],
  [
    'lost',
    {
      value: 'probability',
      turn: (turned, { number }) => {
        const each = number / 4;
        turned.lostNow = each;
        turned.lostLate = each;
        turned.lostTwice = each;
        turned.lostNever = each;
        turned.lostRead = number;
      },
    },
  ],
  ['lost-now', probability('lostNow')],
  ['lost-late', probability('lostLate')],
  ['lost-twice', probability('lostTwice')],
  ['twice', probability('lostTwice')],
  ['lost-never', probability('lostNever')],
  ['lost-read', probability('lostRead')],
  ['malformed', probability('malformed')],
  ['bare', probability('bare')],
  [
    'deny',
    {
      value: 'action',
      turn: (turned, { text }) => {
        turned.deny = new Set([...(turned.deny ?? []), text]);
      },
    },
  ],
]);

/** The names of all faults, as `--faults` takes them. */
export const faultNames: readonly string[] = [...faults.keys()];

/**
 * Reads a list of faults, such as `lost=0.1,not-found=3s,deny=CreateTags`.
 *
 * Later ones win over earlier ones; `deny` and `hide` add up. The empty text is the empty list.
 *
 * @throws {@link NametagError} `NAMETAG_USAGE` for an unknown fault or a value it cannot have.
 */
export function parseFaults(text: string): Partial<Knobs> {
  const turned: Turned = {};
  for (const word of text.split(',')) {
    if (word.trim() === '') continue;
    const [name = '', ...rest] = word.trim().split('=');
    const fault = faults.get(name);
    if (fault === undefined) {
      throw usage(
        `There is no fault "${name}"${suggest(name, faultNames)}`,
        `The faults are ${faultNames.join(', ')}`,
      );
    }
    fault.turn(turned, readValue(name, fault, rest.length === 0 ? undefined : rest.join('=')));
  }
  const { lostNow = 0, lostLate = 0, lostTwice = 0, lostNever = 0 } = turned;
  if (lostNow + lostLate + lostTwice + lostNever > 1) {
    throw usage('More than all answers would be lost', 'Let the lost-… faults add up to 1 at most');
  }
  return turned;
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function readValue(name: string, { value }: Fault, text: string | undefined): Value {
  const given = text ?? '';
  switch (value) {
    case 'probability': {
      const number = Number(given);
      if (/^\d*\.?\d+$/.test(given) && number <= 1) return { number, text: given };
      throw usage(
        `Fault "${name}" cannot be "${given}"`,
        `Give it a probability from 0 to 1, like \`${name}=0.1\``,
      );
    }
    case 'duration': {
      const [, number, unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(given) ?? [];
      const unitMs = unitsMs[unit];
      if (unitMs !== undefined) return { number: Number(number) * unitMs, text: given };
      throw usage(
        `Fault "${name}" cannot be "${given}"`,
        `Give it a duration, like \`${name}=500ms\` or \`${name}=3s\``,
      );
    }
    case 'action':
      if (actionNames.some((action) => action === given)) return { number: 0, text: given };
      throw usage(
        `There is no action "${given}" to ${name}${suggest(given, actionNames)}`,
        `The actions are ${actionNames.join(', ')}`,
      );
    case 'text':
      if (given !== '') return { number: 0, text: given };
      throw usage(
        `Fault "${name}" needs a value`,
        `Name an availability zone or an instance id, like \`${name}=eu-west-1a\``,
      );
    case 'none':
      if (text === undefined) return { number: 0, text: '' };
      throw usage(`Fault "${name}" takes no value`, `Write \`${name}\` alone, or leave it out`);
  }
}

function usage(problem: string, remedy: string): NametagError {
  return new NametagError('NAMETAG_USAGE', { problem, remedy });
}
