import { describe, expect, test } from 'vitest';
import { type ExplainRequest, explain } from '../src/explain.ts';
import type { Ec2 } from '../src/ports.ts';
import { createWorldEc2 } from '../src/sandbox/ec2-port.ts';
import { ManualClock } from '../src/sandbox/manual-clock.ts';
import type { InstanceSpec } from '../src/sandbox/store.ts';
import { World } from '../src/sandbox/world.ts';

type Host = Pick<InstanceSpec, 'state'> & { readonly tags?: Readonly<Record<string, string>> };

const nowMs = Date.UTC(2026, 10, 21);

const idOf = (n: number): string => `i-${String(n).padStart(17, '0')}`;

/** An EC2 with these hosts; the first is `i-…1`. Those placed first were launched first. */
function ec2Of(...hosts: readonly Host[]): Ec2 {
  const world = new World({ now: () => nowMs, knobs: { settleMaxMs: 0 } });
  const groups = [world.addGroup({ groupName: 'tphon' })];
  for (const [i, { tags = {}, ...spec }] of hosts.entries()) {
    const launchedAgoMs = (hosts.length - i) * 60_000;
    const instanceId = idOf(i + 1);
    world.place({
      ...spec,
      instanceId,
      launchedAgoMs,
      groups,
      tags: new Map(Object.entries(tags)),
    });
  }
  return createWorldEc2({ world, clock: new ManualClock(nowMs) });
}

const word = (text: string): Pick<ExplainRequest, 'subject' | 'selector' | 'whatIf'> => ({
  subject: { kind: 'word', word: text },
  selector: {},
  whatIf: [],
});

const instance = (n: number): ReturnType<typeof word> => ({
  ...word(''),
  subject: { kind: 'instance', instanceId: idOf(n) },
});

/** Its ids, in order. */
async function idsFor(request: ExplainRequest, ec2: Ec2): Promise<readonly string[]> {
  return (await explain(request, ec2)).instances.map(({ instanceId }) => instanceId);
}

