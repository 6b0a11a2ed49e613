/**
 * The search has a driver of its own, which waits for nobody. It is held to the one that ships: the
 * same answers lead both to the same calls.
 */
import { describe, expect, it } from 'vitest';
import * as shipped from '../../src/claim/protocol.ts';
import { claimName } from '../../src/claim-name.ts';
import { NametagError } from '../../src/errors.ts';
import type { Instance } from '../../src/model/instance.ts';
import { toSnapshot } from '../../src/model/snapshot.ts';
import type { ClaimLock, Clock, Ec2 } from '../../src/ports.ts';
import { releaseName } from '../../src/release-name.ts';
import { createRandom } from '../../src/sandbox/random.ts';
import { instance } from '../helpers/instances.ts';
import {
  type Candidates,
  createMachine,
  instanceIdOf,
  launchTimeMsOf,
  type Move,
  seriesOf,
  settleMs,
} from './search/machine.ts';
import { runningLife, stoppedLife } from './search/register.ts';

const boot = `boot=${new Date(launchTimeMsOf(1)).toISOString().replace('.000', '')}`;
const ownTexts = ['', `held=web-1 ${boot}`, `ask=web-1 ${boot}`, `held=db-0 ${boot}`, boot];
const otherTexts = ['', '', `ask=web-0 ${boot}`, `held=web-0 ${boot}`, `ask=web-1 ${boot}`];

/** What the world answers in one run; the own claim may be what the run wrote last. */
interface Answers {
  readonly foundMark: boolean;
  readonly uptimeMs: number;
  readonly sinceWriteMs: number | undefined;
  readonly scans: readonly {
    readonly own: string | 'last written' | 'written before';
    readonly alive: boolean;
    readonly other: string;
  }[];
  readonly acknowledged: readonly boolean[];
}

function draw(seed: number): Answers {
  const random = createRandom(seed, 'driver');
  const one = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value;
  const written = ['last written', 'last written', 'last written', 'written before'] as const;
  return {
    foundMark: one([true, false]),
    uptimeMs: one([0, settleMs]),
    sinceWriteMs: one([undefined, undefined, 0, settleMs]),
    scans: Array.from({ length: 8 }, (_, round) => ({
      own: one<string>(round === 0 ? ownTexts : [...written, ...written, ...ownTexts]),
      alive: random() < 0.9,
      other: one(otherTexts),
    })),
    acknowledged: Array.from({ length: 8 }, () => random() < 0.7),
  };
}

/** A claim's text without its generations, of which the search has but one. */
function bare(text: string): string {
  return text.replace(/ (?:gen|seen|next)=\S+/g, '');
}

const busy = {
  doing: 'tag the instance',
  region: 'eu-west-1',
  awsCode: 'ConcurrentTagAccess',
  awsMessage: '',
};
const enough = new TypeError('Expected no further scan.');

function describeWait(ms: number): string {
  return ms >= settleMs ? 'wait for settle' : 'wait a little';
}

