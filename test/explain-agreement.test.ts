/** That what is explained is what is answered, and what is foretold is what happens. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isNametagError } from '../src/errors.ts';
import {
  type ExplainRequest,
  explain,
  type FleetExplanation,
  type Subject,
} from '../src/explain.ts';
import type { Condition } from '../src/model/condition.ts';
import { toDirectory } from '../src/model/directory.ts';
import { changesBetween, type Explanation, explainInstances } from '../src/model/explanation.ts';
import { compareText, type InstanceState } from '../src/model/instance.ts';
import type { InstanceQuery } from '../src/model/query.ts';
import type { Selector, TagTest } from '../src/model/selector.ts';
import type { Ec2 } from '../src/ports.ts';
import { type Resolution, resolve } from '../src/resolve.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { createRandom } from '../src/sandbox/random.ts';
import { World } from '../src/sandbox/world.ts';

const nowMs = Date.UTC(2026, 10, 21);
// An EC2 filter of any case leaves digits alone to tell one name from another.
const words = ['a-1', 'b-2', 'c-3', 'd-4', 'e-5', 'f-6', 'g-77'] as const;
const others = ['x', 'localhost', 'a-1.bank', '', 'a-1 b-2', 'é\n', '__proto__'] as const;
const states: readonly InstanceState[] = [
  'running',
  'running',
  'running',
  'running',
  'pending',
  'stopped',
  'terminated',
];
const zones = ['eu-west-1a', 'eu-west-1b'] as const;
const groupNames = ['tphon', 'web'] as const;

/** Everything that a seed decides. */
interface Draw {
  readonly below: (n: number) => number;
  readonly chance: (p: number) => boolean;
  readonly one: <T>(list: readonly T[]) => T;
  readonly some: <T>(list: readonly T[]) => readonly T[];
}

function drawsOf(seed: string): Draw {
  const random = createRandom(seed, 'explain');
  const below = (n: number): number => Math.floor(random() * n);
  const chance = (p: number): boolean => random() < p;
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  return { below, chance, one, some: (list) => list.filter(() => chance(0.5)) };
}

const claimText = (draw: Draw, launchedAgoMs: number): string => {
  const bootMs = nowMs - launchedAgoMs - (draw.chance(0.2) ? 86_400_000 : 0);
  const boot = `boot=${new Date(bootMs).toISOString().replace('.000Z', 'Z')}`;
  const kind = draw.below(8);
  if (kind === 0) return `ask=${draw.one(words)} ${boot}`;
  if (kind === 1) return draw.one(['', 'held', 'held=a-1']);
  if (kind === 2) return `held=${draw.one(words)} ask=${draw.one(words)} ${boot}`;
  return `held=${draw.one(words)} ${boot}`;
};

const aliasText = (draw: Draw): string =>
  draw.chance(0.1)
    ? draw.one(['a-1', 'b-2/0', 'b-2/1 b-2/2'])
    : draw
        .some(words)
        .map((word) => `${word}/${1 + draw.below(3)}`)
        .join(' ');

const serviceText = (draw: Draw): string =>
  draw.one(['', 'readonly port=1', 'port=0', 'a b=c', 'A!', 'port=5432']);

const nameText = (draw: Draw): string =>
  draw.chance(0.8)
    ? caseOf(draw, draw.one(words)) + (draw.chance(0.1) ? '.corp' : '')
    : draw.one(others);

const caseOf = (draw: Draw, text: string): string => (draw.chance(0.2) ? text.toUpperCase() : text);

const statusText = (draw: Draw): string => draw.one(['ready', 'ready', 'drain', 'Ready', '']);

interface Fleet {
  readonly world: World;
  readonly ec2: Ec2;
  readonly ids: readonly string[];
}

function drawFleet(draw: Draw): Fleet {
  const world = new World({ now: () => nowMs, knobs: { settleMaxMs: 0 } });
  const groups = groupNames.map((groupName) => world.addGroup({ groupName }));
  const ids = Array.from(
    { length: 2 + draw.below(7) },
    (_, i) => `i-${String(i + 1).padStart(17, '0')}`,
  );
  for (const instanceId of ids) {
    const launchedAgoMs = (1 + draw.below(3)) * 60_000;
    const tags = new Map<string, string>();
    if (draw.chance(0.7)) tags.set('Name', nameText(draw));
    if (draw.chance(0.4)) tags.set('nametag:claim', claimText(draw, launchedAgoMs));
    if (draw.chance(0.4)) tags.set('nametag:aliases', aliasText(draw));
    if (draw.chance(0.7)) tags.set('status', statusText(draw));
    for (const service of draw.some(['b-2', 'c-3'])) {
      if (draw.chance(0.5)) tags.set(`service:${service}`, serviceText(draw));
    }
    if (draw.chance(0.5)) tags.set('env', draw.one(['prod', 'test', '']));
    world.place({
      instanceId,
      launchedAgoMs,
      groups: draw.chance(0.4) ? draw.some(groups) : groups,
      state: draw.one(states),
      availabilityZone: draw.one(zones),
      tags,
    });
  }
  return { world, ec2: createWorldEc2({ world, clock: new ManualClock(nowMs) }), ids };
}

