import { describe, expect, it } from 'vitest';
import { type ClaimTerms, decide, type OwnClaim } from '../../src/claim/decide.ts';
import type { Instance } from '../../src/model/instance.ts';
import { toSnapshot } from '../../src/model/snapshot.ts';
import { defaultVocabulary, formatClaim, generationMax, parseClaim } from '../../src/model/tags.ts';
import { series } from '../helpers/claim-storm.ts';
import { instance } from '../helpers/instances.ts';

const self = 'i-00000005';
const boot = '2026-11-20T23:52:31Z';
const later = '2026-11-21T08:00:00Z';

const terms: ClaimTerms = {
  instanceId: self,
  series: series('web'),
  vocabulary: defaultVocabulary,
  reserveStopped: false,
  stayMax: 5,
};

type Changes = Parameters<typeof instance>[0];

/** An instance that was launched at `boot`, ordered by its number. */
function host(number: number, claim?: string, changes: Changes = {}): Instance {
  const claimTags = claim === undefined ? {} : { 'nametag:claim': claim };
  return instance({
    instanceId: `i-0000000${number}`,
    launchTimeMs: Date.parse(boot),
    ...changes,
    tags: { ...claimTags, ...changes.tags },
  });
}

function named(name: string): Changes {
  return { tags: { Name: name } };
}

function own(written?: string, stays = 0): OwnClaim {
  return { written: written === undefined ? undefined : parseClaim(written), stays };
}

function decided(instances: readonly Instance[], mine: OwnClaim = own(), t = terms): string {
  const decision = decide(toSnapshot('eu-west-1', 1_763_683_951_000, instances), mine, t);
  switch (decision.kind) {
    case 'ask': {
      const { held, ask } = decision.claim;
      return `ask ${ask}${held === undefined ? '' : `, keep ${held}`}`;
    }
    case 'hold':
      return `hold ${decision.name}`;
    case 'held':
      return `held ${decision.name}`;
    default:
      return decision.kind;
  }
}

describe('decide, before the first write,', () => {
  it.each<[string, readonly Instance[], string]>([
    ['asks for the first name when nobody has one', [host(5)], 'ask web-0'],
    [
      'asks for the lowest gap, by number',
      [host(1, `held=web-0 boot=${boot}`), host(2, `held=web-10 boot=${boot}`), host(5)],
      'ask web-1',
    ],
    [
      'leaves a name that others ask for',
      [host(1, `ask=web-0 boot=${boot}`), host(5)],
      'ask web-1',
    ],
    [
      'gives those who ask for one name a seat each, in order',
      [1, 2, 9].map((n) => host(n, `ask=web-0 boot=${boot}`)).concat(host(5)),
      'ask web-2',
    ],
    [
      'leaves a name that somebody typed',
      [host(1, undefined, named('web-0')), host(5)],
      'ask web-1',
    ],
    ['leaves it in whatever case', [host(1, undefined, named('WEB-0')), host(5)], 'ask web-1'],
    [
      'takes the name of an instance that is gone',
      [host(1, `held=web-0 boot=${boot}`, { state: 'terminated' }), host(5)],
      'ask web-0',
    ],
    [
      'takes the name of a stopped instance',
      [host(1, `held=web-0 boot=${boot}`, { state: 'stopped' }), host(5)],
      'ask web-0',
    ],
    [
      'takes a name that was held before the holder started again',
      [host(1, `held=web-0 boot=${boot}`, { launchTimeMs: Date.parse(later) }), host(5)],
      'ask web-0',
    ],
    [
      'takes it though the Name of that one says it still',
      [
        host(1, `held=web-0 boot=${boot}`, { ...named('web-0'), launchTimeMs: Date.parse(later) }),
        host(5),
      ],
      'ask web-0',
    ],
    [
      'asks for its own name of an earlier life first',
      [host(5, `held=web-7 boot=2026-11-19T00:00:00Z`)],
      'ask web-7',
    ],
    [
      'asks for another when that is taken',
      [host(5, `held=web-7 boot=2026-11-19T00:00:00Z`), host(1, `held=web-7 boot=${boot}`)],
      'ask web-0',
    ],
    ['asks for the name that a person gave it', [host(5, undefined, named('web-3'))], 'ask web-3'],
    [
      'keeps a name of another service until it has this one',
      [host(5, `held=db-0 boot=${boot}`)],
      'ask web-0, keep db-0',
    ],
    ['writes nothing when it holds a name', [host(5, `held=web-4 boot=${boot}`)], 'held web-4'],
    [
      'keeps a name that it held first',
      [host(5, `held=web-4 boot=${boot}`), host(6, `held=web-4 boot=${boot}`)],
      'held web-4',
    ],
    [
      'gives up a name that another held first',
      [host(5, `held=web-0 boot=${boot}`), host(1, `held=web-0 boot=${boot}`)],
      'ask web-1',
    ],
    ['goes on from an unfinished proposal', [host(5, `ask=web-2 boot=${boot}`)], 'ask web-2'],
    ['starts afresh when its tag says nothing', [host(5, `boot=${boot}`)], 'ask web-0'],
    ['starts afresh when its tag is no claim', [host(5, 'held=WEB 1')], 'ask web-0'],
    ['waits when it is not in the answer', [host(1)], 'unseen'],
    ['waits when it seems to be stopped', [host(5, undefined, { state: 'stopped' })], 'unseen'],
    [
      'gives no seat to an asker of another service',
      [host(1, `ask=db-0 boot=${boot}`), host(2, `held=db-0 boot=${boot}`), host(5)],
      'ask web-0',
    ],
  ])('%s', (_, instances, expected) => {
    expect(decided(instances)).toBe(expected);
  });

  it.each([
    ['stopping', 'ask web-1'],
    ['stopped', 'ask web-1'],
    ['shutting-down', 'ask web-0'],
    ['terminated', 'ask web-0'],
  ] as const)('where those are reserved that are stopped, of one %s: %s', (state, expected) => {
    const other = host(1, `held=web-0 boot=${boot}`, { state });
    expect(decided([other, host(5)], own(), { ...terms, reserveStopped: true })).toBe(expected);
  });
});