describe('explain', () => {
  const boot = (minutesAgo: number): string =>
    `boot=${new Date(nowMs - minutesAgo * 60_000).toISOString().replace('.000Z', 'Z')}`;

  test('finds everybody who says a name, who has it first, whatever they are', async () => {
    const ec2 = ec2Of(
      { tags: { Name: 'web-1' } },
      { tags: { Name: 'WEB-1' }, state: 'stopped' },
      { tags: { 'nametag:claim': `held=web-1 ${boot(6)}` } },
      { tags: { 'nametag:claim': `held=web-1 ${boot(600)}` } },
      { tags: { 'nametag:claim': `ask=web-1 ${boot(4)}` } },
      { tags: { Name: 'web-10' } },
      { tags: { Name: 'web-7', 'nametag:aliases': 'web-1/3' } },
      { tags: { Name: 'web-5', 'service:other': 'web-1' } },
    );
    const told = await explain(word('web-1'), ec2);
    expect(told).toMatchObject({
      region: ec2.region,
      takenAtMs: nowMs,
      holder: { instanceId: idOf(3), as: 'name' },
      whatIf: undefined,
    });
    // Then who has a name, then the others by id.
    const order = [3, 7, 1, 2, 4, 5];
    expect(told.instances.map(({ instanceId }) => instanceId)).toEqual(order.map(idOf));
  });

  test('finds who has an alias', async () => {
    const ec2 = ec2Of(
      { tags: { Name: 'web-1', 'nametag:aliases': 'cache/1' } },
      { tags: { Name: 'web-2', 'nametag:aliases': 'db/1 cache/2' } },
    );
    const told = await explain(word('cache'), ec2);
    expect(told.holder).toEqual({ instanceId: idOf(2), as: 'alias' });
    expect(told.instances.map(({ name }) => name)).toEqual(['web-2', 'web-1']);
  });

  test.each([
    { 'nametag:claim': 'held=web-1' },
    { 'nametag:claim': `held=WEB-1 ${boot(6)}` },
    { 'nametag:claim': 'web-1, since today' },
    { Name: 'db-1', 'nametag:aliases': 'cache/1, web-1/2' },
    { Name: 'db-1', 'nametag:aliases': 'Web-1/2' },
    { Name: 'web-1.corp.example' },
  ])('finds who says a name in a tag that counts for nothing: %j', async (tags) => {
    const ec2 = ec2Of({ tags: { Name: 'web-1' } }, { tags }, { tags: { Name: 'web-2' } });
    const told = await explain(word('web-1'), ec2);
    expect(told.holder).toEqual({ instanceId: idOf(1), as: 'name' });
    expect(told.instances.map(({ instanceId }) => instanceId)).toEqual([idOf(1), idOf(2)]);
  });

  test.each([
    { 'nametag:claim': 'held=web-10' },
    { Name: 'db-1', 'nametag:aliases': 'a-web-1/2' },
    { Name: 'web-10.corp.example' },
  ])('leaves out who says another: %j', async (tags) => {
    const ec2 = ec2Of({ tags: { Name: 'web-1' } }, { tags });
    expect(await idsFor(word('web-1'), ec2)).toEqual([idOf(1)]);
  });

  test('takes a service as it is written, and a name in any case', async () => {
    const ec2 = ec2Of(
      { tags: { 'service:Db': 'port=1' } },
      { tags: { 'service:db': 'port=1' } },
      { tags: { Name: 'db' } },
    );
    expect(await idsFor(word('Db'), ec2)).toEqual([3, 1].map(idOf));
    expect(await idsFor(word('db'), ec2)).toEqual([3, 2].map(idOf));
  });

  test('finds who is stopped among very many', async () => {
    const tags = (i: number) => ({ Name: `db-${i}`, 'service:db': '' });
    const many = Array.from({ length: 401 }, (_, i): Host => ({ tags: tags(i) }));
    const ec2 = ec2Of(...many, { tags: tags(401), state: 'stopped' });
    expect(await idsFor(word('db'), ec2)).toContain(idOf(402));
  });

  test('finds who offers a service, and answers for it', async () => {
    const ec2 = ec2Of(
      { tags: { Name: 'b', 'service:db': 'port=1' } },
      { tags: { Name: 'a', 'service:db': 'port=x' } },
      { tags: { Name: 'c' } },
    );
    const told = await explain({ ...word('db'), selector: { ready: true } }, ec2);
    expect(told.holder).toBeUndefined();
    expect(told.instances.map(({ conditions }) => conditions.at(-1))).toEqual([
      {
        holds: false,
        what: 'is in the answer to "service db --ready"',
        seen: 'not ready: no tag status',
      },
      {
        holds: false,
        what: 'is in the answer to "service db --ready"',
        seen: 'not ready: no tag status',
      },
    ]);
  });

  test('finds one instance, and knows who else says its name', async () => {
    const ec2 = ec2Of({ tags: { Name: 'web-1' } }, { tags: { Name: 'web-1' } });
    expect(await idsFor(instance(2), ec2)).toEqual([idOf(2)]);
    const [second] = (await explain(instance(2), ec2)).instances;
    expect(second).toMatchObject({ name: undefined });
    expect(second?.conditions[1]?.seen).toBe(
      `${idOf(1)} has it, and was launched earlier; Name=web-1`,
    );
  });

  test('takes a name below the domain for the name', async () => {
    const ec2 = ec2Of({ tags: { Name: 'web-1.ec2.example' } });
    const holderIn = async (domain?: string): Promise<unknown> =>
      (await explain({ ...word('web-1'), domain }, ec2)).holder;
    expect(await holderIn('ec2.example')).toEqual({ instanceId: idOf(1), as: 'name' });
    expect(await holderIn()).toBeUndefined();
  });

  test.each<[ReturnType<typeof word>, string]>([
    [word('web'), 'NAMETAG_NOBODY'],
    [instance(9), 'NAMETAG_INSTANCE_NOT_FOUND'],
  ])('says that there is nobody for %j', async (request, code) => {
    const ec2 = ec2Of({ tags: { Name: 'web-1', 'service:web-2': '' } });
    await expect(explain(request, ec2)).rejects.toMatchObject({ code });
  });
});

