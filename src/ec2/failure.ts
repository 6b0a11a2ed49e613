/**
 * From whatever a call throws to a failure that a caller can act on, by EC2's error code.
 *
 * Source of the codes: Amazon EC2 Developer Guide, "Error codes for the Amazon EC2 API".
 */
import { DeadlineExceeded } from '../deadline.ts';
import { type ErrorCode, isNametagError, NametagError } from '../errors.ts';
import type { RequestResult } from '../ports.ts';
import { isCredentialsFailure } from './credentials.ts';
import { isMalformedAnswer } from './malformed-answer.ts';

/** What was being done when a call failed. */
export interface Doing {
  /** A verb and its object, like `describe instances`. */
  readonly doing: string;
  readonly region: string;
  readonly endpoint: string;
  readonly iamAction: `ec2:${string}`;
  /** The instance that the call is about, where it is about one. */
  readonly instanceId?: string;
}

/**
 * Classifies a failed call.
 *
 * A failure comes back as it is. So does what neither EC2, nor the network, nor the SDK is known to
 * throw: it is a mistake in this program, and must not pass for a failure of EC2.
 */
export function toFailure(error: unknown, about: Doing): unknown {
  if (!(error instanceof Error) || isNametagError(error)) return error;
  const { doing, region, endpoint } = about;
  const cause = { cause: error };
  const unreachable = (fact: string) =>
    new NametagError('NAMETAG_EC2_UNREACHABLE', { doing, region, endpoint, fact }, cause);
  const malformed = (fact: string) =>
    new NametagError('NAMETAG_EC2_MALFORMED', { doing, region, fact }, cause);

  if (isCredentialsFailure(error)) {
    const fact = oneLine(error.message);
    return new NametagError('NAMETAG_NO_CREDENTIALS', { doing, region, fact }, cause);
  }
  if (error instanceof DeadlineExceeded) return unreachable(error.message);
  if (isMalformedAnswer(error)) return malformed(oneLine(error.message));

  const { awsCode, status, code } = readSdkError(error);
  if (awsCode !== undefined) return byAwsCode(awsCode, error, about);
  // Of something in front of EC2, which does not speak like it.
  if (status === 429) return byAwsCode('HTTP 429', error, about);
  if (status !== undefined) {
    if (status >= 500) return unreachable(`HTTP ${status}`);
    if (status >= 300) return malformed(`HTTP ${status} without an error of EC2's`);
    return malformed(parseFact(error));
  }
  if (code !== undefined) return unreachable(socketFact(error, code));
  return error;
}

/** In one word how a request ended that failed with this. */
export function resultOf(error: unknown, about: Doing): RequestResult {
  const failure = toFailure(error, about);
  if (!isNametagError(failure)) return 'failed';
  switch (failure.code) {
    case 'NAMETAG_EC2_THROTTLED':
      return 'throttled';
    case 'NAMETAG_EC2_UNREACHABLE':
      return 'unreachable';
    case 'NAMETAG_EC2_DENIED':
    case 'NAMETAG_EC2_UNAUTHENTICATED':
      return 'denied';
    default:
      return 'failed';
  }
}

/**
 * Tells whether EC2, or what stands in for it, cannot filter by security group of an interface.
 *
 * Work-alikes differ in how they say so: moto answers HTTP 500 with a web page, others the code
 * for a filter that does not exist. Neither happens with EC2 itself.
 */
export function refusesGroupFilter(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { awsCode, status } = readSdkError(error);
  if (awsCode === 'InvalidParameterValue') return error.message.includes('network-interface.group');
  return awsCode === undefined && status === 500;
}

