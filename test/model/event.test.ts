import { describe, expect, test } from 'vitest';
import { subjectOf } from '../../src/model/coalesce.ts';
import { findDifference, memberKey, type Reading } from '../../src/model/difference.ts';
import { type Member, toDirectory } from '../../src/model/directory.ts';
import { type EventState, nobodyKnown, stepEvents } from '../../src/model/event.ts';
import type { Instance } from '../../src/model/instance.ts';
import type { Removal } from '../../src/model/removal.ts';
import {
  boot,
  type InstanceFields,
  instance,
  launchTimeMs,
  snapshot,
} from '../helpers/instances.ts';

const held = (name: string, extra: Record<string, string> = {}) => ({
  Name: name,
  'nametag:claim': `held=${name} ${boot}`,
  ...extra,
});
const web = (n: number, fields: InstanceFields = {}): Instance =>
  instance({
    instanceId: `i-${n}`,
    privateIpAddress: `10.0.0.${n}`,
    tags: held(`web-${n}`),
    ...fields,
  });

interface Seen {
  readonly removed?: readonly Removal[];
  /** Who of the directory is in the answer. */
  readonly only?: (member: Member) => boolean;
}

const reading = (instances: readonly Instance[], { removed, only }: Seen = {}): Reading => {
  const directory = toDirectory(snapshot(...instances));
  return { directory, removed, members: only && directory.members.filter(only) };
};

/** What happens from the first to the second, as `event subject`. */
function happens(before: Reading, after: Reading): string[] {
  const { state } = stepEvents(nobodyKnown, before, 0);
  return show(state, after, 1000);
}

function show(state: EventState, after: Reading, nowMs: number): string[] {
  return stepEvents(state, after, nowMs).events.map((e) => `${e.event} ${subjectOf(e)}`);
}

const isReady = ({ ready }: Member): boolean => ready;

