import { EC2ServiceException } from '@aws-sdk/client-ec2';
import { describe, expect, test, vi } from 'vitest';
import { DeadlineExceeded } from '../../src/deadline.ts';
import { CredentialsFailure } from '../../src/ec2/credentials.ts';
import { type Doing, refusesGroupFilter, toFailure } from '../../src/ec2/failure.ts';
import { MalformedAnswer } from '../../src/ec2/malformed-answer.ts';
import { Refusal } from '../../src/ec2/refusal.ts';
import { type ErrorCode, isNametagError, NametagError } from '../../src/errors.ts';

const about: Doing = {
  doing: 'tag i-0a',
  region: 'eu-west-1',
  endpoint: 'http://127.0.0.1:1',
  iamAction: 'ec2:CreateTags',
  instanceId: 'i-0a',
};

/** As a read throws it; `code` is EC2's, absent when the answer had none. */
function refusal(code: string | undefined, status: number, message = 'Told by EC2.'): Error {
  return new Refusal(status, code ?? '', message, false);
}

/** The same as the SDK throws it. */
function sdkError(code: string | undefined, status: number, message = 'Told by EC2.'): Error {
  const exception = new EC2ServiceException({
    name: code ?? 'Unknown',
    $fault: status < 500 ? 'client' : 'server',
    message,
    $metadata: { httpStatusCode: status, attempts: 3 },
  });
  return code === undefined ? exception : Object.assign(exception, { Code: code });
}

const codeOf = (error: unknown): ErrorCode | undefined => {
  const failure = toFailure(error, about);
  return isNametagError(failure) ? failure.code : undefined;
};

