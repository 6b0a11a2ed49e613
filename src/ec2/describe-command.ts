/**
 * `DescribeInstances` by the SDK, but for its answer, which is read by {@link DescribeReader}.
 *
 * The SDK makes objects of all that EC2 says of an instance, and takes ten times as long for it as
 * all the rest takes together. It still signs, sends, and tells and retries what fails.
 */
import { DescribeInstancesCommand, type DescribeInstancesCommandInput } from '@aws-sdk/client-ec2';
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

/** Makes the command. {@link pageOf} what sending it gives is the page. */
export function describeCommand(
  input: DescribeInstancesCommandInput,
  readers: Readers,
  turn: PageTurn,
): DescribeInstancesCommand {
  const command = new DescribeInstancesCommand(input);
  let page: DescribePage | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      // Not signed, since a proxy may change it.
      if (hasHeaders(args.request)) args.request.headers['accept-encoding'] = 'gzip';
      const askedMs = performance.now();
      const result = await next(args);
      const waitedMs = performance.now() - askedMs;
      if (isAnswer(result.response)) {
        const { response } = result;
        if (response.statusCode < 300) page = await readPage(response, readers, turn, waitedMs);
        else await inflate(response);
      }
      return result;
    },
    // The last before the request is sent, and so the first that sees the answer.
    { step: 'deserialize', priority: 'low', name: 'readDescribePage' },
  );
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      if (result.output !== undefined) Object.assign(result.output, { page });
      return result;
    },
    { step: 'deserialize', priority: 'high', name: 'giveDescribePage' },
  );
  return command;
}

/** The page that is the output of a command of {@link describeCommand}. */
export function pageOf(output: object): DescribePage {
  if ('page' in output && isPage(output.page)) return output.page;
  throw new TypeError('Expected the output to have a page.');
}

function isPage(page: unknown): page is DescribePage {
  return typeof page === 'object' && page !== null && 'instances' in page;
}

/** More than a page of EC2's has, so that most of the time nobody waits. */
const behindMaxBytes = 16 * 1024 * 1024;

/**
 * Reads the answer behind its arrival, so that the end is there, and the next page asked for,
 * before all of this one is read.
 */
async function readPage(
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
  // Nothing is left for the SDK to read.
  answer.body = undefined;
  return page;
}

// In an answer that is well-formed, what stands so at its end is the token, where EC2 writes it.
const nextTokenAtEnd = /<nextToken>([^<&\s]+)<\/nextToken>\s*<\/DescribeInstancesResponse>\s*$/;
/** How much of the end is looked at; EC2's tokens have some hundred characters. */
const endLength = 4096;

/** The SDK reads the answers that tell of an error, but only as they are when not compressed. */
async function inflate(answer: Answer): Promise<void> {
  if (answer.headers['content-encoding'] !== 'gzip') return;
  const chunks: Buffer[] = [];
  await readBody(answer, (chunk) => {
    chunks.push(chunk);
    return undefined;
  });
  answer.body = Buffer.concat(chunks);
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

function isAnswer(response: unknown): response is Answer {
  return typeof response === 'object' && response !== null && 'statusCode' in response;
}
