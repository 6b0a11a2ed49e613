import { describe, expect, test } from 'vitest';
import type { Credentials } from '../../src/ec2/credentials.ts';
import { createSigner } from '../../src/ec2/signer.ts';
import { sdkRequest } from './sdk-requests.ts';
import { isSignedBy, type SignedRequest, signedHeadersOf } from './signature.ts';

const plain = { accessKeyId: 'AKID', secretAccessKey: 'secret' };
const temporary = { ...plain, sessionToken: 'IQoJb3JpZ2luX2VjE+/==' };
const region = 'eu-west-1';
const key = { secretAccessKey: 'secret', region };
const form = "Action=DescribeInstances&Filter.1.Value.1=a%20b%2B*~%C3%BC'";
const startMs = Date.UTC(2026, 10, 20, 12);
const minuteMs = 60_000;

const endpoints = [
  'https://ec2.eu-west-1.amazonaws.com',
  'http://127.0.0.1:4566',
  'https://example.org:443',
  'http://[::1]:4566',
  'http://127.0.0.1/services/compute/',
  'http://127.0.0.1/a%20b/~c/',
];
const identities: (readonly [string, Credentials])[] = [
  ['keys', plain],
  ['a session', temporary],
];

/** Our request, as it arrives at the endpoint. */
async function sign(
  endpoint: string,
  credentials: Credentials = plain,
  body = form,
): Promise<SignedRequest> {
  const url = new URL(endpoint);
  const signer = createSigner({ credentials: async () => credentials, region, endpoint: url });
  const { headers } = await signer.sign(body);
  return { path: url.pathname, headers, body };
}

describe('a signature', () => {
  test.each(
    endpoints.flatMap((endpoint) =>
      identities.map(([name, who]) => [name, endpoint, who] as const),
    ),
  )('by %s is right for %s, ours and the SDK’s', async (_, endpoint, credentials) => {
    const input = { Filters: [{ Name: 'tag:a b', Values: ["+*~ü'"] }] };
    expect(isSignedBy(await sdkRequest({ endpoint, credentials }, input), key)).toBe(true);
    expect(isSignedBy(await sign(endpoint, credentials), key)).toBe(true);
  });

  test.each(['', 'Action=DescribeInstances', 'a=ü\u{1f600}', '&'.repeat(100_000)])(
    'is right for any form (%#)',
    async (body) => {
      const request = await sign('http://127.0.0.1:4566', plain, body);
      expect(isSignedBy(request, key)).toBe(true);
      expect(request.headers['content-length']).toBe(String(Buffer.byteLength(body)));
    },
  );

  test.each<[string, (request: SignedRequest) => SignedRequest]>([
    ['form', (request) => ({ ...request, body: `${request.body}&DryRun=true` })],
    ['path', (request) => ({ ...request, path: '/other/' })],
    ...['host', 'x-amz-date', 'x-amz-security-token', 'content-type', 'content-length'].map(
      (name) =>
        [
          `header ${name}`,
          ({ headers, ...rest }: SignedRequest) => ({
            ...rest,
            headers: { ...headers, [name]: '1' },
          }),
        ] as const satisfies [string, (request: SignedRequest) => SignedRequest],
    ),
  ])('is wrong for another %s', async (_, change) => {
    const request = await sign('http://127.0.0.1:4566', temporary);
    expect(isSignedBy(request, key)).toBe(true);
    expect(isSignedBy(change(request), key)).toBe(false);
  });

  test.each([
    ['key', { ...key, secretAccessKey: 'other' }],
    ['region', { ...key, region: 'eu-west-2' }],
  ])('is wrong for another %s', async (_, expectation) => {
    expect(isSignedBy(await sign('http://127.0.0.1:4566'), expectation)).toBe(false);
  });

  test('is of all that says to whom, when and by whom', async () => {
    const request = await sign('http://127.0.0.1:4566', temporary);
    expect(signedHeadersOf(request)).toEqual(
      expect.arrayContaining(['host', 'x-amz-date', 'x-amz-security-token', 'content-type']),
    );
    expect(request.headers).toMatchObject({
      host: '127.0.0.1:4566',
      'x-amz-security-token': temporary.sessionToken,
      authorization: expect.stringContaining(' Credential=AKID/'),
    });
  });

  test('is of the same headers as the SDK’s', async () => {
    const endpoint = 'http://127.0.0.1:4566';
    const ofSdk = signedHeadersOf(await sdkRequest({ endpoint, credentials: temporary }));
    // Two of them count attempts; the SDK sends no other that EC2 must have.
    const counting = ['amz-sdk-invocation-id', 'amz-sdk-request', 'x-amz-user-agent'];
    expect(signedHeadersOf(await sign(endpoint, temporary))).toEqual(
      ofSdk.filter((name) => !counting.includes(name)),
    );
  });

  test('is made with the credentials of its time', async () => {
    const each = [plain, { ...plain, secretAccessKey: 'next' }].values();
    const endpoint = new URL('http://127.0.0.1:4566');
    const credentials = async () => each.next().value ?? plain;
    const signer = createSigner({ credentials, region, endpoint });
    for (const secretAccessKey of ['secret', 'next']) {
      const { headers } = await signer.sign(form);
      const request = { path: '/', headers, body: form };
      expect(isSignedBy(request, { region, secretAccessKey })).toBe(true);
    }
  });

  test('is not made when there are no credentials', async () => {
    const failure = new Error('none');
    const endpoint = new URL('http://127.0.0.1:4566');
    const signer = createSigner({ credentials: () => Promise.reject(failure), region, endpoint });
    await expect(signer.sign(form)).rejects.toBe(failure);
  });
});