describe('toFailure', () => {
  // Each bundle of the program has a copy of what it uses.
  test('knows the failures of another copy of this program', async () => {
    vi.resetModules();
    const credentials = await import('../../src/ec2/credentials.ts');
    const malformed = await import('../../src/ec2/malformed-answer.ts');
    expect(credentials.CredentialsFailure).not.toBe(CredentialsFailure);
    expect(codeOf(new credentials.CredentialsFailure('none'))).toBe('NAMETAG_NO_CREDENTIALS');
    expect(codeOf(new malformed.MalformedAnswer('none'))).toBe('NAMETAG_EC2_MALFORMED');
  });

  test.each<[string, number, ErrorCode]>([
    ['UnauthorizedOperation', 403, 'NAMETAG_EC2_DENIED'],
    ['AccessDenied', 403, 'NAMETAG_EC2_DENIED'],
    ['AuthFailure', 401, 'NAMETAG_EC2_UNAUTHENTICATED'],
    ['InvalidClientTokenId', 403, 'NAMETAG_EC2_UNAUTHENTICATED'],
    ['SignatureDoesNotMatch', 403, 'NAMETAG_EC2_UNAUTHENTICATED'],
    ['ExpiredToken', 400, 'NAMETAG_EC2_UNAUTHENTICATED'],
    ['RequestExpired', 400, 'NAMETAG_EC2_UNAUTHENTICATED'],
    ['OptInRequired', 401, 'NAMETAG_EC2_UNAUTHENTICATED'],
    ['RequestLimitExceeded', 503, 'NAMETAG_EC2_THROTTLED'],
    ['Throttling', 400, 'NAMETAG_EC2_THROTTLED'],
    ['EC2ThrottledException', 503, 'NAMETAG_EC2_THROTTLED'],
    ['SomethingNew', 429, 'NAMETAG_EC2_THROTTLED'],
    ['ConcurrentTagAccess', 400, 'NAMETAG_EC2_BUSY'],
    ['InvalidInstanceID.NotFound', 400, 'NAMETAG_INSTANCE_NOT_FOUND'],
    ['TagLimitExceeded', 400, 'NAMETAG_TAG_LIMIT'],
    ['InternalError', 500, 'NAMETAG_EC2_UNREACHABLE'],
    ['Unavailable', 503, 'NAMETAG_EC2_UNREACHABLE'],
    ['InvalidParameterValue', 400, 'NAMETAG_EC2_REFUSED'],
    ['TagPolicyViolation', 400, 'NAMETAG_EC2_REFUSED'],
    ['FilterLimitExceeded', 400, 'NAMETAG_EC2_REFUSED'],
  ])('%s with HTTP %i is %s', (awsCode, status, code) => {
    expect(codeOf(sdkError(awsCode, status))).toBe(code);
    expect(codeOf(refusal(awsCode, status))).toBe(code);
  });

  test.each<[string, Error, ErrorCode]>([
    ['HTTP 503 of something else', sdkError(undefined, 503), 'NAMETAG_EC2_UNREACHABLE'],
    ['HTTP 404 of something else', sdkError(undefined, 404), 'NAMETAG_EC2_MALFORMED'],
    ['HTTP 503 of a proxy', refusal(undefined, 503), 'NAMETAG_EC2_UNREACHABLE'],
    ['HTTP 429 of a proxy', refusal(undefined, 429), 'NAMETAG_EC2_THROTTLED'],
    ['HTTP 407 of a proxy', refusal(undefined, 407), 'NAMETAG_EC2_MALFORMED'],
    ['an answer that EC2 would not give', new MalformedAnswer('x'), 'NAMETAG_EC2_MALFORMED'],
    ['a missed deadline', new DeadlineExceeded(5), 'NAMETAG_EC2_UNREACHABLE'],
    ['no credentials', new CredentialsFailure('none'), 'NAMETAG_NO_CREDENTIALS'],
    [
      'a refused connection',
      Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      'NAMETAG_EC2_UNREACHABLE',
    ],
    [
      'an unknown certificate',
      Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      'NAMETAG_EC2_UNREACHABLE',
    ],
  ])('%s is classified', (_, error, code) => {
    expect(codeOf(error)).toBe(code);
  });

  test.each([
    [new TypeError('Cannot read properties of undefined')],
    [Object.assign(new TypeError('bad'), { code: 'ERR_INVALID_ARG_TYPE' })],
    [new Error('an assertion')],
    ['text'],
    [new NametagError('NAMETAG_USAGE', { problem: 'x', remedy: 'y' })],
  ])('leaves a mistake of this program, and a failure, as it is: %s', (error) => {
    expect(toFailure(error, about)).toBe(error);
  });

  test('names the action, the instance and the region, and keeps the cause', () => {
    const error = sdkError('UnauthorizedOperation', 403);
    const failure = toFailure(error, about);
    expect(failure).toMatchObject({ cause: error, details: { iamAction: 'ec2:CreateTags' } });
    expect(String(failure)).toContain('tag i-0a in eu-west-1');
  });

  test('puts text from outside on one short line', () => {
    const failure = toFailure(sdkError('Odd', 400, `a\n\u001b[31mb${'c'.repeat(500)}.`), about);
    expect(failure).toMatchObject({
      details: { awsMessage: expect.stringMatching(/^a \[31mbc{293}…$/) },
    });
  });

  test('tells what the network said, without the name of the package that heard it', () => {
    const message = '@smithy/node-http-handler - [ERROR] a request has exceeded 10 ms.';
    const failure = toFailure(Object.assign(new Error(message), { code: 'ETIMEDOUT' }), about);
    expect(failure).toMatchObject({ details: { fact: 'a request has exceeded 10 ms' } });
  });
});

describe('refusesGroupFilter', () => {
  const naming = "The filter 'network-interface.group-name' is invalid";
  test.each<[string, unknown, boolean]>([
    ['a web page with HTTP 500', refusal(undefined, 500), true],
    ['a parameter error that names it', sdkError('InvalidParameterValue', 400, naming), true],
    ['another parameter error', sdkError('InvalidParameterValue', 400, 'no'), false],
    ['an internal error of EC2', sdkError('InternalError', 500), false],
    ['HTTP 503', sdkError(undefined, 503), false],
    ['no error', undefined, false],
  ])('judges %s', (_, error, expected) => {
    expect(refusesGroupFilter(error)).toBe(expected);
  });
});
