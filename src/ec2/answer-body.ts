/** The bytes of an answer, as they arrive and as they were before EC2 compressed them. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { MalformedAnswer } from './malformed-answer.ts';

/** An answer of which nothing but the head has arrived. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/**
 * The connection ended before the answer did. To whoever tries again it is what its code says.
 */
export class TornAnswer extends Error {
  override readonly name: string = 'TornAnswer';
  readonly code: string = 'ECONNRESET';
}

/** Takes a chunk; the next is not given before a promise that it gives has settled. */
export type TakeChunk = (chunk: Buffer) => Promise<void> | undefined;

/** A page of 11 MB is inflated in a dozen steps, and not in the 700 that are Node's default. */
const inflatedChunkBytes = 1024 * 1024;

/**
 * Up to how much that is compressed is inflated at once, when all of it is there: some hundred
 * instances. For what is larger it pays that another thread inflates while this one reads.
 */
const atOnceBytesMax = 64 * 1024;

/**
 * Gives each chunk of the body to `take`, in order, and waits for it where it gives a promise.
 *
 * @throws {@link TornAnswer}, MalformedAnswer when the compression is broken, or what `take` does.
 */
export async function readBody({ headers, body }: Answer, take: TakeChunk): Promise<void> {
  if (headers['content-encoding'] !== 'gzip') return await drain(body, take);
  try {
    // An answer without its length gets a stream, however short it is.
    const isSmall = Number(headers['content-length']) <= atOnceBytesMax;
    await (isSmall ? inflateAtOnce(body, take) : inflateStream(body, take));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!code.startsWith('Z_')) throw error;
    throw new MalformedAnswer('its gzip is broken', { cause: error });
  }
}

async function inflateAtOnce(body: Readable, take: TakeChunk): Promise<void> {
  const chunks: Buffer[] = [];
  await drain(body, (chunk) => void chunks.push(chunk));
  await take(gunzipSync(Buffer.concat(chunks), { chunkSize: inflatedChunkBytes }));
}

async function inflateStream(body: Readable, take: TakeChunk): Promise<void> {
  const inflated = createGunzip({ chunkSize: inflatedChunkBytes });
  body.on('error', () => inflated.destroy(torn()));
  body.once('close', () => void (body.readableEnded || inflated.destroy(torn())));
  inflated.once('close', () => body.destroy());
  await drain(body.pipe(inflated), take);
}

/** As `pipeline` of Node's, which takes longer to load than a small answer to read. */
async function drain(stream: Readable, take: TakeChunk): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let taken: Promise<void> | undefined;
    const fail = (error: unknown): void => {
      reject(error);
      // Chunks that are there already are still given while a stream flows.
      stream.pause().destroy();
    };
    stream.on('data', (chunk: Buffer) => {
      try {
        taken = take(chunk);
        if (taken === undefined) return;
        stream.pause();
        taken.then(() => stream.resume(), fail);
      } catch (error) {
        fail(error);
      }
    });
    // A stream that is paused may end, while its last chunk is being taken.
    stream.once('end', () => resolve(taken));
    stream.on('error', (error) => reject(isTorn(error) ? torn(error) : error));
    stream.once('close', () => reject(torn()));
  });
}

function isTorn(error: Error): boolean {
  return 'code' in error && error.code === 'ECONNRESET';
}

function torn(cause?: Error): TornAnswer {
  return new TornAnswer('the connection ended in the middle of the answer', { cause });
}
