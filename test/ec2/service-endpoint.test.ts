/** The address is the one that the SDK's client finds by its own rules for EC2. */

import { EC2Client } from '@aws-sdk/client-ec2';
import { partition, setPartitionInfo, useDefaultPartitionInfo } from '@aws-sdk/core/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EndpointKind, ec2Address } from '../../src/ec2/service-endpoint.ts';

/** Of each part of AWS those that are, and one that may be some day. */
const regions = `
  af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-3 ap-south-2 ap-southeast-7 aws-global
  ca-central-1 ca-west-1 eu-central-2 eu-north-1 eu-south-2 eu-west-1 eu-west-3 il-central-1
  me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2 eu-west-9
  aws-cn-global cn-north-1 cn-northwest-1 cn-south-9
  eusc-de-east-1 eusc-fr-west-9
  aws-iso-global us-iso-east-1 us-iso-west-1 us-iso-south-9
  aws-iso-b-global us-isob-east-1 us-isob-west-1 us-isob-south-9
  aws-iso-e-global eu-isoe-west-1 eu-isoe-south-9
  aws-iso-f-global us-isof-east-1 us-isof-south-1 us-isof-north-9
  aws-us-gov-global us-gov-east-1 us-gov-west-1 us-gov-north-9
  nowhere xx-nowhere-1 US-EAST-1 us-east us-gov-east
`
  .trim()
  .split(/\s+/);
const kinds: readonly EndpointKind[] = [
  { fips: false, dualStack: false },
  { fips: true, dualStack: false },
  { fips: false, dualStack: true },
  { fips: true, dualStack: true },
];

const { endpointProvider } = new EC2Client({ region: 'eu-west-1' }).config;

/** The address; `undefined` where there is none. */
function orNone(find: () => string): string | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

/** The address in each region. */
const addresses = (find: (region: string) => string | undefined) =>
  Object.fromEntries(regions.map((region) => [region, find(region)]));
const ours = (region: string, kind: EndpointKind) =>
  orNone(() => ec2Address(region, kind).toLowerCase());
const ofSdk = (Region: string, { fips: UseFIPS, dualStack: UseDualStack }: EndpointKind) =>
  orNone(() => endpointProvider({ Region, UseFIPS, UseDualStack }).url.origin);

describe('the address', () => {
  test.each(kinds)('is the one of the SDK in every region with %j', (kind) => {
    expect(addresses((region) => ours(region, kind))).toEqual(
      addresses((region) => ofSdk(region, kind)),
    );
  });

  test.each<[string, EndpointKind, (region: string) => string]>([
    [
      'without the exception of GovCloud',
      { fips: true, dualStack: false },
      (region) => {
        const { dnsSuffix } = partition(region);
        return `https://ec2-fips.${region}.${dnsSuffix}`;
      },
    ],
    [
      'with one suffix for all of AWS',
      { fips: false, dualStack: false },
      (region) => `https://ec2.${region}.amazonaws.com`,
    ],
  ])('would not be, %s', (_, kind, find) => {
    expect(addresses((region) => find(region).toLowerCase())).not.toEqual(
      addresses((region) => ofSdk(region, kind)),
    );
  });

  test('is there in every part of AWS', () => {
    const parts = new Set(regions.map((region) => partition(region).name));
    expect([...parts].sort()).toEqual([
      'aws',
      'aws-cn',
      'aws-eusc',
      'aws-iso',
      'aws-iso-b',
      'aws-iso-e',
      'aws-iso-f',
      'aws-us-gov',
    ]);
  });

  describe('in a part of AWS that lacks some', () => {
    const part = (name: string, supportsFIPS: boolean, supportsDualStack: boolean) => ({
      id: name,
      regionRegex: `^${name}-`,
      regions: {},
      outputs: {
        name,
        supportsFIPS,
        supportsDualStack,
        dnsSuffix: 'example.org',
        dualStackDnsSuffix: 'both.example.org',
      },
    });
    const parts = [
      part('none', false, false),
      part('validated', true, false),
      part('both', false, true),
      part('aws', true, true),
    ];
    beforeEach(() => setPartitionInfo({ partitions: parts }));
    afterEach(useDefaultPartitionInfo);

    test.each(parts.flatMap(({ id }) => kinds.map((kind) => [`${id}-1`, kind] as const)))(
      'is there, or not, as with the SDK, in %s with %j',
      (region, kind) => {
        expect(ours(region, kind)).toBe(ofSdk(region, kind));
      },
    );

    test.each<[string, EndpointKind, string]>([
      ['none-1', { fips: true, dualStack: false }, 'FIPS'],
      ['none-1', { fips: true, dualStack: true }, 'FIPS and dual-stack'],
      ['validated-1', { fips: false, dualStack: true }, 'dual-stack'],
    ])('is not there in %s with %j, and that is told', (region, kind, words) => {
      expect(() => ec2Address(region, kind)).toThrow(
        `There is no ${words} endpoint of EC2 in ${region}. Set \`AWS_USE_FIPS_ENDPOINT\` and ` +
          '`AWS_USE_DUALSTACK_ENDPOINT` to `false`.',
      );
    });
  });
});
