/** What is worth another attempt, and after what wait, is what it is to the SDK's client. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TornAnswer } from '../../src/ec2/answer-body.ts';
import { createAttempts } from '../../src/ec2/attempts.ts';
import { CredentialsFailure } from '../../src/ec2/credentials.ts';
import { ExchangeTimeout } from '../../src/ec2/exchange.ts';
import { MalformedAnswer } from '../../src/ec2/malformed-answer.ts';
import { Refusal } from '../../src/ec2/refusal.ts';
import type { ServiceSettings } from '../../src/ec2/service-settings.ts';
import { NametagError } from '../../src/errors.ts';
import { recordingClient, type SdkAnswer } from './sdk-requests.ts';

const startMs = Date.UTC(2026, 10, 20, 12);

beforeEach(() => {
  vi.useFakeTimers({ now: startMs, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  // As real timers do, of which none is shorter than a millisecond: some wait for parts of one.
  const { setTimeout } = globalThis;
  const atLeastOne = (run: () => void, ms = 0) => setTimeout(run, Math.max(1, ms));
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(atLeastOne as typeof setTimeout);
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Retrying = Pick<ServiceSettings, 'maxAttempts' | 'retryMode'>;
const standard: Retrying = { maxAttempts: 3, retryMode: 'standard' };
const adaptive: Retrying = { maxAttempts: 3, retryMode: 'adaptive' };
const never = new AbortController().signal;

/** How a request of several attempts goes, on both sides. */
interface Failure {
  readonly ours: Error;
  readonly sdk: SdkAnswer;
}

const refused = (status: number, code: string): Failure => ({
  ours: new Refusal(status, code, 'Told by EC2.', false),
  sdk: {
    status,
    body: `<Response><Errors><Error><Code>${code}</Code></Error></Errors></Response>`,
  },
});
const broken = (code: string): Failure => ({
  ours: Object.assign(new Error('broken'), { code }),
  sdk: Object.assign(new Error('broken'), { code }),
});

/** When each attempt was made, in milliseconds since the first, and what came of them. */
interface Course {
  readonly atMs: readonly number[];
  readonly error: unknown;
}

/** Gives the failure, and lets no time pass but that which is waited. */
async function settle(work: Promise<unknown>): Promise<unknown> {
  let isOver = false;
  const settled = work
    .then(
      () => undefined,
      (error: unknown) => error,
    )
    .finally(() => {
      isOver = true;
    });
  while (!isOver) {
    // The SDK also reads files, which no timer waits for.
    await new Promise(setImmediate);
    await vi.advanceTimersToNextTimerAsync();
  }
  return await settled;
}

const sinceFirst = (times: readonly number[]): number[] => times.map((ms) => ms - (times[0] ?? 0));

/** Makes requests, one after the other, whose attempts fail so in turn, and then no more. */
async function course(
  retrying: Retrying,
  failures: readonly (readonly Failure[])[],
): Promise<Course[]> {
  const attempts = createAttempts(retrying);
  const courses: Course[] = [];
  for (const each of failures) {
    const times: number[] = [];
    const attempt = async (): Promise<void> => {
      times.push(Date.now());
      const failure = each[times.length - 1];
      if (failure !== undefined) throw failure.ours;
    };
    const error = await settle(attempts(never, attempt));
    courses.push({ atMs: sinceFirst(times), error });
  }
  return courses;
}

/** When the SDK's client makes its attempts. */
async function courseOfSdk(
  { maxAttempts, retryMode }: Retrying,
  failures: readonly (readonly Failure[])[],
): Promise<number[][]> {
  const answers: SdkAnswer[] = [];
  const { client, requests } = recordingClient({ maxAttempts, retryMode }, answers);
  const courses: number[][] = [];
  for (const each of failures) {
    const start = requests.length;
    // What is left over of the answers to the request before is not for this one.
    answers.length = start;
    answers.push(...each.map(({ sdk }) => sdk));
    await settle(client.send(new DescribeInstancesCommand({})));
    courses.push(sinceFirst(requests.slice(start).map(({ atMs }) => atMs)));
  }
  return courses;
}

