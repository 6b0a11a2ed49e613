/** What the gateway is set up with: region and endpoint, from flag, environment or profile. */
import { isNametagError, NametagError } from '../errors.ts';
import type { CallOptions, Metadata } from '../ports.ts';
import { type Profile, readProfile, settingOf } from './profile.ts';

/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where to look for the region, first to last. */
export interface RegionSources {
  readonly region?: string | undefined;
  readonly env: Environment;
  readonly profile?: string | undefined;
  /** Asked last; without it the metadata service is not asked. */
  readonly metadata?: Pick<Metadata, 'region'> | undefined;
}

/** A region, and where it was found. */
export interface FoundRegion {
  readonly region: string;
  /** The flag, the variable, the profile or the service, for a person. */
  readonly from: string;
}

/** Finds the region as {@link locateRegion} does, and says only which it is. */
export async function findRegion(sources: RegionSources, options?: CallOptions): Promise<string> {
  return (await locateRegion(sources, options)).region;
}

/**
 * Finds the region: the one given, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, the
 * instance's own. Empty settings count as not set.
 *
 * @throws {@link NametagError} with code `NAMETAG_NO_REGION` when none of them has one, and with
 * `NAMETAG_USAGE` when the one found cannot be part of a host name.
 */
export async function locateRegion(
  sources: RegionSources,
  options?: CallOptions,
): Promise<FoundRegion> {
  const { env, metadata } = sources;
  const chosen = sources.profile || env['AWS_PROFILE'] || 'default';
  const places: readonly (readonly [from: string, look: () => Region | Promise<Region>])[] = [
    ['`--region`', () => sources.region],
    ['`AWS_REGION`', () => env['AWS_REGION']],
    ['`AWS_DEFAULT_REGION`', () => env['AWS_DEFAULT_REGION']],
    [`the profile ${chosen}`, () => profileRegion(env, chosen)],
    ['the instance metadata', () => instanceRegion(metadata, options)],
  ];
  for (const [from, look] of places) {
    const region = await look();
    if (!region) continue;
    // It becomes a label of the endpoint's host name (RFC 1123 section 2.1).
    if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(region)) return { region, from };
    throw new NametagError('NAMETAG_USAGE', {
      problem: `"${region}" cannot be an AWS region`,
      remedy: 'Write it like `eu-west-1`',
    });
  }
  throw new NametagError('NAMETAG_NO_REGION', {});
}

type Region = string | undefined;

/**
 * Finds the endpoint: the one given, `AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`, the profile's.
 * `undefined` leaves the choice to AWS.
 *
 * @param profile - without it, no profile is looked at
 * @throws {@link NametagError} with code `NAMETAG_USAGE` when the one found is no address.
 */
export function findEndpoint(
  endpoint: string | undefined,
  env: Environment,
  profile?: Profile,
): string | undefined {
  const ignored =
    env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] ||
    (profile && settingOf(profile, 'ignore_configured_endpoint_urls'));
  const configured: readonly (readonly [string, string | undefined])[] = [
    ['`AWS_ENDPOINT_URL_EC2`', env['AWS_ENDPOINT_URL_EC2']],
    ['`AWS_ENDPOINT_URL`', env['AWS_ENDPOINT_URL']],
    ['`endpoint_url` of the services', profile?.services.get('ec2.endpoint_url')],
    ['`endpoint_url` of the profile', profile && settingOf(profile, 'endpoint_url')],
  ];
  const settings = [['The endpoint', endpoint] as const, ...(isTrue(ignored) ? [] : configured)];
  const [name, url] = settings.find(([, value]) => value) ?? [];
  if (!url || (/^https?:\/\//i.test(url) && URL.canParse(url))) return url || undefined;
  // The value is not repeated: it may hold a password.
  throw new NametagError('NAMETAG_USAGE', {
    problem: `${name} is not an http or https address`,
    remedy: 'Write it like `http://127.0.0.1:4566`',
  });
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

/** The credentials file goes first, as the SDK has it for the region alone. */
function profileRegion(env: Environment, name: string): Region {
  const { credentials, config } = readProfile(env, name);
  return credentials.get('region') ?? config.get('region');
}

async function instanceRegion(
  metadata: Pick<Metadata, 'region'> | undefined,
  options: CallOptions | undefined,
): Promise<string | undefined> {
  try {
    return await metadata?.region(options);
  } catch (error) {
    // No metadata service is the ordinary case off EC2. One that is set up wrong is not.
    const telling = ['NAMETAG_USAGE', 'NAMETAG_METADATA_HOP_LIMIT', 'NAMETAG_METADATA_REFUSED'];
    if (!isNametagError(error) || telling.includes(error.code)) throw error;
    throw new NametagError('NAMETAG_NO_REGION', {}, { cause: error });
  }
}
