import { describe, expect, it } from 'vitest';
import {
  type ClaimEffect,
  type ClaimEvent,
  type ClaimSettings,
  type ClaimState,
  initialClaimState,
  step,
} from '../../src/claim/protocol.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { series } from '../helpers/claim-storm.ts';
import { boot, instance, launchTimeMs, snapshot } from '../helpers/instances.ts';

/** When `snapshot` is taken, from which the first generation comes. */
const scannedAtMs = launchTimeMs + 60_000;

const settings: ClaimSettings = {
  instanceId: 'i-5',
  series: series('web'),
  vocabulary: defaultVocabulary,
  reserveStopped: false,
  settleMs: 4000,
  scanMax: 6,
  unseenMax: 3,
  stayMax: 2,
};

const begun = (
  uptimeMs: number | undefined,
  foundMark = false,
  sinceWriteMs?: number,
): ClaimEvent => ({
  kind: 'begun',
  uptimeMs,
  foundMark,
  sinceWriteMs,
});
const waited: ClaimEvent = { kind: 'waited' };
const acknowledged: ClaimEvent = { kind: 'written', acknowledged: true };
const uncertain: ClaimEvent = { kind: 'written', acknowledged: false };

/** What a scan shows: this instance with a claim, and others by their claims. */
function scanned(claim?: string, ...others: string[]): ClaimEvent {
  const self = instance({ instanceId: 'i-5', tags: tagged(claim) });
  const rest = others.map((text, i) => instance({ instanceId: `i-9${i}`, tags: tagged(text) }));
  return { kind: 'scanned', scan: snapshot(self, ...rest) };
}

function tagged(claim: string | undefined): Record<string, string> {
  if (claim === undefined) return {};
  const asksWith = claim === 'ask=web-0' ? ` next=${Math.floor(scannedAtMs / 1000)}` : '';
  return { 'nametag:claim': `${claim} ${boot}${asksWith}` };
}

const nobody: ClaimEvent = { kind: 'scanned', scan: snapshot() as Snapshot };

/** Runs through the events, and gives each effect as a few words. */
function effects(...events: ClaimEvent[]): string[] {
  let state: ClaimState = initialClaimState;
  return events.map((event) => {
    const [next, effect] = step(state, event, settings);
    state = next;
    return show(effect);
  });
}

function show(effect: ClaimEffect): string {
  switch (effect.kind) {
    case 'scan':
      return 'scan';
    case 'wait':
      return `wait ${effect.minMs}–${effect.maxMs}`;
    case 'write': {
      const { held, ask } = effect.claim;
      const words = [held && `held=${held}`, ask && `ask=${ask}`].filter(Boolean);
      return `write ${words.join(' ')}${effect.name === undefined ? '' : `, Name=${effect.name}`}`;
    }
    case 'finish':
      return effect.outcome.kind === 'held' ? effect.outcome.name : effect.outcome.why.kind;
  }
}

