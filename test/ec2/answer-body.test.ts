import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Answer, readBody, TornAnswer } from '../../src/ec2/answer-body.ts';

type Encoding = 'plain' | 'gzip at once' | 'gzip by stream';
const encodings: readonly Encoding[] = ['plain', 'gzip at once', 'gzip by stream'];

/** What a connection brings: the pieces of the body, and how it ends after them. */
interface Arrival {
  readonly pieces: readonly Buffer[];
  /** Without it the answer is whole. */
  readonly torn?: 'closed' | 'reset' | undefined;
}

function answerOf(headers: Answer['headers'], { pieces, torn }: Arrival): Answer {
  const waiting = [...pieces];
  const body = new Readable({
    read() {
      const piece = waiting.shift();
      if (piece !== undefined) this.push(piece);
      else if (torn === undefined) this.push(null);
      else if (torn === 'closed') this.destroy();
      else this.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
    },
  });
  return { statusCode: 200, headers, body };
}

function headersOf(encoding: Encoding, bytes: Buffer): Answer['headers'] {
  if (encoding === 'plain') return {};
  const length = encoding === 'gzip at once' && { 'content-length': String(bytes.length) };
  return { 'content-encoding': 'gzip', ...length };
}

const encode = (encoding: Encoding, text: Buffer): Buffer =>
  encoding === 'plain' ? text : gzipSync(text);

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  const ends = [...sorted, bytes.length];
  return ends
    .map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
    .filter((b) => b.length);
}

/** Bytes that do not get smaller, the same each time. */
const noisy = ((): Buffer => {
  const bytes = Buffer.alloc(150_000);
  let state = 1;
  for (let place = 0; place < bytes.length; place += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[place] = state >>> 24;
  }
  return bytes;
})();
const noise = (length: number): Buffer => noisy.subarray(0, length);

async function textOf(answer: Answer, wait?: () => Promise<void>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let isTaking = false;
  await readBody(answer, (chunk) => {
    expect(isTaking).toBe(false);
    if (wait === undefined) return void chunks.push(chunk);
    isTaking = true;
    return wait().then(() => {
      chunks.push(chunk);
      isTaking = false;
    });
  });
  expect(isTaking).toBe(false);
  return Buffer.concat(chunks);
}

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('a body', () => {
  const isGivenWhole = (encoded: typeof encode) =>
    fc.asyncProperty(
      fc.constantFrom(...encodings),
      fc.nat(150_000),
      fc.array(fc.nat(200_000), { maxLength: 9 }),
      fc.constantFrom(undefined, turn, () => Promise.resolve()),
      async (encoding, length, places, wait) => {
        const text = noise(length);
        const bytes = encoded(encoding, text);
        const answer = answerOf(headersOf(encoding, bytes), { pieces: cut(bytes, places) });
        expect((await textOf(answer, wait)).equals(text)).toBe(true);
      },
    );
  const run = { seed: 9, numRuns: 40, endOnFailure: true };

  test('is given whole and in order, one chunk at a time', async () => {
    await fc.assert(isGivenWhole(encode), run);
  });

  test.each<[string, typeof encode]>([
    ['it another', (encoding, text) => encode(encoding, text.subarray(1))],
    ['its compression left out', (_, text) => text],
  ])('would not be, were %s', async (_, encoded) => {
    expect((await fc.check(isGivenWhole(encoded), run)).failed).toBe(true);
  });

  test.each([-1, 0, 1])('is given whole with %d bytes over what is inflated at once', async (n) => {
    // Noise is stored as it is, with the same few bytes around it.
    const around = gzipSync(noise(65_000)).length - 65_000;
    const text = noise(64 * 1024 - around + n);
    const bytes = gzipSync(text);
    expect(bytes.length).toBe(64 * 1024 + n);
    for (const encoding of encodings.slice(1)) {
      const answer = answerOf(headersOf(encoding, bytes), { pieces: cut(bytes, [1_000, 40_000]) });
      expect((await textOf(answer)).equals(text)).toBe(true);
    }
  });

  test('is given in several chunks where it is large', async () => {
    const bytes = gzipSync(Buffer.alloc(5 * 1024 * 1024, 'x'));
    const sizes: number[] = [];
    await readBody(answerOf({ 'content-encoding': 'gzip' }, { pieces: [bytes] }), (chunk) => {
      sizes.push(chunk.length);
      return undefined;
    });
    expect(sizes.length).toBeGreaterThan(4);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(5 * 1024 * 1024);
  });

  test.each(encodings)('that is %s waits for who takes it', async (encoding) => {
    const bytes = encode(encoding, noise(100_000));
    const answer = answerOf(headersOf(encoding, bytes), { pieces: cut(bytes, [50_000]) });
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let chunks = 0;
    let isOver = false;
    const read = readBody(answer, () => {
      chunks += 1;
      return gate;
    }).then(() => {
      isOver = true;
    });
    while (chunks === 0) await turn();
    for (let count = 0; count < 20; count += 1) await turn();
    expect([chunks, isOver]).toEqual([1, false]);
    go();
    await read;
    expect(isOver).toBe(true);
  });
});

