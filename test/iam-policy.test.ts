/**
 * Holds iam-policy.json to the least that the code needs.
 *
 * First, the actions that it grants are those that the sources send. Second, requests are put to
 * an IAM simulator, and each condition of the policy is taken away once to see that a case fails
 * without it. What a simulator cannot show is told in docs/iam.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { describe, expect, test } from 'vitest';
import { defaultVocabulary } from '../src/model/tags.ts';
import { type Source, toSource } from './tidy/source.ts';

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string;
  readonly Resource: string;
  readonly Condition: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>;
}

interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

const account = '123456789012';
const region = 'eu-west-1';

/** Puts a region and an account in, as docs/iam.md says. */
function fill(text: string): Policy {
  return JSON.parse(text.replaceAll('REGION', region).replaceAll('ACCOUNT', account));
}

const policy = fill(read('iam-policy.json'));
const grantedActions = (of: Policy): string[] => of.Statement.map(({ Action }) => Action).sort();

const sources: readonly Source[] = readdirSync(new URL('../src', import.meta.url), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((path) => path.endsWith('.ts'))
  .map((path) => toSource(`src/${path}`, read(`src/${path}`)));
const inEc2 = sources.filter(({ path }) => path.startsWith('src/ec2/'));

/**
 * The EC2 actions that the sources send: whatever names a command or a paginator of the SDK.
 *
 * The SDK's other ways to send, the client with a method for each action and the waiters, hide
 * the action from this and count as `ec2:*`.
 */
function sentActions(files: readonly Source[]): string[] {
  const names = files.flatMap(({ code }) => [
    ...[...code.matchAll(/\b([A-Z]\w+)Command\b/g)].map((match) => match[1]),
    ...[...code.matchAll(/\bpaginate([A-Z]\w+)\b/g)].map((match) => match[1]),
    ...[...code.matchAll(/\bnew (?:\w+\.)?EC2\(|\bwaitUntil[A-Z]\w+/g)].map(() => '*'),
  ]);
  return [...new Set(names.map((name) => `ec2:${name}`))].sort();
}

describe('the granted actions', () => {
  test('are those that the code sends', () => {
    expect(sentActions(inEc2)).toEqual(['ec2:CreateTags', 'ec2:DescribeInstances']);
    expect(grantedActions(policy)).toEqual(sentActions(inEc2));
  });

  test.each([
    ['const c = new TerminateInstancesCommand({ InstanceIds });', 'ec2:TerminateInstances'],
    ['for await (const p of paginateDescribeTags(s, {})) use(p);', 'ec2:DescribeTags'],
    ['await client.send(new sdk.DeleteTagsCommand({}));', 'ec2:DeleteTags'],
    ['const { RunInstancesCommand } = await load();', 'ec2:RunInstances'],
    ['await waitUntilInstanceRunning({ client }, {});', 'ec2:*'],
    ['const client = new EC2({});', 'ec2:*'],
  ])('are too few when the code says %j', (text, action) => {
    const actions = sentActions([...inEc2, toSource('src/ec2/x.ts', text)]);
    expect(actions).toContain(action);
    expect(actions).not.toEqual(grantedActions(policy));
  });

  test('are too many when the code sends one less', () => {
    const without = inEc2.filter(({ code }) => !code.includes('CreateTagsCommand'));
    expect(sentActions(without)).not.toEqual(grantedActions(policy));
  });

  test('are all that is sent, since only src/ec2 imports the SDK', () => {
    const importers = sources
      .filter(({ imports }) => imports.some(({ specifier }) => specifier.startsWith('@aws-sdk/')))
      .map(({ path }) => path);
    expect(importers).not.toEqual([]);
    expect(importers.filter((path) => !path.startsWith('src/ec2/'))).toEqual([]);
  });
});

const own = 'i-0aaaaaaaaaaaaaaaa';
const other = 'i-0bbbbbbbbbbbbbbbb';
const arn = (instanceId: string, where = region, owner = account): string =>
  `arn:aws:ec2:${where}:${owner}:instance/${instanceId}`;

interface Request {
  readonly action: string;
  /** An ARN, or `*` for an action that has no resource. */
  readonly resource: string;
  readonly region: string;
  /** The instance whose profile signed it; `undefined` for any other credentials. */
  readonly from?: string | undefined;
  /** The keys of the tags in it; absent when it has none. */
  readonly tagKeys?: readonly string[];
}

const createTags = (instanceId: string, ...tagKeys: readonly string[]): Request => ({
  action: 'ec2:CreateTags',
  resource: arn(instanceId),
  region,
  from: own,
  ...(tagKeys.length > 0 && { tagKeys }),
});

const describeInstances = (where: string): Request => ({
  action: 'ec2:DescribeInstances',
  resource: '*',
  region: where,
  from: own,
});

/** Tells whether the policy allows this request, by what EC2 would tell IAM of it. */
async function isAllowed(request: Request, by: Policy): Promise<boolean> {
  const { action, resource, from, tagKeys } = request;
  const context: Record<string, string | string[]> = { 'ec2:Region': request.region };
  if (from !== undefined) context['ec2:SourceInstanceARN'] = arn(from);
  const [, instanceId] = /:instance\/(.+)$/.exec(resource) ?? [];
  // DeleteTags is the one action here that has no such key.
  if (instanceId !== undefined && action !== 'ec2:DeleteTags') {
    context['ec2:InstanceID'] = instanceId;
  }
  if (tagKeys !== undefined) context['aws:TagKeys'] = [...tagKeys];
  const answer = await runSimulation(
    {
      request: {
        principal: `arn:aws:sts::${account}:assumed-role/web/${from ?? 'ann'}`,
        action,
        resource: { resource, accountId: account },
        contextVariables: context,
      },
      identityPolicies: [{ name: 'nametag', policy: by }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (answer.resultType === 'error') throw new Error(answer.errors.message);
  return answer.overallResult === 'Allowed';
}

const cases: readonly (readonly [what: string, request: Request, allowed: boolean])[] = [
  ['reading the instances of the region', describeInstances(region), true],
  ['reading those of another region', describeInstances('us-east-1'), false],
  [
    'reading without being an instance, as a host that only resolves may',
    { ...describeInstances(region), from: undefined },
    true,
  ],
  [
    'a claim on the own instance',
    createTags(own, defaultVocabulary.claimKey, defaultVocabulary.nameKey),
    true,
  ],
  ['the ready tag on the own instance', createTags(own, defaultVocabulary.readyKey), true],
  ['a wish for another name', createTags(own, 'nametag:wants'), true],
  ['aliases', createTags(own, 'nametag:aliases'), true],
  ['a claim on another instance', createTags(other, 'nametag:claim', 'Name'), false],
  ['a foreign key', createTags(own, 'CostCentre'), false],
  ['a key of ours beside a foreign one', createTags(own, 'nametag:claim', 'CostCentre'), false],
  ['a service tag', createTags(own, 'service:web'), false],
  ['a key of another case', createTags(own, 'NAMETAG:claim'), false],
  ['a key that only begins like ours', createTags(own, 'Named'), false],
  ['no tags at all', createTags(own), false],
  [
    'a claim with credentials that are not an instance’s',
    { ...createTags(own, 'nametag:claim'), from: undefined },
    false,
  ],
  [
    'a claim in another region',
    {
      ...createTags(own, 'nametag:claim'),
      resource: arn(own, 'us-east-1'),
      region: 'us-east-1',
    },
    false,
  ],
  [
    'a claim in another account',
    { ...createTags(own, 'nametag:claim'), resource: arn(own, region, '999999999999') },
    false,
  ],
  [
    'a tag on a volume',
    {
      ...createTags(own, 'nametag:claim'),
      resource: `arn:aws:ec2:${region}:${account}:volume/vol-0aaaaaaaaaaaaaaaa`,
    },
    false,
  ],
  ['deleting one tag', { ...createTags(own, 'nametag:claim'), action: 'ec2:DeleteTags' }, false],
  ['deleting all tags', { ...createTags(own), action: 'ec2:DeleteTags' }, false],
  ['terminating itself', { ...createTags(own), action: 'ec2:TerminateInstances' }, false],
  ['launching', { ...createTags(own), action: 'ec2:RunInstances' }, false],
];

describe('what the policy allows or refuses an instance', () => {
  test.each(cases)('%s', async (_what, request, allowed) => {
    expect(await isAllowed(request, policy)).toBe(allowed);
  });
});

/** The policy with one operator of one statement taken away. */
function without(sid: string, operator: string): Policy {
  const statements = policy.Statement.map((statement) => {
    if (statement.Sid !== sid) return statement;
    const { [operator]: gone, ...rest } = statement.Condition;
    if (gone === undefined) throw new Error(`${sid} has no ${operator}`);
    return { ...statement, Condition: rest };
  });
  return { ...policy, Statement: statements };
}

const reads = 'NametagReadsInstances';
const tags = 'NametagTagsItsOwnInstance';

describe('each condition of the policy', () => {
  test.each<[string, string, Request]>([
    [reads, 'StringEquals', describeInstances('us-east-1')],
    [tags, 'ArnLike', createTags(other, 'nametag:claim')],
    [tags, 'ArnLike', { ...createTags(own, 'nametag:claim'), from: undefined }],
    [tags, 'ForAllValues:StringLike', createTags(own, 'nametag:claim', 'CostCentre')],
    [tags, 'Null', createTags(own)],
  ])('is needed: %s without %s allows what it refused (%#)', async (sid, operator, request) => {
    expect(await isAllowed(request, policy)).toBe(false);
    expect(await isAllowed(request, without(sid, operator))).toBe(true);
  });

  test('has its case above', () => {
    const operators = policy.Statement.flatMap(({ Sid, Condition }) =>
      Object.keys(Condition).map((operator) => `${Sid} ${operator}`),
    );
    expect(operators).toEqual([
      `${reads} StringEquals`,
      `${tags} ArnLike`,
      `${tags} ForAllValues:StringLike`,
      `${tags} Null`,
    ]);
  });
});

describe('what the policy in docs/iam.md allows or refuses an operator', () => {
  const block = /```json\n([\s\S]*?)```/.exec(read('docs/iam.md'))?.[1];
  const operator = fill(block ?? '');

  test.each<[string, Request, boolean]>([
    ['reading', describeInstances(region), true],
    ['a claim on any instance', createTags(other, 'nametag:claim', 'Name'), true],
    ['a service tag on any instance', createTags(other, 'service:web'), true],
    ['a foreign key', createTags(other, 'CostCentre'), false],
    ['no tags at all', createTags(other), false],
    ['deleting all tags', { ...createTags(other), action: 'ec2:DeleteTags' }, false],
  ])('%s', async (_what, request, allowed) => {
    expect(await isAllowed({ ...request, from: undefined }, operator)).toBe(allowed);
  });
});

test('the placeholders are all there is to fill in', () => {
  const text = read('iam-policy.json');
  expect(new Set(text.match(/\b[A-Z]{4,}\b/g))).toEqual(new Set(['REGION', 'ACCOUNT']));
  expect(JSON.stringify(policy)).not.toMatch(/REGION|ACCOUNT/);
});
