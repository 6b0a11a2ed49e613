import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { NametagError } from '../src/errors.ts';
import type { Directory, Member } from '../src/model/directory.ts';
import { toDirectory } from '../src/model/directory.ts';
import { parseHandlerSpec } from '../src/model/handler-spec.ts';
import type { LogRecord } from '../src/model/log-line.ts';
import { everyoneAlive } from '../src/model/selector.ts';
import type { CallOptions, CommandOptions, CommandResult, HandlersListing } from '../src/ports.ts';
import { createHandlerFeed, type HandlersOptions } from '../src/run-handlers.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { World } from '../src/sandbox/world.ts';

interface Run extends CommandOptions {
  readonly command: string;
  readonly atMs: number;
}

/** How a made-up command ends: its exit code, and how long it takes. */
type Ending = { readonly exitCode?: number; readonly takesMs?: number; readonly says?: string };

interface Setup extends Partial<Omit<HandlersOptions, 'handlers'>> {
  /** Each as for `--handler`. */
  readonly handlers: readonly string[];
  /** What each run of a command ends with; the last counts for all that follow. */
  readonly endings?: Readonly<Record<string, readonly Ending[]>>;
  readonly folder?: HandlersListing;
  /** Why there can be no file of the event. */
  readonly noFile?: Error;
}

/** A world of its own, watched: its clock moves only when a test says so. */
function watch({ handlers, endings = {}, folder, noFile, ...options }: Setup) {
  const clock = new ManualClock();
  const knobs = { settleMaxMs: 0, latencyMs: 0 };
  const world = new World({ now: () => clock.wallMs(), knobs });
  const ec2 = createWorldEc2({ world, clock });
  const runs: Run[] = [];
  const files = new Map<string, string>();
  const logged: LogRecord[] = [];
  const run = async (command: string, call: CommandOptions): Promise<CommandResult> => {
    runs.push({ ...call, command, atMs: clock.monotonicMs() });
    const list = endings[command] ?? [{}];
    const count = runs.filter((one) => one.command === command).length;
    const { exitCode = 0, takesMs = 0, says = '' } = list[Math.min(count, list.length) - 1] ?? {};
    const timedOut = takesMs > call.timeoutMs;
    const durationMs = Math.min(takesMs, call.timeoutMs);
    await clock.wait(durationMs);
    const said = { output: says, truncated: says.startsWith('…') };
    return { exitCode, killedBy: undefined, timedOut, ...said, durationMs };
  };
  const feed = createHandlerFeed(
    {
      clock,
      commands: { run },
      eventFiles: {
        write: async (text) => {
          if (noFile !== undefined) throw noFile;
          files.set('event.json', text);
          return { path: 'event.json', remove: async () => void files.delete('event.json') };
        },
      },
      handlersFolder: folder && { list: async () => folder },
      log: (record) => logged.push(record),
    },
    { selfName: 'laptop', handlers: handlers.map(toHandler), ...options },
  );
  const stop = new AbortController();
  const ended = feed.run(stop.signal);
  const refresh = async (isMember?: (member: Member) => boolean): Promise<Directory> => {
    const directory = toDirectory(await clock.run(ec2.describeInstances([everyoneAlive])));
    feed.take({ directory, members: isMember && directory.members.filter(isMember) });
    await setImmediate();
    return directory;
  };
  const place = (name: string): string =>
    world.place({ tags: new Map([['Name', name]]) }).facts.instanceId;
  return { clock, world, feed, runs, files, logged, refresh, place, stop, ended };
}

function toHandler(text: string) {
  const handler = parseHandlerSpec(text);
  if ('problem' in handler) throw new TypeError(handler.problem);
  return handler;
}

const told = ({ command, env, atMs }: Run): string =>
  `${atMs} ${command} ${env?.['NAMETAG_EVENT']}`;

