/**
 * One request as several streams of pages, where EC2 takes its time over each page.
 *
 * A page is asked for by the token of the one before, so a large fleet is read one page at a time,
 * however many could be had at once. Four filters on the id's last digit make four streams of it
 * that have nobody in common and leave nobody out: EC2's ids end in a hexadecimal digit (EC2
 * Instance Connect API Reference, `InstanceId`: `^i-[a-f0-9]+$`), `*` stands for any text in EC2's
 * filters (EC2 User Guide, "List and filter using the CLI and API"), and an id never changes, as a
 * state, a tag or a launch time does between two pages.
 *
 * That filters on the id understand `*` is taken from nobody's word: whoever the first page shows,
 * asked for without the split, has to come again with it, and they have every digit among them.
 */
import { isNametagError } from '../errors.ts';
import { type DescribeFilters, maxFilterValues } from '../model/filters.ts';
import type { Instance } from '../model/instance.ts';
import { literal } from '../model/query.ts';
import type { DescribePage } from './describe-reader.ts';
import { type PagesOptions, type ReadPage, readPages } from './pages.ts';
import { runTogether, type Slots } from './together.ts';

/** What a request is read with. */
export interface Reading {
  readonly readPage: ReadPage;
  /** For the requests of one describe together; a stream or an unsplit request takes one. */
  readonly inSlot: Slots;
  readonly signal: AbortSignal;
}

/** Reads every instance of a request; one that is on several pages is there several times. */
export type ReadRequest = (
  filters: DescribeFilters,
  reading: Reading,
) => Promise<readonly Instance[]>;

/**
 * How long a page has to be in coming for streams to be worth their requests, in milliseconds.
 *
 * About what reading it takes: up to that, one page after the other keeps the processor busy, since
 * each is asked for before the one ahead of it is read.
 */
const slowMs = 50;

/** The ends of the ids of each stream; as many as requests may be under way. */
const streamDigits: readonly string[] = ['0123', '4567', '89ab', 'cdef'];
const allDigits = streamDigits.join('');

/**
 * Makes what reads the requests of one EC2.
 *
 * The first page is asked for as ever. If it was slow to come and more follow, the request goes on
 * in streams, and if they turn out to be no split of it, once more in one. An EC2 that does not
 * know such filters, or has less on their pages, is not asked in streams again.
 */
export function createRequestReader(): ReadRequest {
  let mayStream = true;
  return async (filters, reading) => {
    const { inSlot, signal } = reading;
    const canStream = mayStream && isSplittable(filters);
    let isSlow = false;
    const holdsBack = (waitedMs: number): boolean => {
      isSlow = canStream && waitedMs >= slowMs;
      return isSlow;
    };
    const pages = readPages(filters, { ...reading, holdsBack });
    const { instances, isHead } = await inSlot(async () => {
      const { value: first } = await pages.next();
      if (first !== undefined && isSlow && hasEveryDigit(first)) {
        return { instances: first.instances, isHead: true };
      }
      return { instances: [...(first?.instances ?? []), ...(await readAll(pages))], isHead: false };
    });
    if (!isHead) return instances;
    try {
      return [...instances, ...(await readStreams(filters, instances, reading))];
    } catch (error) {
      // What ended all of it from outside says nothing about streams.
      signal.throwIfAborted();
      if (!(error instanceof NoSplit) && !isNametagError(error, 'NAMETAG_EC2_REFUSED')) throw error;
      if (!(error instanceof NoSplit && error.byChance)) mayStream = false;
    }
    // From the start: nothing says how long a token is good for.
    return inSlot(() => readAll(readPages(filters, reading)));
  };
}

/** The streams of a request are not, or may not be, the whole of it. */
class NoSplit extends Error {
  override readonly name: string = 'NoSplit';
  /** Whether it may have come about by instances that changed meanwhile. */
  readonly byChance: boolean;

  constructor(fact: string, byChance = false) {
    super(fact);
    this.byChance = byChance;
  }
}

/** One that asks by id is evidence about those; one of many values leaves no room for more. */
function isSplittable(filters: DescribeFilters): boolean {
  const count = filters.reduce((sum, { values }) => sum + values.length, 0);
  return count <= maxFilterValues / 2 && filters.every(({ name }) => name !== 'instance-id');
}

/** If so, every filter of every stream is known to have somebody to find. */
function hasEveryDigit({ instances }: DescribePage): boolean {
  const digits = new Set(instances.map(({ instanceId }) => instanceId.at(-1) ?? ''));
  return [...digits].sort().join('') === allDigits;
}

/** @throws {@link NoSplit} */
async function readStreams(
  filters: DescribeFilters,
  firstPage: readonly Instance[],
  reading: Reading,
): Promise<readonly Instance[]> {
  const { inSlot, signal } = reading;
  const parts = await runTogether(streamDigits, signal, (digits, streamSignal) =>
    inSlot(() =>
      readStream(filters, digits, firstPage.length, { ...reading, signal: streamSignal }),
    ),
  );
  const instances = parts.flat();
  const found = new Set(instances.map(({ instanceId }) => instanceId));
  const missing = firstPage.filter(({ instanceId }) => !found.has(instanceId));
  if (missing.length > firstPage.length / allDigits.length) {
    throw new NoSplit('more are missing than would be of one digit');
  }
  // Some may have stopped, ended or lost a tag since. Then they do not match by their ids either.
  if (missing.length > 0) {
    const values = missing.map(({ instanceId }) => literal(instanceId));
    const byId = [...filters, { name: 'instance-id', values }];
    const again = await inSlot(() => readAll(readPages(byId, reading)));
    if (again.length > 0) throw new NoSplit('some are found by id alone', true);
  }
  return instances;
}

async function readStream(
  filters: DescribeFilters,
  digits: string,
  usualSize: number,
  options: PagesOptions,
): Promise<readonly Instance[]> {
  const values = [...digits].map((digit) => `*${digit}`);
  const instances: Instance[] = [];
  for await (const page of readPages([...filters, { name: 'instance-id', values }], options)) {
    // The same instances four times would be no split either, if a whole one.
    if (!page.instances.every(({ instanceId }) => digits.includes(instanceId.at(-1) ?? ' '))) {
      throw new NoSplit('a stream has ids of another');
    }
    // Where pages are cut before they are filtered, each stream has as many as the whole.
    const isFirst = instances.length === 0;
    if (isFirst && page.nextToken !== undefined && page.instances.length < usualSize / 2) {
      throw new NoSplit('its pages hold less');
    }
    for (const instance of page.instances) instances.push(instance);
  }
  return instances;
}

async function readAll(pages: AsyncIterable<DescribePage>): Promise<Instance[]> {
  const instances: Instance[] = [];
  for await (const page of pages) for (const instance of page.instances) instances.push(instance);
  return instances;
}
