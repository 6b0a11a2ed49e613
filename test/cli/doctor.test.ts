/** `nametag doctor` against a sandbox over HTTP, in this process. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/sandbox/fleet-shape.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { type CliRun, runCli } from '../helpers/run-cli.ts';

const fleet: Fleet = {
  region: 'eu-west-1',
  groups: [{ name: 'web' }],
  instances: [
    { name: 'a', groups: ['web'] },
    { name: 'b', groups: ['web'], tags: { Name: 'web-1' } },
    { name: 'far', vpc: 'vpc-0a1b2c3d', launchedAgo: '2d' },
  ],
};

let sandbox: Sandbox;

async function restart(knobs: Partial<Knobs> = {}): Promise<void> {
  await sandbox?.close();
  sandbox = await startSandbox({ fleet, knobs: { settleMaxMs: 0, ...knobs } });
}

async function run(line: string, as?: string, env: NodeJS.ProcessEnv = {}): Promise<CliRun> {
  return await runCli(line.split(' '), { ...(await sandbox.environment(as)), ...env });
}

/** The verdict of each check, by name, as `--json` has them. */
async function verdicts(as?: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const { stdout } = await run('doctor --json', as, env);
  const checks = JSON.parse(stdout).checks as { name: string; verdict: string }[];
  return Object.fromEntries(checks.map(({ name, verdict }) => [name, verdict]));
}

const writeTags = (name: string, tags: Readonly<Record<string, string>>): void =>
  sandbox.world.createTags({
    resources: [sandbox.instance(name).facts.instanceId],
    tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
  });

beforeEach(async () => {
  await restart();
});

afterEach(async () => {
  await sandbox.close();
});

