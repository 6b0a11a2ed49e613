/**
 * Many hosts boot at once, in a simulated EC2 with every fault it can show. Each seed is a schedule
 * of its own; `NAMETAG_SEED` replays one.
 */
import { describe, expect, it } from 'vitest';
import { nameAt } from '../../src/model/series.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import { runStorm, type Storm, series } from '../helpers/claim-storm.ts';

const replay = process.env['NAMETAG_SEED'];

function seeds(count: number): readonly number[] {
  return replay === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(replay)];
}

const calm: Partial<Knobs> = { settleMaxMs: 1500 };
const faults: Partial<Knobs> = {
  settleMaxMs: 1500,
  notFoundMs: 3000,
  concurrent: 0.1,
  shortPages: 0.3,
  emptyPages: 0.1,
  lostNow: 0.03,
  lostLate: 0.03,
  lostTwice: 0.02,
  lostNever: 0.03,
  lostRead: 0.03,
};

describe('claim storms', () => {
  it.each([
    { claimants: 1, knobs: calm, count: 20 },
    { claimants: 2, knobs: faults, count: 200 },
    { claimants: 8, knobs: calm, count: 60 },
    { claimants: 8, knobs: faults, count: 60 },
    { claimants: 50, knobs: faults, count: 10 },
  ])(
    'give $claimants hosts the lowest names, each its own',
    async ({ claimants, knobs, count }) => {
      const expected = Array.from({ length: claimants }, (_, i) => nameAt(series('web'), i)).sort();
      for (const seed of seeds(count)) {
        const storm: Storm = { claimants, seed, settleMs: 2000, knobs, spreadMs: 6000 };
        const { outcomes, heldTwice, held } = await runStorm(storm);
        expect(heldTwice, `seed ${seed}`).toEqual([]);
        expect(
          outcomes.filter((outcome) => outcome.kind !== 'held'),
          `seed ${seed}`,
        ).toEqual([]);
        expect(held, `seed ${seed}`).toEqual(expected);
      }
    },
  );

  it('find a name held twice when claims do not settle (the control)', async () => {
    let found = 0;
    for (const seed of seeds(20)) {
      const storm: Storm = { claimants: 8, seed, settleMs: 50, knobs: calm, spreadMs: 1000 };
      found += (await runStorm(storm)).heldTwice.length;
    }
    expect(found).toBeGreaterThan(0);
  });

  it('take two rounds when all hosts boot in the same moment', async () => {
    const { outcomes } = await runStorm({ claimants: 8, seed: 1, settleMs: 2000, knobs: calm });
    for (const { tally } of outcomes) expect(tally.writes).toBeLessThanOrEqual(3);
  });

  it('end alike when run again with the same seed', async () => {
    const storm: Storm = { claimants: 8, seed: 7, settleMs: 2000, knobs: faults, spreadMs: 500 };
    expect(await runStorm(storm)).toEqual(await runStorm(storm));
  });
});