describe('decide, when its proposal has settled,', () => {
  const asked = `ask=web-1 boot=${boot}`;
  it.each<[string, readonly Instance[], string, number?]>([
    ['holds a name that nobody else occupies', [host(5, asked)], 'hold web-1'],
    [
      'moves away from a name that is held',
      [host(5, asked), host(9, `held=web-1 boot=${boot}`)],
      'ask web-0',
    ],
    [
      'moves away from a name that was typed',
      [host(5, asked), host(9, undefined, named('web-1'))],
      'ask web-0',
    ],
    ['stays when it comes first', [host(5, asked), host(9, asked)], 'stay'],
    ['does not stay for ever', [host(5, asked), host(9, asked)], 'ask web-0', 5],
    ['moves away when another comes first', [host(5, asked), host(1, asked)], 'ask web-0'],
    ['or one of others', [host(5, asked), host(1, asked), host(9, asked)], 'ask web-0'],
    ['asks again when that is not to be seen', [host(5)], 'ask web-0'],
    ['goes on from what another process wrote', [host(5, `ask=web-8 boot=${boot}`)], 'ask web-8'],
    [
      'takes a name that another process got for it',
      [host(5, `held=web-8 boot=${boot}`)],
      'held web-8',
    ],
    [
      'asks again when it was started again meanwhile',
      [host(5, asked, { launchTimeMs: Date.parse(later) })],
      'ask web-1',
    ],
    ['waits when it is not in the answer', [host(1)], 'unseen'],
  ])('%s', (_, instances, expected, stays) => {
    expect(decided(instances, own(asked, stays))).toBe(expected);
  });

  it('goes by launch time before launch index before id', () => {
    const early = host(9, asked, { launchTimeMs: Date.parse(boot) - 1000 });
    expect(decided([host(5, asked), early], own(asked))).toBe('ask web-0');
    const indexed = host(1, asked, { launchIndex: 1 });
    expect(decided([host(5, asked), indexed], own(asked))).toBe('stay');
  });
});

describe('decide, when a hold is in doubt,', () => {
  const asked = `ask=web-1 boot=${boot}`;
  const held = `held=web-1 boot=${boot}`;
  it.each<[string, readonly Instance[], string]>([
    ['is done when it is to be seen', [host(5, held)], 'held web-1'],
    ['asks again when the proposal still stands', [host(5, asked)], 'ask web-1'],
    ['moves when another holds the name', [host(5, asked), host(9, held)], 'ask web-0'],
    ['asks again when another asks for it later', [host(5, asked), host(9, asked)], 'ask web-1'],
  ])('%s', (_, instances, expected) => {
    expect(decided(instances, own(held))).toBe(expected);
  });
});