describe('doctor', () => {
  it('looks at everything, and warns of what a sandbox without IAM allows', async () => {
    const { exitCode, stdout, stderr } = await run('doctor', 'a');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines.map((line) => line.slice(0, 36).trimEnd())).toEqual([
      'ok       metadata',
      'ok       region',
      'ok       credentials',
      'ok       clock',
      'ok       may-describe-instances',
      'ok       may-tag-itself',
      'warning  may-not-tag-others',
      'warning  may-not-write-foreign-tags',
      'warning  may-not-delete-tags',
      'warning  may-not-terminate-itself',
      'ok       instance',
      'ok       tag-room',
      'ok       tag-keys',
      'ok       claim',
    ]);
    expect(stdout).toContain(`this is ${sandbox.instance('a').facts.instanceId}\n`);
    expect(stdout).toContain('eu-west-1, from `AWS_REGION`\n');
    expect(stdout).toContain('allowed. Take `ec2:TerminateInstances` out of the statement');
  });

  it('changes nothing', async () => {
    const before = JSON.stringify(sandbox.instances().map((i) => [i.state, [...i.tags]]));
    await run('doctor', 'a');
    await run('doctor', 'b');
    expect(JSON.stringify(sandbox.instances().map((i) => [i.state, [...i.tags]]))).toBe(before);
  });

  it('warns of nothing when what is not needed is denied', async () => {
    await restart({ deny: new Set(['DeleteTags', 'TerminateInstances']) });
    expect(await verdicts('a')).toMatchObject({
      'may-tag-itself': 'ok',
      'may-not-delete-tags': 'ok',
      'may-not-terminate-itself': 'ok',
    });
  });

  it('prints JSON with a version', async () => {
    const { version, checks } = JSON.parse((await run('doctor --json', 'a')).stdout);
    expect(version).toBe(1);
    expect(checks[1]).toEqual({
      name: 'region',
      verdict: 'ok',
      seen: 'eu-west-1, from `AWS_REGION`',
      advice: null,
    });
    expect(checks[6]).toEqual({
      name: 'may-not-tag-others',
      verdict: 'warning',
      seen: 'allowed',
      advice: expect.stringContaining('ec2:SourceInstanceARN'),
    });
  });

  it('exits with 1 when a permission is missing, and goes on', async () => {
    await restart({ deny: new Set(['CreateTags']) });
    const { exitCode, stdout } = await run('doctor', 'a');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^problem {2}may-tag-itself +denied\. Grant `ec2:CreateTags`/m);
    expect(stdout).toMatch(/^ok {7}may-not-tag-others +denied$/m);
    expect(stdout).toMatch(/^ok {7}claim /m);
  });

  it('tells what else it can when EC2 may not be read', async () => {
    await restart({ deny: new Set(['DescribeInstances']) });
    const seen = await verdicts('a');
    expect(seen).toMatchObject({ 'may-describe-instances': 'problem', 'may-tag-itself': 'ok' });
    expect(seen).not.toHaveProperty('claim');
    // Nobody else is known, and EC2 knows no instance of the id that is tried instead.
    expect(seen).toHaveProperty('may-not-tag-others', 'warning');
  });

  it('shows the claim and the conflict that an instance is in', async () => {
    const boot = `boot=${new Date(sandbox.instance('a').launchTimeMs).toISOString().slice(0, 19)}Z`;
    writeTags('a', { 'nametag:claim': `held=web-1 ${boot}`, Name: 'web-one', 'a b': '' });
    expect(await verdicts('a')).toMatchObject({
      'tag-keys': 'warning',
      claim: 'ok',
      'name-tag': 'warning',
      conflict: 'warning',
    });
    const loser = await run('doctor', 'b');
    expect(loser.exitCode).toBe(1);
    expect(loser.stdout).toMatch(/^problem {2}conflict +web-1 is said by i-\w+ too;/m);
  });

  it('takes a name in another VPC for a conflict in the scope of the region only', async () => {
    writeTags('far', { Name: 'web-1' });
    const folder = await mkdtemp(join(tmpdir(), 'nametag-doctor-'));
    const path = join(folder, 'config.json');
    await writeFile(path, '{"scope": "vpc"}');
    const inVpc = [
      await run('doctor --scope vpc', 'b'),
      await run('doctor', 'b', { NAMETAG_SCOPE: 'vpc' }),
      await run(`doctor --config ${path}`, 'b'),
    ];
    await rm(folder, { recursive: true });
    for (const { exitCode, stdout } of inVpc) {
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(/^ok {7}conflict +nobody else in its VPC says web-1$/m);
    }
    for (const words of ['doctor', 'doctor --scope region']) {
      const { exitCode, stdout } = await run(words, 'b');
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(/^problem {2}conflict +web-1 is said by i-\w+ too;/m);
    }
  });

  it('keeps the text of tags on its line', async () => {
    writeTags('a', { 'nametag:claim': 'x\nok       claim  holds web-0\u001b[2J' });
    const { exitCode, stdout } = await run('doctor', 'a');
    expect(exitCode).toBe(1);
    expect(stdout).toContain('cannot be read: x?ok       claim  holds web-0?[2J. Run');
    expect(stdout).not.toMatch(/^ok +claim/m);
  });

  it('tells off EC2 what it can', async () => {
    const { exitCode, stdout } = await run('doctor');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^problem {2}metadata +AWS_EC2_METADATA_DISABLED is set\. Unset/m);
    expect(stdout).toMatch(/^ok {7}may-describe-instances +allowed$/m);
    expect(stdout).not.toContain('may-tag-itself');
  });

  it('says when another region than its own is asked', async () => {
    const { exitCode, stdout } = await run('doctor --region us-east-1', 'a');
    expect(stdout).toMatch(/^warning {2}region +us-east-1, from `--region`; this instance is in/m);
    expect(exitCode).toBe(0);
  });

  it('says that the region is of the environment, or of the config file', async () => {
    const none = { AWS_REGION: '', AWS_DEFAULT_REGION: '' };
    const env = { ...none, NAMETAG_REGION: 'eu-west-1' };
    expect((await run('doctor', 'a', env)).stdout).toContain('eu-west-1, from `NAMETAG_REGION`\n');
    const folder = await mkdtemp(join(tmpdir(), 'nametag-doctor-'));
    const path = join(folder, 'config.json');
    await writeFile(path, '{"region": "eu-west-1"}');
    const configured = await run(`doctor --config ${path}`, 'a', none);
    await rm(folder, { recursive: true });
    expect(configured.stdout).toContain('eu-west-1, from the config file\n');
  });

  it('takes the region of the instance where no setting has one', async () => {
    const env = { AWS_REGION: '', AWS_DEFAULT_REGION: '' };
    expect((await run('doctor', 'a', env)).stdout).toContain('from the instance metadata\n');
    const off = await run('doctor', undefined, env);
    expect(off.exitCode).toBe(1);
    expect(off.stdout).toMatch(/^problem {2}region .*Pass `--region` or set `AWS_REGION`\.$/m);
    expect(off.stdout.split('\n')).toHaveLength(4);
  });

  it('asks EC2 nothing more when it is away', async () => {
    const env = { AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:9' };
    const { exitCode, stdout } = await run('doctor', 'a', env);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^problem {2}may-describe-instances +no usable answer from http:/m);
    expect(stdout.split('\n')).toHaveLength(5);
  });

  it('misses credentials', async () => {
    const env = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
    const { exitCode, stdout } = await run('doctor', 'a', env);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^problem {2}credentials +no AWS credentials were found/m);
    expect(stdout.split('\n')).toHaveLength(4);
  });

  it('refuses a region that is none', async () => {
    const { exitCode, stdout } = await run('doctor --region a.b', 'a');
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
  });
});