describe('a body that breaks off', () => {
  const text = noise(3_000);

  test.each(
    encodings.flatMap((encoding) =>
      (['closed', 'reset'] as const).map((torn) => [encoding, torn] as const),
    ),
  )('is torn wherever it does: %s, and %s', async (encoding, torn) => {
    const bytes = encode(encoding, text);
    const headers = headersOf(encoding, bytes);
    for (let end = 0; end <= bytes.length; end += end < 20 || end > bytes.length - 20 ? 1 : 97) {
      const pieces = cut(bytes.subarray(0, end), [end >> 1]);
      const error = await thrownBy(textOf(answerOf(headers, { pieces, torn })));
      expect(error).toBeInstanceOf(TornAnswer);
      expect(error).toMatchObject({ code: 'ECONNRESET', name: 'TornAnswer' });
    }
  });

  test('fails otherwise where the connection does', async () => {
    const problem = Object.assign(new Error('bad'), { code: 'HPE_INVALID_CHUNK_SIZE' });
    const body = new Readable({ read: () => undefined });
    setImmediate(() => body.destroy(problem));
    expect(await thrownBy(textOf({ statusCode: 200, headers: {}, body }))).toBe(problem);
  });
});

describe('compression', () => {
  const text = noise(3_000);
  const good = gzipSync(text);
  const flipped = (place: number): Buffer => {
    const bytes = Buffer.from(good);
    bytes.writeUInt8(bytes.readUInt8(place) ^ 0xff, place);
    return bytes;
  };

  const gzipped = encodings.slice(1);
  test.each(
    gzipped.flatMap((encoding) =>
      [
        ['has another sum', flipped(good.length - 6)],
        ['has another length', flipped(good.length - 2)],
        ['begins otherwise', flipped(0)],
        ['ends early', good.subarray(0, -9)],
        ['is none', text],
        ['is followed by something else', Buffer.concat([good, Buffer.from('else')])],
      ].map(([name, bytes]) => [name as string, encoding, bytes as Buffer] as const),
    ),
  )('that %s is no answer (%s)', async (_, encoding, bytes) => {
    const answer = answerOf(headersOf(encoding, bytes), { pieces: cut(bytes, [7]) });
    expect(await thrownBy(textOf(answer))).toMatchObject({
      name: 'MalformedAnswer',
      message: 'its gzip is broken',
    });
  });

  test.each(gzipped)('may be padded, and in two parts (%s)', async (encoding) => {
    const bytes = Buffer.concat([good, good, Buffer.alloc(9)]);
    const answer = answerOf(headersOf(encoding, bytes), { pieces: cut(bytes, [good.length]) });
    expect((await textOf(answer)).equals(Buffer.concat([text, text]))).toBe(true);
  });
});

describe('who takes a body', () => {
  const enough = new Error('enough');
  const long = Buffer.alloc(3 * 1024 * 1024, noisy);

  test('is heard when only the last chunk fails, and late', async () => {
    const answer = answerOf({}, { pieces: [Buffer.from('one')] });
    const read = readBody(answer, async () => {
      // Meanwhile the body ends.
      for (let count = 0; count < 20; count += 1) await turn();
      throw enough;
    });
    expect(await thrownBy(read)).toBe(enough);
  });

  test.each(
    encodings.flatMap((encoding) =>
      [
        [
          'throws',
          (): undefined => {
            throw enough;
          },
        ],
        ['gives a promise that fails', () => Promise.reject(enough)],
      ].map(
        ([name, fail]) =>
          [name as string, encoding, fail as () => Promise<void> | undefined] as const,
      ),
    ),
  )('ends it when it %s (%s)', async (_, encoding, fail) => {
    const bytes = encode(encoding, long);
    const answer = answerOf(headersOf(encoding, bytes), {
      pieces: cut(bytes, [1_000, 2_000, 3_000, 1_000_000, 2_000_000]),
    });
    let taken = 0;
    const read = readBody(answer, () => {
      taken += 1;
      return fail();
    });
    expect(await thrownBy(read)).toBe(enough);
    await turn();
    await turn();
    expect(taken).toBe(1);
    expect(answer.body.destroyed).toBe(true);
  });
});
