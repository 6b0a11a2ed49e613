/** Where AWS has the EC2 of a region. */
import { partition } from '@aws-sdk/core/client';
import { NametagError } from '../errors.ts';

/** What kind of endpoint is wanted. */
export interface EndpointKind {
  /** With cryptography that FIPS 140 has validated. */
  readonly fips: boolean;
  /** For IPv4 and IPv6. */
  readonly dualStack: boolean;
}

/**
 * Gives the address of EC2, by the SDK's own list of the parts of AWS.
 *
 * Source: the rules for endpoints of the service EC2 in the AWS SDKs. A test holds this to them.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE` where AWS has none of that kind.
 */
export function ec2Address(region: string, { fips, dualStack }: EndpointKind): string {
  const { name, dnsSuffix, dualStackDnsSuffix, supportsFIPS, supportsDualStack } =
    partition(region);
  if ((fips && !supportsFIPS) || (dualStack && !supportsDualStack)) {
    const kind = fips ? (dualStack ? 'FIPS and dual-stack' : 'FIPS') : 'dual-stack';
    throw new NametagError('NAMETAG_USAGE', {
      problem: `There is no ${kind} endpoint of EC2 in ${region}`,
      remedy: 'Set `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT` to `false`',
    });
  }
  // In GovCloud the ordinary endpoint is one.
  const service = fips && (dualStack || name !== 'aws-us-gov') ? 'ec2-fips' : 'ec2';
  return `https://${service}.${region}.${dualStack ? dualStackDnsSuffix : dnsSuffix}`;
}
