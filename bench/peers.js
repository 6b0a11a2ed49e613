/**
 * `nametag resolve` beside every peer that this machine has, on the same endpoint and the same
 * question, as whole processes: `npm run bench`. Needs the built program.
 *
 *     SIZES=100,1000,10000 ROUNDS=15 node bench/peers.js
 *
 * The programs run in turn, A B C … A B C …, and each is compared with the others of its round.
 * What they print is compared too: a peer that gives other addresses is told, not timed in silence.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fleetOf } from './fleet.js';
import { find, nametag, pathTo, quantile, startSandbox, time } from './programs.js';

const sizes = (process.env.SIZES ?? '100,1000,10000').split(',').map(Number);
const roundsMax = Number(process.env.ROUNDS ?? 15);
/** Rounds shrink with the fleet, so that a size takes minutes and not hours. */
const roundsOf = (size) => Math.max(1, Math.min(roundsMax, Math.floor(30_000 / size)));

const folder = mkdtempSync(join(tmpdir(), 'nametag-bench-'));
try {
  const built = buildGoPeers();
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
    const programs = programsFor(endpoint, built).map((program) => ({
      ...program,
      ...measureOnce(program, env),
      ms: [],
      endpointMs: [],
    }));
    for (let round = 0; round < roundsOf(size); round += 1) {
      for (const program of programs) {
        const before = await endpoint.usedMs();
        program.ms.push(time(program, env).ms);
        program.endpointMs.push((await endpoint.usedMs()) - before);
      }
    }
    report(size, programs);
  } finally {
    endpoint.stop();
  }
}

async function startEndpoint(sandboxUrl) {
  const args = [pathTo('bench/endpoint.js'), sandboxUrl];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [url, pages] = line.split(' ');
    const usedMs = async () => Number(await (await fetch(`${url}/used`)).text());
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
    { name: 'nametag resolve', file: node, args: resolve },
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

/** One run ahead: fills the caches of the disk, and shows what it prints and how much it takes. */
function measureOnce(program, env) {
  const gnuTime = find('time') === undefined ? undefined : '/usr/bin/time';
  const told = join(folder, 'memory');
  const wrapped =
    gnuTime !== undefined && existsSync(gnuTime)
      ? { ...program, file: gnuTime, args: ['-o', told, '-f', '%M', program.file, ...program.args] }
      : program;
  const { stdout } = time(wrapped, env);
  const lines = stdout.split('\n').filter((line) => /^[\d.]+$/.test(line));
  const digest = createHash('sha256').update(lines.sort().join('\n')).digest('hex').slice(0, 12);
  const rssMb =
    wrapped === program
      ? undefined
      : Number(execFileSync('cat', [told], { encoding: 'utf8' })) / 1024;
  return { addresses: lines.length, digest, rssMb };
}

function report(size, programs) {
  const [own] = programs;
  process.stdout.write(
    `\n| ${size} instances, ${own.ms.length} rounds | x nametag | quarter to quarter | ms ` +
      '| peak MB | endpoint | addresses |\n|---|---|---|---|---|---|---|\n',
  );
  for (const { name, ms, endpointMs, rssMb, addresses, digest, prints } of programs) {
    const ratios = ms.map((took, round) => took / own.ms[round]);
    const at = (share) => quantile(ratios, share).toFixed(2);
    const shares = endpointMs.map((used, round) => used / ms[round]);
    const percent = (100 * quantile(shares, 0.5)).toFixed(0);
    const same = prints !== 'nothing' && digest === own.digest;
    const shown =
      prints === 'nothing' ? '–' : same ? 'the same' : `${addresses} of ${own.addresses}`;
    process.stdout.write(
      `| \`${name}\` | ${at(0.5)} | ${at(0.25)} – ${at(0.75)} | ${quantile(ms, 0.5).toFixed(0)} ` +
        `| ${rssMb?.toFixed(0) ?? '?'} | ${percent} % | ${shown} |\n`,
    );
  }
}
