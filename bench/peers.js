/**
 * `nametag resolve` beside every peer that this machine has, on the same endpoint and the same
 * question, as whole processes: `npm run bench`. Needs the built program.
 *
 *     node bench/peers.js                              100 to 100,000 instances, 20 minutes at most
 *     SIZES=1000 ROUNDS=9 MINUTES=5 node bench/peers.js
 *
 * `SIZES` are of the fleets. `ROUNDS` is how many there are of each at most, 15 when nothing else
 * is said, and fewer of large fleets. `MINUTES` bounds all of it: a slow program sits out rounds,
 * and one that would not end in time is left out and named.
 *
 * The programs run in turn, A B C … A B C …, forth and back, and each is compared with nametag's
 * run of the same round. What they print is compared too: a peer that gives other addresses is
 * told, not timed in silence. Prints Markdown for bench/README.md.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fleetOf } from './fleet.js';
import { find, nametag, pathTo, quantile, startSandbox, time } from './programs.js';

const sizes = (process.env.SIZES ?? '100,1000,10000,100000').split(',').map(Number);
const roundsMax = Number(process.env.ROUNDS ?? 15);
/** Rounds shrink with the fleet; how much of the time a size may take grows with it. */
const roundsOf = (size) => Math.max(3, Math.min(roundsMax, Math.floor(60_000 / size)));
const endMs = performance.now() + Number(process.env.MINUTES ?? 20) * 60_000;
const shareOf = (size) => Math.sqrt(size) / sizes.reduce((sum, other) => sum + Math.sqrt(other), 0);
/** Of what a run says of itself; wall time is measured here. */
const gnuTime = existsSync('/usr/bin/time') ? '/usr/bin/time' : undefined;

const columns = [
  'rounds',
  'x nametag',
  'quarter to quarter',
  'processor time x nametag',
  'ms',
  'processor ms',
  'peak MB',
  'endpoint',
  'addresses',
];

const folder = mkdtempSync(join(tmpdir(), 'nametag-bench-'));
const toldPath = join(folder, 'told');
/** How long a program took for an instance lately, to know when it would take too long. */
const msAnInstance = new Map();
try {
  const built = buildGoPeers();
  reportMachine();
  for (const size of sizes) await compare(size, built);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The Go peers, where Go and their sources are there, as Debian packages them. */
function buildGoPeers() {
  const go = find('go');
  const sources = '/usr/share/gocode';
  if (go === undefined || !existsSync(`${sources}/src/github.com/hashicorp/go-discover`)) {
    process.stderr.write('Left out: go-discover and aws-sdk-go. Install Debian packages ');
    process.stderr.write('golang-go and golang-github-hashicorp-go-discover-dev.\n');
    return {};
  }
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: sources, GOCACHE: join(folder, 'go') };
  const build = (name) => {
    const file = join(folder, name);
    execFileSync(go, ['build', '-o', file, pathTo(`bench/peers/${name}/main.go`)], { env });
    return file;
  };
  return { discover: build('discover'), pages: build('pages') };
}

async function compare(size, built) {
  const fleetPath = join(folder, `fleet-${size}.json`);
  writeFileSync(fleetPath, JSON.stringify(fleetOf(size)));
  const sandbox = await startSandbox(fleetPath, folder);
  const { AWS_ENDPOINT_URL: source, ...environment } = sandbox.environment;
  const endpoint = await startEndpoint(source);
  sandbox.stop();
  const env = {
    ...environment,
    AWS_ENDPOINT_URL: endpoint.url,
    AWS_ENDPOINT_URL_EC2: endpoint.url,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  try {
    const programs = programsFor(endpoint, built).map((one) => ({ ...one, runs: new Map() }));
    const spareMs = (endMs - performance.now()) * Math.min(1, 1.5 * shareOf(size));
    const shareMs = spareMs / programs.length;
    for (let round = -1; round < roundsOf(size); round += 1) {
      // Forth and back, so that none always runs behind the same other one; slow ones last.
      for (const program of round % 2 === 1 ? programs.toReversed() : programs) {
        if (!hasTime(program, size, shareMs)) continue;
        const run = await measure(program, env, endpoint);
        program.usedMs = (program.usedMs ?? 0) + run.ms;
        msAnInstance.set(program.name, run.ms / size);
        // The first round fills the caches of the disk, and is counted where there is no other.
        program.runs.delete(-1);
        program.runs.set(round, run);
      }
    }
    report(size, programs);
  } finally {
    endpoint.stop();
  }
}

/** Whether a program may run once more: within its share of the time, or for the first time. */
function hasTime({ name, usedMs, runs }, size, shareMs) {
  const expectedMs = (msAnInstance.get(name) ?? 0) * size;
  if (performance.now() + expectedMs > endMs) return false;
  return runs.size === 0 || usedMs + expectedMs <= shareMs;
}

/** Runs a program once, with what the endpoint had to do for it. */
async function measure(program, env, endpoint) {
  const { file, args, cache = 'last' } = program;
  const cacheFolder = join(folder, cache);
  if (cache === 'none') rmSync(cacheFolder, { recursive: true, force: true });
  mkdirSync(cacheFolder, { recursive: true });
  const told = ['-o', toldPath, '-f', '%U %S %M', file, ...args];
  const run = gnuTime === undefined ? program : { ...program, file: gnuTime, args: told };
  const before = await endpoint.usedMs();
  const { ms, stdout } = time(run, { ...env, NAMETAG_CACHE_DIR: cacheFolder });
  const endpointMs = (await endpoint.usedMs()) - before;
  const [user, system, kilobytes] =
    gnuTime === undefined ? [] : readFileSync(toldPath, 'utf8').trim().split(' ').map(Number);
  const lines = stdout.split(/\s+/).filter((line) => /^[\d.]+$/.test(line));
  const digest = createHash('sha256').update(lines.sort().join('\n')).digest('hex');
  return {
    ms,
    cpuMs: (user + system) * 1000,
    rssMb: kilobytes / 1024,
    endpointMs,
    addresses: lines.length,
    digest,
  };
}

async function startEndpoint(sandboxUrl) {
  const args = [pathTo('bench/endpoint.js'), sandboxUrl];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [url, pages] = line.split(' ');
    // A connection that is kept would be closed by the endpoint while a slow program runs.
    const once = { headers: { connection: 'close' } };
    const usedMs = async () => Number(await (await fetch(`${url}/used`, once)).text());
    return { url, pages: Number(pages), usedMs, stop: () => child.kill() };
  }
  throw new Error('Could not start the endpoint.');
}

