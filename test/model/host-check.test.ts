/** What is made of each thing that can be seen on a host. */
import { describe, expect, test } from 'vitest';
import { NametagError } from '../../src/errors.ts';
import type { Check, Verdict } from '../../src/model/check.ts';
import { type Finding, type Observations, toChecks } from '../../src/model/host-check.ts';
import { type AttemptAnswer, mayDescribe, permissionCasesOf } from '../../src/model/permission.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';
import { boot, type InstanceFields, instance, snapshot } from '../helpers/instances.ts';

const found = <T>(value: T): Finding<T> => ({ kind: 'found', value });
const failed = (failure: NametagError) => ({ kind: 'failed', failure }) as const;
const answer = (kind: 'allowed' | 'denied', aheadMs?: number): AttemptAnswer => ({ kind, aheadMs });
const unknown = (failure: NametagError): AttemptAnswer => ({
  kind: 'unknown',
  failure,
  aheadMs: undefined,
});

const cases = permissionCasesOf('i-1', 'i-2', defaultVocabulary);
const asShipped = [mayDescribe, ...cases].map((permission) => ({
  permission,
  answer: answer(permission.isNeeded ? 'allowed' : 'denied', 300),
}));

const seen = (...fields: readonly InstanceFields[]) =>
  found(snapshot(...fields.map((each, n) => instance({ instanceId: `i-${n + 1}`, ...each }))));

const healthy: Observations = {
  metadata: found({ instanceId: 'i-1', region: 'eu-west-1' }),
  region: found({ region: 'eu-west-1', from: '`AWS_REGION`' }),
  credentials: found({ areTemporary: true }),
  attempts: asShipped,
  snapshot: seen({ tags: { 'nametag:claim': `held=web-0 ${boot}`, Name: 'web-0' } }),
};

/** The check of this name, with the observations of a healthy host but for these. */
function check(name: string, observations: Partial<Observations>): Check | undefined {
  return toChecks({ ...healthy, ...observations }).find((each) => each.name === name);
}

/** A permission with this answer in the place of the right one. */
const withAnswer = (name: string, given: AttemptAnswer): Partial<Observations> => ({
  attempts: asShipped.map((attempt) =>
    attempt.permission.name === name ? { ...attempt, answer: given } : attempt,
  ),
});

const about = { doing: 'try it', region: 'eu-west-1' };
const nobody = new NametagError('NAMETAG_INSTANCE_NOT_FOUND', { ...about, instanceId: 'i-0' });
const throttled = new NametagError('NAMETAG_EC2_THROTTLED', {
  ...about,
  awsCode: 'RequestLimitExceeded',
  attempts: 3,
});
const notOnEc2 = new NametagError('NAMETAG_NOT_ON_EC2', {
  endpoint: 'http://169.254.169.254',
  fact: 'connect EHOSTUNREACH',
});
const hopLimit = new NametagError('NAMETAG_METADATA_HOP_LIMIT', {
  endpoint: 'http://169.254.169.254',
  ms: 1000,
});
const endpoint = 'http://169.254.169.254';
const refused = new NametagError('NAMETAG_METADATA_REFUSED', { endpoint, path: 'p', status: 403 });
const noKeys = new NametagError('NAMETAG_NO_CREDENTIALS', { ...about, fact: 'none' });

describe('a healthy host', () => {
  test('has every check, in order, with nothing to do', () => {
    const checks = toChecks(healthy);
    expect(checks.map(({ name }) => name)).toEqual([
      'metadata',
      'region',
      'credentials',
      'clock',
      ...asShipped.map(({ permission }) => permission.name),
      'instance',
      'tag-room',
      'tag-keys',
      'claim',
      'name-tag',
      'conflict',
    ]);
    expect(checks.filter(({ verdict, advice }) => verdict !== 'ok' || advice)).toEqual([]);
  });
});

const tags = (count: number, prefix = 't'): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, '']));
const own = (fields: Readonly<Record<string, string>>): Partial<Observations> => ({
  snapshot: seen({ tags: fields }),
});
const clock = (aheadMs: number): Partial<Observations> => ({
  attempts: [{ permission: mayDescribe, answer: answer('allowed', aheadMs) }],
});
const held = { 'nametag:claim': `held=web-0 ${boot}`, Name: 'web-0' };

type Row = readonly [
  name: string,
  observations: Partial<Observations>,
  verdict: Verdict,
  seen: string,
  advice?: string,
];

