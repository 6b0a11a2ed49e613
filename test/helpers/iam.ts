/** iam-policy.json, and an IAM simulator to put requests to it and to its variants. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runSimulation } from '@cloud-copilot/iam-simulate';

export interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string;
  readonly Resource: string;
  readonly Condition: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>;
}

export interface Policy {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

export const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

export const account = '123456789012';
export const region = 'eu-west-1';

/** Puts a region and an account in, as docs/iam.md says. */
export function fill(text: string): Policy {
  return JSON.parse(text.replaceAll('REGION', region).replaceAll('ACCOUNT', account));
}

export const policy = fill(read('iam-policy.json'));
export const own = 'i-0aaaaaaaaaaaaaaaa';
export const other = 'i-0bbbbbbbbbbbbbbbb';
export const arn = (instanceId: string, where = region, owner = account): string =>
  `arn:aws:ec2:${where}:${owner}:instance/${instanceId}`;

export interface Request {
  readonly action: string;
  /** An ARN, or `*` for an action that has no resource. */
  readonly resource: string;
  readonly region: string;
  /** The instance whose profile signed it; `undefined` for any other credentials. */
  readonly from?: string | undefined;
  /** The keys of the tags in it; absent when it has none. */
  readonly tagKeys?: readonly string[];
}

export const createTags = (instanceId: string, ...tagKeys: readonly string[]): Request => ({
  action: 'ec2:CreateTags',
  resource: arn(instanceId),
  region,
  from: own,
  ...(tagKeys.length > 0 && { tagKeys }),
});

export const describeInstances = (where: string): Request => ({
  action: 'ec2:DescribeInstances',
  resource: '*',
  region: where,
  from: own,
});

/** Tells whether the policy allows this request, by what EC2 would tell IAM of it. */
export async function isAllowed(request: Request, by: Policy): Promise<boolean> {
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

/** The policy with one operator of one statement taken away. */
export function without(sid: string, operator: string): Policy {
  const statements = policy.Statement.map((statement) => {
    if (statement.Sid !== sid) return statement;
    const { [operator]: gone, ...rest } = statement.Condition;
    if (gone === undefined) throw new Error(`${sid} has no ${operator}`);
    return { ...statement, Condition: rest };
  });
  return { ...policy, Statement: statements };
}