describe('from the fleet to a handler', () => {
  test('a join, an update and a failure are told, each once', async () => {
    const { clock, world, runs, refresh, place } = watch({
      handlers: ['member-join,member-failed,member-update=h'],
    });
    const id = place('web-1');
    place('web-2');
    await refresh();
    await clock.advance(10_000);
    world.createTags({ resources: [id], tags: [{ key: 'role', value: 'web' }] });
    await refresh();
    await refresh();
    await clock.advance(10_000);
    world.terminateInstances({ instanceIds: [id] });
    await refresh();
    await clock.advance(10_000);
    expect(runs.map(told)).toEqual([
      '1000 h member-join',
      '11000 h member-update',
      '21000 h member-failed',
    ]);
    expect(runs[0]?.input).toMatch(/^web-1\t[\d.]+\t\tName=web-1\nweb-2\t/);
    expect(runs[2]?.input).toMatch(/^web-1\t[\d.]+\tweb\tName=web-1,role=web\n$/);
  });

  test('what changes while a handler runs is told when it has ended', async () => {
    const { clock, feed, runs, refresh, place } = watch({
      handlers: ['member-join=h'],
      endings: { h: [{ takesMs: 20_000 }] },
    });
    place('web-1');
    await refresh();
    await clock.advance(2000);
    place('web-2');
    const directory = await refresh();
    expect(feed.take({ directory }).joined).toEqual([]);
    await clock.advance(60_000);
    expect(runs.map(told)).toEqual(['1000 h member-join', '21000 h member-join']);
  });

  test('the file is there while the handler runs, and then is gone', async () => {
    const { clock, runs, files, refresh, place } = watch({
      handlers: ['member-join=h'],
      endings: { h: [{ takesMs: 500 }] },
    });
    place('web-1');
    await refresh();
    await clock.advance(1200);
    expect(runs[0]?.env?.['NAMETAG_EVENT_JSON']).toBe('event.json');
    expect(JSON.parse(files.get('event.json') ?? '')).toMatchObject({ event: 'member-join' });
    await clock.advance(1000);
    expect(files.size).toBe(0);
  });

  test('programs of the folder come last, and what is refused is told', async () => {
    const refused = [{ path: '/h/bad', fact: 'it is not executable' }];
    const { clock, runs, logged, refresh, place } = watch({
      handlers: ['member-join=h'],
      folder: { commands: ["'/h/1'", "'/h/2'"], refused },
    });
    place('web-1');
    await refresh();
    await clock.advance(5000);
    expect(runs.filter((r) => r.env?.['NAMETAG_EVENT'] === 'member-join').map(told)).toEqual([
      '1000 h member-join',
      "1000 '/h/1' member-join",
      "1000 '/h/2' member-join",
    ]);
    expect(logged.map((record) => record.message)).toContain(
      'Did not run /h/bad: it is not executable.',
    );
  });
});

describe('a handler that fails', () => {
  const failing = { h: [{ exitCode: 1 }] };

  test('is told again, later each time, and then no more', async () => {
    const { clock, runs, logged, refresh, place } = watch({
      handlers: ['member-join=h'],
      endings: failing,
    });
    place('web-1');
    await refresh();
    await clock.advance(1_000_000);
    expect(runs.map(({ atMs }) => atMs)).toEqual([1000, 6000, 16_000, 36_000, 76_000]);
    expect(logged.filter(({ level }) => level === 'error')).toMatchObject([
      {
        event: 'handler-given-up',
        message: expect.stringMatching(/ it exited with 1\. 1 of its events are given up: h$/),
      },
    ]);
    expect(logged.find(({ event }) => event === 'handler-failed')?.message).toBe(
      'Could not run a handler of member-join (1): it exited with 1. It runs again in 5 s: h',
    );
  });

  test('is told what is newer in the same run, and starts afresh', async () => {
    const { clock, runs, refresh, place } = watch({
      handlers: ['member-join=h'],
      endings: { h: [{ exitCode: 1 }, {}] },
    });
    place('web-1');
    await refresh();
    await clock.advance(2000);
    place('web-2');
    await refresh();
    await clock.advance(100_000);
    expect(runs.map(({ input, atMs }) => [atMs, String(input).split('\n').length - 1])).toEqual([
      [1000, 1],
      [6000, 2],
    ]);
  });

  test('is told the latest of a member, not what was true', async () => {
    const { clock, world, runs, refresh, place } = watch({
      handlers: ['member-join,member-failed=h'],
      endings: { h: [{ exitCode: 1 }, {}] },
    });
    const id = place('web-1');
    await refresh();
    await clock.advance(2000);
    world.terminateInstances({ instanceIds: [id] });
    await refresh();
    await clock.advance(100_000);
    expect(runs.map(told)).toEqual(['1000 h member-join', '6000 h member-failed']);
  });

  test('that hangs is ended, and holds another up for no longer than that', async () => {
    const { clock, runs, logged, refresh, place } = watch({
      handlers: ['stuck', 'fine'],
      endings: { stuck: [{ takesMs: 1e9 }] },
      timeoutMs: 30_000,
    });
    place('web-1');
    await refresh();
    await clock.advance(33_000);
    expect(runs.slice(0, 3).map(told)).toEqual([
      '1000 stuck member-join',
      '31000 fine member-join',
      '31000 fine name-gained',
    ]);
    expect(logged.map(({ event }) => event).slice(0, 2)).toEqual([
      'handler-slow',
      'handler-failed',
    ]);
  });
});

test('what a handler says is logged, and whether its beginning was cut off', async () => {
  const { clock, logged, refresh, place } = watch({
    handlers: ['member-join=quiet', 'member-join=loud', 'member-join=long'],
    endings: { loud: [{ says: 'all', takesMs: 3 }], long: [{ says: '… the end' }] },
  });
  place('web-1');
  place('web-2');
  await refresh();
  await clock.advance(5000);
  const same = { on: 'member-join', members: 2 };
  expect(logged.map(({ fields }) => fields)).toEqual([
    { ...same, command: 'quiet', durationMs: 0, output: undefined, outputCut: undefined },
    { ...same, command: 'loud', durationMs: 3, output: 'all', outputCut: undefined },
    { ...same, command: 'long', durationMs: 0, output: '… the end', outputCut: true },
  ]);
});

