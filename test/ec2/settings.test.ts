import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { credentialProvider } from '../../src/ec2/credentials.ts';
import { openEc2 } from '../../src/ec2/gateway.ts';
import {
  type Environment,
  findEndpoint,
  findRegion,
  locateRegion,
} from '../../src/ec2/settings.ts';
import { NametagError } from '../../src/errors.ts';

let folder: string;
let files: Environment;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-'));
  files = {
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
  };
  await writeFile(
    join(folder, 'config'),
    [
      '[default]',
      'region = eu-central-1 ; the usual one',
      '# region = eu-south-1',
      '[services x]',
      'region = ap-south-1',
      '[profile "two words"]',
      'region=eu-north-1',
      '[profile nested]',
      's3 =',
      '  region = ap-south-1',
      '[profile both]',
      'region = eu-west-2',
      '',
    ].join('\r\n'),
  );
  await writeFile(join(folder, 'credentials'), '[both]\nregion = eu-west-3\n');
});
afterAll(() => rm(folder, { recursive: true }));

const metadata = { region: () => Promise.resolve('us-west-2') };

describe('findRegion', () => {
  const all = { AWS_REGION: 'a-1', AWS_DEFAULT_REGION: 'b-1' };
  test.each<[string, string | undefined, Environment, string | undefined, string]>([
    ['the one given', 'eu-west-1', all, undefined, 'eu-west-1'],
    ['AWS_REGION', undefined, all, undefined, 'a-1'],
    ['AWS_REGION before the profile', undefined, all, 'both', 'a-1'],
    ['AWS_DEFAULT_REGION', '', { ...all, AWS_REGION: '' }, undefined, 'b-1'],
    ['the default profile', undefined, {}, undefined, 'eu-central-1'],
    ['a profile asked for', undefined, {}, 'two words', 'eu-north-1'],
    ['AWS_PROFILE', undefined, { AWS_PROFILE: 'two words' }, undefined, 'eu-north-1'],
    ['the credentials file before the config file', undefined, {}, 'both', 'eu-west-3'],
    ['the instance, past a nested setting', undefined, {}, 'nested', 'us-west-2'],
    ['the instance, without such a profile', undefined, {}, 'nobody', 'us-west-2'],
  ])('takes %s', async (_, region, env, profile, found) => {
    expect(await findRegion({ region, env: { ...files, ...env }, profile, metadata })).toBe(found);
  });

  test.each<[string, string | undefined, Environment, string | undefined]>([
    ['`--region`', 'eu-west-1', all, undefined],
    ['`AWS_REGION`', undefined, all, 'both'],
    ['`AWS_DEFAULT_REGION`', undefined, { AWS_DEFAULT_REGION: 'b-1' }, undefined],
    ['the profile default', undefined, {}, undefined],
    ['the profile two words', undefined, { AWS_PROFILE: 'two words' }, undefined],
    ['the instance metadata', undefined, {}, 'nobody'],
  ])('says that it is from %s', async (from, region, env, profile) => {
    const sources = { region, env: { ...files, ...env }, profile, metadata };
    expect(await locateRegion(sources)).toMatchObject({ from });
  });

  const nowhere = { HOME: '/nonexistent' };
  test('says when there is none', async () => {
    const away = {
      region: () => Promise.reject(new NametagError('NAMETAG_METADATA_DISABLED', {})),
    };
    const code = 'NAMETAG_NO_REGION';
    await expect(findRegion({ env: nowhere })).rejects.toMatchObject({ code });
    await expect(findRegion({ env: nowhere, metadata: away })).rejects.toMatchObject({ code });
  });

  test.each([
    new TypeError('a mistake'),
    new NametagError('NAMETAG_USAGE', { problem: 'p', remedy: 'r' }),
  ])('does not hide %s', async (error) => {
    const broken = { region: () => Promise.reject(error) };
    await expect(findRegion({ env: nowhere, metadata: broken })).rejects.toBe(error);
  });

  test.each(['eu west', '-eu', 'eu.example.org', 'eu/x', 'é'])(
    'refuses %j, which would change the host name',
    async (region) => {
      await expect(findRegion({ region, env: {} })).rejects.toMatchObject({
        code: 'NAMETAG_USAGE',
      });
    },
  );
});

