import { describe, expect, test } from 'vitest';
import { createRequestReader, type ReadRequest } from '../../src/ec2/streams.ts';
import { createSlots, runTogether } from '../../src/ec2/together.ts';
import { NametagError } from '../../src/errors.ts';
import type { DescribeFilters } from '../../src/model/filters.ts';
import { toSnapshot } from '../../src/model/snapshot.ts';
import { createRandom } from '../../src/sandbox/random.ts';
import { World } from '../../src/sandbox/world.ts';
import { type Asked, fast, type PagedWorldOptions, pagedWorld } from './paged-world.ts';

const running: DescribeFilters = [
  { name: 'instance-state-name', values: ['running'] },
  { name: 'tag:env', values: ['prod'] },
];
const prod = new Map([['env', 'prod']]);

function worldOf(size: number, seed: string | number = 1): World {
  let nowMs = 0;
  const knobs = { settleMaxMs: 0 };
  const now = (): number => {
    nowMs += 5;
    return nowMs;
  };
  const world = new World({ now, seed, knobs });
  for (let i = 0; i < size; i += 1) world.place({ tags: prod });
  return world;
}

const idsOf = (world: World): string[] => world.instances().map(({ facts }) => facts.instanceId);

interface Read {
  readonly ids: readonly string[];
  readonly asked: readonly Asked['kind'][];
  readonly most: number;
}

/** Reads a request, or several at once, as one describe does. */
async function read(
  options: PagedWorldOptions,
  requests: readonly DescribeFilters[] = [running],
  readRequest: ReadRequest = createRequestReader(),
): Promise<Read> {
  const { readPage, asked, most } = pagedWorld(options);
  const inSlot = createSlots(4);
  const parts = await runTogether(requests, undefined, (filters, signal) =>
    readRequest(filters, { readPage, inSlot, signal }),
  );
  const { instances } = toSnapshot('eu-west-1', 0, parts.flat());
  const ids = instances.map(({ instanceId }) => instanceId);
  return { ids, asked: asked.map(({ kind }) => kind), most: most() };
}

const streamed = (count: number): string[] => Array.from({ length: count }, () => 'stream');

describe('a request of many pages that are slow to come', () => {
  test('goes on in four streams, of which nobody is left out', async () => {
    const world = worldOf(1_000);
    const { ids, asked, most } = await read({ world, pageSize: 200 });
    expect(ids).toEqual(idsOf(world).sort());
    expect(asked).toEqual(['whole', ...streamed(asked.length - 1)]);
    expect(asked.length).toBeLessThanOrEqual(1 + 4 * 2);
    expect(most).toBe(4);
  });

  test('is one chain, each page asked for ahead, when they are not slow', async () => {
    const world = worldOf(1_000);
    const { ids, asked, most } = await read({ world, pageSize: 200, waitedMs: fast });
    expect(ids).toEqual(idsOf(world).sort());
    expect(asked).toEqual(Array.from({ length: 5 }, () => 'whole'));
    expect(most).toBe(1);
  });

  test('shares four requests under way with the others of its describe', async () => {
    const world = worldOf(1_000);
    const narrowed = [...running, { name: 'instance-type', values: ['*'] }];
    const requests = [running, narrowed, [], running, narrowed, []];
    const { ids, asked, most } = await read({ world, pageSize: 200 }, requests);
    expect(ids).toEqual(idsOf(world).sort());
    expect(asked.filter((kind) => kind === 'whole')).toHaveLength(6);
    expect(most).toBe(4);
  });

  test('takes what both show from the stream, which is later', async () => {
    const world = worldOf(400);
    const { readPage } = pagedWorld({
      world,
      pageSize: 200,
      answers: ({ instances, nextToken }, { kind }) => ({
        instances: instances.map((one) => ({ ...one, launchIndex: kind === 'stream' ? 1 : 0 })),
        nextToken,
      }),
    });
    const { signal } = new AbortController();
    const reading = { readPage, inSlot: createSlots(4), signal };
    const found = await createRequestReader()(running, reading);
    const { instances } = toSnapshot('eu-west-1', 0, found);
    expect(new Set(instances.map(({ launchIndex }) => launchIndex))).toEqual(new Set([1]));
  });

  test.each<[string, World, number, DescribeFilters]>([
    ['there is one page', worldOf(100), 200, running],
    [
      'it asks by id',
      worldOf(300),
      200,
      [{ name: 'instance-id', values: ['i-0*', 'i-1', 'i-0?*'] }],
    ],
    [
      'its filters have many values',
      worldOf(300),
      200,
      [
        ...running,
        { name: 'vpc-id', values: ['*', ...Array.from({ length: 99 }, (_, i) => `vpc-${i}`)] },
      ],
    ],
    ['the first page has not every digit', worldOf(300), 15, running],
  ])('is one chain when %s', async (_, world, pageSize, filters) => {
    const { ids, asked } = await read({ world, pageSize }, [filters]);
    expect(ids).toEqual(idsOf(world).sort());
    expect(asked).not.toContain('stream');
    expect(asked).toHaveLength(Math.ceil(ids.length / pageSize));
  });

  test('is one chain when an id ends in something else', async () => {
    const world = worldOf(300);
    for (let i = 10; i < 50; i += 1) world.place({ instanceId: `i-${i}G`, tags: prod });
    const { ids, asked } = await read({ world, pageSize: 200 });
    expect(ids).toEqual(idsOf(world).sort());
    expect(asked).toEqual(['whole', 'whole']);
  });
});

