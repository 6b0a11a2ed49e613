import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/sandbox/manual-clock.ts';

describe('a hand-turned clock', () => {
  test('wakes who waits in the order of time, then of asking', async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const task = async (name: string, ...waits: number[]): Promise<void> => {
      for (const ms of waits) {
        await clock.wait(ms);
        told.push(`${name}@${clock.monotonicMs()}`);
      }
    };
    await clock.run(Promise.all([task('a', 10, 10), task('b', 5, 10, 10), task('c', 20)]));
    expect(told).toEqual(['b@5', 'a@10', 'b@15', 'c@20', 'a@20', 'b@25']);
  });

  test('lets everything go on that can before it steps', async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const slow = async (): Promise<void> => {
      await clock.wait(1);
      for (let i = 0; i < 1000; i += 1) await Promise.resolve();
      told.push(`slow@${clock.monotonicMs()}`);
    };
    const next = async (): Promise<void> => {
      await clock.wait(2);
      told.push(`next@${clock.monotonicMs()}`);
    };
    await clock.run(Promise.all([slow(), next()]));
    expect(told).toEqual(['slow@1', 'next@2']);
  });

  test('advances by a time, and no further', async () => {
    const clock = new ManualClock();
    let woken = 0;
    const task = (async () => {
      for (let i = 0; i < 5; i += 1) {
        await clock.wait(10);
        woken += 1;
      }
    })();
    await clock.advance(25);
    expect([woken, clock.monotonicMs()]).toEqual([2, 25]);
    await clock.run(task);
    expect([woken, clock.monotonicMs()]).toEqual([5, 50]);
  });

  test('ends a wait by its signal, with its reason', async () => {
    const clock = new ManualClock();
    const reason = new Error('enough');
    const abort = new AbortController();
    const task = clock.wait(1000, { signal: abort.signal });
    const other = clock.wait(10).then(() => abort.abort(reason));
    await expect(clock.run(task)).rejects.toBe(reason);
    await other;
    expect(clock.monotonicMs()).toBe(10);
    await expect(clock.wait(1, { signal: abort.signal })).rejects.toBe(reason);
  });

  test('tells a task that nobody can end', async () => {
    const clock = new ManualClock();
    await expect(clock.run(new Promise(() => {}))).rejects.toThrow('nobody waits');
  });

  test('ends a task that waits for ever', async () => {
    const clock = new ManualClock();
    const forever = (async () => {
      for (;;) await clock.wait(1000);
    })();
    await expect(clock.run(forever, 10_000)).rejects.toThrow('the limit is reached');
  });

  test('gives each machine its own boot and its own wrong date', async () => {
    const clock = new ManualClock(1_000_000);
    await clock.advance(500);
    const machine = clock.machine({ bootedAtMs: 400, wallOffsetMs: -7 });
    expect(machine.uptimeMs()).toBe(100);
    expect(machine.wallMs()).toBe(1_000_493);
    expect(machine.monotonicMs()).toBe(500);
  });
});