describe('findEndpoint', () => {
  test.each<[string | undefined, Environment, string]>([
    ['localhost:4566', {}, 'The endpoint'],
    [undefined, { AWS_ENDPOINT_URL: 'user:pass@host' }, '`AWS_ENDPOINT_URL`'],
    [undefined, { AWS_ENDPOINT_URL_EC2: 'http://' }, '`AWS_ENDPOINT_URL_EC2`'],
  ])('refuses %j with %j and names the setting', async (endpoint, env, name) => {
    const check = () => findEndpoint(endpoint, env);
    expect(check).toThrow(`${name} is not an http or https address`);
    expect(check).not.toThrow('pass');
    await expect(openEc2({ region: 'eu-west-1', endpoint, env })).rejects.toMatchObject({
      code: 'NAMETAG_USAGE',
    });
  });

  const everywhere = 'http://192.0.2.1';
  const ec2Only = 'https://ec2.example.org';
  test.each<[string | undefined, Environment, string | undefined]>([
    [undefined, {}, undefined],
    [undefined, { AWS_ENDPOINT_URL: '' }, undefined],
    ['http://127.0.0.1:4566', { AWS_ENDPOINT_URL: 'not asked' }, 'http://127.0.0.1:4566'],
    [undefined, { AWS_ENDPOINT_URL: everywhere }, everywhere],
    [undefined, { AWS_ENDPOINT_URL_EC2: ec2Only, AWS_ENDPOINT_URL: everywhere }, ec2Only],
    [
      undefined,
      { AWS_ENDPOINT_URL: everywhere, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      undefined,
    ],
  ])('of %j and %j is %j', (endpoint, env, expected) => {
    expect(findEndpoint(endpoint, env)).toBe(expected);
  });
});

describe('openEc2', () => {
  const open = async (config: string, env: Environment = {}) => {
    const AWS_CONFIG_FILE = join(folder, 'opened');
    await writeFile(AWS_CONFIG_FILE, config);
    return openEc2({ region: 'eu-west-1', env: { AWS_CONFIG_FILE, ...env } });
  };

  test('refuses an endpoint of the profile that is no address', async () => {
    await expect(open('[default]\nendpoint_url = nonsense')).rejects.toMatchObject({
      code: 'NAMETAG_USAGE',
      message: expect.stringContaining('`endpoint_url` of the profile'),
    });
  });

  test('looks at no endpoint where the profile says so', async () => {
    const env = { AWS_ENDPOINT_URL: 'nonsense' };
    await expect(open('', env)).rejects.toMatchObject({ code: 'NAMETAG_USAGE' });
    const ignoring = '[default]\nignore_configured_endpoint_urls = true';
    expect(await open(ignoring, env)).toMatchObject({ region: 'eu-west-1' });
  });
});

describe('credentialProvider', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' };
  const fixed = { accessKeyId: 'AKID', secretAccessKey: 'secret' };

  test.each<[string, Environment, object]>([
    ['the keys', keys, fixed],
    [
      'the keys and their session',
      { ...keys, AWS_SESSION_TOKEN: 'token' },
      { ...fixed, sessionToken: 'token' },
    ],
  ])('takes %s of the environment', async (_, env, credentials) => {
    expect(await credentialProvider({ env })()).toEqual(credentials);
  });

  test.each<[string, Environment, string | undefined]>([
    ['a profile is asked for', keys, 'nobody'],
    ['a profile is set', { ...keys, AWS_PROFILE: 'nobody' }, 'nobody'],
    ['there are no keys', {}, 'nobody'],
    ['the keys expire', { ...keys, AWS_CREDENTIAL_EXPIRATION: 'soon' }, 'nobody'],
  ])('asks the chain when %s', async (_, env, profile) => {
    // No profile of that name and no metadata service: the chain finds nothing, and says so.
    await expect(credentialProvider({ env, profile })()).rejects.toMatchObject({
      name: 'CredentialsFailure',
      message: expect.stringMatching(/(profile "nobody": )?Could not load credentials/),
    });
  });
});
