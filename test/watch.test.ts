/** The watcher's loop, on a clock that is turned by hand. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import type { WatchOutput } from '../src/watch.ts';
import { MemoryStore } from './helpers/memory-store.ts';
import { ec2Failure, recordingOutput, startWatching, type Watching } from './helpers/watching.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** One that has made its first refresh. */
async function watching(options: Parameters<typeof startWatching>[0] = {}): Promise<Watching> {
  const watch = startWatching(options);
  await watch.clock.advance(0);
  return watch;
}

const membersOf = ({ given }: ReturnType<typeof recordingOutput>): readonly number[] =>
  given.map(({ members }) => members.length);

describe('the first answer', () => {
  it('is written, told to handlers as what there is, and makes the service ready', async () => {
    const output = recordingOutput('/etc/hosts');
    const watch = await watching({ outputs: [output] });
    expect(membersOf(output)).toEqual([9]);
    expect(watch.told()).toEqual(['output-written', 'fleet-changed']);
    expect(watch.notices).toEqual(['READY 9 instances as of 2026-01-01T00:00:00Z']);
    expect(watch.watcher.health()).toEqual({
      alive: true,
      ready: true,
      detail: 'the answer is 0 s old',
    });
    await watch.stop();
    expect(watch.notices.at(-1)).toBe('STOPPING');
  });

  it('must succeed: the run ends with its failure, and nothing is written', async () => {
    const output = recordingOutput('/etc/hosts');
    const watch = startWatching({ outputs: [output] });
    watch.fleet.failure = ec2Failure('UNREACHABLE');
    await expect(watch.clock.run(watch.done)).rejects.toMatchObject({
      code: 'NAMETAG_EC2_UNREACHABLE',
    });
    expect(output.given).toEqual([]);
    expect(watch.notices).toEqual(['STOPPING']);
    expect(watch.watcher.health().ready).toBe(false);
  });

  it.each([
    [50 * minute, 'ready'],
    [70 * minute, 'NAMETAG_EC2_UNREACHABLE'],
  ])('may be one of the disk from %i ms ago: %s', async (ageMs, ends) => {
    const store = new MemoryStore();
    const before = await watching({ store });
    await before.stop();
    const output = recordingOutput('/etc/hosts');
    const clock = new ManualClock(before.clock.wallMs() + ageMs);
    const watch = startWatching({ store, clock, outputs: [output] });
    watch.fleet.failure = ec2Failure('UNREACHABLE');
    await watch.clock.advance(0);
    if (ends === 'ready') {
      expect(membersOf(output)).toEqual([9]);
      expect(watch.notices).toEqual([
        'READY 9 instances as of 2026-01-01T00:00:00Z; refreshing fails',
      ]);
      await watch.stop();
    } else {
      await expect(watch.done).rejects.toMatchObject({ code: ends });
    }
  });
});

describe('a failure later on', () => {
  it('keeps the last good answer, is told once with its age, and told to be over', async () => {
    const output = recordingOutput('/etc/hosts');
    const watch = await watching({ outputs: [output], terms: { maxStaleMs: hour } });
    watch.fleet.failure = ec2Failure('UNREACHABLE');
    await watch.clock.advance(20 * minute);
    const failed = watch.logs.filter(({ event }) => event === 'refresh-failed');
    expect(failed.map(({ level }) => level)).toEqual([
      'warn',
      ...failed.slice(1).map(() => 'debug'),
    ]);
    expect(failed.length).toBeGreaterThan(3);
    expect(failed[0]?.message).toMatch(/The last good answer, 18 s old, stays in use\.$/);
    expect(new Set(membersOf(output))).toEqual(new Set([9]));
    watch.fleet.failure = undefined;
    await watch.clock.advance(10 * minute);
    expect(watch.told().slice(-2)).toEqual(['refresh-failed', 'refresh-recovered']);
    expect(watch.logs.find(({ event }) => event === 'refresh-recovered')?.message).toMatch(
      /^A refresh has succeeded, after 2\d min\.$/,
    );
    await watch.stop();
  });

  it('is told again when it is another one', async () => {
    const watch = await watching();
    watch.fleet.failure = ec2Failure('UNREACHABLE');
    await watch.clock.advance(5 * minute);
    watch.fleet.failure = ec2Failure('THROTTLED');
    await watch.clock.advance(15 * minute);
    expect(watch.told().filter((event) => event === 'refresh-failed')).toHaveLength(2);
    await watch.stop();
  });

  it('for longer than the answer may be old touches no output, and is not ready', async () => {
    const output = recordingOutput('/etc/hosts');
    const watch = await watching({
      outputs: [output],
      terms: { maxStaleMs: 10 * minute },
      maxStaleMs: 10 * minute,
    });
    watch.fleet.failure = ec2Failure('UNREACHABLE');
    await watch.clock.advance(hour);
    const given = output.given.length;
    expect(watch.watcher.health()).toMatchObject({ alive: true, ready: false });
    await watch.clock.advance(hour);
    expect(output.given.length).toBe(given);
    watch.fleet.failure = undefined;
    await watch.clock.advance(10 * minute);
    expect(watch.watcher.health()).toMatchObject({ alive: true, ready: true });
    await watch.stop();
  });

  it('that is a mistake of the program ends it, its handlers too', async () => {
    const watch = await watching();
    watch.fleet.failure = () => new TypeError('Expected something else.');
    await expect(watch.clock.run(watch.done)).rejects.toThrow(TypeError);
    expect(watch.notices.at(-1)).toBe('STOPPING');
  });
});