describe('streams that are no split of the request', () => {
  // Each is found out at once or at the end; the answer is whole either way.
  test.each<[string, Partial<PagedWorldOptions>]>([
    ['takes `*` to the letter', { understands: (values) => values.map((v) => `\\${v}`) }],
    ['does not look at the filter', { understands: () => ['*'] }],
    ['looks at the first value only', { understands: (values) => values.slice(0, 1) }],
    [
      'leaves a digit out',
      { understands: (values) => values.map((v) => (v === '*7' ? '*none' : v)) },
    ],
    [
      'cuts pages before it filters them',
      {
        answers: (page, { kind, token }) =>
          kind === 'stream' && token === undefined
            ? { ...page, instances: page.instances.slice(0, 50) }
            : page,
      },
    ],
    [
      'refuses the filter',
      {
        onPage: ({ kind }) => {
          if (kind === 'stream') throw refusal();
        },
      },
    ],
  ])('are told, and not asked again, where an EC2 %s', async (_, defect) => {
    const world = worldOf(2_000);
    const readRequest = createRequestReader();
    const options = { world, pageSize: 200, ...defect };
    const { ids, asked } = await read(options, [running], readRequest);
    expect(ids).toEqual(idsOf(world).sort());
    expect(asked).toContain('stream');
    expect(asked.filter((kind) => kind === 'whole')).toHaveLength(1 + 10);
    const again = await read(options, [running], readRequest);
    expect(again.ids).toEqual(ids);
    expect(again.asked).toEqual(Array.from({ length: 10 }, () => 'whole'));
  });

  test('are told where one instance is found by its id alone, and asked again', async () => {
    const world = worldOf(1_000);
    const [hidden] = (await read({ world, pageSize: 200, waitedMs: fast })).ids;
    const shy: PagedWorldOptions = {
      world,
      pageSize: 1_000 - 1,
      answers: (page, { kind }) =>
        kind === 'stream'
          ? { ...page, instances: page.instances.filter((one) => one.instanceId !== hidden) }
          : page,
    };
    const readRequest = createRequestReader();
    const first = await read(shy, [running], readRequest);
    expect(first.ids).toContain(hidden);
    expect(first.asked).toEqual(['whole', ...streamed(4), 'by id', 'whole', 'whole']);
    const second = await read({ world, pageSize: 999 }, [running], readRequest);
    expect(second.asked).toEqual(['whole', ...streamed(4)]);
  });

  test('are not suspected when an instance has ended since the first page', async () => {
    const world = worldOf(1_000);
    let isFirst = true;
    const { ids, asked } = await read({
      world,
      pageSize: 999,
      answers: (page, { kind }) => {
        const ended = page.instances[0]?.instanceId;
        if (isFirst && ended !== undefined) world.stopInstances({ instanceIds: [ended] });
        isFirst = false;
        expect(kind === 'by id' ? page.instances : []).toEqual([]);
        return page;
      },
    });
    expect(asked).toEqual(['whole', ...streamed(4), 'by id']);
    expect(ids).toHaveLength(1_000);
  });
});

describe('a stream that fails', () => {
  const throttled = new NametagError('NAMETAG_EC2_THROTTLED', {
    doing: 'describe instances',
    region: 'eu-west-1',
    awsCode: 'RequestLimitExceeded',
    attempts: 3,
  });

  test('ends the others, and the request fails as it does', async () => {
    const world = worldOf(1_000);
    const ended: unknown[] = [];
    let streams = 0;
    const { readPage } = pagedWorld({ world, pageSize: 200 });
    const failing = createRequestReader()(running, {
      readPage: async (call) => {
        if (call.filters === running) return readPage(call);
        streams += 1;
        if (streams === 3) throw throttled;
        return new Promise((_, reject) => {
          const { signal } = call;
          signal.addEventListener('abort', () => {
            ended.push(signal.reason);
            reject(signal.reason);
          });
        });
      },
      inSlot: createSlots(4),
      signal: new AbortController().signal,
    });
    await expect(failing).rejects.toBe(throttled);
    expect(ended.length).toBeGreaterThanOrEqual(2);
    expect(new Set(ended)).toEqual(new Set([throttled]));
  });

  test('ends with the caller, whatever the reason, and streams are asked again', async () => {
    const world = worldOf(1_000);
    const stop = new AbortController();
    const { signal } = stop;
    const { readPage } = pagedWorld({
      world,
      pageSize: 200,
      onPage: ({ kind }) => {
        // As when another request of the same describe is refused.
        if (kind === 'stream') stop.abort(refused);
      },
    });
    const refused = refusal();
    const readRequest = createRequestReader();
    const inSlot = createSlots(4);
    await expect(readRequest(running, { readPage, inSlot, signal })).rejects.toBe(refused);
    const { asked } = await read({ world, pageSize: 200 }, [running], readRequest);
    expect(asked).toContain('stream');
  });
});

