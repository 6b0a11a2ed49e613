import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { instanceStates } from '../model/instance.ts';
import {
  reservedTagKey,
  tagKeyLengthMax,
  tagsMax,
  tagValueLengthMax,
} from '../model/tag-limits.ts';

const region = z
  .string()
  .regex(/^[a-z]{2,}(?:-[a-z]+)+-\d$/, 'expected a region such as "eu-west-1"');
const vpc = z.string().regex(/^vpc-[0-9a-f]{8,17}$/, 'expected an id such as "vpc-0a1b2c3d"');
const groupName = z.string().min(1, 'expected a name').max(255, 'expected at most 255 characters');
const groupId = z.string().regex(/^sg-[0-9a-f]{8,17}$/, 'expected an id such as "sg-0a1b2c3d"');
const ipv4 = z.string().refine(isIPv4, 'expected an IPv4 address');
const ipv6 = z.string().refine(isIPv6, 'expected an IPv6 address');

const tagKey = z
  .string()
  .min(1, 'expected a key')
  .refine(
    (key) => [...key].length <= tagKeyLengthMax,
    `expected a key of at most ${tagKeyLengthMax} characters`,
  )
  .refine((key) => !reservedTagKey.test(key), 'keys that begin with "aws:" are reserved');
const tagValue = z
  .string()
  .refine(
    (value) => [...value].length <= tagValueLengthMax,
    `expected at most ${tagValueLengthMax} characters`,
  );

// As a map, since a record of zod's has no `__proto__`, and an instance may have that tag.
const tags = z
  .preprocess(
    toMap,
    z
      .map(tagKey, tagValue)
      .refine((all) => all.size <= tagsMax, `expected at most ${tagsMax} tags`),
  )
  .transform((all) => Object.fromEntries(all));

function toMap(value: unknown): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? new Map(Object.entries(value)) : value;
}

const group = z.strictObject({
  name: groupName.refine((name) => !name.startsWith('sg-'), 'a name cannot begin with "sg-"'),
  id: groupId.optional(),
  description: z.string().optional(),
  vpc: vpc.optional(),
});

const networkInterface = z.strictObject({
  groups: z.array(groupName).optional(),
  privateIp: ipv4.optional(),
  ipv6: z.array(ipv6).optional(),
});

const instance = z.strictObject({
  /** What commands of the sandbox call it; not a tag. */
  name: z.string().min(1, 'expected a name').optional(),
  id: z
    .string()
    .regex(/^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$/, 'expected "i-" and 17 hexadecimal digits')
    .optional(),
  groups: z.array(groupName).min(1, 'expected a group; leave it out for "default"').optional(),
  interfaces: z.array(networkInterface).optional(),
  state: z.enum(instanceStates).optional(),
  tags: tags.optional(),
  zone: z.string().optional(),
  vpc: vpc.optional(),
  type: z.string().min(1, 'expected an instance type').optional(),
  privateIp: ipv4.optional(),
  publicIp: ipv4.optional(),
  ipv6: z.array(ipv6).optional(),
  launchedAgo: z
    .string()
    .regex(/^\d{1,9}(?:ms|s|m|h|d)$/, 'expected a duration such as "3d"')
    .optional(),
});

/** The shape of a fleet file. */
export const fleetShape: z.ZodType<Fleet> = z.strictObject({
  region: region.default('eu-west-1'),
  groups: z.array(group).optional(),
  instances: z.array(instance),
});

/** A security group of a fleet file. */
export interface FleetGroup {
  readonly name: string;
  readonly id?: string | undefined;
  readonly description?: string | undefined;
  readonly vpc?: string | undefined;
}

/** An instance of a fleet file. */
export interface FleetInstance {
  /** What commands of the sandbox call it; not a tag. */
  readonly name?: string | undefined;
  readonly id?: string | undefined;
  /** Names or ids. Default: the VPC's group `default`. */
  readonly groups?: readonly string[] | undefined;
  /** Network interfaces beside the primary one. */
  readonly interfaces?:
    | readonly {
        readonly groups?: readonly string[] | undefined;
        readonly privateIp?: string | undefined;
        readonly ipv6?: readonly string[] | undefined;
      }[]
    | undefined;
  /** Default `running`. */
  readonly state?: (typeof instanceStates)[number] | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly zone?: string | undefined;
  readonly vpc?: string | undefined;
  readonly type?: string | undefined;
  readonly privateIp?: string | undefined;
  readonly publicIp?: string | undefined;
  readonly ipv6?: readonly string[] | undefined;
  /** A duration such as `3d`. Default `1d`. */
  readonly launchedAgo?: string | undefined;
}

/** What a fleet file says. */
export interface Fleet {
  readonly region: string;
  readonly groups?: readonly FleetGroup[] | undefined;
  readonly instances: readonly FleetInstance[];
}
