/**
 * How EC2 is reached: where, and how often something is tried, by the settings of all AWS tools.
 *
 * They are read here, once, so that what reads and what writes never differ in them.
 */
import { NametagError } from '../errors.ts';
import { readProfile, settingOf } from './profile.ts';
import { ec2Address } from './service-endpoint.ts';
import { type Environment, findEndpoint } from './settings.ts';

/** How the EC2 of one region is reached. */
export interface ServiceSettings {
  /** An address, as `https://ec2.eu-west-1.amazonaws.com`. */
  readonly endpoint: string;
  /** The same for people to read: without a path, and without a password. */
  readonly origin: string;
  /** The region that requests are signed for. */
  readonly signingRegion: string;
  /** How often a request is made at most, at least 1. */
  readonly maxAttempts: number;
  /** `adaptive` also sends fewer requests where EC2 has throttled some. */
  readonly retryMode: 'standard' | 'adaptive';
}

/** Where to look for them. */
export interface ServiceSettingsSources {
  readonly region: string;
  readonly env: Environment;
  readonly profile?: string | undefined;
  /** Goes before all that is set. */
  readonly endpoint?: string | undefined;
  /** Goes before all that is set. */
  readonly attempts?: number | undefined;
}

/**
 * Finds the settings: what was given, the environment's, the profile's, AWS's own.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Settings reference": "Retry behavior",
 * "Service-specific endpoints", "Dual-stack and FIPS endpoints".
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE` when one of them cannot be.
 */
export function findServiceSettings(sources: ServiceSettingsSources): ServiceSettings {
  const { region, env, attempts } = sources;
  const profile = readProfile(env, sources.profile);
  const find = (variable: string, setting: string): Found => {
    const fromEnvironment = env[variable];
    if (fromEnvironment) return { from: `\`${variable}\``, value: fromEnvironment };
    const value = settingOf(profile, setting);
    return { from: `\`${setting}\` of the profile ${profile.name}`, value };
  };
  const isTrue = (variable: string, setting: string): boolean => toFlag(find(variable, setting));
  // An old way to ask for FIPS endpoints, which all SDKs take.
  const signingRegion = region.replace(/^fips-|-fips$/g, '');
  const endpoint =
    findEndpoint(sources.endpoint, env, profile) ??
    ec2Address(signingRegion, {
      fips: signingRegion !== region || isTrue('AWS_USE_FIPS_ENDPOINT', 'use_fips_endpoint'),
      dualStack: isTrue('AWS_USE_DUALSTACK_ENDPOINT', 'use_dualstack_endpoint'),
    });
  return {
    endpoint,
    origin: new URL(endpoint).origin,
    signingRegion,
    maxAttempts: attempts ?? toAttempts(find('AWS_MAX_ATTEMPTS', 'max_attempts')),
    retryMode: toRetryMode(find('AWS_RETRY_MODE', 'retry_mode')),
  };
}

interface Found {
  /** For a person. */
  readonly from: string;
  readonly value: string | undefined;
}

function toFlag({ from, value = 'false' }: Found): boolean {
  const flag = value.toLowerCase();
  if (flag !== 'true' && flag !== 'false') refuse(from, value, 'Write `true` or `false`');
  return flag === 'true';
}

/** Three, when nothing else is said, as with all AWS tools. */
function toAttempts({ from, value = '3' }: Found): number {
  if (!/^\d{1,9}$/.test(value)) refuse(from, value, 'Write a whole number from 1');
  return Math.max(1, Number(value));
}

/** `legacy` is the SDK's name for how it was before, and has long meant `standard`. */
function toRetryMode({ from, value = 'standard' }: Found): ServiceSettings['retryMode'] {
  const mode = value.toLowerCase();
  if (mode === 'adaptive') return mode;
  if (mode !== 'standard' && mode !== 'legacy') {
    refuse(from, value, 'Write `standard` or `adaptive`');
  }
  return 'standard';
}

function refuse(from: string, value: string, remedy: string): never {
  throw new NametagError('NAMETAG_USAGE', { problem: `${from} is "${value}"`, remedy });
}