function drawSelector(draw: Draw, ids: readonly string[]): Selector {
  if (draw.chance(0.1)) return {};
  const groups = [
    ...draw.some(groupNames).slice(0, 1 + draw.below(2)),
    ...(draw.chance(0.05) ? ['no-such'] : []),
  ];
  return {
    ...(groups.length > 0 && { groups, ...(draw.chance(0.3) && { anyGroup: true }) }),
    ...(draw.chance(0.2) && { ready: true }),
    ...(draw.chance(0.1) && {
      tags: [
        { key: 'env', value: draw.one(['prod', '']) },
        { key: draw.one(['env', 'status']), value: draw.one(['test', 'ready']) },
      ],
    }),
    ...(draw.chance(0.2) && { notTags: [{ key: 'env', value: draw.one(['prod', 'test', '']) }] }),
    ...(draw.chance(0.15) && { names: [draw.one(['a*', 'A-1', 'b-2', 'c??', '*'])] }),
    ...(draw.chance(0.2) && { availabilityZones: draw.some(zones).slice(0, 1).concat(zones[0]) }),
    ...(draw.chance(0.2) && { notInstanceIds: [draw.one(ids)] }),
  };
}

function drawWhatIf(draw: Draw): readonly TagTest[] {
  const tests: readonly (() => TagTest)[] = [
    () => ({ key: 'Name', value: nameText(draw) }),
    () => ({ key: 'nametag:claim', value: claimText(draw, draw.below(4) * 60_000) }),
    () => ({ key: 'nametag:aliases', value: aliasText(draw) }),
    () => ({ key: 'status', value: statusText(draw) }),
    () => ({ key: `service:${draw.one(['b-2', 'c-3'])}`, value: serviceText(draw) }),
    () => ({ key: 'env', value: draw.one(['prod', '', '=a=']) }),
  ];
  const drawn = draw
    .some(tests)
    .slice(0, 3)
    .map((make) => make());
  return drawn.length > 0 ? drawn : [{ key: 'Name', value: nameText(draw) }];
}

/** Every instance explained, with all of EC2 in sight. */
async function explainWorld(ec2: Ec2, question: Question): Promise<readonly Explanation[]> {
  const snapshot = await ec2.describeInstances([{}]);
  return explainInstances({ snapshot, directory: toDirectory(snapshot, question) }, question);
}

interface Question {
  readonly selector: Selector;
  readonly domain: string | undefined;
}

/** A question, its answer, and what the whole fleet says to it. */
interface Asked {
  readonly seed: string;
  readonly fleet: Fleet;
  readonly told: FleetExplanation;
  readonly question: Question;
  readonly all: readonly Explanation[];
}

/** Asks about each fleet what its seed says; whoever knows nobody or no target is not asked. */
async function askAll(seesOnly: (query: InstanceQuery) => boolean = () => true): Promise<Asked[]> {
  const answers: Asked[] = [];
  for (const seed of Array.from({ length: 300 }, (_, i) => `fleet ${i}`)) {
    const draw = drawsOf(seed);
    const fleet = drawFleet(draw);
    const given = drawSelector(draw, fleet.ids);
    const subject: Subject = draw.chance(0.5)
      ? { kind: 'word', word: draw.one(words) }
      : { kind: 'instance', instanceId: draw.one(fleet.ids) };
    const whatIf = subject.kind === 'instance' || draw.chance(0.5) ? drawWhatIf(draw) : [];
    const domain = draw.chance(0.3) ? 'corp' : undefined;
    const request = { subject, selector: given, whatIf, domain };
    const told = await tryToExplain(request, fleet.ec2, seesOnly);
    if (told === undefined) continue;
    const question = { selector: { ...given, ...serviceOf(subject, told) }, domain };
    answers.push({ seed, fleet, told, question, all: await explainWorld(fleet.ec2, question) });
  }
  return answers;
}

