import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { NametagError } from '../../errors.ts';
import { builtInFleet } from '../../sandbox/built-in-fleet.ts';
import { parseFaults } from '../../sandbox/faults.ts';
import { readFleet } from '../../sandbox/fleet.ts';
import type { Knobs } from '../../sandbox/knobs.ts';
import { runInSandbox } from '../../sandbox/run.ts';
import { type Sandbox, startSandbox } from '../../sandbox/server.ts';
import { type Io, say } from '../io.ts';
import { linkPrograms } from '../programs.ts';

/** What `sandbox` was told. */
export interface SandboxCommandOptions {
  readonly command: readonly string[];
  readonly fleet?: string;
  readonly as?: string;
  readonly port?: number;
  readonly settleMax?: number;
  readonly throttle?: true;
  readonly faults?: string;
  readonly seed?: number;
}

/** Runs an EC2 of our own until interrupted, or while a command runs; exits as the command did. */
export async function runSandbox(options: SandboxCommandOptions, io: Io): Promise<number> {
  const { command, fleet, as, port, seed } = options;
  const [program, ...words] = command;
  if (program === '' || (as !== undefined && program === undefined)) {
    throw new NametagError('NAMETAG_USAGE', {
      problem: program === '' ? 'The command is empty' : '`--as` needs a command to run',
      remedy: 'Put it after `--`, as `-- nametag whoami`',
    });
  }
  const knobs = knobsOf(options);
  const folder = await mkdtemp(join(tmpdir(), 'nametag-sandbox-'));
  const sandbox = await startSandbox({
    fleet: fleet === undefined ? builtInFleet : await readFleet(fleet),
    knobs,
    port,
    seed,
    runtimeDir: join(folder, 'run'),
  });
  try {
    if (program !== undefined) return await run(sandbox, [program, ...words], as, folder, io);
    await announce(sandbox, io);
    if (!io.signal.aborted) await once(io.signal, 'abort');
    return 0;
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(
  sandbox: Sandbox,
  command: readonly [string, ...string[]],
  as: string | undefined,
  folder: string,
  io: Io,
): Promise<number> {
  const programs = join(folder, 'bin');
  await linkPrograms(programs);
  const env = { ...io.env, PATH: [programs, io.env['PATH']].join(delimiter) };
  io.signal.throwIfAborted();
  // The command says how it ends, and may take its time; the sandbox is there until it has.
  const outcome = await runInSandbox(sandbox, command, { as, env, signals: process });
  if (outcome.kind === 'not started') say(io, `Could not run ${command[0]}: ${outcome.fact}.`);
  return outcome.exitCode;
}

function knobsOf({ settleMax, throttle, faults }: SandboxCommandOptions): Partial<Knobs> {
  return {
    ...(settleMax !== undefined && { settleMaxMs: settleMax }),
    ...(throttle && { throttle }),
    ...(faults !== undefined && parseFaults(faults)),
  };
}

/** Prints what a shell needs to use the sandbox: `eval` takes it, and people can read it. */
async function announce(sandbox: Sandbox, io: Io): Promise<void> {
  for (const [name, value] of Object.entries(await sandbox.environment())) {
    io.stdout(`export ${name}='${value}'\n`);
  }
  for (const { facts, state, tags } of sandbox.instances()) {
    const groups = facts.networkInterfaces[0].groups.map((group) => group.groupName).join(',');
    const name = facts.handle ?? tags.get('Name') ?? '';
    io.stdout(`# ${facts.instanceId} ${state} ${groups} ${name}\n`);
  }
}