describe('the guard', () => {
  const gone = (watch: Watching, ids: readonly string[]): void => {
    watch.fleet.shows = ({ instanceId }) => !ids.includes(instanceId);
  };

  it('keeps whom EC2 does not show, and lets go at once whom it shows to have ended', async () => {
    const output = recordingOutput('/etc/hosts');
    const watch = await watching({ outputs: [output] });
    gone(watch, ['i-1', 'i-2', 'i-3', 'i-4']);
    watch.fleet.change('i-9', { state: 'terminated' });
    await watch.clock.advance(20 * second);
    expect(membersOf(output)).toEqual([9, 8]);
    expect(await watch.metrics.text()).toContain('nametag_guard_held 1');
    await watch.clock.advance(10 * second);
    expect(watch.handled.map(({ env }) => env?.['SERF_EVENT'])).toEqual(['member-failed']);
    expect(String(watch.handled[0]?.input)).toMatch(/^i-9\t/);
    await watch.stop();
  });

  it('that is held back keeps all, does not slow the loop down, and ends by itself', async () => {
    const output = recordingOutput('/etc/hosts');
    const terms = { maxStaleMs: 5 * minute };
    const watch = await watching({ outputs: [output], terms });
    gone(watch, ['i-1', 'i-2', 'i-3', 'i-4']);
    await watch.clock.advance(10 * minute);
    expect(membersOf(output).at(-1)).toBe(9);
    const held = watch.logs.filter(({ fields }) => fields?.['code'] === 'NAMETAG_GUARD_HELD');
    expect(held[0]?.level).toBe('warn');
    const reads = watch.reads.length;
    await watch.clock.advance(10 * minute);
    expect(watch.reads.length - reads).toBe(20);
    gone(watch, []);
    await watch.clock.advance(minute);
    expect(watch.told().at(-1)).toBe('refresh-recovered');
    expect(await watch.metrics.text()).toContain('nametag_guard_held 0');
    await watch.stop();
  });
});

describe('the pace', () => {
  const waits = (watch: Watching): readonly number[] =>
    watch.reads.slice(1).map((at, i) => (at - (watch.reads[i] ?? 0)) / second);

  it('quickens after a change, and backs off while EC2 fails', async () => {
    const watch = await watching();
    await watch.clock.advance(3 * minute);
    expect(waits(watch).at(-1)).toBe(30);
    watch.fleet.change('i-1', { state: 'terminated' });
    await watch.clock.advance(minute);
    expect(waits(watch).at(-1)).toBe(10);
    await watch.clock.advance(3 * minute);
    watch.fleet.failure = ec2Failure('THROTTLED');
    await watch.clock.advance(26 * minute);
    expect(waits(watch).slice(-6)).toEqual([60, 120, 240, 300, 300, 300]);
    await watch.stop();
  });
});

