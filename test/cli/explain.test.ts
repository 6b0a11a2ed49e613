/** `explain` against a sandbox over HTTP, in this process. */
import { describe, expect, it } from 'vitest';
import type { ExplanationJson } from '../../src/render/explanation.ts';
import { id, run, sandbox } from '../helpers/cli-sandbox.ts';

const launched = /launched \S+/g;

describe('explain', () => {
  it('tells of a name what its instance is, is called and is tagged', async () => {
    const { exitCode, stdout, stderr } = await run('explain db-2');
    expect([exitCode, stderr]).toEqual([0, '']);
    const [head, ...lines] = stdout.replace(launched, 'launched then').split('\n');
    expect(head).toMatch(/^EC2 in eu-west-1, at \d{4}-\d\d-\d\dT[\d:.]+Z:$/);
    expect(lines.join('\n')).toBe(`db-2 is the name of ${id('b')}

${id('b')} (db-2)
  yes  runs: running, launched then
  yes  has the name db-2: Name=db-2
  yes  has an address (private): 10.0.0.2
  yes  is tagged status=ready: status=ready
`);
  });

  it('answers a question, and says what a flip of the tag would do', async () => {
    const line = `explain ${id('c')} --group tphon --ready --what-if status=ready`;
    const { exitCode, stdout } = await run(line);
    expect(exitCode).toBe(0);
    expect(stdout.replace(launched, 'launched then').slice(stdout.indexOf('\n') + 2)).toBe(
      `${id('c')} (db-3)
  yes  runs: running, launched then
  yes  has the name db-3: Name=db-3
  yes  has an address (private): 10.0.0.3
  yes  is in the security group tphon: tphon
  no   is tagged status=ready: status=drain
  no   is in the answer to "--group tphon --ready": not ready: status=drain

With status=ready on ${id('c')}:
${id('c')} (db-3)
- no   is tagged status=ready: status=drain
- no   is in the answer to "--group tphon --ready": not ready: status=drain
+ yes  is tagged status=ready: status=ready
+ yes  is in the answer to "--group tphon --ready": 10.0.0.3
`,
    );
    expect((await run('resolve --group tphon --ready')).stdout).not.toContain('10.0.0.3');
  });

  it('takes for a value what EC2 takes', async () => {
    const tag = `${'k'.repeat(127)}==${'é'.repeat(255)}`;
    const { exitCode, stdout } = await run(`explain db-2 --what-if ${tag} --what-if a=`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`k==${'?'.repeat(255)} and a= on ${id('b')}:\nnothing changes\n`);
  });

  it('says so when nothing would change', async () => {
    const { stdout } = await run('explain db-2 --what-if owner=me');
    expect(stdout).toMatch(new RegExp(`\nWith owner=me on ${id('b')}:\nnothing changes\n$`));
  });

  it('has a name in any case, and a service', async () => {
    expect((await run('explain DB-2')).stdout).toContain(`${id('b')} (db-2)\n`);
    const { stdout } = await run('explain postgres');
    expect(stdout).toContain(`Z:\nno instance has the name or alias postgres\n\n${id('d')}\n`);
    expect(stdout).toContain('yes  offers postgres: service:postgres=readonly port=5433\n');
    expect(stdout).toContain('yes  is in the answer to "service postgres": 10.0.0.4\n');
  });

  it('counts who is in an answer', async () => {
    const tags = [{ key: 'service:postgres', value: 'port=x' }];
    sandbox.world.createTags({ resources: [id('e'), id('f')], tags });
    const counted = async (line: string): Promise<string | undefined> =>
      (await run(line)).stdout.split('\n').find((text) => text.includes('of these'));
    expect(await counted('explain postgres')).toBe('1 of these 3 instances are in the answer');
    const none = 'explain postgres --group late';
    expect(await counted(none)).toBe('0 of these 3 instances are in the answer');
    expect(await counted(`explain ${id('d')} --ready`)).toBeUndefined();
    const json = JSON.parse((await run('explain postgres --json')).stdout);
    expect(json.instances.map(({ inAnswer }: { inAnswer: unknown }) => inAnswer).sort()).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('takes an instance in its own VPC, whichever is asked for', async () => {
    const { exitCode, stdout } = await run(`explain ${id('b')} --scope vpc --vpc vpc-1`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`${id('b')} (db-2)\n`);
    expect(stdout).toMatch(/ {2}no {3}is in VPC vpc-1: vpc-[0-9a-f]+\n/);
    const own = (await run(`explain ${id('b')} --scope vpc --ready`)).stdout;
    expect(own).toMatch(/ {2}yes {2}is in VPC (vpc-[0-9a-f]+): \1\n/);
    expect(own).toMatch(
      / {2}yes {2}is in the answer to "--ready --vpc vpc-[0-9a-f]+": 10\.0\.0\.2\n/,
    );
    sandbox.world.terminateInstances({ instanceIds: [id('f')] });
    const gone = `explain ${id('f')} --scope vpc`;
    await expect
      .poll(async () => (await run(gone)).stderr)
      .toContain(`${id('f')} is in none. Pass \`--scope region\`.`);
    const env = { NAMETAG_SCOPE: 'vpc' };
    const whole = await run(`explain ${id('f')} --scope region`, undefined, env);
    expect(whole.stdout).toContain('  no   runs: terminated, ');
  });

  it('takes a name in a domain', async () => {
    const tags = [
      { key: 'Name', value: 'web-3.ec2.example' },
      { key: 'nametag:aliases', value: 'www/1' },
    ];
    sandbox.world.createTags({ resources: [id('g')], tags });
    const told = async (line: string): Promise<string> => (await run(line)).stdout;
    expect(await told('explain web-3')).toContain(
      `\nno instance has the name or alias web-3\n\n${id('g')}\n`,
    );
    const known = await told('explain www --domain ec2.example');
    expect(known).toContain(`\nwww is an alias of ${id('g')}\n\n${id('g')} (web-3)\n`);
    expect(known).toContain('  yes  has the name web-3: Name=web-3.ec2.example\n');
  });

  it('prints JSON', async () => {
    const { stdout } = await run('explain db-3 --what-if Name=db-2 --json');
    const told: ExplanationJson = JSON.parse(stdout);
    expect(told).toMatchObject({
      version: 1,
      subject: 'db-3',
      region: 'eu-west-1',
      holder: { instanceId: id('c'), as: 'name' },
      instances: [{ instanceId: id('c'), name: 'db-3', aliases: [] }],
      whatIf: { instanceId: id('c'), tags: [{ key: 'Name', value: 'db-2' }] },
    });
    expect(Date.parse(told.takenAt)).not.toBeNaN();
    expect(JSON.parse((await run(`explain ${id('g')} --json`)).stdout)).toMatchObject({
      holder: null,
      instances: [{ name: null, inAnswer: null }],
      whatIf: null,
    });
  });

  it('lets no tag begin a line, nor be obeyed by a terminal', async () => {
    const value = 'db-2\n  yes  has the name root\u001b[2J';
    sandbox.world.createTags({ resources: [id('g')], tags: [{ key: 'Name', value }] });
    const { stdout } = await run(`explain ${id('g')}`);
    expect(stdout).toContain(
      '\n  no   has a name: Name=db-2?  yes  has the name root?[2J, ' +
        'which is refused: not a host name\n',
    );
  });

  it.each([
    ['explain', 64, 'Missing required argument `subject`.'],
    ['explain web-1.example', 64, '"web-1.example" is no instance id, and no name'],
    ['explain db-2 --what-if status', 64, 'Expected KEY=VALUE.'],
    ['explain db-2 --what-if a=1 --what-if a=2', 64, '`--what-if` has two values of "a".'],
    ['explain db-2 --what-if AWS:x=1', 64, '`--what-if` has "AWS:x", which EC2 lets nobody set.'],
    [`explain db-2 --what-if a=${'é'.repeat(257)}`, 64, 'has a value that is too long for EC2.'],
    [`explain db-2 --what-if ${'k'.repeat(128)}=`, 64, 'has a key that is too long for EC2.'],
    ['explain nobody', 68, 'Could not resolve "nobody" in eu-west-1: nobody matches.'],
    ['explain i-00000000', 68, 'EC2 knows no instance i-00000000 there.'],
    ['explain db-2 --any-group', 64, '`--any-group` needs groups.'],
  ])('%s', async (line, exitCode, sentence) => {
    const answer = await run(line);
    expect(answer).toMatchObject({ exitCode, stdout: '' });
    expect(answer.stderr).toContain(sentence);
  });

  it('names the action that IAM denies', async () => {
    sandbox.world.setKnobs({ deny: new Set(['DescribeInstances']) });
    const { exitCode, stderr } = await run('explain db-2');
    expect(exitCode).toBe(77);
    expect(stderr).toContain('ec2:DescribeInstances');
  });
});