describe('the time of a signature', () => {
  /** A signer on a machine whose clock says this, and EC2's answer at a time that is so far off. */
  function world() {
    let nowMs = startMs;
    const endpoint = new URL('http://127.0.0.1:4566');
    const credentials = async () => plain;
    const signer = createSigner({ credentials, region, endpoint, wallMs: () => nowMs });
    const sign = () => signer.sign(form);
    return {
      sign,
      pass: (ms: number) => {
        nowMs += ms;
      },
      dateOff: (offMs: number) => new Date(nowMs + offMs).toUTCString(),
      /** How far from this machine's time the next request is signed. */
      aheadMs: async () => {
        const { headers } = await sign();
        const [, ...parts] =
          /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headers['x-amz-date'] ?? '') ?? [];
        const [year = 0, month = 0, day, hour, minute, second] = parts.map(Number);
        return Date.UTC(year, month - 1, day, hour, minute, second) - nowMs;
      },
    };
  }

  test.each([0, 1, -1, 3.9, -3.9])('stays when EC2 is %d minutes off', async (minutes) => {
    const { sign, dateOff, aheadMs } = world();
    const { hearDate } = await sign();
    expect(hearDate({ date: dateOff(minutes * minuteMs) })).toBe(false);
    expect(await aheadMs()).toBe(0);
  });

  test.each([4, -4, 10, -10, 60 * 24 * 400])(
    'is EC2’s when that is %d minutes off, which is told once',
    async (minutes) => {
      const { sign, pass, dateOff, aheadMs } = world();
      const offMs = minutes * minuteMs;
      expect((await sign()).hearDate({ date: dateOff(offMs) })).toBe(true);
      expect(await aheadMs()).toBe(offMs);
      pass(1_000);
      expect((await sign()).hearDate({ date: dateOff(offMs + minuteMs) })).toBe(false);
      expect(await aheadMs()).toBe(offMs);
    },
  );

  test('is told of to each that was under way', async () => {
    const { sign, dateOff } = world();
    const signed = [await sign(), await sign(), await sign()];
    const date = dateOff(10 * minuteMs);
    expect(signed.map(({ hearDate }) => hearDate({ date }))).toEqual([true, true, true]);
    expect((await sign()).hearDate({ date })).toBe(false);
  });

  test('is this machine’s again when its clock was set right', async () => {
    const { sign, pass, dateOff, aheadMs } = world();
    (await sign()).hearDate({ date: dateOff(10 * minuteMs) });
    pass(10 * minuteMs);
    expect((await sign()).hearDate({ date: dateOff(1_000) })).toBe(true);
    expect(await aheadMs()).toBe(0);
  });

  test.each([
    ['none', {}],
    ['one that is none', { date: 'soon' }],
    ['one that another was told', { date: new Date(0).toUTCString(), age: '0' }],
  ])('stays with a date that is %s', async (_, headers) => {
    const { sign, dateOff, aheadMs } = world();
    expect((await sign()).hearDate(headers)).toBe(false);
    expect(await aheadMs()).toBe(0);
    const ahead = 10 * minuteMs;
    (await sign()).hearDate({ date: dateOff(ahead) });
    expect((await sign()).hearDate(headers)).toBe(false);
    expect(await aheadMs()).toBe(ahead);
  });
});