function programsFor({ url }, { discover, pages }) {
  const node = process.execPath;
  const resolve = [nametag, 'resolve', '--tag', 'env=prod'];
  const form = 'Action=DescribeInstances&Version=2016-11-15&MaxResults=1000';
  const curl = find('curl');
  const aws = find('aws');
  const python = find('python3');
  const hasBoto3 = python !== undefined && spawnSync(python, ['-c', 'import boto3']).status === 0;
  const describe = ['--endpoint-url', url, 'ec2', 'describe-instances', '--filters'];
  const filters = ['Name=tag:env,Values=prod', 'Name=instance-state-name,Values=running'];
  const query = ['--query', 'Reservations[].Instances[].[PrivateIpAddress]', '--output', 'text'];
  const programs = [
    { name: 'nametag resolve', file: node, args: resolve, cache: 'none' },
    { name: 'nametag resolve, beside the last snapshot', file: node, args: resolve },
    { name: 'nametag resolve --max-age 1h', file: node, args: [...resolve, '--max-age', '1h'] },
    { name: 'node -e 0', file: node, args: ['-e', '0'], prints: 'nothing' },
    { name: 'curl, one page', file: curl, args: ['-s', '-d', form, url], prints: 'nothing' },
    { name: 'go-discover', file: discover, args: [url] },
    { name: 'aws-sdk-go, all pages', file: pages, args: [url] },
    {
      name: 'client-ec2, its paginator',
      file: node,
      args: [pathTo('bench/peers/paginator.js'), url],
    },
    {
      name: 'boto3, its paginator',
      file: hasBoto3 ? python : undefined,
      args: [pathTo('bench/peers/paginator.py'), url],
    },
    { name: 'aws', file: aws, args: [...describe, ...filters, ...query] },
  ];
  return programs.filter(({ file }) => file !== undefined);
}

function reportMachine() {
  const versionOf = (name, ...args) => {
    const program = find(name);
    const { stdout = '', stderr = '' } = program ? spawnSync(program, args) : {};
    return program && `${stdout}${stderr}`.split('\n')[0].trim();
  };
  const versions = [
    `Node ${process.version}`,
    versionOf('aws', '--version'),
    versionOf('python3', '-c', 'import boto3; print("boto3", boto3.__version__)'),
    versionOf('go', 'version'),
    versionOf('curl', '--version')?.split(' ').slice(0, 2).join(' '),
  ];
  const load = loadavg().map((one) => one.toFixed(1));
  const [date] = new Date().toISOString().split('T');
  process.stdout.write(
    `Measured on ${date}, ${cpus().length} processors, load ${load[0]} before. ` +
      `${versions.filter(Boolean).join('; ')}.\n`,
  );
}

function report(size, programs) {
  const [own] = programs;
  process.stdout.write('\n');
  print([`${size.toLocaleString('en')} instances`, ...columns]);
  print(Array.from({ length: columns.length + 1 }, () => '---'));
  for (const program of programs) print([`\`${program.name}\``, ...figuresOf(program, own)]);
}

function figuresOf({ runs, prints }, own) {
  const all = [...runs.values()];
  if (all.length === 0 || own.runs.size === 0) {
    return ['0', 'left out, for want of time', '', '', '', '', '', '', ''];
  }
  const median = (of) => quantile(all.map(of), 0.5);
  // A run that was the only one is compared with the run of nametag that came next.
  const ownOf = (round) => own.runs.get(round) ?? [...own.runs.values()][0];
  const ratios = (of) => [...runs].map(([round, run]) => of(run) / of(ownOf(round)));
  const wall = ratios(({ ms }) => ms);
  const cpu = ratios(({ cpuMs }) => cpuMs);
  const last = all.at(-1);
  const ownLast = [...own.runs.values()].at(-1);
  const isSame = last.digest === ownLast.digest;
  const shown = isSame ? 'the same' : `${last.addresses} of ${ownLast.addresses}`;
  return [
    all.length,
    quantile(wall, 0.5).toFixed(2),
    `${quantile(wall, 0.25).toFixed(2)} – ${quantile(wall, 0.75).toFixed(2)}`,
    quantile(cpu, 0.5).toFixed(2),
    median(({ ms }) => ms).toFixed(0),
    median(({ cpuMs }) => cpuMs).toFixed(0),
    median(({ rssMb }) => rssMb).toFixed(0),
    `${(100 * median(({ endpointMs, ms }) => endpointMs / ms)).toFixed(0)} %`,
    prints === 'nothing' ? '–' : shown,
  ];
}

function print(cells) {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}
