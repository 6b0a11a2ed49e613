/**
 * Many hosts boot at once, in a simulated EC2 with every fault it can show, and are killed, paused,
 * stopped and started meanwhile. Each seed is a schedule of its own; `NAMETAG_SEED` replays one.
 * `node scripts/storm-claims.js` plays thousands.
 */
import { describe, expect, it } from 'vitest';
import type { Instance } from '../../src/model/instance.ts';
import { toSnapshot } from '../../src/model/snapshot.ts';
import { measure, stormOf, type Weather } from './storm/figures.ts';
import { everyTrouble, runStorm, type Storm, type StormResult } from './storm/storm.ts';
import { boot } from './storm/throttle-table.ts';

const replay = process.env['NAMETAG_SEED'];

function seeds(count: number): readonly number[] {
  return replay === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(replay)];
}

/** The complaints of some storms that break a rule on purpose. */
async function complaintsOf(storm: Omit<Storm, 'seed'>, count: number): Promise<string> {
  const results: StormResult[] = [];
  for (let seed = 1; seed <= count; seed += 1) results.push(await runStorm({ ...storm, seed }));
  return results.flatMap(({ complaints }) => complaints).join('\n');
}

describe('claim storms', () => {
  it.each<[Weather, number, number, number]>([
    ['calm', 1, 0, 20],
    ['calm', 10, 0, 10],
    ['faults', 2, 6000, 60],
    ['faults', 10, 6000, 15],
    ['crashes', 2, 0, 60],
    ['crashes', 10, 0, 15],
    ['all', 3, 6000, 60],
    ['all', 10, 60_000, 15],
    ['all', 50, 0, 2],
  ])(
    'keep every promise: %s, %i claimants within %i ms, %i seeds',
    async (weather, claimants, spreadMs, count) => {
      const { broken } = await measure(weather, claimants, spreadMs, seeds(count));
      expect(broken).toEqual([]);
    },
  );

  it.each([
    { claimants: 1, scans: 2, writes: 2, seconds: 11 },
    { claimants: 10, scans: 5, writes: 4, seconds: 30 },
    { claimants: 50, scans: 7, writes: 5, seconds: 35 },
    { claimants: 200, scans: 7, writes: 6, seconds: 35 },
  ])('take a bounded number of rounds for $claimants at once, late reads alone', async (bound) => {
    const row = await measure('calm', bound.claimants, 0, [1]);
    expect(row.scansOfRun.max).toBeLessThanOrEqual(bound.scans);
    expect(row.describes.max).toBeLessThanOrEqual(3 * bound.scans);
    expect(row.writes.max).toBeLessThanOrEqual(bound.writes);
    expect(row.lastNameMs.max).toBeLessThanOrEqual(bound.seconds * 1000);
  });

  it.each<Weather>(['faults', 'crashes', 'all'])(
    'take a bounded number of rounds for ten claimants: %s',
    async (weather) => {
      const row = await measure(weather, 10, 6000, seeds(15));
      expect(row.scansOfRun.max).toBeLessThanOrEqual(20);
      expect(row.describes.max).toBeLessThanOrEqual(80);
      expect(row.writes.max).toBeLessThanOrEqual(20);
    },
  );

  it("stay within EC2's buckets when thirty boot at once, and go on past that", async () => {
    const throttledOf = ({ figures }: StormResult): number =>
      figures.reduce((sum, { throttled }) => sum + throttled, 0);
    expect(throttledOf(await boot(30, 0))).toBe(0);
    const crowd = await boot(100, 0);
    expect(throttledOf(crowd)).toBeGreaterThan(0);
    expect(crowd.complaints).toEqual([]);
    expect(crowd.held).toHaveLength(100);
  });

  it.each(everyTrouble)('have each trouble that is asked for: %s', async (trouble) => {
    const { troubles } = await runStorm({ ...stormOf('faults', 10, 0, 1), troubles: [trouble] });
    expect(troubles[trouble]).toBeGreaterThan(0);
  });

  it('end alike when run again with the same seed', async () => {
    const storm = stormOf('all', 10, 6000, 7);
    expect(await runStorm(storm)).toEqual(await runStorm(storm));
  });
});

// Each promise with a rule broken, so that a check that finds nothing is one that can find.
describe('a storm in which a rule is broken', () => {
  const storm = { ...stormOf('calm', 8, 1000, 1), claimsAgain: false };

  it('finds a name held twice when claims do not settle', async () => {
    expect(await complaintsOf({ ...storm, settleMs: 50 }, 3)).toMatch(/held by/);
  });

  it('finds who has no name when what was killed is not run again', async () => {
    const broken = { ...storm, troubles: ['crash'], runsAgain: false } as const;
    expect(await complaintsOf(broken, 5)).toMatch(/has no name in the end/);
  });

  it('finds a gap when scans show somebody who is not there', async () => {
    const ghost = (seen: Instance): Instance => ({
      ...seen,
      instanceId: 'i-00000000000000000',
      tags: new Map([['Name', 'web-2']]),
    });
    const broken: Omit<Storm, 'seed'> = {
      ...storm,
      distort: ({ region, takenAtMs, instances }) =>
        toSnapshot(region, takenAtMs, [...instances, ...instances.slice(0, 1).map(ghost)]),
    };
    expect(await complaintsOf(broken, 1)).toMatch(/web-2 free below/);
  });

  it('finds that a claim is written again when a run does not see what is written', async () => {
    const broken: Omit<Storm, 'seed'> = {
      ...storm,
      claimsAgain: true,
      distort: ({ region, takenAtMs, instances }, instanceId) =>
        toSnapshot(
          region,
          takenAtMs,
          // As if half of the scans did not see what this instance has written.
          instances.map((instance) =>
            instance.instanceId === instanceId && takenAtMs % 2 >= 1
              ? { ...instance, tags: new Map<string, string>() }
              : instance,
          ),
        ),
    };
    expect(await complaintsOf(broken, 2)).toMatch(/when run again/);
  });

  it('takes more rounds when everybody is said to come first', async () => {
    const broken: Omit<Storm, 'seed'> = {
      ...storm,
      distort: ({ region, takenAtMs, instances }, instanceId) =>
        toSnapshot(
          region,
          takenAtMs,
          instances.map((instance) =>
            instance.instanceId === instanceId ? { ...instance, launchIndex: -1 } : instance,
          ),
        ),
      spreadMs: 0,
    };
    const { figures } = await runStorm({ ...broken, seed: 1 });
    expect(Math.max(...figures.map(({ scansOfRun }) => scansOfRun))).toBeGreaterThan(5);
  });

  it('finds a name held twice when two machines claim for one instance', async () => {
    // The protocol does not promise more: an instance's claim has one writer.
    const { complaints } = await runStorm({
      ...stormOf('faults', 3, 4000, 430),
      troubles: ['claim elsewhere', 'claim elsewhere', 'pause', 'crash'],
    });
    expect(complaints.join('\n')).toMatch(/held by/);
  });
});
