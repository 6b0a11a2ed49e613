/**
 * Holds iam-policy.json to the least that the code needs.
 *
 * First, the actions that it grants are those that the sources send. Second, requests are put to
 * an IAM simulator, and each condition of the policy is taken away once to see that a case fails
 * without it. What a simulator cannot show is told in docs/iam.md.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mayDescribe, permissionCasesOf } from '../src/model/permission.ts';
import { defaultVocabulary } from '../src/model/tags.ts';
import {
  account,
  arn,
  createTags,
  describeInstances,
  fill,
  isAllowed,
  other,
  own,
  type Policy,
  policy,
  type Request,
  read,
  region,
  without,
} from './helpers/iam.ts';
import { type Source, toSource } from './tidy/source.ts';

const grantedActions = (of: Policy): string[] => of.Statement.map(({ Action }) => Action).sort();

const sources: readonly Source[] = readdirSync(new URL('../src', import.meta.url), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((path) => path.endsWith('.ts'))
  .map((path) => toSource(`src/${path}`, read(`src/${path}`)));
// What this file sends is sent as a dry run only; the tests of dry runs below hold it to that.
const dryRunPath = 'src/ec2/dry-run-client.ts';
const inEc2 = sources.filter(({ path }) => path.startsWith('src/ec2/') && path !== dryRunPath);

/**
 * The EC2 actions that the sources send: whatever names a command or a paginator of the SDK, or
 * the action of a form.
 *
 * The SDK's other ways to send, the client with a method for each action and the waiters, hide
 * the action from this and count as `ec2:*`.
 */
function sentActions(files: readonly Source[]): string[] {
  const names = files.flatMap(({ code, text }) => [
    ...[...code.matchAll(/\b([A-Z]\w+)Command\b/g)].map((match) => match[1]),
    ...[...code.matchAll(/\bpaginate([A-Z]\w+)\b/g)].map((match) => match[1]),
    ...[...text.matchAll(/\['Action', (?:'(\w+)')?/g)].map((match) => match[1] ?? '*'),
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
    ["const fields = [['Action', 'RunInstances']];", 'ec2:RunInstances'],
    ["const fields = [['Action', action]];", 'ec2:*'],
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
      .filter(({ imports }) =>
        imports.some(({ specifier }) => /^@(?:aws-sdk|smithy)\//.test(specifier)),
      )
      .map(({ path }) => path);
    expect(importers).not.toEqual([]);
    expect(importers.filter((path) => !path.startsWith('src/ec2/'))).toEqual([]);
  });
});

/** The commands of these files that do not say first of all that they are a dry run. */
const wetRuns = (files: readonly Source[]): string[] =>
  files.flatMap(({ code }) =>
    [...code.matchAll(/\bnew (\w+)Command\((?!\{ DryRun: true,)/g)].flatMap(
      ([, name]) => name ?? [],
    ),
  );

describe('dry runs', () => {
  const dryRuns = sources.filter(({ path }) => path === dryRunPath);

  test('are all that their file makes', () => {
    expect(sentActions(dryRuns)).toEqual([
      'ec2:CreateTags',
      'ec2:DeleteTags',
      'ec2:DescribeInstances',
      'ec2:TerminateInstances',
    ]);
    expect(wetRuns(dryRuns)).toEqual([]);
  });

  test.each([
    'client.send(new TerminateInstancesCommand({ InstanceIds }));',
    'client.send(new TerminateInstancesCommand({ DryRun: false, InstanceIds }));',
    'client.send(new TerminateInstancesCommand(request));',
  ])('are not %s', (text) => {
    const planted = toSource(dryRunPath, text);
    expect(wetRuns([...dryRuns, planted])).toEqual(['TerminateInstances']);
  });

  test('are sent by one file, which imports the other when it is needed', () => {
    const importers = sources.filter(({ imports }) =>
      imports.some(
        ({ specifier, typeOnly }) => specifier.endsWith('/dry-run-client.ts') && !typeOnly,
      ),
    );
    expect(importers.map(({ path }) => path)).toEqual(['src/ec2/dry-run.ts']);
    expect(importers[0]?.text).toContain("await import('./dry-run-client.ts')");
  });

  test('try what is granted, and call nothing else needed', () => {
    const needed = [mayDescribe, ...permissionCasesOf('i-1', 'i-2', defaultVocabulary)]
      .filter(({ isNeeded }) => isNeeded)
      .map(({ attempt }) => `ec2:${attempt.action}`);
    expect(needed.sort()).toEqual(grantedActions(policy));
  });
});

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