describe('the streams of a fleet that changes from page to page', () => {
  const seeds = Array.from({ length: 30 }, (_, seed) => seed);

  test('have everybody who was there throughout, and nobody who never was', async () => {
    const kinds = new Map<string, number>();
    for (const seed of seeds) {
      const { snapshot, stayed, everMatched, asked } = await readChanging(seed);
      expect(missingFrom(snapshot, stayed), `seed ${seed}`).toEqual([]);
      expect(missingFrom(everMatched, snapshot), `seed ${seed}`).toEqual([]);
      for (const kind of new Set(asked)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    // Most went on in streams, and some had to ask again for who was gone.
    expect(kinds.get('stream')).toBeGreaterThan(seeds.length / 2);
    expect(kinds.get('by id')).toBeGreaterThan(5);
  });

  test('are the same as one chain where nothing changes', async () => {
    for (const seed of seeds.slice(0, 20)) {
      const random = createRandom(seed, 'sizes');
      const world = worldOf(300 + Math.floor(random() * 900), seed);
      const pageSize = 100 + Math.floor(random() * 200);
      const { ids } = await read({ world, pageSize });
      expect(ids, `seed ${seed}`).toEqual((await read({ world, pageSize, waitedMs: fast })).ids);
    }
  });

  test('are caught by this when they leave out who is on no first page (the control)', async () => {
    let caught = 0;
    for (const seed of seeds.slice(0, 10)) {
      const { snapshot, stayed } = await readChanging(seed, 'unseen');
      if (missingFrom(snapshot, stayed).length > 0) caught += 1;
    }
    expect(caught).toBeGreaterThan(5);
  });

  test('are whole where a digit is left out, since that is found out', async () => {
    for (const seed of seeds.slice(0, 10)) {
      const { snapshot, stayed, asked } = await readChanging(seed, 'digit');
      expect(missingFrom(snapshot, stayed), `seed ${seed}`).toEqual([]);
      // The first page, and then all of them once more.
      if (asked.includes('stream')) expect(asked.at(-1)).toBe('whole');
    }
  });
});

interface ChangingRead {
  readonly snapshot: ReadonlySet<string>;
  readonly stayed: ReadonlySet<string>;
  readonly everMatched: ReadonlySet<string>;
  readonly asked: readonly Asked['kind'][];
}

/** Reads a fleet of which a half is left alone, and the rest starts, stops and ends meanwhile. */
async function readChanging(seed: number, leaveOut?: 'digit' | 'unseen'): Promise<ChangingRead> {
  const random = createRandom(seed, 'changes');
  const world = worldOf(400 + Math.floor(random() * 800), seed);
  const all = idsOf(world);
  const changing = all.filter(() => random() < 0.5);
  const pick = (): string => changing[Math.floor(random() * changing.length)] ?? '';
  const everMatched = new Set(all);
  const seen = new Set<string>();
  const onPage = (): void => {
    for (let changes = Math.floor(random() * 4); changes > 0; changes -= 1) change();
    for (const { facts, state, tags } of world.instances()) {
      if (state === 'running' && tags.get('env') === 'prod') everMatched.add(facts.instanceId);
    }
  };
  const change = (): void => {
    const instanceIds = [pick()];
    const state = world.instance(instanceIds[0] ?? '')?.state;
    const kind = Math.floor(random() * 4);
    if (kind === 0) world.terminateInstances({ instanceIds });
    else if (kind === 1) changing.push(world.place({ tags: prod }).facts.instanceId);
    else if (kind === 2) {
      world.createTags({
        resources: instanceIds,
        tags: [{ key: 'env', value: random() < 0.5 ? 'prod' : 'test' }],
      });
    } else if (state === 'running') world.stopInstances({ instanceIds });
    else if (state === 'stopped') world.startInstances({ instanceIds });
  };
  const { ids, asked } = await read({
    world,
    pageSize: 100 + Math.floor(random() * 150),
    onPage,
    understands: (values) =>
      leaveOut === 'digit' ? values.filter((value) => value !== '*7') : values,
    answers: (page, { kind }) => {
      if (kind === 'whole') for (const { instanceId } of page.instances) seen.add(instanceId);
      if (kind !== 'stream' || leaveOut !== 'unseen') return page;
      const kept = page.instances.filter(
        ({ instanceId }, place) => seen.has(instanceId) || place > 0,
      );
      return { ...page, instances: kept };
    },
  });
  const untouched = new Set(changing);
  return {
    snapshot: new Set(ids),
    stayed: new Set(all.filter((id) => !untouched.has(id))),
    everMatched,
    asked,
  };
}

function missingFrom(some: ReadonlySet<string>, of: ReadonlySet<string>): readonly string[] {
  return [...of].filter((id) => !some.has(id));
}

function refusal(): NametagError {
  return new NametagError('NAMETAG_EC2_REFUSED', {
    doing: 'describe instances',
    region: 'eu-west-1',
    awsCode: 'InvalidParameterValue',
    awsMessage: 'A wildcard cannot be used here',
  });
}