function byAwsCode(awsCode: string, error: Error, about: Doing): NametagError {
  const { doing, region, endpoint, iamAction, instanceId } = about;
  const { attempts = 1, status = 0 } = readSdkError(error);
  const awsMessage = oneLine(error.message);
  const cause = { cause: error };
  const kind = kinds.get(awsCode);
  if (kind === 'NAMETAG_EC2_DENIED') {
    return new NametagError(kind, { doing, region, awsCode, iamAction, awsMessage }, cause);
  }
  if (kind === 'NAMETAG_EC2_UNAUTHENTICATED') {
    return new NametagError(kind, { doing, region, awsCode }, cause);
  }
  if (kind === 'NAMETAG_EC2_THROTTLED' || status === 429) {
    const details = { doing, region, awsCode, attempts };
    return new NametagError('NAMETAG_EC2_THROTTLED', details, cause);
  }
  if (kind === 'NAMETAG_EC2_BUSY') {
    return new NametagError(kind, { doing, region, awsCode, awsMessage }, cause);
  }
  if (kind === 'NAMETAG_INSTANCE_NOT_FOUND' && instanceId !== undefined) {
    return new NametagError(kind, { doing, region, instanceId }, cause);
  }
  if (kind === 'NAMETAG_TAG_LIMIT' && instanceId !== undefined) {
    return new NametagError(kind, { instanceId, region, awsCode }, cause);
  }
  if (status >= 500) {
    const fact = `HTTP ${status}, ${awsCode}`;
    return new NametagError('NAMETAG_EC2_UNREACHABLE', { doing, region, endpoint, fact }, cause);
  }
  return new NametagError('NAMETAG_EC2_REFUSED', { doing, region, awsCode, awsMessage }, cause);
}

/** What EC2's codes mean to a caller. A code that is not here is a refusal, or EC2's own fault. */
const kinds: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['UnauthorizedOperation', 'NAMETAG_EC2_DENIED'],
  ['AccessDenied', 'NAMETAG_EC2_DENIED'],
  ['AccessDeniedException', 'NAMETAG_EC2_DENIED'],
  ['AuthFailure', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['Blocked', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['ExpiredToken', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['ExpiredTokenException', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['IncompleteSignature', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['InvalidClientTokenId', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['MissingAuthenticationToken', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['OptInRequired', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['PendingVerification', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['RequestExpired', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['SignatureDoesNotMatch', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['UnrecognizedClientException', 'NAMETAG_EC2_UNAUTHENTICATED'],
  ['EC2ThrottledException', 'NAMETAG_EC2_THROTTLED'],
  ['RequestLimitExceeded', 'NAMETAG_EC2_THROTTLED'],
  ['RequestThrottled', 'NAMETAG_EC2_THROTTLED'],
  ['Throttling', 'NAMETAG_EC2_THROTTLED'],
  ['ThrottlingException', 'NAMETAG_EC2_THROTTLED'],
  ['ConcurrentTagAccess', 'NAMETAG_EC2_BUSY'],
  ['InvalidInstanceID.NotFound', 'NAMETAG_INSTANCE_NOT_FOUND'],
  ['TagLimitExceeded', 'NAMETAG_TAG_LIMIT'],
]);

interface SdkError {
  /** EC2's error code, when the answer was in EC2's error format. */
  readonly awsCode: string | undefined;
  /** The HTTP status, when there was an answer at all. */
  readonly status: number | undefined;
  readonly attempts: number | undefined;
  /** Of a socket, of name resolution, of TLS, or of the endpoint's address. */
  readonly code: string | undefined;
}

function readSdkError(error: Error): SdkError {
  const { Code, $metadata, code } = error as Error & Readonly<Record<string, unknown>>;
  const { httpStatusCode, attempts } = ($metadata ?? {}) as Readonly<Record<string, unknown>>;
  const bug = error instanceof TypeError && code !== 'ERR_INVALID_URL';
  return {
    awsCode: typeof Code === 'string' && Code !== '' ? Code : undefined,
    status: typeof httpStatusCode === 'number' ? httpStatusCode : undefined,
    attempts: typeof attempts === 'number' ? attempts : undefined,
    code: typeof code === 'string' && !bug ? code : undefined,
  };
}

/** The SDK's first line, without its own name before and its hint for programmers after. */
function parseFact(error: Error): string {
  return oneLine((error.message.split('\n')[0] ?? '').replace(/^@aws-sdk /, ''));
}

function socketFact(error: Error, code: string): string {
  // When every address of a host name was tried in vain, the message is empty.
  return oneLine(error.message.replace(/^@\S+ - \[\w+\] /, '')) || code;
}

/** Makes text from outside fit to stand inside a sentence: one line, not long, no full stop. */
function oneLine(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return (line.length > 300 ? `${line.slice(0, 300)}…` : line).replace(/\.$/, '');
}