async function callsOfDriver(answers: Answers): Promise<readonly string[]> {
  const calls: string[] = [];
  const texts: string[] = [];
  let scans = 0;
  const instanceId = instanceIdOf(0);
  const ec2: Ec2 = {
    region: 'eu-west-1',
    describeInstances: async () => {
      const shown = answers.scans[scans++];
      if (shown === undefined) throw enough;
      calls.push('scan');
      const chosen =
        shown.own === 'last written'
          ? texts.at(-1)
          : shown.own === 'written before'
            ? texts.at(-2)
            : shown.own;
      // The search does not tell claims apart that differ in what they have seen.
      const own = [texts.at(-1), chosen].find((text) => bare(text ?? '') === bare(chosen ?? ''));
      const records: readonly Instance[] = [own ?? '', shown.other].map((text, who) =>
        instance({
          instanceId: instanceIdOf(who),
          state: who === 0 && !shown.alive ? 'stopped' : 'running',
          launchTimeMs: launchTimeMsOf(1),
          tags: text === '' ? {} : { 'nametag:claim': text },
        }),
      );
      return toSnapshot('eu-west-1', 0, records);
    },
    createTags: async (_, tags) => {
      const text = tags.get('nametag:claim') ?? '';
      calls.push(`write ${bare(text)} ${tags.get('Name') ?? ''}`);
      const made = answers.acknowledged[texts.length];
      texts.push(text);
      if (made !== true) throw new NametagError('NAMETAG_EC2_BUSY', busy);
    },
  };
  const clock: Clock = {
    monotonicMs: () => 0,
    wallMs: () => 0,
    uptimeMs: () => answers.uptimeMs,
    wait: async (ms) => {
      calls.push(describeWait(ms));
    },
  };
  const lock: ClaimLock = {
    acquire: async () => ({
      foundMark: answers.foundMark,
      sinceWriteMs: answers.sinceWriteMs,
      mark: async () => {
        calls.push('mark');
      },
      clearMark: async () => {
        calls.push('clear mark');
      },
      release: async () => {},
    }),
  };
  const request = { instanceId, series: seriesOf('web'), settleMs };
  try {
    const outcome = await claimName(request, { ec2, clock, lock, random: () => 0 });
    calls.push(outcome.kind === 'held' ? `held ${outcome.name}` : 'undecided');
  } catch (error) {
    if (error !== enough) throw error;
  }
  return calls;
}

function callsOfSearch(answers: Answers): readonly string[] {
  const machine = createMachine(shipped, { stayMax: 5, unseenMax: 60 });
  const calls: string[] = [];
  const texts: string[] = [];
  const { foundMark, uptimeMs, sinceWriteMs } = answers;
  let mark = foundMark;
  let scans = 0;
  const show = (text: string, alive = true): Candidates => ({
    life: 1 << (alive ? runningLife(1) : stoppedLife(1)),
    claim: 1 << machine.claimNumber(text),
    name: 1,
    wants: false,
  });
  let move: Move = machine.begin(0, { claim: 'web' }, { foundMark, uptimeMs, sinceWriteMs });
  for (;;) {
    const { effect, to } = move;
    switch (effect.kind) {
      case 'scan': {
        const shown = answers.scans[scans++];
        if (shown === undefined) return calls;
        calls.push('scan');
        const own =
          shown.own === 'last written'
            ? texts.at(-1)
            : shown.own === 'written before'
              ? texts.at(-2)
              : shown.own;
        const [next, ...others] = machine.scanned(to, [
          show(own ?? '', shown.alive),
          show(shown.other),
        ]);
        if (next === undefined || others.length > 0) throw new TypeError('Expected one move.');
        move = next;
        break;
      }
      case 'wait':
        calls.push(describeWait(effect.long ? settleMs : 0));
        move = machine.waited(to);
        break;
      case 'write': {
        mark = true;
        const text = machine.claimText(effect.claim);
        const name = effect.name === -1 ? '' : machine.nameText(effect.name);
        calls.push('mark', `write ${bare(text)} ${name}`);
        move = machine.written(to, answers.acknowledged[texts.length] === true);
        texts.push(text);
        break;
      }
      case 'finish':
        if (mark && effect.clearsMark) calls.push('clear mark');
        calls.push(effect.held === 0 ? 'undecided' : `held ${machine.nameText(effect.held)}`);
        return calls;
    }
  }
}