describe('what happens', () => {
  test('by the first reading everybody joins, and every name is gained', () => {
    expect(show(nobodyKnown, reading([web(1), instance({ instanceId: 'i-9' })]), 0)).toEqual([
      'member-join web-1',
      'member-join i-9',
      'name-gained web-1',
    ]);
  });

  test('nothing changes: nothing happens', () => {
    expect(happens(reading([web(1), web(2)]), reading([web(2), web(1)]))).toEqual([]);
  });

  test.each<[string, InstanceFields]>([
    ['its address', { privateIpAddress: '10.0.0.99' }],
    ['a tag', { tags: held('web-1', { role: 'api' }) }],
    ['a group', { groups: ['tphon'] }],
    ['a start', { launchTimeMs: launchTimeMs + 500 }],
  ])('a member that has another of %s is updated', (_, fields) => {
    expect(happens(reading([web(1)]), reading([web(1, fields)]))).toEqual(['member-update web-1']);
  });

  test('the tags that claims are made of are no update', () => {
    const asking = { tags: { ...held('web-1'), 'nametag:wants': 'db-master 7' } };
    expect(happens(reading([web(1)]), reading([web(1, asking)]))).toEqual([]);
  });

  test.each(['stopping', 'stopped', 'shutting-down', 'terminated'] as const)(
    'one that the answer shows as %s has failed, and lost its name',
    (state) => {
      const gone = ['member-failed web-1', 'name-lost web-1'];
      expect(happens(reading([web(1)]), reading([web(1, { state })]))).toEqual(gone);
      const removed = [{ instanceId: 'i-1', evidence: state }];
      expect(happens(reading([web(1)]), reading([], { removed }))).toEqual(gone);
    },
  );

  test('one whose tags or groups do not match any more has left, and keeps its name', () => {
    const removed = [{ instanceId: 'i-1', evidence: 'does not match' as const }];
    expect(happens(reading([web(1)]), reading([], { removed }))).toEqual(['member-leave web-1']);
  });

  test('one that drains leaves with its name, and gains nothing when it comes back', () => {
    const ready = reading([web(1, { tags: held('web-1', { status: 'ready' }) })], {
      only: isReady,
    });
    const drained = reading([web(1)], { only: isReady });
    const first = stepEvents(nobodyKnown, ready, 0);
    const second = stepEvents(first.state, drained, 1);
    expect(second.events).toMatchObject([{ event: 'member-leave', evidence: 'withdrawn' }]);
    expect(show(second.state, ready, 2)).toEqual(['member-join web-1']);
  });

  test('one that drained loses its name when it stops, not when it merely is not meant', () => {
    const only = isReady;
    const ready = reading([web(1, { tags: held('web-1', { status: 'ready' }) })], { only });
    const { state } = stepEvents(
      stepEvents(nobodyKnown, ready, 0).state,
      reading([web(1)], { only }),
      1,
    );
    const removed = (evidence: Removal['evidence']) =>
      reading([], { only, removed: [{ instanceId: 'i-1', evidence }] });
    const lost = ['name-lost web-1'];
    expect(show(state, reading([web(1, { state: 'stopped' })], { only }), 2)).toEqual(lost);
    expect(show(state, removed('terminated'), 2)).toEqual(lost);
    expect(show(state, removed('does not match'), 2)).toEqual([]);
  });

  test('one that EC2 does not show stays, for the guard keeps it in the snapshot', () => {
    const kept = { ...snapshot(web(1), web(2)), unconfirmed: new Map([['i-1', 5]]) };
    expect(happens(reading([web(1), web(2)]), { directory: toDirectory(kept) })).toEqual([]);
  });

  test('one that the guard let go without telling has failed', () => {
    expect(happens(reading([web(1)]), reading([]))).toEqual([
      'member-failed web-1',
      'name-lost web-1',
    ]);
  });

  test('a name that is released leaves, and its instance joins by its id', () => {
    const released = web(1, { tags: { Name: '', 'nametag:claim': boot } });
    expect(happens(reading([web(1)]), reading([released]))).toEqual([
      'member-leave web-1',
      'member-join i-1',
      'name-lost web-1',
    ]);
  });

  test('a change of master updates both names, and tells what each side lost and gained', () => {
    const before = [web(1, { tags: held('db-master') }), web(2, { tags: held('db-slave-1') })];
    const after = [web(1, { tags: held('db-slave-1') }), web(2, { tags: held('db-master') })];
    expect(happens(reading(before), reading(after))).toEqual([
      'member-update db-master',
      'member-update db-slave-1',
      'name-lost db-master',
      'name-lost db-slave-1',
      'name-gained db-master',
      'name-gained db-slave-1',
    ]);
  });

  test('a conflict is told once, and again when others are in it', () => {
    const two = [web(1), web(2, { tags: held('web-1') })];
    const three = [...two, web(3, { tags: held('web-1') })];
    expect(happens(reading([web(1)]), reading(two))).toContain('conflict web-1');
    expect(happens(reading(two), reading(two))).toEqual([]);
    expect(happens(reading(two), reading(three))).toContain('conflict web-1');
  });

  test('one that stops as another starts loses its name before the other gains one', () => {
    const after = reading([web(1, { state: 'stopped' }), web(2)]);
    expect(happens(reading([web(1)]), after)).toEqual([
      'member-failed web-1',
      'member-join web-2',
      'name-lost web-1',
      'name-gained web-2',
    ]);
  });

  test('a conflict among those who are not meant is not told', () => {
    const ready = held('web-1', { status: 'ready' });
    const two = [web(1), web(2, { tags: held('web-1') })];
    const meant = [web(1), web(2, { tags: ready })];
    expect(happens(reading([], { only: isReady }), reading(two, { only: isReady }))).toEqual([]);
    expect(happens(reading([], { only: isReady }), reading(meant, { only: isReady }))).toEqual([
      'member-join i-2',
      'conflict web-1',
    ]);
  });

  test('one that is tagged with the id of another is not taken for it', () => {
    const both = [web(1, { tags: held('i-2') }), instance({ instanceId: 'i-2' })];
    const removed = [{ instanceId: 'i-2', evidence: 'terminated' as const }];
    expect(happens(reading(both), reading(both.slice(0, 1), { removed }))).toEqual([
      'member-failed i-2',
    ]);
  });

  test('whoever failed or left is reaped after a day, unless it is back', () => {
    const day = 86_400_000;
    const first = stepEvents(nobodyKnown, reading([web(1), web(2)]), 0);
    const second = stepEvents(first.state, reading([]), 10);
    expect(show(second.state, reading([]), day)).toEqual([]);
    const back = stepEvents(second.state, reading([web(2)]), 20);
    const third = stepEvents(back.state, reading([web(2)]), day + 10);
    expect(third.events.map((e) => `${e.event} ${subjectOf(e)}`)).toEqual(['member-reap web-1']);
    expect(third.state.gone.size).toBe(0);
  });
});

describe('findDifference', () => {
  test('finds the few that changed among ten thousand', () => {
    const fleet = Array.from({ length: 10_000 }, (_, n) => web(n));
    const { directory } = reading(fleet);
    const before = new Map(directory.members.map((member) => [memberKey(member), member]));
    const changed = fleet.map((i, n) => (n === 77 ? web(77, { privateIpAddress: '10.9.9.9' }) : i));
    const { joined, updated, departed } = findDifference(before, reading(changed.slice(1)));
    expect({ joined, updated, departed }).toMatchObject({
      joined: [],
      updated: [{ after: { name: 'web-77' }, aspects: ['addresses'] }],
      departed: [{ member: { name: 'web-0' } }],
    });
  });
});