describe('step', () => {
  it('asks, settles, holds', () => {
    const all = effects(
      begun(60_000),
      scanned(),
      acknowledged,
      waited,
      scanned('ask=web-0'),
      acknowledged,
    );
    const held = 'write held=web-0, Name=web-0';
    expect(all).toEqual(['scan', 'write ask=web-0', 'wait 4000–4000', 'scan', held, 'web-0']);
  });

  it.each<[string, ClaimEvent, string]>([
    ['not before settle after the system booted', begun(1500), 'wait 2500–6500'],
    ['at once when it booted long ago', begun(4000), 'scan'],
    ['not before settle when the uptime is not known', begun(undefined), 'wait 4000–4000'],
    ['not before settle when an earlier run left a mark', begun(9000, true), 'wait 4000–4000'],
    [
      'not before settle after what an earlier run wrote',
      begun(9000, false, 1000),
      'wait 3000–3000',
    ],
    ['at once when that was long ago', begun(9000, false, 4000), 'scan'],
  ])('scans %s', (_, event, expected) => {
    expect(effects(event)).toEqual([expected]);
  });

  it('goes on from a proposal that it finds, by asking for it again', () => {
    expect(effects(begun(9000), scanned('ask=web-3'))).toEqual(['scan', 'write ask=web-3']);
    const found = effects(begun(9000, true), waited, scanned('ask=web-3'));
    expect(found.at(-1)).toBe('write ask=web-3');
  });

  it('settles a write whose outcome is not known, like any other', () => {
    expect(effects(begun(9000), scanned(), uncertain)).toContain('wait 4000–4000');
  });

  it('looks again soon when it is not in an answer', () => {
    expect(effects(begun(9000), nobody)).toEqual(['scan', 'wait 1000–2000']);
  });

  it('asks again when its write is not to be seen', () => {
    const lost = effects(begun(9000), scanned(), uncertain, waited, scanned());
    expect(lost.at(-1)).toBe('write ask=web-0');
  });

  it('looks again after a hold whose outcome is not known', () => {
    const before = [begun(9000), scanned(), acknowledged, waited, scanned('ask=web-0')];
    expect(effects(...before, uncertain).at(-1)).toBe('wait 4000–4000');
    expect(effects(...before, uncertain, waited, scanned('held=web-0')).at(-1)).toBe('web-0');
    expect(effects(...before, uncertain, waited, scanned('ask=web-0')).at(-1)).toBe(
      'write ask=web-0',
    );
  });

  it('stays a jittered while, at most so often, and then asks for another name', () => {
    const rivalled = scanned('ask=web-0', 'ask=web-0');
    const all = effects(
      begun(9000),
      scanned(),
      acknowledged,
      ...[waited, rivalled, waited, rivalled, waited, rivalled],
    );
    expect(all.slice(4)).toEqual([
      'wait 2000–4000',
      'scan',
      'wait 2000–4000',
      'scan',
      'write ask=web-1',
    ]);
  });

  it('writes nothing when the name is held', () => {
    expect(effects(begun(9000), scanned('held=web-7'))).toEqual(['scan', 'web-7']);
  });

  it.each<[string, ClaimEvent[], string]>([
    ['is not in the answers', [nobody, waited, nobody, waited, nobody], 'instance not seen'],
    [
      'is terminated',
      [{ kind: 'scanned', scan: snapshot(instance({ instanceId: 'i-5', state: 'terminated' })) }],
      'instance not seen',
    ],
    [
      'does not see its own writes',
      [scanned(), ...Array.from({ length: 5 }, () => [uncertain, waited, scanned()]).flat()],
      'own write not seen',
    ],
    [
      'never finds its name free',
      [
        scanned(),
        ...[0, 1, 2, 3, 4].flatMap((rank) => [
          acknowledged,
          waited,
          scanned(
            `ask=web-${rank}`,
            ...[0, 1, 2, 3, 4].slice(0, rank + 1).map((n) => `held=web-${n}`),
          ),
        ]),
      ],
      'others were in the way',
    ],
  ])('gives up undecided when the instance %s', (_, events, expected) => {
    expect(effects(begun(9000), ...events).at(-1)).toBe(expected);
  });

  it.each([true, false])('says who has the only name that would do, asked for: %s', (isAsked) => {
    const only: ClaimSettings = { ...settings, goal: 'first', stayMax: 0 };
    const other = isAsked ? 'ask=web-0' : 'held=web-0';
    let state: ClaimState = initialClaimState;
    let effect: ClaimEffect | undefined;
    const first = isAsked ? scanned() : scanned(undefined, other);
    const rest = isAsked ? [acknowledged, waited, scanned('ask=web-0', other)] : [];
    for (const event of [begun(9000), first, ...rest]) [state, effect] = step(state, event, only);
    const why = { kind: 'name taken', by: 'i-90', isAsked };
    expect(effect).toMatchObject({ kind: 'finish', outcome: { kind: 'undecided', why } });
  });

  it.each<[string, ClaimEvent[]]>([
    ['scanned', [nobody]],
    ['waited', [begun(9000), waited]],
    ['written', [begun(9000), acknowledged]],
    ['begun', [begun(9000), begun(9000)]],
  ])('refuses an event "%s" that nothing led to', (_, events) => {
    expect(() => effects(...events)).toThrow(TypeError);
  });
});
