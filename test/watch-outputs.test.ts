/** What a watcher keeps, on a clock that is turned by hand. */
import { describe, expect, it } from 'vitest';
import { type ErrorCode, NametagError } from '../src/errors.ts';
import { diskFull, recordingOutput, startWatching, type Watching } from './helpers/watching.ts';

const minute = 60_000;

/** One that has made its first refresh. */
async function watching(options: Parameters<typeof startWatching>[0] = {}): Promise<Watching> {
  const watch = startWatching(options);
  await watch.clock.advance(0);
  return watch;
}

const membersOf = ({ given }: ReturnType<typeof recordingOutput>): readonly number[] =>
  given.map(({ members }) => members.length);

describe('outputs', () => {
  it('of a refresh are all given the same directory', async () => {
    const outputs = ['/a', '/b', '/c'].map(recordingOutput);
    const watch = await watching({ outputs });
    await watch.clock.advance(5 * minute);
    const rounds = outputs[0]?.given.length ?? 0;
    expect(rounds).toBeGreaterThan(5);
    for (let round = 0; round < rounds; round += 1) {
      expect(new Set(outputs.map(({ given }) => given[round])).size).toBe(1);
    }
    await watch.stop();
  });

  it.each<[error: NametagError, result: string]>([
    [diskFull, 'failed'],
    [tooFew('NAMETAG_TOO_FEW'), 'held'],
    [tooFew('NAMETAG_BLOCK_EMPTIED'), 'held'],
  ])('that cannot be written (%s) stop no other, and are tried again', async (error, result) => {
    const [first, second_, third] = [...'abc'].map((name) => recordingOutput(`/${name}`));
    if (!first || !second_ || !third) throw new TypeError('Expected three.');
    second_.failure = error;
    const watch = await watching({ outputs: [first, second_, third] });
    await watch.clock.advance(5 * minute);
    expect(membersOf(third)).toEqual(membersOf(first));
    expect(membersOf(second_)).toEqual(membersOf(first));
    expect(watch.told().filter((event) => event === 'output-failed')).toHaveLength(1);
    const counted = `nametag_render_total{output="/b",result="${result}"} ${first.given.length}`;
    expect(await watch.metrics.text()).toContain(counted);
    expect(watch.notices.at(-1)).toMatch(/; \/b fails$/);
    second_.failure = undefined;
    await watch.clock.advance(minute);
    expect(watch.told().slice(-2)).toEqual(['output-recovered', 'output-written']);
    expect(watch.notices.at(-1)).not.toMatch(/fails/);
    await watch.stop();
  });

  it('that fail are told of again when the cause is another one, and then once', async () => {
    const output = recordingOutput('/etc/hosts');
    const watch = await watching({ outputs: [output] });
    const facts = ['no such folder', 'read-only file system', 'no such folder'];
    for (const fact of facts) {
      output.failure = new NametagError('NAMETAG_OUTPUT_FAILED', { path: '/etc/hosts', fact });
      await watch.clock.advance(3 * minute);
    }
    output.failure = undefined;
    await watch.clock.advance(minute);
    const told = watch.logs.filter(
      ({ event, level }) => event.startsWith('output-') && level !== 'debug',
    );
    expect(told.slice(1).map(({ level, message }) => `${level} ${message}`)).toEqual([
      ...facts.map((fact) => expect.stringMatching(`^warn Could not write .*: ${fact}\\.`)),
      'info /etc/hosts is up to date again, after 9 min.',
    ]);
    await watch.stop();
  });

  it('have notes that are told once, until they have not been true', async () => {
    const notes = [
      ['web-1 is also on line 3.'],
      ['web-1 is also on line 3.'],
      [],
      ['web-1 is also on line 3.'],
    ];
    const output = {
      name: '/etc/hosts',
      apply: async () => ({ result: 'unchanged' as const, notes: notes.shift() ?? [] }),
    };
    const watch = await watching({ outputs: [output] });
    await watch.clock.advance(3 * minute);
    expect(watch.told().filter((event) => event.startsWith('remark'))).toEqual([
      'remark',
      'remark-over',
      'remark',
      'remark-over',
    ]);
    await watch.stop();
  });
});

function tooFew(code: 'NAMETAG_TOO_FEW' | 'NAMETAG_BLOCK_EMPTIED'): NametagError<ErrorCode> {
  return code === 'NAMETAG_TOO_FEW'
    ? new NametagError(code, { what: 'x', region: 'eu-west-1', found: 1, min: 2 })
    : new NametagError(code, { path: '/b', entries: 9, region: 'eu-west-1' });
}
