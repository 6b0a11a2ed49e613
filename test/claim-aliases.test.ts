import { describe, expect, it } from 'vitest';
import { claimAliases } from '../src/claim-aliases.ts';
import { type ClaimPorts, claimName } from '../src/claim-name.ts';
import type { ClaimLock, Ec2 } from '../src/ports.ts';
import { readDirectory } from '../src/read-directory.ts';
import { releaseName } from '../src/release-name.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import type { Knobs } from '../src/sandbox/knobs.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import { World } from '../src/sandbox/world.ts';
import { freeLock, series } from './helpers/claim-storm.ts';

const settleMs = 2000;

/** So many hosts, each with its name. */
async function setUp(count: number, knobs: Partial<Knobs> = {}) {
  const clock = new ManualClock();
  const world = new World({ now: () => clock.wallMs(), knobs: { settleMaxMs: 1500 } });
  const image = { imageId: 'ami-0123456789abcdef0', minCount: count, maxCount: count };
  const ids = world.runInstances(image).map((record) => record.facts.instanceId);
  const ec2 = createWorldEc2({ world, clock });
  const ports: ClaimPorts = { ec2, clock, random: () => 0.5, lock: freeLock };
  const claim = (instanceId = '') =>
    claimName({ instanceId, series: series('web'), settleMs }, ports);
  await clock.run(Promise.all(ids.map(claim)));
  world.setKnobs(knobs);
  const alias = (i: number, ...aliases: string[]) =>
    clock.run(claimAliases({ instanceId: ids[i] ?? '', aliases, settleMs }, ports));
  const tagOf = (i: number) => world.instance(ids[i] ?? '')?.tags.get('nametag:aliases');
  const holderOf = async (wanted: string) => {
    const { members } = await clock.run(readDirectory({ queries: [{}], namesMatter: true }, ec2));
    const holder = members.find(({ aliases }) => aliases.includes(wanted));
    return holder && ids.indexOf(holder.instance.instanceId);
  };
  return { clock, world, ids, ec2, ports, claim, alias, tagOf, holderOf };
}

describe('claimAliases', () => {
  it('takes an alias over, and leaves it to the newest when another runs again', async () => {
    const { clock, ids, alias, tagOf, holderOf } = await setUp(2);
    expect(await alias(0, 'cache', 'db')).toEqual({
      held: ['cache', 'db'],
      omitted: [],
      written: true,
    });
    await clock.advance(settleMs);
    expect(await alias(1, 'db')).toMatchObject({ held: ['db'], written: true });
    await clock.advance(settleMs);
    expect([tagOf(0), tagOf(1)]).toEqual(['cache/1 db/1', 'db/2']);
    const [, newest] = ids;
    expect(await alias(0, 'cache', 'db')).toEqual({
      held: ['cache'],
      omitted: [{ instanceId: ids[0], alias: 'db', reason: 'alias held by another', seen: newest }],
      written: false,
    });
    expect([await holderOf('cache'), await holderOf('db')]).toEqual([0, 1]);
  });

  it('gives an alias back to the one before when the newest is gone', async () => {
    const { clock, world, ids, alias, holderOf } = await setUp(2);
    await alias(0, 'db');
    await clock.advance(settleMs);
    await alias(1, 'db');
    world.terminateInstances({ instanceIds: [ids[1] ?? ''] });
    await clock.advance(settleMs);
    expect(await holderOf('db')).toBe(0);
  });

  it('gives each alias one holder when many claim it at once', async () => {
    const { clock, ids, ports, holderOf } = await setUp(10);
    const claims = ids.map((instanceId) =>
      claimAliases({ instanceId, aliases: ['db'], settleMs }, ports),
    );
    await clock.run(Promise.all(claims));
    await clock.advance(settleMs);
    expect(await holderOf('db')).toBeTypeOf('number');
  });

  it('leaves its aliases with its name when it is released, and claims them anew', async () => {
    const { clock, ids, ports, claim, alias, tagOf, holderOf } = await setUp(2);
    await alias(0, 'db');
    await clock.advance(settleMs);
    await alias(1, 'db');
    await clock.advance(settleMs);
    await clock.run(releaseName({ instanceId: ids[0] ?? '', settleMs }, ports));
    expect(tagOf(0)).toBe('');
    await clock.advance(settleMs);
    await clock.run(claim(ids[0]));
    await alias(0, 'db');
    await clock.advance(settleMs);
    expect([tagOf(0), await holderOf('db')]).toEqual(['db/3', 0]);
  });

  it('says that it may not tag, and leaves a mark for the next run', async () => {
    const { clock, ids, ports, world } = await setUp(1, { deny: new Set(['CreateTags']) });
    const log: string[] = [];
    const lock = (foundMark: boolean): ClaimLock => ({
      acquire: async () => ({
        foundMark,
        sinceWriteMs: undefined,
        mark: async () => void log.push('mark'),
        clearMark: async () => void log.push('clear'),
        release: async () => void log.push('release'),
      }),
    });
    const request = { instanceId: ids[0] ?? '', aliases: ['db'], settleMs };
    const denied = clock.run(claimAliases(request, { ...ports, lock: lock(false) }));
    await expect(denied).rejects.toMatchObject({ code: 'NAMETAG_EC2_DENIED' });
    world.setKnobs({ deny: new Set() });
    const beganMs = clock.monotonicMs();
    await clock.run(claimAliases(request, { ...ports, lock: lock(true) }));
    expect(clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(settleMs);
    expect(log).toEqual(['mark', 'release', 'mark', 'clear', 'release']);
  });

  it('waits for EC2 to show the instance, and not for ever', async () => {
    const { clock, ids, ports } = await setUp(1);
    let scans = 0;
    const shownAt = (scan: number): Ec2 => ({
      ...ports.ec2,
      describeInstances: async (...call) => {
        scans += 1;
        const seen = await ports.ec2.describeInstances(...call);
        return scans >= scan ? seen : { ...seen, instances: [] };
      },
    });
    const request = { instanceId: ids[0] ?? '', aliases: ['db'], settleMs };
    const run = (ec2: Ec2) => clock.run(claimAliases(request, { ...ports, ec2 }));
    expect(await run(shownAt(3))).toMatchObject({ held: ['db'] });
    scans = 0;
    await expect(run(shownAt(99))).rejects.toMatchObject({ code: 'NAMETAG_INSTANCE_NOT_FOUND' });
    expect(scans).toBe(10);
  });
});
