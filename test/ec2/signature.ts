/**
 * Signature Version 4 from the side of who is asked, by the published rules and with nothing of the
 * SDK's.
 *
 * Source: AWS Identity and Access Management User Guide, "Create a signed AWS API request".
 */
import { createHash, createHmac } from 'node:crypto';

/** A request as it arrived. */
export interface SignedRequest {
  readonly path: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Who the request is of, and what it is for. */
export interface Expectation {
  readonly secretAccessKey: string;
  readonly region: string;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

/** Names of the headers that the signature is of. */
export function signedHeadersOf({ headers }: SignedRequest): readonly string[] {
  return partsOf(headers).SignedHeaders.split(';');
}

/** Tells whether the one who has the secret key signed this for EC2 in this region. */
export function isSignedBy(
  request: SignedRequest,
  { secretAccessKey, region }: Expectation,
): boolean {
  const { path, headers, body } = request;
  const { SignedHeaders, Signature, scope } = partsOf(headers);
  const names = signedHeadersOf(request);
  const canonical = [
    'POST',
    // Each part once more encoded, as for every service but S3.
    path.split('/').map(encodeURIComponent).join('/'),
    '',
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    SignedHeaders,
    hash(body),
  ].join('\n');
  const time = headers['x-amz-date'] ?? '';
  const signedScope = `${time.slice(0, 8)}/${region}/ec2/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, signedScope, hash(canonical)].join('\n');
  const key = signedScope.split('/').reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  return scope === signedScope && Signature === hmac(key, toSign).toString('hex');
}

function partsOf(headers: SignedRequest['headers']) {
  const [, scope = '', SignedHeaders = '', Signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(
      headers['authorization'] ?? '',
    ) ?? [];
  return { scope, SignedHeaders, Signature };
}