const rows: readonly Row[] = [
  ['metadata', { metadata: failed(notOnEc2) }, 'problem', 'EHOSTUNREACH', 'on the instance'],
  ['metadata', { metadata: failed(hopLimit) }, 'problem', '1000 ms', 'HttpPutResponseHopLimit'],
  ['metadata', { metadata: failed(refused) }, 'problem', 'it answered 403', 'IMDSv2 is enabled'],
  [
    'metadata',
    { metadata: failed(new NametagError('NAMETAG_METADATA_DISABLED', {})) },
    'problem',
    'AWS_EC2_METADATA_DISABLED is set',
    'Unset `AWS_EC2_METADATA_DISABLED`.',
  ],
  [
    'region',
    { region: failed(new NametagError('NAMETAG_NO_REGION', {})) },
    'problem',
    'no `AWS_REGION`',
    'Pass `--region`',
  ],
  [
    'region',
    { region: found({ region: 'us-east-1', from: '`--region`' }) },
    'warning',
    'us-east-1, from `--region`; this instance is in eu-west-1',
    'Set it to eu-west-1',
  ],
  ['credentials', { credentials: failed(noKeys) }, 'problem', '(none)', 'Attach an instance'],
  ['credentials', { credentials: found({ areTemporary: false }) }, 'ok', 'keys without an end'],
  ['clock', clock(59_999), 'ok', "with EC2's, to 60 s"],
  ['clock', clock(-59_999), 'ok', "with EC2's, to 60 s"],
  ['clock', clock(60_000), 'warning', "60 s ahead of EC2's", '5 minutes'],
  ['clock', clock(-299_999), 'warning', "300 s behind EC2's", '5 minutes'],
  ['clock', clock(300_000), 'problem', "300 s ahead of EC2's", '5 minutes'],
  ['clock', clock(-86_400_000), 'problem', "86400 s behind EC2's", '5 minutes'],
  [
    'may-describe-instances',
    withAnswer('may-describe-instances', answer('denied')),
    'problem',
    'denied',
    'Grant `ec2:DescribeInstances`',
  ],
  [
    'may-tag-itself',
    withAnswer('may-tag-itself', answer('denied')),
    'problem',
    'denied',
    'Grant `ec2:CreateTags`',
  ],
  [
    'may-tag-itself',
    withAnswer('may-tag-itself', unknown(throttled)),
    'problem',
    'EC2 was still throttling',
    'Try again later',
  ],
  [
    'may-not-tag-others',
    withAnswer('may-not-tag-others', answer('allowed')),
    'warning',
    'allowed',
    '`ec2:SourceInstanceARN`',
  ],
  [
    'may-not-tag-others',
    withAnswer('may-not-tag-others', unknown(nobody)),
    'warning',
    'not known: EC2 knows no instance i-0 there',
    "Compare the role's policies",
  ],
  [
    'may-not-write-foreign-tags',
    withAnswer('may-not-write-foreign-tags', answer('allowed')),
    'warning',
    'allowed',
    '`aws:TagKeys`',
  ],
  [
    'may-not-delete-tags',
    withAnswer('may-not-delete-tags', answer('allowed')),
    'warning',
    'allowed',
    '`ec2:DeleteTags`',
  ],
  [
    'may-not-terminate-itself',
    withAnswer('may-not-terminate-itself', answer('allowed')),
    'warning',
    'allowed',
    '`ec2:TerminateInstances`',
  ],
  ['instance', { snapshot: failed(throttled) }, 'problem', 'EC2 was still throttling', 'Try'],
  ['instance', { snapshot: seen() }, 'problem', 'no living i-1 in eu-west-1', 'Check the region'],
  ['instance', own({}), 'ok', 'running in eu-west-1a'],
  ['tag-room', own(tags(48)), 'ok', '48 of 50 tags'],
  ['tag-room', own({ ...tags(48), ...tags(20, 'aws:') }), 'ok', '48 of 50 tags'],
  ['tag-room', own({ ...tags(48), ...held }), 'ok', '50 of 50 tags'],
  [
    'tag-room',
    own(tags(49)),
    'problem',
    '49 of 50 tags, and none of nametag:claim and Name',
    'room for 2.',
  ],
  ['tag-room', own({ ...tags(49), Name: 'x' }), 'problem', 'none of nametag:claim', 'room for 1.'],
  ['tag-keys', own({ 'aws:a/b': '', 'a-Z_0+=,.@:': '' }), 'ok', 'every key'],
  ['tag-keys', own({ 'k8s.io/x': '', 'b c': '' }), 'warning', 'b c, k8s.io/x', 'Rename it'],
  ['tag-keys', own({ _index: '' }), 'warning', '_index', 'Rename it'],
  ['tag-keys', own({ '.': '', '..': '', é: '' }), 'warning', '., .., é', 'Rename it'],
  ['claim', own({}), 'ok', 'no claim and no name'],
  ['claim', own({ Name: 'DB-1' }), 'ok', 'called db-1 by its tag Name'],
  ['claim', own({ Name: 'web 1' }), 'warning', 'Name=web 1: not a host name', 'Set Name'],
  ['claim', own(held), 'ok', 'holds web-0'],
  ['claim', own({ 'nametag:claim': `held=db-0 ${boot} gen=7` }), 'ok', 'db-0, generation 7'],
  ['claim', own({ 'nametag:claim': boot }), 'ok', 'its name was released'],
  ['claim', own({ 'nametag:claim': `ask=web-0 ${boot}` }), 'warning', 'asks for web-0', 'again'],
  [
    'claim',
    own({ 'nametag:claim': `held=a-1 ask=b-1 ${boot}` }),
    'warning',
    'holds a-1; asks for b-1',
    'goes on from the tags',
  ],
  [
    'claim',
    own({ 'nametag:claim': 'held=web-0 boot=2026-11-19T12:00:00Z' }),
    'warning',
    'a claim of web-0 from before the start at 2026-11-20T12:00:00.000Z',
    'again',
  ],
  ['claim', own({ 'nametag:claim': 'hello' }), 'problem', 'cannot be read: hello', 'anew'],
  ['name-tag', own(held), 'ok', 'Name is web-0'],
  ['name-tag', own({ ...held, Name: 'x' }), 'warning', 'Name is x; web-0 is held', 'to web-0'],
  [
    'name-tag',
    own({ 'nametag:claim': `held=web-0 ${boot}` }),
    'warning',
    'Name is not set; web-0 is held',
    'to web-0',
  ],
  ['conflict', own(held), 'ok', 'nobody else says web-0'],
  [
    'conflict',
    { snapshot: seen({ tags: held }, { tags: { Name: 'web-0' } }) },
    'warning',
    'web-0 is said by i-2 too; i-1 has it',
    'on i-2',
  ],
  [
    'conflict',
    { snapshot: seen({ tags: held }, { tags: held, launchIndex: -1 }) },
    'problem',
    'web-0 is said by i-2 too; i-2 has it',
    'here',
  ],
];

