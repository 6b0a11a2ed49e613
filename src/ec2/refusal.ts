/** The answers by which EC2 says no, or that something of its own is wrong. */
import { type Answer, readBody } from './answer-body.ts';
import { isMalformedAnswer } from './malformed-answer.ts';
import { createXmlScanner, type XmlElement } from './xml-scanner.ts';

/**
 * EC2 answered with an error, or something else answered for it.
 *
 * Its fields have the names that the SDK's errors have, since by them is decided what is worth
 * another attempt, and what it means.
 */
export class Refusal extends Error {
  /** EC2's error code, or `Unknown`. */
  override readonly name: string;
  /** EC2's error code; `undefined` when the answer is not in EC2's format. */
  readonly Code: string | undefined;
  readonly $metadata: {
    readonly httpStatusCode: number;
    readonly attempts?: number;
    /** Whether the next attempt is signed for another time than this one was. */
    readonly clockSkewCorrected?: boolean;
  };

  constructor(status: number, code: string, message: string, clockSkewCorrected: boolean) {
    super(message);
    this.name = code || 'Unknown';
    this.Code = code || undefined;
    this.$metadata = { httpStatusCode: status, ...(clockSkewCorrected && { clockSkewCorrected }) };
  }
}

/**
 * Reads what was refused, to its end.
 *
 * Source of the format: Amazon EC2 Developer Guide, "Error codes for the Amazon EC2 API".
 *
 * @param clockSkewCorrected - whether another attempt is signed for another time
 * @throws TornAnswer when the connection breaks off.
 */
export async function readRefusal(answer: Answer, clockSkewCorrected: boolean): Promise<Refusal> {
  let [code, message] = ['', ''];
  const error: XmlElement = {
    each: {
      children: {
        Code: {
          text: (value) => {
            code ||= value;
          },
        },
        Message: {
          text: (value) => {
            message ||= value;
          },
        },
      },
    },
  };
  const scanner = createXmlScanner({
    Response: { children: { Errors: { children: { Error: error } } } },
    // As other services of AWS write it, and some that stand in for EC2.
    ErrorResponse: { children: { Error: error } },
  });
  let isReadable = true;
  const giveUp = (thrown: unknown): void => {
    if (!isMalformedAnswer(thrown)) throw thrown;
    // A web page, say, of a proxy. What there is of it says nothing.
    isReadable = false;
  };
  const read = (work: () => void): undefined => {
    try {
      if (isReadable) work();
    } catch (thrown) {
      giveUp(thrown);
    }
  };
  // What it is compressed with may be broken too: its status says whether to try again.
  await readBody(answer, (chunk) => read(() => scanner.feed(chunk))).catch(giveUp);
  read(() => scanner.end());
  if (!isReadable) [code, message] = ['', ''];
  return new Refusal(answer.statusCode, code, message, clockSkewCorrected);
}
