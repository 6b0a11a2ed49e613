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

/** Makes the command. {@link pageOf} what sending it gives is the page. */
export function describeCommand(
  input: DescribeInstancesCommandInput,
  readers: Readers,
): DescribeInstancesCommand {
  const command = new DescribeInstancesCommand(input);
  let page: DescribePage | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      // Not signed, since a proxy may change it.
      if (hasHeaders(args.request)) args.request.headers['accept-encoding'] = 'gzip';
      const result = await next(args);
      if (isAnswer(result.response)) {
        if (result.response.statusCode < 300) page = await readPage(result.response, readers);
        else await inflate(result.response);
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

async function readPage(answer: Answer, readers: Readers): Promise<DescribePage> {
  const reader = readers.take();
  await readBody(answer, reader.feed);
  const page = reader.end();
  readers.giveBack(reader);
  // Nothing is left for the SDK to read.
  answer.body = undefined;
  return page;
}

/** The SDK reads the answers that tell of an error, but only as they are when not compressed. */
async function inflate(answer: Answer): Promise<void> {
  if (answer.headers['content-encoding'] !== 'gzip') return;
  const chunks: Buffer[] = [];
  await readBody(answer, (chunk) => chunks.push(chunk));
  answer.body = Buffer.concat(chunks);
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

function isAnswer(response: unknown): response is Answer {
  return typeof response === 'object' && response !== null && 'statusCode' in response;
}
