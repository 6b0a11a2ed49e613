import { describe, expect, it } from 'vitest';
import {
  afterRefresh,
  askedWait,
  nextWait,
  type Pace,
  type RefreshOutcome,
  startingPace,
} from '../../src/model/pace.ts';
import { createRandom } from '../../src/sandbox/random.ts';

const settings = { intervalMs: 30_000 };
const middle = 0.5;

/** The state after these refreshes, one a second from 0. */
const paceAfter = (...outcomes: readonly RefreshOutcome[]): Pace =>
  outcomes.reduce((pace, outcome, i) => afterRefresh(pace, outcome, i * 1000), startingPace);

describe('nextWait', () => {
  it.each<[outcomes: readonly RefreshOutcome[], chance: number, ms: number, because: string]>([
    // The first one parts the fleet.
    [['unchanged'], 0, 5000, 'interval'],
    [['unchanged'], middle, 17_500, 'interval'],
    [['unchanged', 'unchanged'], 0, 22_500, 'interval'],
    [['unchanged', 'unchanged'], middle, 30_000, 'interval'],
    [['unchanged', 'changed'], middle, 10_000, 'recent change'],
    [['changed', 'unchanged'], middle, 10_000, 'recent change'],
    [['failed'], middle, 60_000, 'failures'],
    [['failed', 'failed'], middle, 120_000, 'failures'],
    [['failed', 'failed', 'failed'], middle, 240_000, 'failures'],
    [['failed', 'failed', 'failed', 'failed'], middle, 300_000, 'failures'],
    [Array.from({ length: 5000 }, () => 'failed' as const), middle, 300_000, 'failures'],
    // A change does not quicken while EC2 fails, and one answer ends the doubling.
    [['changed', 'failed'], middle, 60_000, 'failures'],
    [['unchanged', 'failed', 'failed', 'unchanged'], middle, 30_000, 'interval'],
  ])('after %j with chance %d is %i ms, because of %s', (outcomes, chance, waitMs, because) => {
    const nowMs = outcomes.length * 1000;
    expect(nextWait(paceAfter(...outcomes), settings, { nowMs, chance })).toEqual({
      waitMs,
      because,
    });
  });

  it('is quick for a minute after a change', () => {
    const pace = paceAfter('unchanged', 'changed');
    const because = (nowMs: number): string =>
      nextWait(pace, settings, { nowMs, chance: 0 }).because;
    expect([because(60_999), because(61_000)]).toEqual(['recent change', 'interval']);
  });

  it.each([
    [3_600_000, 'unchanged', 3_600_000],
    [3_600_000, 'changed', 1_200_000],
    [12_000, 'changed', 5000],
    [2000, 'changed', 2000],
    [600_000, 'failed', 600_000],
  ] as const)('at an interval of %i ms, %s, is %i ms', (intervalMs, outcome, waitMs) => {
    const pace = paceAfter('unchanged', outcome);
    const wait = nextWait(pace, { intervalMs }, { nowMs: 2000, chance: middle });
    expect(wait.waitMs).toBe(waitMs);
  });
});

describe('askedWait', () => {
  const at = (pace: Pace, nowMs: number, chance = 0): number =>
    askedWait(pace, settings, { nowMs, chance }).waitMs;

  it('is at once, spread over a second, and two seconds from one to the next', () => {
    const pace = paceAfter('unchanged');
    expect([at(pace, 0), at(pace, 1500), at(pace, 2000), at(pace, 9000, 0.9)]).toEqual([
      ...[2000, 500, 0, 900],
    ]);
    expect(at(startingPace, 0)).toBe(0);
  });

  it('waits for the interval while EC2 fails', () => {
    expect([at(paceAfter('failed'), 10_000), at(paceAfter('failed'), 40_000)]).toEqual([20_000, 0]);
  });
});

/** One host for some hours: what happens at each refresh is drawn too. Returns when each began. */
function simulate(
  seed: number,
  plan: { readonly hours: number; readonly shares: Readonly<Record<RefreshOutcome, number>> },
  wait: typeof nextWait = nextWait,
): readonly number[] {
  const random = createRandom(seed);
  const began: number[] = [];
  let pace = startingPace;
  for (let nowMs = 0; nowMs < plan.hours * 3_600_000; ) {
    began.push(nowMs);
    const draw = random();
    const { failed, changed } = plan.shares;
    const outcome = draw < failed ? 'failed' : draw < failed + changed ? 'changed' : 'unchanged';
    pace = afterRefresh(pace, outcome, nowMs);
    nowMs += wait(pace, settings, { nowMs, chance: random() }).waitMs;
  }
  return began;
}

/** The most that began within any hour. */
function busiestHour(began: readonly number[]): number {
  let first = 0;
  return began.reduce((most, at, last) => {
    while (at - (began[first] ?? 0) >= 3_600_000) first += 1;
    return Math.max(most, last - first + 1);
  }, 0);
}

describe('a simulated watcher', () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i + 1);
  const flapping = { hours: 3, shares: { failed: 0, changed: 1, unchanged: 0 } };
  const mixed = { hours: 6, shares: { failed: 0.1, changed: 0.05, unchanged: 0.85 } };
  const calm = { hours: 3, shares: { failed: 0, changed: 0, unchanged: 1 } };
  const down = { hours: 24, shares: { failed: 1, changed: 0, unchanged: 0 } };

  it('asks at most so often in any hour, whatever happens', () => {
    // A third of the interval and a quarter less by chance is 7.5 s.
    const most = 3_600_000 / 7500 + 1;
    for (const seed of seeds) {
      expect(busiestHour(simulate(seed, flapping))).toBeLessThanOrEqual(most);
      expect(busiestHour(simulate(seed, mixed))).toBeLessThanOrEqual(most);
      expect(busiestHour(simulate(seed, calm))).toBeLessThanOrEqual(3_600_000 / 22_500 + 1);
      // 5 minutes at most, a quarter less by chance: 16 an hour, and the first few.
      expect(busiestHour(simulate(seed, down))).toBeLessThanOrEqual(16 + 4);
    }
    const rushed: typeof nextWait = (...args) => {
      const { waitMs, because } = nextWait(...args);
      return { waitMs: because === 'recent change' ? waitMs / 4 : waitMs, because };
    };
    expect(busiestHour(simulate(1, flapping, rushed))).toBeGreaterThan(most);
  });

  it('does not stay in step with others that were started in the same second', () => {
    const perSecond = (wait?: typeof nextWait): number => {
      const counts = new Map<number, number>();
      for (let seed = 1; seed <= 300; seed += 1) {
        const plan = { hours: 0.25, shares: calm.shares };
        for (const at of simulate(seed, plan, wait).slice(1)) {
          const second = Math.floor(at / 1000);
          counts.set(second, (counts.get(second) ?? 0) + 1);
        }
      }
      return Math.max(...counts.values());
    };
    // 300 hosts at 30 s are 10 a second on average.
    expect(perSecond()).toBeLessThan(35);
    const inStep: typeof nextWait = (...args) => ({ ...nextWait(...args), waitMs: 30_000 });
    expect(perSecond(inStep)).toBe(300);
  });
});
