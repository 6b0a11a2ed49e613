import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type PageTurn, readPage } from '../../src/ec2/describe-page.ts';
import { createDescribeReader, type DescribePage } from '../../src/ec2/describe-reader.ts';

const one =
  '<item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>running</name>' +
  '</instanceState><launchTime>2026-11-20T12:00:00Z</launchTime></item></instancesSet></item>';
const answer = (inside: string): string =>
  `<DescribeInstancesResponse>${inside}</DescribeInstancesResponse>`;
const set = `<reservationSet>${one}</reservationSet>`;

/** Reads an answer that arrives in these pieces, and says what became of it in order. */
async function read(
  pieces: Iterable<string>,
  turn: Partial<PageTurn> = {},
  said: string[] = [],
): Promise<DescribePage> {
  const readers = {
    take: () => {
      said.push('reading');
      return createDescribeReader();
    },
    giveBack: () => said.push('read'),
  };
  const onToken = (token: string) => said.push(`next is ${token}`);
  const answer = { statusCode: 200, headers: {}, body: Readable.from(toBytes(pieces)) };
  return await readPage(answer, readers, { before: Promise.resolve(), onToken, ...turn }, 0);
}

function* toBytes(pieces: Iterable<string>): Generator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

describe('an answer', () => {
  test('tells of the next page when it is there and not yet read', async () => {
    const said: string[] = [];
    let pageBeforeIsRead = (): void => undefined;
    const before = new Promise<void>((resolve) => {
      pageBeforeIsRead = resolve;
    });
    let hear = (_: string): void => undefined;
    const heard = new Promise<string>((resolve) => {
      hear = resolve;
    });
    const text = answer(`${set}<nextToken>more</nextToken>`);
    const page = read([text], { before, onToken: hear }, said);
    expect(await heard).toBe('more');
    expect(said).toEqual([]);
    pageBeforeIsRead();
    expect((await page).instances).toHaveLength(1);
    expect(said).toEqual(['reading', 'read']);
  });

  test('tells of it however its end was cut', async () => {
    const text = answer(`${set}<nextToken>more</nextToken>\n`);
    for (let cut = text.length - 60; cut <= text.length; cut += 1) {
      const said: string[] = [];
      const { nextToken } = await read([text.slice(0, cut), text.slice(cut)], {}, said);
      expect(nextToken).toBe('more');
      expect(said).toContain('next is more');
    }
  });

  test.each([
    ['is not at the end', `<nextToken>more</nextToken>${set}`, 'more'],
    ['has to be decoded', `${set}<nextToken>a&amp;b</nextToken>`, 'a&b'],
    ['is empty', `${set}<nextToken/>`, undefined],
    ['is in a comment', `${set}<!-- <nextToken>more</nextToken> -->`, undefined],
    ['is none', set, undefined],
  ])('does not tell of a token that %s, and reads what there is', async (_, inside, token) => {
    const said: string[] = [];
    expect((await read([answer(inside)], {}, said)).nextToken).toBe(token);
    expect(said).toEqual(['reading', 'read']);
  });

  test('that is refused is not read to its end', async () => {
    let taken = 0;
    const endless = function* (): Generator<string> {
      yield '<DescribeInstancesResponse><a></b>';
      for (; taken < 1_000; taken += 1) yield ' '.repeat(1024 * 1024);
    };
    await expect(read(endless())).rejects.toThrow('is open where another element ends');
    expect(taken).toBeLessThan(40);
  });
});