describe('a handler is told', () => {
  test('which machine this is, when it is a member, and of which region', async () => {
    const selfId = watch({ handlers: [] }).place('web-1');
    const { clock, runs, refresh, place } = watch({ handlers: ['member-join=h'], selfId });
    place('web-1');
    await refresh();
    await clock.advance(2000);
    expect(runs[0]?.env).toMatchObject({
      ...{ SERF_SELF_NAME: 'web-1', NAMETAG_SELF_ID: selfId, NAMETAG_REGION: 'eu-west-1' },
    });
  });

  test('what the machine goes by when it is none', async () => {
    const { clock, runs, refresh, place } = watch({ handlers: ['member-join=h'] });
    place('web-1');
    await refresh();
    await clock.advance(2000);
    expect(runs[0]?.env).toMatchObject({ SERF_SELF_NAME: 'laptop', NAMETAG_SELF_ID: '' });
  });

  test('a time that grows with each run, and over a restart', async () => {
    const { clock, runs, refresh, place } = watch({ handlers: ['name-gained=a', 'name-gained=b'] });
    place('web-1');
    await refresh();
    await clock.advance(1000);
    const wallMs = clock.wallMs();
    await clock.advance(1000);
    const times = runs.map(({ env }) => Number(env?.['SERF_USER_LTIME']));
    expect(times).toEqual([wallMs, wallMs + 1]);
  });

  test('without a file when there can be none, which is logged', async () => {
    const details = { path: '/run/x', fact: 'no space left on device' };
    const noFile = new NametagError('NAMETAG_OUTPUT_FAILED', details);
    const { clock, runs, logged, refresh, place } = watch({ handlers: ['member-join=h'], noFile });
    place('web-1');
    await refresh();
    await clock.advance(2000);
    expect(runs.map(told)).toEqual(['1000 h member-join']);
    expect(runs[0]?.env).toHaveProperty('NAMETAG_EVENT_JSON', undefined);
    expect(logged.map(({ event }) => event)).toEqual(['event-file-failed', 'handler-done']);
  });

  test('nothing when a mistake is in the way, which is thrown', async () => {
    const noFile = new TypeError('mistake');
    const { clock, ended, refresh, place } = watch({ handlers: ['member-join=h'], noFile });
    const thrown = expect(ended).rejects.toBe(noFile);
    place('web-1');
    await refresh();
    await clock.advance(2000);
    await thrown;
  });
});

test.each([
  [{}, 60_000],
  [{ timeoutMs: 7000 }, 7000],
])('with %j a handler may take so long: %i ms', async (options, timeoutMs) => {
  const { clock, runs, refresh, place } = watch({ handlers: ['member-join=h'], ...options });
  place('web-1');
  await refresh();
  await clock.advance(2000);
  expect(runs).toMatchObject([{ timeoutMs }]);
});

test.each([
  [999, ['handler-done']],
  [1000, ['handler-slow', 'handler-done']],
])('a handler that takes %i ms is logged as %j', async (takesMs, expected) => {
  const endings = { h: [{ takesMs }] };
  const { clock, logged, refresh, place } = watch({ handlers: ['member-join=h'], endings });
  place('web-1');
  await refresh();
  await clock.advance(5000);
  expect(logged.map(({ event }) => event)).toEqual(expected);
});

test('it ends without a word when everybody has been told', async () => {
  const { clock, logged, refresh, place, stop, ended } = watch({ handlers: ['member-join=h'] });
  place('web-1');
  await refresh();
  await clock.advance(2000);
  stop.abort();
  await clock.run(ended);
  expect(logged.map(({ event }) => event)).toEqual(['handler-done']);
});

test('it waits no longer than a timer can, and looks again', async () => {
  const waits: number[] = [];
  class ListedClock extends ManualClock {
    override wait(ms: number, options: CallOptions): Promise<void> {
      waits.push(ms);
      return super.wait(ms, options);
    }
  }
  const stop = new AbortController();
  const nobody = async (): Promise<never> => await Promise.reject(new TypeError('Not here.'));
  const ports = { commands: { run: nobody }, eventFiles: { write: nobody }, log: () => undefined };
  const clock = new ListedClock();
  const feed = createHandlerFeed({ ...ports, clock }, { selfName: 'x', handlers: [] });
  const ended = feed.run(stop.signal);
  // setTimeout(3) of Node: a longer time is taken for 1 ms.
  await clock.advance(2 ** 31);
  stop.abort();
  await clock.run(ended);
  expect(waits).toEqual([2 ** 31 - 1, 2 ** 31 - 1]);
});

test('it ends when told to, after the handler that runs', async () => {
  const { clock, runs, logged, refresh, place, stop, ended } = watch({
    handlers: ['first', 'second'],
    endings: { first: [{ takesMs: 5000 }] },
  });
  place('web-1');
  await refresh();
  await clock.advance(2000);
  stop.abort();
  await clock.run(ended);
  expect(clock.monotonicMs()).toBe(6000);
  expect(runs.map(told)).toEqual(['1000 first member-join']);
  expect(logged.at(-1)).toMatchObject({ event: 'handlers-dropped' });
});
