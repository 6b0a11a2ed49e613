/** The settings are those that the SDK's client finds by itself, in the same places. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  findServiceSettings,
  type ServiceSettings,
  type ServiceSettingsSources,
} from '../../src/ec2/service-settings.ts';
import type { Environment } from '../../src/ec2/settings.ts';
import { recordingClient } from './sdk-requests.ts';

/** Where something is set; a home folder is made of the files. */
interface Places {
  readonly env?: Environment;
  readonly config?: string;
  readonly credentials?: string;
  readonly region?: string;
}

let home: string;

beforeEach(() => {
  // A folder for each, since the SDK reads no file twice.
  home = mkdtempSync(join(tmpdir(), 'nametag-test-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

/** Writes the files, and gives the environment in which they are found. */
function place({ env = {}, config, credentials }: Places): Environment {
  mkdirSync(join(home, '.aws'));
  if (config !== undefined) writeFileSync(join(home, '.aws', 'config'), config);
  if (credentials !== undefined) writeFileSync(join(home, '.aws', 'credentials'), credentials);
  return { HOME: home, ...env };
}

function find(places: Places, more: Partial<ServiceSettingsSources> = {}) {
  const env = place(places);
  return compared(findServiceSettings({ region: places.region ?? 'eu-west-1', env, ...more }));
}

/** Without the paths of addresses, which the SDK’s requests tell in another place. */
function compared({ origin, ...settings }: ServiceSettings) {
  return { ...settings, endpoint: origin };
}

/** What the SDK's client finds in the environment that {@link place} made. */
async function findBySdk({ env = {}, region = 'eu-west-1' }: Places) {
  const ours = { AWS_CONFIG_FILE: undefined, AWS_SHARED_CREDENTIALS_FILE: undefined };
  const environment = { ...ours, AWS_ENDPOINT_URL: undefined, HOME: home, ...env };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const { client, requests } = recordingClient({ region });
  await client.send(new DescribeInstancesCommand({}));
  const [{ protocol, hostname, port, headers }] = requests as [(typeof requests)[0]];
  const strategy = (await client.config.retryStrategy()) as { readonly mode?: string };
  return {
    endpoint: new URL(`${protocol}//${hostname}${port ? `:${port}` : ''}`).origin,
    signingRegion: /Credential=[^/]+\/\d+\/([^/]+)/.exec(headers['authorization'] ?? '')?.[1],
    maxAttempts: await client.config.maxAttempts(),
    retryMode: strategy.mode,
  };
}

const aws = { endpoint: 'https://ec2.eu-west-1.amazonaws.com', signingRegion: 'eu-west-1' };
const asUsual = { ...aws, maxAttempts: 3, retryMode: 'standard' };
const [one, two] = ['http://127.0.0.1:4001', 'http://127.0.0.1:4002'];
const services = (url: string) => `[services x]\nec2 =\n  endpoint_url = ${url}\n`;

describe('as the SDK’s client', () => {
  test.each<[string, Places, object]>([
    ['nothing', {}, {}],
    ['empty variables', { env: { AWS_ENDPOINT_URL: '', AWS_MAX_ATTEMPTS: '' } }, {}],
    ['empty files', { config: '', credentials: '' }, {}],
    ['AWS_ENDPOINT_URL', { env: { AWS_ENDPOINT_URL: one } }, { endpoint: one }],
    [
      'AWS_ENDPOINT_URL_EC2',
      { env: { AWS_ENDPOINT_URL: one, AWS_ENDPOINT_URL_EC2: two } },
      { endpoint: two },
    ],
    ['endpoint_url', { config: `[default]\nendpoint_url = ${one}` }, { endpoint: one }],
    [
      'endpoint_url of the credentials file',
      { credentials: `[default]\nendpoint_url = ${one}` },
      { endpoint: one },
    ],
    ['a service', { config: `[default]\nservices = x\n${services(one)}` }, { endpoint: one }],
    [
      'a service beside endpoint_url',
      { config: `[default]\nservices = x\nendpoint_url = ${two}\n${services(one)}` },
      { endpoint: one },
    ],
    [
      'another service beside endpoint_url',
      {
        config:
          `[default]\nservices=x\nendpoint_url=${two}\n` +
          `[services x]\ns3=\n endpoint_url=${one}`,
      },
      { endpoint: two },
    ],
    [
      'services of another name',
      { config: `[default]\nservices = y\n${services(one)}[services y]\nec2 =\n region = x` },
      {},
    ],
    [
      'a variable beside a service',
      {
        env: { AWS_ENDPOINT_URL: two },
        config: `[default]\nservices = x\n${services(one)}`,
      },
      { endpoint: two },
    ],
    [
      'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
      { env: { AWS_ENDPOINT_URL: one, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' } },
      {},
    ],
    [
      'ignore_configured_endpoint_urls',
      { config: `[default]\nendpoint_url = ${one}\nignore_configured_endpoint_urls = true` },
      {},
    ],
    [
      'a variable that says not to ignore, and a profile that says to',
      {
        env: { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' },
        config: `[default]\nendpoint_url = ${one}\nignore_configured_endpoint_urls = true`,
      },
      { endpoint: one },
    ],
    ['AWS_MAX_ATTEMPTS', { env: { AWS_MAX_ATTEMPTS: '7' } }, { maxAttempts: 7 }],
    ['max_attempts', { config: '[default]\nmax_attempts = 5' }, { maxAttempts: 5 }],
    [
      'both of these',
      { env: { AWS_MAX_ATTEMPTS: '7' }, config: '[default]\nmax_attempts = 5' },
      { maxAttempts: 7 },
    ],
    ['AWS_RETRY_MODE', { env: { AWS_RETRY_MODE: 'adaptive' } }, { retryMode: 'adaptive' }],
    ['retry_mode', { config: '[default]\nretry_mode = adaptive' }, { retryMode: 'adaptive' }],
    ['an old retry mode', { env: { AWS_RETRY_MODE: 'legacy' } }, {}],
    [
      'both of these modes',
      { env: { AWS_RETRY_MODE: 'standard' }, config: '[default]\nretry_mode = adaptive' },
      {},
    ],
    [
      'AWS_USE_FIPS_ENDPOINT',
      { env: { AWS_USE_FIPS_ENDPOINT: 'true' } },
      { endpoint: 'https://ec2-fips.eu-west-1.amazonaws.com' },
    ],
    [
      'use_fips_endpoint',
      { config: '[default]\nuse_fips_endpoint = true' },
      { endpoint: 'https://ec2-fips.eu-west-1.amazonaws.com' },
    ],
    [
      'both of these, which differ',
      {
        env: { AWS_USE_FIPS_ENDPOINT: 'false' },
        config: '[default]\nuse_fips_endpoint = true',
      },
      {},
    ],
    [
      'AWS_USE_DUALSTACK_ENDPOINT',
      { env: { AWS_USE_DUALSTACK_ENDPOINT: 'true' } },
      { endpoint: 'https://ec2.eu-west-1.api.aws' },
    ],
    [
      'use_dualstack_endpoint and use_fips_endpoint',
      { config: '[default]\nuse_dualstack_endpoint = true\nuse_fips_endpoint=true' },
      { endpoint: 'https://ec2-fips.eu-west-1.api.aws' },
    ],
    ...['fips-us-east-1', 'us-east-1-fips'].map((region): [string, Places, object] => [
      `the region ${region}`,
      { region },
      { endpoint: 'https://ec2-fips.us-east-1.amazonaws.com', signingRegion: 'us-east-1' },
    ]),
    [
      'the region us-gov-west-1',
      { region: 'us-gov-west-1', env: { AWS_USE_FIPS_ENDPOINT: 'true' } },
      { endpoint: 'https://ec2.us-gov-west-1.amazonaws.com', signingRegion: 'us-gov-west-1' },
    ],
  ])('finds %s', async (_, places, expected) => {
    expect(find(places)).toEqual({ ...asUsual, ...expected });
    expect(await findBySdk(places)).toEqual({ ...asUsual, ...expected });
  });

  test.each<[string, Places, number]>([
    ['comments', { config: '# a\n;b\n[default] # c\nmax_attempts = 5 ; d\n' }, 5],
    ['a comment in the place of a value', { config: '[default]\nmax_attempts = # 5\n' }, 3],
    ['a sign within a value', { config: '[default]\nservices = a#b\nmax_attempts = 5' }, 5],
    ['ends of lines', { config: '[default]\r\nmax_attempts = 5\r\n' }, 5],
    ['a mark of the order of bytes', { config: '\ufeff[default]\nmax_attempts = 5' }, 5],
    ['no blanks', { config: '[default]\nmax_attempts=5' }, 5],
    ['tabs', { config: '[default]\t\nmax_attempts\t=\t5\t' }, 5],
    ['everything indented', { config: '  [default]\n  region = x\n  max_attempts = 5\n' }, 5],
    ['an indented setting after others', { config: '[default]\na = b\n max_attempts = 5' }, 5],
    ['what is nested', { config: '[default]\ns3 =\n  max_attempts = 5\n' }, 3],
    ['what is not nested any more', { config: '[default]\ns3 =\n a = b\nmax_attempts = 5' }, 5],
    ['an empty setting', { config: '[default]\nregion =\nmax_attempts = 5' }, 5],
    ['lines that say nothing', { config: 'x\n= 4\n[default]\n\nnonsense\nmax_attempts = 5' }, 5],
    ['a section in two parts', { config: '[default]\na=b\n[x]\n[default]\nmax_attempts = 5' }, 5],
    ['a setting twice', { config: '[default]\nmax_attempts = 4\nmax_attempts = 5' }, 5],
    ['a profile by its prefix', { config: '[profile default]\nmax_attempts = 5' }, 5],
    [
      'two default profiles, of which that with a prefix is taken',
      { config: '[profile default]\nmax_attempts = 5\n[default]\nmax_attempts = 4' },
      5,
    ],
    [
      'two default profiles, of which the other is not looked at',
      { config: '[default]\nmax_attempts = 4\n[profile default]\nregion = x' },
      3,
    ],
    [
      'two default profiles, of which one is empty',
      { config: '[default]\nmax_attempts = 5\n[profile default]\n' },
      5,
    ],
    [
      'a profile in quotes',
      { env: { AWS_PROFILE: 'a' }, config: '[profile "a"]\nmax_attempts = 5' },
      5,
    ],
    [
      'the profile of AWS_PROFILE',
      {
        env: { AWS_PROFILE: 'a' },
        config: '[default]\nmax_attempts=4\n[profile a]\nmax_attempts=5',
      },
      5,
    ],
    [
      'a profile that is not there',
      {
        env: { AWS_PROFILE: 'b' },
        config: '[default]\nmax_attempts=4\n[profile a]\nmax_attempts=5',
      },
      3,
    ],
    [
      'a section without its prefix',
      { env: { AWS_PROFILE: 'a' }, config: '[a]\nmax_attempts=5' },
      3,
    ],
    ['a section of another kind', { config: '[sso-session default]\nmax_attempts = 5' }, 3],
    ['the credentials file', { credentials: '[default]\nmax_attempts = 5' }, 5],
    [
      'the config file before it',
      { config: '[default]\nmax_attempts = 5', credentials: '[default]\nmax_attempts = 4' },
      5,
    ],
    [
      'a file by its path from home',
      { env: { AWS_CONFIG_FILE: '~/.aws/config' }, config: '[default]\nmax_attempts = 5' },
      5,
    ],
    ['a file that is not there', { env: { AWS_CONFIG_FILE: '/nonexistent' } }, 3],
  ])('reads %s', async (_, places, maxAttempts) => {
    expect(find(places)).toEqual({ ...asUsual, maxAttempts });
    expect(await findBySdk(places)).toEqual({ ...asUsual, maxAttempts });
  });
});

describe('otherwise than the SDK’s client', () => {
  const fips = { ...asUsual, endpoint: 'https://ec2-fips.eu-west-1.amazonaws.com' };

  test.each<[string, Places, object]>([
    ['TRUE as true', { env: { AWS_USE_FIPS_ENDPOINT: 'TRUE' } }, fips],
    ['Adaptive', { env: { AWS_RETRY_MODE: 'Adaptive' } }, { ...asUsual, retryMode: 'adaptive' }],
    ['no attempts as one', { env: { AWS_MAX_ATTEMPTS: '0' } }, { ...asUsual, maxAttempts: 1 }],
    [
      'a profile of two words',
      { env: { AWS_PROFILE: 'a b' }, config: '[profile "a b"]\nmax_attempts = 5' },
      { ...asUsual, maxAttempts: 5 },
    ],
    [
      'endpoint_url beside services that are not there',
      { config: `[default]\nservices = x\nendpoint_url = ${one}` },
      { ...asUsual, endpoint: one },
    ],
  ])('takes %s', async (_, places, expected) => {
    expect(find(places)).toEqual(expected);
    expect(await findBySdk(places)).not.toEqual(expected);
  });

  test('takes an address where FIPS is set too', async () => {
    const env = { AWS_ENDPOINT_URL: one, AWS_USE_FIPS_ENDPOINT: 'true' };
    expect(find({ env })).toEqual({ ...asUsual, endpoint: one });
    await expect(findBySdk({ env })).rejects.toThrow('FIPS and custom endpoint');
  });

  test.each<[string, Places, string]>([
    ['`AWS_MAX_ATTEMPTS` is "many"', { env: { AWS_MAX_ATTEMPTS: 'many' } }, 'a whole number'],
    ['`AWS_MAX_ATTEMPTS` is "-1"', { env: { AWS_MAX_ATTEMPTS: '-1' } }, 'a whole number'],
    ['`AWS_MAX_ATTEMPTS` is "3x"', { env: { AWS_MAX_ATTEMPTS: '3x' } }, 'a whole number'],
    ['`AWS_RETRY_MODE` is "fast"', { env: { AWS_RETRY_MODE: 'fast' } }, '`standard` or'],
    ['`AWS_USE_FIPS_ENDPOINT` is "1"', { env: { AWS_USE_FIPS_ENDPOINT: '1' } }, '`true` or'],
    [
      '`max_attempts` of the profile default is "1.5"',
      { config: '[default]\nmax_attempts = 1.5' },
      'a whole number from 1',
    ],
    [
      '`use_dualstack_endpoint` of the profile a is "yes"',
      { env: { AWS_PROFILE: 'a' }, config: '[profile a]\nuse_dualstack_endpoint = yes' },
      '`true` or `false`',
    ],
  ])('refuses where %s', (problem, places, remedy) => {
    expect(() => find(places)).toThrow(new RegExp(`^${problem}\\. Write ${remedy}`));
  });

  test('goes first by what it is given', () => {
    const places = {
      env: { AWS_PROFILE: 'a', AWS_ENDPOINT_URL: two },
      config: '[profile a]\nmax_attempts = 4\n[profile b]\nmax_attempts = 5',
    };
    expect(find(places, { profile: 'b', endpoint: one })).toMatchObject({
      endpoint: one,
      maxAttempts: 5,
    });
    const { env } = places;
    expect(findServiceSettings({ region: 'eu-west-1', env, attempts: 2 }).maxAttempts).toBe(2);
  });
});

describe('any file', () => {
  const lines = fc.constantFrom(
    ...['[default]', ' [default] ; d', '[profile default]', '[profile x]', '[services x]', '[x]'],
    ...['max_attempts = 4', ' max_attempts=5', '\tmax_attempts = 6 # six', 'max_attempts ='],
    ...['max_attempts = # 7', 'retry_mode = adaptive', '  retry_mode=standard', 'services = x'],
    ...['s3 =', ' s3 =', 'ec2 =', '  ec2=', ` endpoint_url = ${one}`, `endpoint_url = ${two}`],
    ...['', '  ', '# c', ' ; c', 'nonsense', '=', '= 8', 'a = b = c'],
  );
  // Where the services are not there, we differ.
  const anyFile = fc
    .array(lines, { maxLength: 14 })
    .map((written) => `[default]\n${written.join('\n')}\n[services x]\na = b\n`);
  const isAsWithSdk = (rewrite: (file: string) => string) =>
    fc.asyncProperty(anyFile, async (written) => {
      const config = join(mkdtempSync(join(home, 'file-')), 'config');
      const env = { HOME: home, AWS_CONFIG_FILE: config };
      writeFileSync(config, rewrite(written));
      const ours = findServiceSettings({ region: 'eu-west-1', env });
      writeFileSync(config, written);
      const sdk = await findBySdk({ env });
      expect(compared(ours)).toEqual(sdk);
    });
  const run = { seed: 11, numRuns: 60, endOnFailure: true };

  test('says what it says to the SDK', async () => {
    await fc.assert(
      isAsWithSdk((file) => file),
      run,
    );
  });

  test.each<[string, (file: string) => string]>([
    ['indents', (file) => file.replace(/^[ \t]+/gm, '')],
    ['comments', (file) => file.replace(/[#;]/g, '')],
    ['prefixes', (file) => file.replaceAll('[profile ', '[')],
  ])('would not, without its %s', async (_, rewrite) => {
    expect((await fc.check(isAsWithSdk(rewrite), run)).failed).toBe(true);
  });
});
