/**
 * How long whole processes take from start to exit, as ratios to a bare `node -e 0` of the same
 * round: `npm run bench`. Needs the built program.
 *
 * The programs run in turn, A B C … A B C …, so that a machine that gets slower meanwhile is slower
 * for all of them. EC2 is a sandbox of three instances in a process of its own on loopback; every
 * program is pointed there by its own setting.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const rounds = Number(process.env.ROUNDS ?? 25);
const nametag = fileURLToPath(new URL('../bin/nametag.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'nametag-bench-'));

const fleet = {
  groups: [{ name: 'tphon' }],
  instances: Array.from({ length: 3 }, () => ({ groups: ['tphon'], tags: { status: 'ready' } })),
};
writeFileSync(join(folder, 'fleet.json'), JSON.stringify(fleet));

const sandbox = spawn(
  process.execPath,
  [nametag, 'sandbox', '--fleet', join(folder, 'fleet.json'), '--settle-max', '0ms'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  report(measure(await environmentOf(sandbox)));
} finally {
  sandbox.kill();
  rmSync(folder, { recursive: true, force: true });
}

/** The variables that the sandbox prints, and nothing that would slow Node down. */
async function environmentOf({ stdout }) {
  const env = { PATH: process.env.PATH, HOME: folder };
  for await (const line of createInterface({ input: stdout })) {
    const [, name, value] = /^export (\w+)='(.*)'$/.exec(line) ?? [];
    if (name === undefined) break;
    env[name] = value;
  }
  return env;
}

function programs(env) {
  const resolve = [nametag, 'resolve', '--group', 'tphon', '--ready'];
  const found = [
    { name: 'node -e 0', file: process.execPath, args: ['-e', '0'] },
    { name: 'nametag --version', file: process.execPath, args: [nametag, '--version'] },
    { name: 'nametag --help', file: process.execPath, args: [nametag, '--help'] },
    { name: 'nametag resolve', file: process.execPath, args: resolve },
  ];
  const aws = findAws();
  if (aws === undefined) return found;
  const describe = ['--endpoint-url', env.AWS_ENDPOINT_URL, 'ec2', 'describe-instances'];
  const filters = ['--filters', 'Name=network-interface.group-name,Values=tphon'];
  const args = [...describe, ...filters, 'Name=tag:status,Values=ready', '--output', 'text'];
  return [...found, { name: 'aws ec2 describe-instances', file: aws, args }];
}

/** The program itself: what is on PATH may be a shell script that looks for it each time. */
function findAws() {
  try {
    const path = execFileSync('sh', ['-c', 'command -v aws'], { encoding: 'utf8' }).trim();
    const isShim = readFileSync(path, 'utf8').includes('pyenv');
    return isShim ? execFileSync('pyenv', ['which', 'aws'], { encoding: 'utf8' }).trim() : path;
  } catch {
    return undefined;
  }
}

function measure(env) {
  const all = programs(env).map((program) => ({ ...program, ms: [] }));
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, file, args, ms } of all) {
      const began = process.hrtime.bigint();
      const { status, stderr } = spawnSync(file, args, { env, encoding: 'utf8' });
      const took = Number(process.hrtime.bigint() - began) / 1e6;
      if (status !== 0) throw new Error(`${name} exited with ${status}: ${stderr}`);
      // The first round fills the caches of the disk.
      if (round >= 0) ms.push(took);
    }
  }
  return all;
}

function report(all) {
  const bare = all[0].ms;
  process.stdout.write(`| ${rounds} rounds | x node -e 0 | quarter to quarter |\n|---|---|---|\n`);
  for (const { name, ms } of all) {
    const ratios = ms.map((took, round) => took / bare[round]).sort((a, b) => a - b);
    const at = (share) => ratios[Math.floor(share * (ratios.length - 1))].toFixed(2);
    process.stdout.write(`| \`${name}\` | ${at(0.5)} | ${at(0.25)} – ${at(0.75)} |\n`);
  }
}
