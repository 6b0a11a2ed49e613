/** One page of a describe: read behind its arrival, and told of as soon as all of it is there. */
import { type Answer, readBody } from './answer-body.ts';
import type { DescribePage, DescribeReader } from './describe-reader.ts';

/** Gives a reader for one answer, and takes back one that has read its answer. */
export interface Readers {
  take(): DescribeReader;
  giveBack(reader: DescribeReader): void;
}

/** How an answer fits in with those before and after it. */
export interface PageTurn {
  /** Settles when the page before is read: no two are read at once. */
  readonly before: Promise<unknown>;
  /**
   * Told of the next page's token once all of this page has arrived, read or not, and how long its
   * beginning was in coming, in milliseconds.
   */
  readonly onToken: (token: string, waitedMs: number) => void;
}

/** More than a page of EC2's has, so that most of the time nobody waits. */
const behindMaxBytes = 16 * 1024 * 1024;

/**
 * Reads the answer behind its arrival, so that the end is there, and the next page asked for,
 * before all of this one is read.
 *
 * @param waitedMs - how long the answer's beginning was in coming
 * @throws TornAnswer, MalformedAnswer
 */
export async function readPage(
  answer: Answer,
  readers: Readers,
  { before, onToken }: PageTurn,
  waitedMs: number,
): Promise<DescribePage> {
  let reader: DescribeReader | undefined;
  let behindBytes = 0;
  let end = '';
  let reading = Promise.resolve();
  await readBody(answer, (chunk) => {
    end = (end + chunk.toString('latin1', Math.max(0, chunk.length - endLength))).slice(-endLength);
    behindBytes += chunk.length;
    reading = reading.then(async () => {
      await before;
      reader ??= readers.take();
      reader.feed(chunk);
      behindBytes -= chunk.length;
      // What has arrived meanwhile is taken in before more is read.
      await new Promise(setImmediate);
    });
    // Told below, or at the next chunk.
    reading.catch(() => undefined);
    return behindBytes > behindMaxBytes ? reading : undefined;
  });
  const token = nextTokenAtEnd.exec(end)?.[1];
  if (token !== undefined) onToken(token, waitedMs);
  await reading;
  reader ??= readers.take();
  const page = reader.end();
  readers.giveBack(reader);
  return page;
}

// In an answer that is well-formed, what stands so at its end is the token, where EC2 writes it.
const nextTokenAtEnd = /<nextToken>([^<&\s]+)<\/nextToken>\s*<\/DescribeInstancesResponse>\s*$/;
/** How much of the end is looked at; EC2's tokens have some hundred characters. */
const endLength = 4096;
