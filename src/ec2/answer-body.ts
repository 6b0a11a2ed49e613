/** The bytes of an answer, as they arrive and as they were before EC2 compressed them. */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MalformedAnswer } from './malformed-answer.ts';

/** An answer of which nothing but the head has arrived. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body?: unknown;
}

/**
 * The connection ended in the middle of an answer. To the SDK it is what its code says, a broken
 * connection, and so it asks again.
 */
export class TornAnswer extends Error {
  override readonly name: string = 'TornAnswer';
  readonly code: string = 'ECONNRESET';
}

/** A page of 11 MB is inflated in a dozen steps, and not in the 700 that are Node's default. */
const inflatedChunkBytes = 1024 * 1024;

/**
 * Gives each chunk of the body to `take`, in order, and waits for it where it gives a promise.
 *
 * @throws {@link TornAnswer}, MalformedAnswer when the compression is broken, or what `take` does.
 */
export async function readBody(
  answer: Answer,
  take: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  const { body } = answer;
  if (!isReadable(body)) throw new TypeError('Expected the body of an answer to be a stream.');
  const takeAll = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) await take(chunk);
  };
  try {
    if (answer.headers['content-encoding'] === 'gzip') {
      const { createGunzip } = await import('node:zlib');
      await pipeline(body, createGunzip({ chunkSize: inflatedChunkBytes }), takeAll);
    } else {
      await pipeline(body, takeAll);
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.startsWith('Z_')) throw new MalformedAnswer('its gzip is broken', { cause: error });
    if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
      throw new TornAnswer('the connection ended in the middle of the answer', { cause: error });
    }
    throw error;
  }
}

function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}
