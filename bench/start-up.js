/**
 * How long whole processes take from start to exit, as ratios to a bare `node -e 0` of the same
 * round: `npm run bench`. Needs the built program.
 *
 * The programs run in turn, A B C … A B C …, so that a machine that gets slower meanwhile is slower
 * for all of them. EC2 is a sandbox in a process of its own on loopback, of three instances, and
 * for the snapshot of a large fleet another of 1,000; every program is pointed there by its own
 * setting.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fleetOf } from './fleet.js';
import { find, nametag, quantile, startSandbox, time } from './programs.js';

const rounds = Number(process.env.ROUNDS ?? 25);
const folder = mkdtempSync(join(tmpdir(), 'nametag-bench-'));
const small = await sandboxOf(3);
const large = await sandboxOf(1000);
try {
  report(measure(small.environment, large.environment));
} finally {
  small.stop();
  large.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function sandboxOf(size) {
  const fleetPath = join(folder, `${size}.json`);
  writeFileSync(fleetPath, JSON.stringify(fleetOf(size)));
  return await startSandbox(fleetPath, folder);
}

function programs(env, largeEnv) {
  const resolve = [nametag, 'resolve', '--group', 'tphon', '--ready'];
  const young = [...resolve, '--max-age', '1h'];
  const found = [
    { name: 'node -e 0', file: process.execPath, args: ['-e', '0'] },
    { name: 'nametag --version', file: process.execPath, args: [nametag, '--version'] },
    { name: 'nametag --help', file: process.execPath, args: [nametag, '--help'] },
    { name: 'nametag resolve', file: process.execPath, args: resolve },
    { name: 'nametag resolve --max-age 1h', file: process.execPath, args: young },
    { name: '… of 1,000 instances', file: process.execPath, args: young, env: largeEnv },
  ].map((program) => ({ env, ...program }));
  const aws = find('aws');
  if (aws === undefined) return found;
  const describe = ['--endpoint-url', env.AWS_ENDPOINT_URL, 'ec2', 'describe-instances'];
  const filters = ['--filters', 'Name=network-interface.group-name,Values=tphon'];
  const args = [...describe, ...filters, 'Name=tag:status,Values=ready', '--output', 'text'];
  return [...found, { name: 'aws ec2 describe-instances', file: aws, args, env }];
}

function measure(env, largeEnv) {
  const all = programs(env, largeEnv).map((program) => ({ ...program, ms: [] }));
  for (let round = -1; round < rounds; round += 1) {
    for (const program of all) {
      const took = time(program, program.env).ms;
      // The first round fills the caches of the disk.
      if (round >= 0) program.ms.push(took);
    }
  }
  return all;
}

function report(all) {
  const bare = all[0].ms;
  process.stdout.write(`| ${rounds} rounds | x node -e 0 | quarter to quarter |\n|---|---|---|\n`);
  for (const { name, ms } of all) {
    const ratios = ms.map((took, round) => took / bare[round]);
    const at = (share) => quantile(ratios, share).toFixed(2);
    process.stdout.write(`| \`${name}\` | ${at(0.5)} | ${at(0.25)} – ${at(0.75)} |\n`);
  }
}
