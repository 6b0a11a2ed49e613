import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { credentialsKey } from '../../src/ec2/credentials-key.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Files {
  readonly credentials?: string;
  readonly config?: string;
  readonly token?: string;
}

async function keyOf(
  { credentials = '', config = '', token = '' }: Files,
  env: Readonly<Record<string, string>> = {},
  profile?: string,
): Promise<string> {
  const at = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const files = {
    AWS_SHARED_CREDENTIALS_FILE: at('credentials', credentials),
    AWS_CONFIG_FILE: at('config', config),
    AWS_WEB_IDENTITY_TOKEN_FILE: at('token', token),
  };
  return credentialsKey({ ...files, ...env }, profile);
}

const keys = { AWS_ACCESS_KEY_ID: 'AKIAFIRST', AWS_SECRET_ACCESS_KEY: 'hidden' };
const config = `
[default]
region = eu-west-1

[profile a]
role_arn = arn:aws:iam::111111111111:role/reader
source_profile = b

[profile "b"]
sso_session = home
sso_account_id = 222222222222

[sso-session home]
sso_start_url = https://example.com/start
`;
const endpointConfig = `
[default]
endpoint_url = http://127.0.0.1:1
`;
const servicesConfig = `
[default]
role_arn = arn:aws:iam::111111111111:role/reader
services = mine

[services mine]
ec2 =
  endpoint_url = http://127.0.0.1:1
`;
const credentials = '[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = hidden\n';
const tokenOf = (claims: object): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;
const pod = { iss: 'https://cluster', sub: 'system:serviceaccount:web:reader', exp: 1 };