const sights = rows.map(([name, observations, verdict, seen, advice]) => ({
  name,
  observations,
  verdict,
  seen,
  advice,
}));

describe('what is seen', () => {
  test.each(sights)('is judged: $name, $seen: $verdict', (sight) => {
    const { name, observations, verdict, seen: text, advice } = sight;
    const told = check(name, observations);
    expect(told).toMatchObject({ verdict, seen: expect.stringContaining(text) });
    if (advice === undefined) expect(told?.advice).toBeUndefined();
    else expect(told?.advice).toContain(advice);
  });

  test.each(sights)('is told in one way: $name, $seen', ({ name, observations }) => {
    const { seen: text = '', advice } = check(name, observations) ?? {};
    expect(text).not.toMatch(/\.$|^Could not|^$/);
    if (advice !== undefined) expect(advice).toMatch(/^[A-Z].*\.$/);
  });
});

describe('a name of two VPCs', () => {
  const ours = { vpcId: 'vpc-1', tags: held };
  const rival = { launchIndex: -1, tags: held };

  test.each<['region' | 'vpc' | undefined, string, Verdict, string]>([
    [undefined, 'vpc-2', 'problem', 'web-0 is said by i-2 too; i-2 has it'],
    ['region', 'vpc-2', 'problem', 'web-0 is said by i-2 too; i-2 has it'],
    ['vpc', 'vpc-2', 'ok', 'nobody else in its VPC says web-0'],
    ['vpc', 'vpc-1', 'problem', 'web-0 is said by i-2 too; i-2 has it'],
  ])('is judged in the scope %j, with the other one in %s: %s', (scope, vpcId, verdict, text) => {
    const observations = { ...healthy, snapshot: seen(ours, { ...rival, vpcId }) };
    const told = toChecks(observations, { scope }).find(({ name }) => name === 'conflict');
    expect(told).toMatchObject({ verdict, seen: text });
  });
});

describe('what cannot be looked at', () => {
  test.each<[string, Partial<Observations>, readonly string[]]>([
    ['without EC2', { attempts: [], snapshot: undefined }, ['metadata', 'region', 'credentials']],
    [
      'off EC2',
      { metadata: failed(notOnEc2), attempts: asShipped.slice(0, 1) },
      ['metadata', 'region', 'credentials', 'clock', 'may-describe-instances'],
    ],
    [
      'without a date',
      {
        attempts: [{ permission: mayDescribe, answer: answer('denied') }],
        snapshot: undefined,
      },
      ['metadata', 'region', 'credentials', 'may-describe-instances'],
    ],
  ])('%s is left out', (_, observations, names) => {
    expect(toChecks({ ...healthy, ...observations }).map(({ name }) => name)).toEqual(names);
  });
});
