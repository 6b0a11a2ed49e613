/** Removals that several hear of, though each is found by one. */
import { describe, expect, test } from 'vitest';
import { errorOf, ids, nineHosts, readerOf } from './helpers/fake-fleet.ts';

const minuteMs = 60_000;

describe('a removal is told', () => {
  const removal = { instanceId: 'i-2', evidence: 'does not match', addresses: ['10.0.0.1'] };

  test('to all who read within the time of a stale answer, by EC2 or by the store', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.change('i-2', { tags: {} });
    const told = [{ ...removal, atMs: ec2.nowMs }];
    expect((await read()).removed).toMatchObject(told);
    // EC2 forgets in the meantime.
    ec2.instances = ec2.instances.filter(({ instanceId }) => instanceId !== 'i-2');
    expect((await read({ maxAgeMs: minuteMs })).removed).toMatchObject(told);
    ec2.nowMs += 40 * minuteMs;
    expect((await read()).removed).toMatchObject(told);
    ec2.failure = () => errorOf.NAMETAG_EC2_THROTTLED;
    ec2.nowMs += 20 * minuteMs;
    expect((await read()).removed).toMatchObject(told);
    ec2.nowMs += 1;
    expect(await read()).toMatchObject({ from: 'store', removed: [] });
    ec2.failure = undefined;
    expect(await read()).toMatchObject({ from: 'ec2', removed: [] });
  });

  test('of all, so that nobody is left', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    for (const id of ids) ec2.change(id, { state: 'terminated' });
    const { removed } = await read();
    expect(removed.map(({ instanceId }) => instanceId)).toEqual(ids);
  });

  test('of one, beside another who is let go without evidence', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.shows = ({ instanceId }) => instanceId !== 'i-1';
    for (let minutes = 0; minutes < 60; minutes += 30) {
      ec2.nowMs += 30 * minuteMs;
      await read();
    }
    ec2.nowMs += minuteMs;
    ec2.change('i-9', { state: 'terminated' });
    const { letGo, removed } = await read();
    expect(letGo).toMatchObject([{ instanceId: 'i-1' }]);
    expect(removed).toMatchObject([{ instanceId: 'i-9', evidence: 'terminated' }]);
  });

  test.each([
    ['somebody is left', ['i-1'], ['i-9']],
    ['nobody is left, since that would pass for evidence of all', [], []],
  ])('of one, beside all others who are let go, if %s', async (_, left, expected) => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.shows = ({ instanceId }) => [...left, 'i-9'].includes(instanceId);
    for (let minutes = 0; minutes < 60; minutes += 30) {
      ec2.nowMs += 30 * minuteMs;
      await read();
    }
    ec2.nowMs += minuteMs;
    ec2.change('i-9', { state: 'terminated' });
    const { letGo, removed } = await read({ maxRemove: 1 });
    expect(letGo).toHaveLength(8 - left.length);
    expect(removed.map(({ instanceId }) => instanceId)).toEqual(expected);
  });

  test('until it is back, and then anew when it goes again', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.change('i-2', { tags: {} });
    await read();
    ec2.change('i-2', {});
    expect((await read()).removed).toEqual([]);
    ec2.change('i-2', { state: 'stopped' });
    expect((await read()).removed).toMatchObject([{ instanceId: 'i-2', evidence: 'stopped' }]);
  });

  test('beside those that came before it', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    for (const id of ['i-5', 'i-2']) {
      ec2.nowMs += 1;
      ec2.change(id, { tags: {} });
      await read();
    }
    expect((await read()).removed).toMatchObject([
      { ...removal, atMs: ec2.nowMs },
      { ...removal, instanceId: 'i-5', atMs: ec2.nowMs - 1 },
    ]);
  });

  test('after an answer that was held back', async () => {
    const ec2 = nineHosts();
    const read = readerOf(ec2);
    await read();
    ec2.nowMs += 30 * minuteMs;
    ec2.shows = ({ instanceId }) => instanceId > 'i-4';
    await read();
    ec2.nowMs += 31 * minuteMs;
    ec2.change('i-9', { state: 'terminated' });
    await expect(read()).rejects.toMatchObject({ code: 'NAMETAG_GUARD_HELD' });
    ec2.shows = () => true;
    expect((await read()).removed).toMatchObject([{ instanceId: 'i-9', evidence: 'terminated' }]);
  });
});
