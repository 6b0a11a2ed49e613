/** A sandbox over HTTP for each test, and the program run against it in this process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Fleet } from '../../src/sandbox/fleet-shape.ts';
import type { Knobs } from '../../src/sandbox/knobs.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { type CliRun, runCli } from './run-cli.ts';

const fleet: Fleet = {
  region: 'eu-west-1',
  groups: [{ name: 'tphon' }, { name: 'web' }, { name: 'late' }],
  instances: [
    {
      name: 'a',
      groups: ['tphon'],
      privateIp: '10.0.0.10',
      tags: { Name: 'db-10', status: 'ready' },
    },
    {
      name: 'b',
      groups: ['tphon'],
      privateIp: '10.0.0.2',
      tags: { Name: 'db-2', status: 'ready' },
    },
    {
      name: 'c',
      groups: ['tphon'],
      privateIp: '10.0.0.3',
      tags: { Name: 'db-3', status: 'drain' },
    },
    {
      name: 'd',
      groups: ['web'],
      interfaces: [{ groups: ['tphon'] }],
      privateIp: '10.0.0.4',
      ipv6: ['2001:db8::4'],
      tags: {
        Name: 'web-1 bank.example',
        status: 'ready',
        'service:postgres': 'readonly port=5433',
      },
    },
    { name: 'e', groups: ['web'], privateIp: '10.0.0.5', tags: { Name: 'localhost' } },
    { name: 'f', groups: ['web'], state: 'stopped', tags: { Name: 'web-9', status: 'ready' } },
    { name: 'g', groups: ['late'] },
  ],
};

export let sandbox: Sandbox;
/** Emptied after each test. */
export let folder: string;

/** Begins again with the same fleet and these faults. */
export async function restart(knobs: Partial<Knobs> = {}): Promise<void> {
  await sandbox?.close();
  sandbox = await startSandbox({
    fleet,
    knobs: { settleMaxMs: 0, ...knobs },
    runtimeDir: join(folder, 'run'),
  });
}

/** Runs one command line, as on an instance if one is given. */
export async function run(line: string, as?: string, env: NodeJS.ProcessEnv = {}): Promise<CliRun> {
  const environment = { ...(await sandbox.environment(as)), AWS_MAX_ATTEMPTS: '2', ...env };
  return await runCli(line.split(' '), environment);
}

/** The id of an instance of the fleet. */
export const id = (name: string): string => sandbox.instance(name).facts.instanceId;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
  await restart();
});

afterEach(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});