const wanted = (number: number, wants: string, changes: Changes = {}): Instance =>
  host(number, `held=web-${number} boot=${boot}`, {
    ...changes,
    tags: { 'nametag:wants': wants },
  });

describe('decide, for who holds the first name,', () => {
  const master = `held=web-0 boot=${boot} gen=7`;
  const moving = `held=web-0 ask=web-2 boot=${boot} gen=7`;
  it.each<[string, readonly Instance[], string]>([
    ['moves away when another wants it', [wanted(1, 'web-0 8')], 'ask web-2, keep web-0'],
    ['keeps it from one that wants it no more than it was had', [wanted(1, 'web-0 7')], ''],
    ['keeps it from one that is stopped', [wanted(1, 'web-0 8', { state: 'stopped' })], ''],
    ['keeps it from one that wants another', [wanted(1, 'web-4 8')], ''],
    ['finds one that wants it among others', [host(2), wanted(1, 'web-0 8')], 'ask web-2'],
  ])('%s', (_, others, expected) => {
    const found = decided([host(5, master), ...others]);
    if (expected === '') expect(found).toBe('held web-0');
    else expect(found).toContain(expected);
  });

  it('without a generation has the lowest of all', () => {
    const instances = [host(5, `held=web-0 boot=${boot}`), wanted(1, 'web-0 1')];
    expect(decided(instances)).toBe('ask web-2, keep web-0');
  });

  it('is not moved by its own wish, nor from another name', () => {
    const own = { 'nametag:wants': 'web-0 8', 'nametag:claim': master };
    expect(decided([host(5, undefined, { tags: own })])).toBe('held web-0');
    const follower = host(5, `held=web-4 boot=${boot}`);
    expect(decided([follower, wanted(1, 'web-4 8')])).toBe('held web-4');
  });

  it('goes on with a move while it is wanted, and goes back from it when not', () => {
    expect(decided([host(5, moving), wanted(1, 'web-0 8')])).toBe('ask web-2, keep web-0');
    expect(decided([host(5, moving), wanted(1, 'web-0 7')])).toBe('hold web-0');
    const other = `held=web-4 ask=web-2 boot=${boot}`;
    expect(decided([host(5, other)])).toBe('ask web-2, keep web-4');
  });
});

describe('decide, when only the first name will do,', () => {
  const only: ClaimTerms = { ...terms, goal: 'first' };
  const asked = `ask=web-0 boot=${boot} next=8`;
  const taken = (by: string, isAsked: boolean) => ({ kind: 'taken', name: 'web-0', by, isAsked });
  const whole = (instances: readonly Instance[], mine = own()) =>
    decide(toSnapshot('eu-west-1', 0, instances), mine, only);

  it('asks for that, whatever it has, and is done when it has it', () => {
    expect(decided([host(5)], own(), only)).toBe('ask web-0');
    const follower = host(5, `held=web-4 boot=${boot}`);
    expect(decided([follower], own(), only)).toBe('ask web-0, keep web-4');
    expect(decided([host(5, `held=web-0 boot=${boot}`)], own(), only)).toBe('held web-0');
  });

  it('says who has it, before it asks and after', () => {
    const holder = host(9, `held=web-0 boot=${boot}`);
    const typed = host(9, undefined, named('web-0'));
    for (const other of [holder, typed]) {
      const all = [host(5), host(1, `held=web-1 boot=${boot}`), other];
      expect(whole(all)).toEqual(taken('i-00000009', false));
      const later = whole([host(5, asked), other], own(asked));
      expect(later).toEqual(taken('i-00000009', false));
    }
  });

  it.each([1, 9])('stays while %i asks too, and says so in the end', (number) => {
    const instances = [host(5, asked), host(number, asked)];
    expect(whole(instances, own(asked, 4))).toEqual({ kind: 'stay' });
    expect(whole(instances, own(asked, 5))).toEqual(taken(`i-0000000${number}`, true));
  });
});