async function tryToExplain(
  request: ExplainRequest,
  ec2: Ec2,
  seesOnly: (query: InstanceQuery) => boolean,
): Promise<FleetExplanation | undefined> {
  const describeInstances: Ec2['describeInstances'] = (queries, options) =>
    ec2.describeInstances(queries.filter(seesOnly), options);
  try {
    return await explain(request, { ...ec2, describeInstances });
  } catch (error) {
    if (isNametagError(error, 'NAMETAG_NOBODY') || isNametagError(error, 'NAMETAG_USAGE')) {
      return undefined;
    }
    throw error;
  }
}

function serviceOf(subject: Subject, { instances }: FleetExplanation): Selector {
  if (subject.kind === 'instance') return {};
  const { word } = subject;
  const isOffer = ({ what }: Condition): boolean => what === `offers ${word}`;
  return instances.some(({ conditions }) => conditions.some(isOffer)) ? { service: word } : {};
}

/** Gives the seeds for which something was told that is not so. */
async function foretoldWrongly(answers: readonly Asked[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { seed, fleet, told, question, all } of answers) {
    if (told.whatIf === undefined) continue;
    const { instanceId, tags, changes } = told.whatIf;
    fleet.world.createTags({ resources: [instanceId], tags });
    const happened = changesBetween(all, await explainWorld(fleet.ec2, question));
    if (!isDeepStrictEqual(changes, happened)) wrong.push(seed);
  }
  return wrong;
}

/** The last condition of whoever `resolve` has in its answer, or asked for and left out. */
function lastOf(answer: Resolution): ReadonlyMap<string, Pick<Condition, 'holds' | 'seen'>> {
  return new Map<string, Pick<Condition, 'holds' | 'seen'>>([
    ...answer.omitted.map(
      ({ instanceId, reason, seen }) =>
        [instanceId, { holds: false, seen: seen === '' ? reason : `${reason}: ${seen}` }] as const,
    ),
    ...answer.endpoints.map(
      ({ instanceId, host }) => [instanceId, { holds: true, seen: host }] as const,
    ),
  ]);
}

describe('what is explained', () => {
  test('is what resolve answers', async () => {
    const answers = await askAll();
    let compared = 0;
    for (const { seed, fleet, told, question } of answers) {
      const { selector } = question;
      if (Object.keys(selector).length === 0) continue;
      const answer = await resolve({ ...question, namesMatter: true }, fleet.ec2);
      const lasts = lastOf(answer);
      for (const { instanceId, name, aliases, conditions } of told.instances) {
        const last = conditions.at(-1);
        const endpoint = answer.endpoints.find((one) => one.instanceId === instanceId);
        expect({ seed, holds: last?.holds }).toEqual({ seed, holds: endpoint !== undefined });
        if (lasts.has(instanceId))
          expect({ seed, ...last }).toMatchObject(lasts.get(instanceId) ?? {});
        if (endpoint === undefined) continue;
        compared += 1;
        const called = { name: endpoint.name, aliases: endpoint.aliases.toSorted() };
        expect({ seed, name, aliases: aliases.toSorted() }).toEqual({ seed, ...called });
      }
      const ids = told.instances.map(({ instanceId }) => instanceId);
      if (selector.service === undefined) continue;
      expect(ids).toEqual(expect.arrayContaining(answer.endpoints.map((one) => one.instanceId)));
    }
    expect(compared).toBeGreaterThan(50);
  });

  test('is what the whole fleet says', async () => {
    for (const { seed, told, all } of await askAll()) {
      const ids = new Set(told.instances.map(({ instanceId }) => instanceId));
      const expected = all.filter(({ instanceId }) => ids.has(instanceId));
      const found = told.instances.toSorted((a, b) => compareText(a.instanceId, b.instanceId));
      expect({ seed, found }).toEqual({ seed, found: expected });
    }
  });
});

describe('what is foretold', () => {
  test('happens, and nothing else does', async () => {
    const answers = await askAll();
    expect(answers.filter(({ told }) => told.whatIf !== undefined).length).toBeGreaterThan(150);
    expect(await foretoldWrongly(answers)).toEqual([]);
  });

  test('is wrong when whoever claims an alias is not seen: the control', async () => {
    const isAliases = ({ tags = [] }: InstanceQuery): boolean =>
      tags.some(({ key }) => key === 'nametag:aliases');
    const answers = await askAll((query) => !isAliases(query));
    expect(await foretoldWrongly(answers)).not.toEqual([]);
  });
});
