/**
 * The main job, done by the program itself on an EC2 of our own: what is printed as a command is
 * run, and what is printed below it is its output.
 */
import { execFile as execFileWithCallback } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { callEc2 } from '../../sandbox/call.ts';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import type { Io } from '../io.ts';
import { programPath } from '../programs.ts';

const execFile = promisify(execFileWithCallback);

const hostCount = 4;
// Changes are seen late, as in EC2, and the claim waits longer than that.
const settleMaxMs = 400;
const settle = '2s';

/** Shows the main job; always the same, since the sandbox's chance and ids come from a seed. */
export async function runDemo(io: Io): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'nametag-demo-'));
  const sandbox = await startSandbox({
    fleet: { region: 'eu-west-1', groups: [{ name: 'tphon' }], instances: [] },
    knobs: { settleMaxMs, pendingMs: 0 },
    runtimeDir: folder,
  });
  await writeFile(join(folder, 'hosts'), '127.0.0.1\tlocalhost\n');
  try {
    return await show(createStage(io, sandbox, folder), sandbox);
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the demo is told with. */
interface Stage {
  /** Says something between the commands. */
  tell(text: string): void;
  /** Runs one command as on an instance, and shows both. Stops the demo if it fails. */
  run(words: readonly string[], on?: string): Promise<void>;
  /** Runs one command on several instances at once, and shows what each printed. */
  runAll(words: readonly string[], on: readonly string[]): Promise<void>;
  /** Asks EC2 itself, as the `aws` program or the console would. */
  call(
    shown: string,
    action: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<string>;
  /** Shows a file. */
  showFile(path: string): Promise<void>;
  readonly hostsPath: string;
}

async function show(stage: Stage, sandbox: Sandbox): Promise<number> {
  stage.tell(
    `An EC2 of our own listens on 127.0.0.1. It shows changes up to ${settleMaxMs} ms late.`,
  );
  await stage.call(
    `aws ec2 run-instances --count ${hostCount} --security-groups tphon --image-id ${imageId}`,
    'RunInstances',
    {
      ImageId: imageId,
      MinCount: String(hostCount),
      MaxCount: String(hostCount),
      'SecurityGroup.1': 'tphon',
    },
  );
  const hosts = sandbox.instances().map((instance) => instance.facts.instanceId);
  await Promise.all(hosts.map((host) => sandbox.whenVisible(host)));
  const [first, second] = hosts;
  if (first === undefined || second === undefined) throw new TypeError('Expected two hosts.');

  stage.tell(`${hostCount} hosts boot in the same moment, and each claims a name.`);
  await stage.runAll(['claim-name', '--service', 'tphon', '--settle', settle], hosts);

  stage.tell('The first one is put in service: a tag, written by hand.');
  await setStatus(stage, first, 'ready');
  await settled();
  await stage.run(['resolve', '--group', 'tphon', '--ready', '-o', 'hosts']);
  await stage.run(['hosts', '--group', 'tphon', '--ready', '--write', stage.hostsPath]);
  await stage.showFile(stage.hostsPath);

  stage.tell('The service moves: the tag goes from one host to the other.');
  await setStatus(stage, second, 'ready');
  await setStatus(stage, first, 'drain');
  await settled();
  await stage.run(['resolve', '--group', 'tphon', '--ready', '-o', 'hosts']);
  await stage.run([
    'hosts',
    '--group',
    'tphon',
    '--ready',
    '--write',
    stage.hostsPath,
    '--dry-run',
  ]);

  stage.tell('A host that claims again keeps its name, and writes nothing.');
  await stage.run(['claim-name', '--service', 'tphon', '--settle', settle], first);
  return 0;
}

const imageId = 'ami-0123456789abcdef0';

async function setStatus(stage: Stage, instanceId: string, value: string): Promise<void> {
  await stage.call(
    `aws ec2 create-tags --resources ${instanceId} --tags Key=status,Value=${value}`,
    'CreateTags',
    { 'ResourceId.1': instanceId, 'Tag.1.Key': 'status', 'Tag.1.Value': value },
  );
}

/** Waits until every read shows what was written. */
async function settled(): Promise<void> {
  await delay(settleMaxMs);
}

function createStage(io: Io, sandbox: Sandbox, folder: string): Stage {
  const colour = io.isTerminal && !io.env['NO_COLOR'];
  const paint = (code: number, text: string): string =>
    colour ? `\u001b[${code}m${text}\u001b[0m` : text;
  const hostsPath = join(folder, 'hosts');
  const shown = (words: readonly string[]): string =>
    words.map((word) => (word === hostsPath ? 'hosts' : word)).join(' ');
  const prompt = (text: string): void => io.stdout(`${paint(1, `$ ${text}`)}\n`);
  const capture = async (words: readonly string[], on: string | undefined): Promise<string> => {
    const env = { ...withoutSettings(io.env), ...(await sandbox.environment(on)) };
    const run = execFile(process.execPath, [programPath('nametag'), ...words], {
      env,
      signal: io.signal,
    });
    return (await run).stdout;
  };
  return {
    hostsPath,
    tell: (text) => io.stdout(`\n${paint(36, `# ${text}`)}\n`),
    async run(words, on) {
      prompt(`nametag ${shown(words)}`);
      io.stdout((await capture(words, on)).replaceAll(hostsPath, 'hosts'));
    },
    async runAll(words, on) {
      prompt(`nametag ${shown(words)}`);
      const outputs = await Promise.all(on.map((host) => capture(words, host)));
      for (const [index, output] of outputs.entries()) io.stdout(`${on[index]}  ${output}`);
    },
    async call(text, action, parameters) {
      prompt(text);
      return await callEc2(sandbox.endpoint, action, parameters);
    },
    async showFile(path) {
      prompt(`cat ${shown([path])}`);
      io.stdout(await readFile(path, 'utf8'));
    },
  };
}

/** A setting of this program that stands in the environment would change what the demo shows. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^(?:AWS|NAMETAG)_/.test(name));
  return Object.fromEntries(kept);
}