const thrice = (failure: Failure): Failure[] => [failure, failure, failure];

describe('another attempt', () => {
  test.each<[string, Failure]>([
    ...[500, 502, 503, 504].map((status): [string, Failure] => [
      `HTTP ${status}`,
      refused(status, 'InternalError'),
    ]),
    ['HTTP 429', refused(429, 'Slow')],
    ...['RequestLimitExceeded', 'Throttling', 'EC2ThrottledException', 'RequestThrottled'].map(
      (code): [string, Failure] => [code, refused(400, code)],
    ),
    ['a web page', { ours: new Refusal(503, '', '', false), sdk: { status: 503, body: '' } }],
    ...['ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'].map(
      (code): [string, Failure] => [code, broken(code)],
    ),
    ['EHOSTUNREACH', broken('EHOSTUNREACH')],
    ['half an answer', { ...broken('ECONNRESET'), ours: new TornAnswer('torn') }],
    ['no answer', { ...broken('ETIMEDOUT'), ours: new ExchangeTimeout('no answer') }],
    [
      'a signature of another time',
      {
        ours: new Refusal(400, 'RequestExpired', '', true),
        sdk: {
          status: 400,
          body: '<Response><Errors><Error><Code>RequestExpired</Code></Error></Errors></Response>',
          headers: { date: 'Fri, 20 Nov 2026 12:10:00 GMT' },
        },
      },
    ],
  ])('is made after %s, as by the SDK', async (_, failure) => {
    const [{ atMs, error }] = (await course(standard, [[failure]])) as [Course];
    expect(error).toBeUndefined();
    expect(atMs).toHaveLength(2);
    expect([atMs]).toEqual(await courseOfSdk(standard, [[failure]]));
  });

  test.each<[string, Failure]>([
    ['UnauthorizedOperation', refused(403, 'UnauthorizedOperation')],
    ['InvalidParameterValue', refused(400, 'InvalidParameterValue')],
    ['RequestExpired', refused(400, 'RequestExpired')],
    ['HTTP 404', refused(404, '')],
    ['HTTP 501', refused(501, 'NotImplemented')],
    ['a broken certificate', broken('CERT_HAS_EXPIRED')],
  ])('is not made after %s, nor by the SDK', async (_, failure) => {
    const [{ atMs, error }] = (await course(standard, [[failure]])) as [Course];
    expect(error).toBe(failure.ours);
    expect(atMs).toEqual([0]);
    expect([atMs]).toEqual(await courseOfSdk(standard, [[failure]]));
  });

  const refusedConnection = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  test.each<[string, Error]>([
    ['a malformed answer', new MalformedAnswer('it has no root')],
    ['broken gzip', new MalformedAnswer('broken', { cause: broken('Z_DATA_ERROR').ours })],
    ['a mistake', new TypeError('x is not a function')],
    ['a failure of ours', new NametagError('NAMETAG_USAGE', { problem: 'p', remedy: 'r' })],
    ['no credentials', new CredentialsFailure('none')],
    ['credentials that nobody gave', new CredentialsFailure('none', { cause: refusedConnection })],
  ])('is not made after %s', async (_, ours) => {
    const [{ atMs, error }] = (await course(standard, [[{ ours, sdk: ours }]])) as [Course];
    expect(error).toBe(ours);
    expect(atMs).toEqual([0]);
  });

  test('is not made by the SDK after credentials that nobody gave', async () => {
    const credentials = vi.fn(() => Promise.reject(refusedConnection));
    const { client } = recordingClient({ ...standard, credentials });
    await settle(client.send(new DescribeInstancesCommand({})));
    expect(credentials).toHaveBeenCalledTimes(1);
  });

  test('is not made after what is thrown and is no error', async () => {
    const attempt = vi.fn(() => Promise.reject('enough'));
    expect(await settle(createAttempts(standard)(never, attempt))).toBe('enough');
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});

describe('attempts', () => {
  test.each([1, 2, 3, 5])('are made %d times at most, which the last failure tells', async (n) => {
    const failures = Array.from({ length: 9 }, () => refused(503, 'Unavailable'));
    const retrying = { ...standard, maxAttempts: n };
    const [{ atMs, error }] = (await course(retrying, [failures])) as [Course];
    expect(atMs).toHaveLength(n);
    expect([atMs]).toEqual(await courseOfSdk(retrying, [failures]));
    expect(error).toBe(failures[n - 1]?.ours);
    expect(error).toMatchObject({ $metadata: { attempts: n, httpStatusCode: 503 } });
  });

  test('end with success, which is given', async () => {
    const attempt = vi.fn(async () => 'page');
    attempt.mockRejectedValueOnce(broken('ECONNRESET').ours);
    const page = createAttempts(standard)(never, attempt);
    expect(await settle(page)).toBeUndefined();
    expect(await page).toBe('page');
    expect(attempt).toHaveBeenCalledTimes(2);
  });

  test('wait longer each time, and longest after throttling', async () => {
    const failures = [thrice(broken('ECONNRESET')), thrice(refused(503, 'RequestLimitExceeded'))];
    const courses = await course(standard, failures);
    expect(courses.map(({ atMs }) => atMs)).toEqual(await courseOfSdk(standard, failures));
    const [[, first = 0, second = 0], [, throttled = 0]] = courses.map(({ atMs }) => atMs) as [
      number[],
      number[],
    ];
    expect(first).toBeGreaterThan(0);
    expect(second - first).toBeGreaterThan(first);
    expect(throttled).toBeGreaterThan(10 * first);
  });

  test('are fewer when many requests have failed before, until some succeed', async () => {
    const many = Array.from({ length: 24 }, () => thrice(refused(500, 'InternalError')));
    const fine = Array.from({ length: 30 }, (): Failure[] => []);
    const failures = [...many, ...fine, ...many.slice(-2)];
    const counts = (await course(standard, failures)).map(({ atMs }) => atMs.length);
    expect(counts.slice(0, 3)).toEqual([3, 3, 3]);
    expect(counts.slice(21, 24)).toEqual([1, 1, 1]);
    expect(counts.at(-2)).toBeGreaterThan(1);
    expect(counts).toEqual((await courseOfSdk(standard, failures)).map(({ length }) => length));
  });

  test.each<[string, readonly (readonly Failure[])[]]>([
    ['throttling', [thrice(refused(503, 'RequestLimitExceeded'))]],
    ['broken connections', [thrice(broken('ECONNRESET'))]],
    [
      'one thing after the other',
      [[refused(503, 'Throttling')], [], [broken('EPIPE')], [], thrice(refused(429, 'Slow'))],
    ],
  ])('are made when the SDK’s are in adaptive mode, after %s', async (_, failures) => {
    const courses = (await course(adaptive, failures)).map(({ atMs }) => atMs);
    // The rate is of the time that passes, so both begin with the same fraction of a second.
    vi.setSystemTime(startMs);
    expect(courses).toEqual(await courseOfSdk(adaptive, failures));
  });

  test('are made later in adaptive mode once EC2 has throttled some', async () => {
    const failures = thrice(refused(503, 'RequestLimitExceeded'));
    const lastOf = async (retrying: Retrying) =>
      (await course(retrying, [failures]))[0]?.atMs.at(-1) ?? 0;
    expect(await lastOf(adaptive)).toBeGreaterThan(await lastOf(standard));
  });
});

describe('once the caller has stopped', () => {
  test('no attempt is made', async () => {
    const attempt = vi.fn(async () => undefined);
    const signal = AbortSignal.abort('enough');
    expect(await settle(createAttempts(standard)(signal, attempt))).toBe('enough');
    expect(attempt).not.toHaveBeenCalled();
  });

  test.each([
    ['while one is under way', 0],
    ['while the next is waited for', 1],
  ])('no other is made, when it was %s', async (_, delayMs) => {
    const stop = new AbortController();
    const attempt = vi.fn(async () => {
      if (delayMs === 0) stop.abort('enough');
      else setTimeout(() => stop.abort('enough'), delayMs);
      throw broken('ECONNRESET').ours;
    });
    expect(await settle(createAttempts(standard)(stop.signal, attempt))).toBe('enough');
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});