describe("the search's driver", () => {
  it('makes the calls that the driver makes', async () => {
    const seen = new Set<string>();
    for (let seed = 1; seed <= 500; seed += 1) {
      const answers = draw(seed);
      const calls = await callsOfDriver(answers);
      expect(callsOfSearch(answers), `seed ${seed}`).toEqual(calls);
      for (const call of calls) seen.add(call.split(' ')[0] ?? '');
    }
    // It came to all that there is, but for giving up, which the search does not do.
    expect([...seen].sort()).toEqual(['clear', 'held', 'mark', 'scan', 'wait', 'write']);
  });

  it('differs where it is told something else (the control)', async () => {
    const answers = { ...draw(1), foundMark: true, sinceWriteMs: undefined };
    const calls = await callsOfDriver(answers);
    expect(callsOfSearch({ ...answers, foundMark: false, uptimeMs: settleMs })).not.toEqual(calls);
  });
});

describe("the search's release", () => {
  const held = { 'nametag:claim': `held=web-0 ${boot}`, Name: 'web-0' };

  async function callsOfRelease(
    tags: Readonly<Record<string, string>>,
    foundMark: boolean,
  ): Promise<readonly string[]> {
    const calls: string[] = [];
    const say = (call: string) => async (): Promise<void> => void calls.push(call);
    const instanceId = instanceIdOf(0);
    const self = instance({ instanceId, launchTimeMs: launchTimeMsOf(1), tags });
    await releaseName(
      { instanceId, settleMs },
      {
        ec2: {
          region: 'eu-west-1',
          describeInstances: async () => {
            calls.push('scan');
            return toSnapshot('eu-west-1', 0, [self]);
          },
          createTags: async (_, written) => {
            calls.push(`write ${written.get('nametag:claim')}, ${written.get('Name') ?? 'same'}`);
          },
        },
        clock: {
          monotonicMs: () => 0,
          wallMs: () => 0,
          uptimeMs: () => settleMs,
          wait: async (ms) => void calls.push(describeWait(ms)),
        },
        lock: {
          acquire: async () => ({
            foundMark,
            sinceWriteMs: undefined,
            mark: say('mark'),
            clearMark: say('clear mark'),
            release: async () => {},
          }),
        },
      },
    );
    return calls;
  }

  function callsOfMachine(
    tags: Readonly<Record<string, string>>,
    foundMark: boolean,
  ): readonly string[] {
    const machine = createMachine(shipped, { stayMax: 1, unseenMax: 2 });
    const calls: string[] = [];
    const self: Candidates = {
      life: 1 << runningLife(1),
      claim: 1 << machine.claimNumber(tags['nametag:claim'] ?? ''),
      name: 1 << machine.nameNumber(tags['Name'] ?? ''),
      wants: false,
    };
    let mark = foundMark;
    let move = machine.begin(0, 'release', { foundMark, uptimeMs: 0, sinceWriteMs: undefined });
    for (;;) {
      const { effect, to } = move;
      if (effect.kind === 'finish') {
        if (mark && effect.clearsMark) calls.push('clear mark');
        return calls;
      }
      if (effect.kind === 'wait') {
        calls.push(describeWait(effect.long ? settleMs : 0));
        move = machine.waited(to);
      } else if (effect.kind === 'scan') {
        calls.push('scan');
        move = machine.scanned(to, [self])[0] ?? move;
      } else {
        mark = true;
        const name = effect.name === -1 ? 'same' : machine.nameText(effect.name);
        calls.push('mark', `write ${machine.claimText(effect.claim)}, ${name}`);
        move = machine.written(to, true);
      }
    }
  }

  it.each([
    { tags: {}, foundMark: false },
    { tags: {}, foundMark: true },
    { tags: held, foundMark: false },
    { tags: held, foundMark: true },
    { tags: { ...held, Name: 'the blue one' }, foundMark: false },
    { tags: { 'nametag:claim': `held=db-0 ask=web-0 ${boot}`, Name: 'db-0' }, foundMark: false },
    { tags: { 'nametag:claim': boot }, foundMark: false },
  ])('makes the calls that a release makes of $tags', async ({ tags, foundMark }) => {
    expect(callsOfMachine(tags, foundMark)).toEqual(await callsOfRelease(tags, foundMark));
  });
});