describe('credentialsKey', () => {
  test.each<[string, () => Promise<string>, () => Promise<string>]>([
    [
      'the key id',
      () => keyOf({}, keys),
      () => keyOf({}, { ...keys, AWS_ACCESS_KEY_ID: 'AKIASECOND' }),
    ],
    ['keys and none', () => keyOf({}, keys), () => keyOf({})],
    ['keys and half of them', () => keyOf({}, keys), () => keyOf({}, { AWS_ACCESS_KEY_ID: 'A' })],
    [
      'keys and a profile, which goes first',
      () => keyOf({}, keys),
      () => keyOf({}, { ...keys, AWS_PROFILE: 'a' }),
    ],
    ['the profile', () => keyOf({ config }, {}, 'a'), () => keyOf({ config }, {}, 'b')],
    [
      'the role of a profile',
      () => keyOf({ config }, {}, 'a'),
      () => keyOf({ config: config.replace('111', '333') }, {}, 'a'),
    ],
    [
      'the account of the profile that it comes from',
      () => keyOf({ config }, {}, 'a'),
      () => keyOf({ config: config.replace('222', '333') }, {}, 'a'),
    ],
    [
      'the session that that one comes from',
      () => keyOf({ config }, {}, 'a'),
      () => keyOf({ config: config.replace('example.com', 'example.org') }, {}, 'a'),
    ],
    [
      'the key id in the shared file',
      () => keyOf({ credentials }),
      () => keyOf({ credentials: credentials.replace('AKIAFILE', 'AKIAOTHER') }),
    ],
    [
      'the metadata service',
      () => keyOf({}),
      () => keyOf({}, { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:7' }),
    ],
    [
      'the role of the task',
      () => keyOf({}, { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/1' }),
      () => keyOf({}, { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/2' }),
    ],
    [
      'the service account of the pod',
      () => keyOf({ token: tokenOf(pod) }),
      () => keyOf({ token: tokenOf({ ...pod, sub: 'system:serviceaccount:db:reader' }) }),
    ],
    [
      'the endpoint that the config file has for keys',
      () => keyOf({ config: endpointConfig }, keys),
      () => keyOf({ config: endpointConfig.replace(':1', ':2') }, keys),
    ],
    [
      'the services that the config file has for keys',
      () => keyOf({ config: servicesConfig }, keys),
      () => keyOf({ config: servicesConfig.replace('0.1:1', '0.1:2') }, keys),
    ],
    [
      'whether endpoints of the config file count',
      () => keyOf({ config: endpointConfig }, keys),
      () => keyOf({ config: `${endpointConfig}ignore_configured_endpoint_urls = true\n` }, keys),
    ],
    [
      'the services of the profile',
      () => keyOf({ config: servicesConfig }),
      () => keyOf({ config: servicesConfig.replace('0.1:1', '0.1:2') }),
    ],
    [
      'the token of the container',
      () => keyOf({}, { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'one' }),
      () => keyOf({}, { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'two' }),
    ],
  ])('parts by %s', async (_, one, other) => {
    expect(await one()).not.toBe(await other());
    expect(await one()).toBe(await one());
  });

  test.each<[string, () => Promise<string>, () => Promise<string>]>([
    [
      'another secret of the same key',
      () => keyOf({}, keys),
      () => keyOf({}, { ...keys, AWS_SECRET_ACCESS_KEY: 'x', AWS_SESSION_TOKEN: 'y' }),
    ],
    [
      'another secret in the shared file',
      () => keyOf({ credentials }),
      () => keyOf({ credentials: credentials.replace('hidden', 'other') }),
    ],
    [
      'a profile that has nothing to do with it',
      () => keyOf({ config }, {}, 'b'),
      () => keyOf({ config: config.replace('111', '333') }, {}, 'b'),
    ],
    [
      'a renewed token of the same pod',
      () => keyOf({ token: tokenOf(pod) }),
      () => keyOf({ token: tokenOf({ ...pod, exp: 2 }) }),
    ],
    ['the way a profile is named', () => keyOf({}, { AWS_PROFILE: 'a' }), () => keyOf({}, {}, 'a')],
    ['an empty setting', () => keyOf({}), () => keyOf({}, { AWS_PROFILE: '', AWS_ROLE_ARN: '' })],
    [
      'a role in the config file, which keys do not take',
      () => keyOf({ config: servicesConfig }, keys),
      () => keyOf({ config: servicesConfig.replace('111', '333') }, keys),
    ],
    [
      'services that the profile does not name',
      () => keyOf({ config: servicesConfig.replace('= mine', '= other') }, keys),
      () =>
        keyOf(
          { config: servicesConfig.replace('= mine', '= other').replace('0.1:1', '0.1:2') },
          keys,
        ),
    ],
    ['a token that is none', () => keyOf({ token: 'x' }), () => keyOf({ token: 'a.bm8.c' })],
  ])('does not part by %s', async (_, one, other) => {
    expect(await one()).toBe(await other());
  });

  test('ends although profiles refer to one another', async () => {
    const circle = '[profile a]\nsource_profile=b\n[profile b]\nsource_profile=a\n';
    expect(await keyOf({ config: circle }, {}, 'a')).toMatch(/^profile \["a",/);
  });

  const spoken = `
[default]
aws_access_key_id = AKIAFILE
aws_secret_access_key = hidden
AWS_SECRET_ACCESS_KEY = hidden
aws_session_token = hidden
aws_security_token = hidden
credential_process = /bin/give --password hidden
external_id = hidden
endpoint_url = http://me:hidden@127.0.0.1:1
unheard_of = hidden
hidden
`;
  test.each<[string, string, () => Promise<string>]>([
    ['keys', 'AKIAFIRST', () => keyOf({ config: spoken }, keys)],
    ['a profile', 'AKIAFILE', () => keyOf({ credentials: spoken })],
    [
      'a container',
      '/v2/1',
      () =>
        keyOf(
          { token: 'hidden' },
          {
            AWS_CONTAINER_AUTHORIZATION_TOKEN: 'hidden',
            AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/1',
            AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1/v2?token=hidden',
          },
        ),
    ],
    [
      'a metadata service',
      'profile ["default"',
      () => keyOf({}, { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://hidden@127.0.0.1/' }),
    ],
  ])('holds no secret of %s, and says the rest as it is', async (_, open, key) => {
    expect(await key()).toContain(open);
    expect(await key()).not.toContain('hidden');
  });

  test.each([
    ['credential_process = a', 'credential_process = b'],
    ['endpoint_url = http://a@127.0.0.1', 'endpoint_url = http://b@127.0.0.1'],
    ['unheard_of = a', 'unheard_of = b'],
    ['role_arn = a', 'role_arn = b'],
    ['unheard_of = a\nrole_arn = b', 'role_arn = b\nunheard_of = a'],
  ])('parts by %j and %j, whether it is told or its digest', async (one, other) => {
    const of = (line: string) => keyOf({ config: `[default]\n${line}\n` });
    expect(await of(one)).not.toBe(await of(other));
  });

  test('tells no text as the digest of another', async () => {
    const of = (role: string) => keyOf({}, { AWS_ROLE_ARN: role });
    const [digest = ''] = /sha256:[0-9a-f]{32}/.exec(await of('http://a@b')) ?? [];
    expect(digest).not.toBe('');
    expect(await of(digest)).not.toBe(await of('http://a@b'));
  });

  test('takes files that are not there for empty ones', async () => {
    const nowhere = join(folder, 'nowhere');
    const env = { AWS_SHARED_CREDENTIALS_FILE: nowhere, AWS_CONFIG_FILE: nowhere };
    expect(credentialsKey(env)).toBe(credentialsKey({ HOME: nowhere }));
  });
});