describe('what if', () => {
  const whatIf = (text: string, key: string, value: string): ExplainRequest => ({
    ...word(text),
    whatIf: [{ key, value }],
  });

  test('a tag is flipped', async () => {
    const ec2 = ec2Of({ tags: { Name: 'web-1', status: 'ready' } });
    const request = { ...whatIf('web-1', 'status', 'drain'), selector: { ready: true } };
    const told = await explain(request, ec2);
    expect(told.instances[0]?.conditions.at(-1)).toMatchObject({ holds: true });
    expect(told.whatIf).toMatchObject({
      instanceId: idOf(1),
      changes: [{ instanceId: idOf(1), before: [{ holds: true }, { holds: true }] }],
    });
    expect(told.whatIf?.changes[0]?.after.map(({ seen }) => seen)).toEqual([
      'status=drain',
      'not ready: status=drain',
    ]);
  });

  test('a name is taken from somebody, who is told too', async () => {
    const ec2 = ec2Of({ tags: { Name: 'web-1' } }, { tags: { Name: 'web-2' } });
    const { whatIf: told } = await explain(whatIf('web-1', 'Name', 'web-2'), ec2);
    expect(
      told?.changes.map(({ instanceId, before, after }) => [instanceId, before, after]),
    ).toEqual([
      [
        idOf(1),
        [{ holds: true, what: 'has the name web-1', seen: 'Name=web-1' }],
        [{ holds: true, what: 'has the name web-2', seen: 'Name=web-2' }],
      ],
      [
        idOf(2),
        [{ holds: true, what: 'has the name web-2', seen: 'Name=web-2' }],
        [
          {
            holds: false,
            what: 'has the name web-2',
            seen: `${idOf(1)} has it, and was launched earlier; Name=web-2`,
          },
        ],
      ],
    ]);
  });

  test('a name is given up to who says it too', async () => {
    const ec2 = ec2Of({ tags: { Name: 'web-1' } }, { tags: { Name: 'web-1' } });
    const { whatIf: told } = await explain(whatIf('web-1', 'Name', 'web-2'), ec2);
    expect(told?.changes.map(({ after }) => after[0]?.what)).toEqual([
      'has the name web-2',
      'has the name web-1',
    ]);
    expect(told?.changes[1]?.after[0]?.holds).toBe(true);
  });

  test('nothing would be otherwise', async () => {
    const ec2 = ec2Of({ tags: { Name: 'web-1' } });
    const { whatIf: told } = await explain(whatIf('web-1', 'owner', 'me'), ec2);
    expect(told?.changes).toEqual([]);
  });

  test('needs to know of whom', async () => {
    const ec2 = ec2Of({ tags: { 'service:db': '' } }, { tags: { 'service:db': '' } });
    await expect(explain(whatIf('db', 'status', 'ready'), ec2)).rejects.toMatchObject({
      code: 'NAMETAG_USAGE',
    });
    const one = ec2Of({ tags: { 'service:db': '' } });
    expect((await explain(whatIf('db', 'status', 'ready'), one)).whatIf).toMatchObject({
      instanceId: idOf(1),
    });
  });

  test('is thought of, and not written', async () => {
    const ec2 = ec2Of({ tags: { Name: 'web-1' } });
    await explain(whatIf('web-1', 'Name', 'web-2'), ec2);
    expect(await idsFor(word('web-1'), ec2)).toEqual([idOf(1)]);
  });
});
