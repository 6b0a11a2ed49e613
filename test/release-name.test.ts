import { describe, expect, test } from 'vitest';
import { defaultVocabulary } from '../src/model/tags.ts';
import { releaseName } from '../src/release-name.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { FakeEc2 } from './helpers/fake-ec2.ts';
import { boot, instance } from './helpers/instances.ts';

type Tags = Readonly<Record<string, string>>;

/** An EC2 that says what is written, and a lock that says what becomes of its mark. */
function setUp(tags: Tags, { foundMark = false } = {}) {
  const log: string[] = [];
  const clock = new ManualClock();
  const other = instance({ instanceId: 'i-0', tags: { 'nametag:claim': `held=db-0 ${boot}` } });
  const ec2 = Object.assign(new FakeEc2(other, instance({ instanceId: 'i-1', tags })), {
    createTags: async (_: string, written: ReadonlyMap<string, string>) => {
      log.push(JSON.stringify(Object.fromEntries(written)));
    },
  });
  const note = (what: string) => async (): Promise<void> => void log.push(what);
  const lock = {
    acquire: async () => ({
      ...{ foundMark, sinceWriteMs: undefined, mark: note('mark') },
      ...{ clearMark: note('clear'), release: note('release') },
    }),
  };
  const release = async (request: object = {}) =>
    await clock.run(releaseName({ instanceId: 'i-1', ...request }, { ec2, clock, lock }));
  return { clock, ec2, log, release };
}

/** What is released, and which tags are written. */
async function written(tags: Tags, request: object = {}): Promise<readonly [string[], unknown]> {
  const { log, release } = setUp(tags);
  const { released } = await release(request);
  return [[...released], log[1] === undefined ? undefined : JSON.parse(log[1])];
}

const claim = 'nametag:claim';
const empty = { [claim]: boot };

describe('a release', () => {
  test.each<[string, Tags, string[], Tags]>([
    ['of a name that is held', { [claim]: `held=web-0 ${boot}` }, ['web-0'], empty],
    ['of a name that is asked for', { [claim]: `ask=web-0 ${boot}` }, ['web-0'], empty],
    ['of both', { [claim]: `held=a-0 ask=b-0 ${boot}` }, ['a-0', 'b-0'], empty],
    [
      'of one of an earlier life',
      { [claim]: 'held=a-0 boot=2026-01-01T00:00:00Z' },
      ['a-0'],
      empty,
    ],
    [
      'empties a Name that says the same',
      { [claim]: `held=web-0 ${boot}`, Name: 'web-0' },
      ['web-0'],
      { ...empty, Name: '' },
    ],
    [
      'keeps a Name that a person wrote',
      { [claim]: `held=web-0 ${boot}`, Name: 'blue' },
      ['web-0'],
      empty,
    ],
    [
      'takes aliases with it',
      { [claim]: `held=web-0 ${boot}`, 'nametag:aliases': 'writer' },
      ['web-0'],
      { ...empty, 'nametag:aliases': '' },
    ],
    [
      'leaves aliases that are empty',
      { [claim]: `held=web-0 ${boot}`, 'nametag:aliases': '' },
      ['web-0'],
      empty,
    ],
    [
      'tells the next holder of its generation',
      { [claim]: `held=db-master ${boot} gen=7 seen=db-master:5` },
      ['db-master'],
      { [claim]: `${boot} seen=db-master:7` },
    ],
    [
      'tells it of the one that it knew of',
      { [claim]: `held=db-slave-1 ${boot} seen=db-master:5` },
      ['db-slave-1'],
      { [claim]: `${boot} seen=db-master:5` },
    ],
  ])('%s', async (_, tags, released, expected) => {
    expect(await written(tags)).toEqual([released, expected]);
  });

  test.each<[string, Tags]>([
    ['there is no claim', { Name: 'web-0' }],
    ['the claim is of no name', empty],
    ['the claim says nothing', { [claim]: 'HELD' }],
  ])('writes nothing when %s', async (_, tags) => {
    const { log, release } = setUp(tags);
    expect(await release()).toEqual({ released: [] });
    expect(log).toEqual(['release']);
  });

  test('lets a mark go that an unfinished run has left', async () => {
    const { log, release } = setUp({}, { foundMark: true });
    await release();
    expect(log).toEqual(['clear', 'release']);
  });

  test('is marked before it is written, and until it is certain', async () => {
    const { log, release } = setUp({ [claim]: `held=web-0 ${boot}` });
    await release();
    expect(log).toEqual(['mark', expect.stringContaining(boot), 'clear', 'release']);
  });

  test.each([
    [{}, 5000],
    [{ settleMs: 700 }, 700],
  ])('looks only when what was written before is to be seen: %j', async (request, waitedMs) => {
    const { clock, release } = setUp({ [claim]: `held=web-0 ${boot}` });
    const beganMs = clock.monotonicMs();
    await release(request);
    expect(clock.monotonicMs() - beganMs).toBe(waitedMs);
  });

  test('goes by the tags that it is told to', async () => {
    const vocabulary = { ...defaultVocabulary, claimKey: 'my:claim', nameKey: 'my:name' };
    const tags = { 'my:claim': `held=web-0 ${boot}`, 'my:name': 'web-0', Name: 'web-0' };
    const expected = { 'my:claim': boot, 'my:name': '' };
    expect(await written(tags, { vocabulary })).toEqual([['web-0'], expected]);
  });

  test('of an instance that EC2 does not show is refused', async () => {
    const { ec2, log, release } = setUp({});
    ec2.forgetful = true;
    const releasing = release({ instanceId: 'i-9' });
    await expect(releasing).rejects.toMatchObject({ code: 'NAMETAG_INSTANCE_NOT_FOUND' });
    expect(log).toEqual(['release']);
  });
});
