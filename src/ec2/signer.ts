/** Signs requests, with the SDK's signer and EC2's idea of what time it is. */
import type { IncomingHttpHeaders } from 'node:http';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from './credentials.ts';

/** Signs requests to one endpoint. */
export interface Signer {
  /** Signs a request with this form as its body. */
  sign(form: string): Promise<Signed>;
}

/** A request that is signed. */
export interface Signed {
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Takes the time that the answer bears, and says whether requests are signed for another time now
   * than this one was, so that it is worth another try if it was refused.
   */
  hearDate(headers: Pick<IncomingHttpHeaders, 'date' | 'age'>): boolean;
}

/** What is signed with, and for. */
export interface SignerOptions {
  readonly credentials: () => Promise<Credentials>;
  readonly region: string;
  readonly endpoint: URL;
  /** Milliseconds since 1970, by this machine. @defaultValue `Date.now` */
  readonly wallMs?: (() => number) | undefined;
}

/**
 * How far this machine's clock may be off before EC2's is taken: EC2 refuses what was signed five
 * minutes ago. Source: Amazon EC2 API Reference, "Common client errors", `RequestExpired`.
 */
const skewMinMs = 4 * 60 * 1000;

/** Makes a signer. */
export function createSigner({
  credentials,
  region,
  endpoint,
  wallMs = Date.now,
}: SignerOptions): Signer {
  const signer = new SignatureV4({ credentials, region, service: 'ec2', sha256: Sha256 });
  let aheadMs = 0;
  return {
    async sign(form) {
      const signedAheadMs = aheadMs;
      const { headers } = await signer.sign(
        {
          method: 'POST',
          protocol: endpoint.protocol,
          hostname: endpoint.hostname,
          path: endpoint.pathname,
          query: {},
          headers: {
            host: endpoint.host,
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': String(Buffer.byteLength(form)),
          },
          body: form,
        },
        { signingDate: new Date(wallMs() + signedAheadMs) },
      );
      return {
        headers,
        hearDate({ date = '', age }) {
          const offMs = Date.parse(date) - wallMs();
          // An answer with an age was given to somebody else before.
          const isNews = age === undefined && Math.abs(offMs - aheadMs) >= skewMinMs;
          if (isNews) aheadMs = Math.abs(offMs) < skewMinMs ? 0 : offMs;
          // The answer to another request, which was under way at once, may have told it first.
          return aheadMs !== signedAheadMs;
        },
      };
    },
  };
}
