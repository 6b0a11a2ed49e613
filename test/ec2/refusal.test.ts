import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/ec2/answer-body.ts';
import { type Refusal, readRefusal } from '../../src/ec2/refusal.ts';
import { recordingClient } from './sdk-requests.ts';

const answerOf = (pieces: Iterable<Buffer>, statusCode: number): Answer => ({
  statusCode,
  headers: {},
  body: Readable.from(pieces),
});
const read = (body: string, status = 400): Promise<Refusal> =>
  readRefusal(answerOf([Buffer.from(body)], status), false);

/** The error that the SDK's client makes of the same answer. */
async function readBySdk(body: string, status = 400): Promise<unknown> {
  const { client } = recordingClient({ maxAttempts: 1 }, [{ status, body }]);
  return await client.send(new DescribeInstancesCommand({})).catch((error: unknown) => error);
}

const escapes: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' };
const toXml = (text: string): string => text.replace(/[<>&]/g, (sign) => escapes[sign] ?? '');
const error = (code: string, message: string): string =>
  `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
const response = (inside: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors>${inside}</Errors>` +
  '<RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>';

describe('a refusal', () => {
  test.each<[string, string, string, string]>([
    ['EC2 writes it', response(error('AuthFailure', 'No.')), 'AuthFailure', 'No.'],
    [
      'other services do',
      `<ErrorResponse xmlns="http://example.org/"><Error><Type>Sender</Type><Code>Slow</Code>
       <Message>Wait.</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
      'Slow',
      'Wait.',
    ],
    [
      'text in sections and entities',
      response(error('A<![CDATA[.]]>B', 'a &lt;b&gt; &amp;amp; &#252;<![CDATA[ <c> &amp; ]]>d')),
      'A.B',
      'a <b> &amp; ü <c> &amp; d',
    ],
    [
      'the message first, and something else',
      response('<Error><Message>No.</Message><Other><Code>X</Code></Other><Code>Y</Code></Error>'),
      'Y',
      'No.',
    ],
  ])('is read as %s, as by the SDK', async (_, body, code, message) => {
    expect(await read(body)).toMatchObject({ name: code, Code: code, message });
    expect(await readBySdk(body)).toMatchObject({ Code: code, message });
  });

  test('is the first of several, of which the SDK reads none', async () => {
    const body = response(error('First', 'One.') + error('Second', 'Two.'));
    expect(await read(body)).toMatchObject({ Code: 'First', message: 'One.' });
    expect(await readBySdk(body)).not.toMatchObject({ Code: 'First' });
  });

  const word = fc.stringMatching(/^[A-Za-z][\w.]{0,40}$/);
  const sentence = fc.stringMatching(/^[!-~](?:[ -~ü€\u{1f600}]{0,80}[!-~])?$/u);
  const isReadBack = (write: (text: string) => string) =>
    fc.asyncProperty(word, sentence, fc.nat(), async (code, message, place) => {
      const bytes = Buffer.from(response(error(code, write(message))));
      const cut = place % bytes.length;
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
      const refusal = await readRefusal(answerOf(pieces, 400), false);
      expect(refusal).toMatchObject({ Code: code, message });
    });
  const run = { seed: 3, numRuns: 200, endOnFailure: true };

  test('is read whatever it says and however it was cut', async () => {
    await fc.assert(isReadBack(toXml), run);
  });

  test('would not be, were it not written as XML', async () => {
    const { failed } = await fc.check(
      isReadBack((text) => text),
      run,
    );
    expect(failed).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['a web page', '<!doctype html><html><title>503</title><Code>X</Code>'],
    ['another document', '<html><Code>X</Code></html>'],
    ['text', 'upstream connect error'],
    ['JSON', '{"Code":"X"}'],
    ['half an answer', response(error('X', 'Y')).slice(0, -20)],
    ['an answer and something more', `${response(error('X', 'Y'))}<a/>`],
    ['one without a code', response('<Error/>')],
  ])('that is %s has no code, and its status', async (_, body) => {
    const refusal = await read(body, 503);
    expect(refusal).toBeInstanceOf(Error);
    expect(refusal).toMatchObject({ name: 'Unknown', message: '' });
    expect(refusal.Code).toBeUndefined();
    expect(refusal.$metadata).toEqual({ httpStatusCode: 503 });
  });

  test.each<[string, Buffer]>([
    ['broken', gzipSync(response(error('X', 'Y'))).subarray(0, -9)],
    ['nothing', Buffer.alloc(0)],
    ['not compressed at all', Buffer.from(response(error('X', 'Y')))],
  ])('whose compression is %s has its status', async (_, bytes) => {
    for (const length of [{}, { 'content-length': String(bytes.length) }]) {
      const answer = answerOf([bytes], 503);
      const headers = { 'content-encoding': 'gzip', ...length };
      const refusal = await readRefusal({ ...answer, headers }, false);
      expect(refusal.Code).toBeUndefined();
      expect(refusal.$metadata).toEqual({ httpStatusCode: 503 });
    }
  });

  test('that is very long is read to its end, and what it says is left', async () => {
    const page = Buffer.alloc(1024 * 1024, 'x');
    let given = 0;
    const pieces = function* (): Generator<Buffer> {
      yield Buffer.from('<Response><Errors><Error><Code>X</Code><Message>');
      for (; given < 300; given += 1) yield page;
    };
    expect(await readRefusal(answerOf(pieces(), 500), false)).toMatchObject({ message: '' });
    expect(given).toBe(300);
  });

  test('that breaks off with its connection is no refusal', async () => {
    const body = new Readable({ read() {} });
    body.push('<Response>');
    setImmediate(() => body.destroy());
    const answer = { statusCode: 503, headers: {}, body };
    await expect(readRefusal(answer, false)).rejects.toMatchObject({
      name: 'TornAnswer',
      code: 'ECONNRESET',
    });
  });

  test('says whether the next attempt is signed for another time', async () => {
    const answer = answerOf([Buffer.from(response(error('RequestExpired', 'Late.')))], 400);
    const { $metadata } = await readRefusal(answer, true);
    expect($metadata).toEqual({ httpStatusCode: 400, clockSkewCorrected: true });
  });
});
