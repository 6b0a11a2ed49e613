/** What the gateway is set up with: region and endpoint, from flag, environment or profile. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isNametagError, NametagError } from '../errors.ts';
import type { CallOptions, Metadata } from '../ports.ts';

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
  const { env, profile, metadata } = sources;
  const places: readonly (readonly [from: string, look: () => Region | Promise<Region>])[] = [
    ['`--region`', () => sources.region],
    ['`AWS_REGION`', () => env['AWS_REGION']],
    ['`AWS_DEFAULT_REGION`', () => env['AWS_DEFAULT_REGION']],
    [`the profile ${profileName(env, profile)}`, () => profileRegion(env, profile)],
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
 * Finds the endpoint: the one given, `AWS_ENDPOINT_URL_EC2`, `AWS_ENDPOINT_URL`. `undefined` leaves
 * the choice to the SDK, which knows the profile's and AWS's own.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE` when the one found is no address.
 */
export function findEndpoint(endpoint: string | undefined, env: Environment): string | undefined {
  const ignored = env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true';
  const settings: readonly (readonly [string, string | undefined])[] = [
    ['The endpoint', endpoint],
    ['`AWS_ENDPOINT_URL_EC2`', ignored ? undefined : env['AWS_ENDPOINT_URL_EC2']],
    ['`AWS_ENDPOINT_URL`', ignored ? undefined : env['AWS_ENDPOINT_URL']],
  ];
  const [name, url] = settings.find(([, value]) => value) ?? [];
  if (!url || (/^https?:\/\//i.test(url) && URL.canParse(url))) return url || undefined;
  // The value is not repeated: it may hold a password.
  throw new NametagError('NAMETAG_USAGE', {
    problem: `${name} is not an http or https address`,
    remedy: 'Write it like `http://127.0.0.1:4566`',
  });
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

/**
 * The `region` of a profile in the shared credentials file, else in the config file.
 *
 * Read here and not through the SDK, because the region must be known before it is loaded.
 * Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
 */
async function profileRegion(
  env: Environment,
  profile: string | undefined,
): Promise<string | undefined> {
  const name = profileName(env, profile);
  const folder = join(env['HOME'] || homedir(), '.aws');
  const credentials = env['AWS_SHARED_CREDENTIALS_FILE'] || join(folder, 'credentials');
  const config = env['AWS_CONFIG_FILE'] || join(folder, 'config');
  return (
    regionIn(await readIfThere(credentials), [name]) ??
    regionIn(
      await readIfThere(config),
      name === 'default' ? ['default', 'profile default'] : [`profile ${name}`],
    )
  );
}

function profileName(env: Environment, profile: string | undefined): string {
  return profile || env['AWS_PROFILE'] || 'default';
}

/** Reads `region` under one of these headings; a setting indented under another is not one. */
function regionIn(text: string, headings: readonly string[]): string | undefined {
  let inside = false;
  let region: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[([^\]]*)\]/.exec(line)?.[1];
    if (heading !== undefined) inside = headings.includes(unquote(heading));
    else if (inside) region = /^region\s*=\s*(.*?)\s*(?:\s[#;].*)?$/.exec(line)?.[1] || region;
  }
  return region;
}

function unquote(heading: string): string {
  return heading.trim().replace(/^(profile)\s+(["']?)(.*)\2$/, '$1 $3');
}

async function readIfThere(path: string): Promise<string> {
  // A file that is missing or not ours to read has no region for us, as with the AWS CLI.
  return readFile(path, 'utf8').catch(() => '');
}