describe('a request for a refresh', () => {
  it('during a wait makes the next one soon, and systemd hears of it', async () => {
    const watch = await watching();
    await watch.clock.advance(5 * second);
    watch.watcher.refresh();
    await watch.clock.advance(second);
    expect(watch.reads).toEqual([0, 5.5 * second]);
    expect(watch.notices.slice(1)).toEqual(['RELOADING', expect.stringMatching(/^READY 9 inst/)]);
    await watch.stop();
  });

  it('during a refresh makes one more after it', async () => {
    const watch = await watching();
    let open = (): void => {};
    watch.gate = new Promise((resolve) => {
      open = resolve;
    });
    await watch.clock.advance(18 * second);
    expect(watch.reads).toHaveLength(2);
    watch.watcher.refresh();
    watch.watcher.refresh();
    watch.gate = undefined;
    open();
    await watch.clock.advance(3 * second);
    expect(watch.reads).toHaveLength(3);
    await watch.clock.advance(10 * second);
    expect(watch.reads).toHaveLength(3);
    await watch.stop();
  });

  it('of which there are a thousand in a minute is made every two seconds or slower', async () => {
    const watch = await watching();
    for (let i = 0; i < 1000; i += 1) {
      watch.watcher.refresh();
      await watch.clock.advance(60);
    }
    expect(watch.reads.length).toBeGreaterThan(10);
    const gaps = watch.reads.slice(1).map((at, i) => at - (watch.reads[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2 * second);
    await watch.stop();
  });

  it('does not make EC2 be asked faster while it fails', async () => {
    const watch = await watching();
    watch.fleet.failure = ec2Failure('THROTTLED');
    await watch.clock.advance(20 * second);
    const [, failedAt = 0] = watch.reads;
    for (let i = 0; i < 10; i += 1) {
      watch.watcher.refresh();
      await watch.clock.advance(second);
    }
    expect(watch.reads).toHaveLength(2);
    await watch.clock.advance(30 * second);
    expect((watch.reads[2] ?? 0) - failedAt).toBe(30.5 * second);
    await watch.stop();
  });
});

describe('the end', () => {
  it('comes at once during a wait, with no other refresh', async () => {
    const watch = await watching();
    await watch.clock.advance(second);
    await watch.stop();
    await watch.clock.advance(hour);
    expect(watch.reads).toHaveLength(1);
  });

  it('comes during the short wait of a request too', async () => {
    const watch = await watching();
    watch.watcher.refresh();
    await watch.clock.advance(100);
    await watch.stop();
    expect(watch.reads).toHaveLength(1);
  });

  it('comes during a read, of which nothing comes', async () => {
    const output = recordingOutput('/etc/hosts');
    const watch = startWatching({ outputs: [output] });
    let open = (): void => {};
    watch.gate = new Promise((resolve) => {
      open = resolve;
    });
    await watch.clock.advance(0);
    const stopped = watch.stop();
    open();
    await stopped;
    expect(output.given).toEqual([]);
    expect(watch.notices).toEqual(['STOPPING']);
  });

  it('comes after the write that is being made, and before the next', async () => {
    let written = (): void => {};
    const slow = {
      name: '/etc/slow',
      apply: async () => {
        await new Promise<void>((resolve) => {
          written = resolve;
        });
        return { result: 'written' as const, notes: [] };
      },
    };
    const after = recordingOutput('/etc/hosts');
    const watch = await watching({ outputs: [slow, after] });
    let over = false;
    const stopped = watch.stop().then(() => {
      over = true;
    });
    await watch.clock.advance(minute);
    expect(over).toBe(false);
    written();
    await stopped;
    expect(after.given).toEqual([]);
    expect(await watch.metrics.text()).toContain(
      'nametag_render_total{output="/etc/slow",result="written"} 1',
    );
  });

  it('is no failure of an output whose preparation it cuts short', async () => {
    const cut = new AbortController();
    const output = {
      name: '/etc/hosts',
      apply: () =>
        new Promise<never>((_, reject) => {
          cut.signal.addEventListener('abort', () => reject(cut.signal.reason));
        }),
    };
    const watch = await watching({ outputs: [output] });
    const stopped = watch.stop();
    cut.abort(new Error('Interrupted.'));
    await stopped;
    expect(watch.told()).toEqual([]);
  });
});

describe('signs of life', () => {
  it.each([
    ['are given while an output says that it goes on', true],
    ['end when an output is not heard of (the control)', false],
  ])('%s', async (_, shows) => {
    const clock = new ManualClock();
    const output: WatchOutput = {
      name: '/a',
      apply: async (_directory, showLife) => {
        for (let step = 0; step < 10; step += 1) {
          await clock.wait(minute);
          if (shows) showLife?.();
        }
        return { result: 'unchanged', notes: [] };
      },
    };
    const watch = startWatching({ outputs: [output], clock });
    await clock.advance(8 * minute);
    expect(watch.watcher.health().alive).toBe(shows);
    const stopped = watch.stop();
    await clock.advance(3 * minute);
    await stopped;
  });

  it('are given while the loop comes round, and not when it hangs', async () => {
    const watch = await watching({ aliveEveryMs: 30 * second });
    await watch.clock.advance(10 * minute);
    const beats = (): number => watch.notices.filter((notice) => notice === 'WATCHDOG').length;
    expect(beats()).toBe(21);
    // A read that never ends.
    let open = (): void => {};
    watch.gate = new Promise((resolve) => {
      open = resolve;
    });
    await watch.clock.advance(10 * minute);
    const last = beats();
    expect(last).toBeLessThan(21 + 12);
    expect(watch.watcher.health().alive).toBe(false);
    await watch.clock.advance(10 * minute);
    expect(beats()).toBe(last);
    open();
    await watch.stop();
  });
});