describe('the generation of a name of rank 0', () => {
  const asked = `ask=web-0 boot=${boot} next=8`;
  const shown = (claim: string, ...others: Instance[]): string => {
    const scan = toSnapshot('eu-west-1', 7000, [host(5, claim), ...others]);
    const decision = decide(scan, own(claim), terms);
    return 'claim' in decision ? formatClaim(decision.claim) : decision.kind;
  };

  it('is the one that it was asked for with', () => {
    expect(shown(asked)).toBe(`held=web-0 boot=${boot} gen=8`);
    expect(shown(asked, host(1, `held=web-4 boot=${boot} seen=web-0:7`))).toContain('gen=8');
    expect(shown(asked, host(1, `held=web-4 boot=${boot} seen=db-0:9`))).toContain('gen=8');
  });

  it.each<[string, string, Changes]>([
    ['held the name', `held=web-0 boot=${boot} gen=20`, { state: 'terminated' }],
    ['asked for it and is gone', `ask=web-0 boot=${boot} next=20`, { state: 'stopped' }],
    ['asked for it in an earlier life', 'ask=web-0 boot=2026-11-19T00:00:00Z next=20', {}],
    ['has seen it', `held=web-4 boot=${boot} seen=web-0:20`, {}],
    ['has released it', `boot=${boot} seen=web-0:20`, { state: 'stopped' }],
  ])('is asked for anew above that of one who %s', (_, claim, changes) => {
    const again = `ask=web-0 boot=${boot} next=21 seen=web-0:20`;
    expect(shown(asked, host(1, claim, changes))).toBe(again);
    expect(shown(again, host(1, claim, changes))).toBe(`held=web-0 boot=${boot} gen=21`);
  });

  it('is above what anybody has, and never as high', () => {
    const again = `ask=web-0 boot=${boot} next=9 seen=web-0:8`;
    expect(shown(asked, host(1, `held=web-4 boot=${boot} seen=web-0:8`))).toBe(again);
  });

  it.each([`held=web-0 boot=${boot}`, `ask=web-0 boot=${boot}`])('may be 1 after "%s"', (none) => {
    const lowest = `ask=web-0 boot=${boot} next=1`;
    const gone = host(1, none, { state: 'terminated' });
    expect(shown(lowest, gone)).toBe(`held=web-0 boot=${boot} gen=1`);
  });

  it('is asked for when the name was asked for without', () => {
    expect(shown(`ask=web-0 boot=${boot}`)).toBe(`ask=web-0 boot=${boot} next=7`);
  });

  it('can be read, and had, whatever a stranger wrote', () => {
    const stranger = host(1, `held=web-4 boot=${boot} seen=web-0:${generationMax}`);
    const most = `ask=web-0 boot=${boot} next=${generationMax} seen=web-0:${generationMax}`;
    expect(shown(asked, stranger)).toBe(most);
    expect(shown(most, stranger)).toBe(`held=web-0 boot=${boot} gen=${generationMax}`);
  });
});

describe('what a claim tells of generations', () => {
  const told = (self: Instance, others: readonly Instance[], written?: string) => {
    const scan = toSnapshot('eu-west-1', 7000, [self, ...others]);
    const decision = decide(scan, own(written), terms);
    return 'claim' in decision ? formatClaim(decision.claim) : decision.kind;
  };
  const master = host(1, `held=web-0 boot=${boot} gen=9`);

  it.each<[string, string, string]>([
    ['that it asks with, the time in seconds,', told(host(5), []), `ask=web-0 boot=${boot} next=7`],
    [
      'that it has itself, once, while it moves away',
      told(host(5, `held=web-0 boot=${boot} gen=11`), [wanted(1, 'web-0 12')]),
      `held=web-0 ask=web-2 boot=${boot} gen=11`,
    ],
    [
      'that another has seen, if it has none itself',
      told(host(5, `held=web-0 boot=${boot}`), [
        wanted(1, 'web-0 12'),
        host(3, `held=web-3 boot=${boot} seen=web-0:1`),
      ]),
      `held=web-0 ask=web-2 boot=${boot} seen=web-0:1`,
    ],
    [
      'that a holder has, be it the lowest',
      told(host(5), [host(1, `held=web-0 boot=${boot} gen=1`)]),
      `ask=web-1 boot=${boot} seen=web-0:1`,
    ],
    ['that a holder has', told(host(5), [master]), `ask=web-1 boot=${boot} seen=web-0:9`],
    [
      'of its own earlier life',
      told(host(5, 'held=web-0 boot=2026-11-19T00:00:00Z gen=20'), []),
      `ask=web-0 boot=${boot} next=21 seen=web-0:20`,
    ],
    [
      'that it had itself, when it lets go of the name',
      told(
        host(5, `held=web-0 ask=web-1 boot=${boot} gen=11`),
        [],
        `held=web-0 ask=web-1 boot=${boot} gen=11`,
      ),
      `held=web-1 boot=${boot} seen=web-0:11`,
    ],
  ])('is the one %s', (_, claim, expected) => {
    expect(claim).toBe(expected);
  });
});
