import { describe, expect, test } from 'vitest';
import { defaultVocabulary } from '../src/model/tags.ts';
import type { CommandOptions, CommandResult, Ec2 } from '../src/ports.ts';
import { markDrained, markReady, type ReadyRequest } from '../src/readiness.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { World } from '../src/sandbox/world.ts';

const instanceId = 'i-00000000000000001';
const done: CommandResult = {
  exitCode: 0,
  killedBy: undefined,
  timedOut: false,
  output: '',
  truncated: false,
  durationMs: 5,
};
const failed: CommandResult = { ...done, exitCode: 3, output: 'trying\nrefused\n' };

/** A host whose port opens, and whose check succeeds, at these seconds of its clock. */
function host({ opens = 0, succeeds = 0, end = done, endFailed = failed } = {}) {
  const nowMs = Date.UTC(2026, 10, 21);
  const world = new World({ now: () => nowMs, knobs: { settleMaxMs: 0 } });
  world.place({ instanceId, groups: [world.addGroup({ groupName: 'db' })] });
  const clock = new ManualClock(nowMs);
  const ec2 = createWorldEc2({ world, clock });
  const seconds = (): number => clock.monotonicMs() / 1000;
  const ran: (CommandOptions & { readonly command: string })[] = [];
  const asked: number[] = [];
  const ports = {
    ec2,
    clock,
    commands: {
      run: async (command: string, options: CommandOptions) => {
        ran.push({ ...options, command });
        return seconds() >= succeeds ? end : endFailed;
      },
    },
    takesConnection: async (port: number) => {
      asked.push(port);
      return seconds() >= opens;
    },
  };
  return { ports, clock, ran, asked, seconds };
}

async function statusIn(ec2: Ec2): Promise<string | undefined> {
  const { instances } = await ec2.describeInstances([{ instanceIds: [instanceId] }]);
  return instances[0]?.tags.get('status');
}

describe('markReady', () => {
  test.each<[string, Partial<ReadyRequest>, number]>([
    ['nothing', {}, 0],
    ['a port', { port: 5432 }, 3],
    ['a check', { check: 'true' }, 7],
    ['both', { port: 5432, check: 'true' }, 7],
  ])('waits for %s, and writes the tag then', async (_, request, second) => {
    const { ports, clock, seconds } = host({ opens: 3, succeeds: 7 });
    await clock.run(markReady({ instanceId, ...request }, ports));
    expect(seconds()).toBe(second);
    expect(await statusIn(ports.ec2)).toBe('ready');
  });

  test('makes no check before the port is open', async () => {
    const { ports, clock, ran, asked } = host({ opens: 3 });
    await clock.run(markReady({ instanceId, port: 80, check: 'is-up' }, ports));
    expect(asked).toEqual([80, 80, 80, 80]);
    expect(ran.map(({ command }) => command)).toEqual(['is-up']);
  });

  test.each<[Partial<ReadyRequest>, Parameters<typeof host>[0], string]>([
    [{ port: 80 }, { opens: 60 }, 'within 20 s, nothing took a connection on port 80'],
    [
      { check: 'x' },
      { succeeds: 60 },
      'within 20 s, the check did not succeed: it exited with 3 ("refused")',
    ],
    [
      { check: 'x' },
      { end: { ...done, timedOut: true, durationMs: 10_000 } },
      'within 20 s, the check did not succeed: it had not ended after 10 seconds',
    ],
    [
      { check: 'x' },
      { end: { ...done, exitCode: undefined, killedBy: 'SIGKILL' } },
      'within 20 s, the check did not succeed: SIGKILL ended it',
    ],
  ])('gives up with %j when its time is over, and writes nothing', async (request, of, fact) => {
    const { ports, clock, seconds } = host(of);
    const ending = clock.run(markReady({ instanceId, ...request, timeoutMs: 20_000 }, ports));
    await expect(ending).rejects.toMatchObject({
      code: 'NAMETAG_NOT_READY',
      message: expect.stringContaining(`Could not mark ${instanceId} in ${ports.ec2.region}`),
      details: { fact },
    });
    expect(seconds()).toBe(20);
    expect(await statusIn(ports.ec2)).toBeUndefined();
  });

  test.each([400, 1000, 2500])('looks a last time when its time is over: %d ms', async (ms) => {
    const { ports, clock, seconds } = host({ opens: ms / 1000 });
    // The time that a look takes must not cost the last one.
    const { takesConnection } = ports;
    const slow = async (port: number): Promise<boolean> => {
      const takes = await takesConnection(port);
      await clock.wait(10);
      return takes;
    };
    const request = { instanceId, port: 80, timeoutMs: ms };
    await clock.run(markReady(request, { ...ports, takesConnection: slow }));
    expect(seconds()).toBeCloseTo(ms / 1000 + 0.01);
  });

  test('looks once where no time is given', async () => {
    const { ports, asked } = host({ opens: 1 });
    const ending = markReady({ instanceId, port: 80, timeoutMs: 0 }, ports);
    await expect(ending).rejects.toMatchObject({
      code: 'NAMETAG_NOT_READY',
      details: { fact: 'nothing took a connection on port 80' },
    });
    expect(asked).toEqual([80]);
  });

  test('gives a check ten seconds, or what is left, and a second at least', async () => {
    const { ports, clock, ran } = host({ succeeds: 12 });
    const request = { instanceId, check: 'x', timeoutMs: 12_000 };
    await clock.run(markReady(request, ports));
    expect(ran.map(({ timeoutMs }) => timeoutMs)).toEqual([
      10_000, 10_000, 10_000, 9000, 8000, 7000, 6000, 5000, 4000, 3000, 2000, 1000, 1000,
    ]);
  });

  test('takes five minutes if not told', async () => {
    const { ports, clock, seconds } = host({ opens: 3600 });
    const ending = clock.run(markReady({ instanceId, port: 80 }, ports));
    await expect(ending).rejects.toMatchObject({ code: 'NAMETAG_NOT_READY' });
    expect(seconds()).toBe(300);
  });

  test('ends with its signal', async () => {
    const { ports } = host({ opens: 60 });
    const reason = new Error('stopped');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(markReady({ instanceId, port: 80 }, ports, options)).rejects.toBe(reason);
  });
});

describe('the tag', () => {
  test('is taken back by a drain, and given again', async () => {
    const { ports } = host();
    await markReady({ instanceId }, ports);
    await markDrained({ instanceId }, ports);
    expect(await statusIn(ports.ec2)).toBe('drain');
    await markReady({ instanceId }, ports);
    expect(await statusIn(ports.ec2)).toBe('ready');
  });

  test('is that of the vocabulary', async () => {
    const { ports } = host();
    const vocabulary = { ...defaultVocabulary, readyKey: 'af-status', readyValue: 'in' };
    const tag = async (): Promise<string | undefined> => {
      const { instances } = await ports.ec2.describeInstances([{ instanceIds: [instanceId] }]);
      return instances[0]?.tags.get('af-status');
    };
    await markReady({ instanceId, vocabulary }, ports);
    expect(await tag()).toBe('in');
    await markDrained({ instanceId, vocabulary }, ports);
    expect(await tag()).toBe('drain');
    expect(await statusIn(ports.ec2)).toBeUndefined();
  });

  test('of a drain is never that of a ready one', async () => {
    const { ports } = host();
    const vocabulary = { ...defaultVocabulary, readyValue: 'drain' };
    await markDrained({ instanceId, vocabulary }, ports);
    expect(await statusIn(ports.ec2)).toBe('drained');
  });
});
