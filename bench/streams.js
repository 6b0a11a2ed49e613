/**
 * `nametag resolve` of a large fleet, from an EC2 that takes its time over each page: in streams,
 * and in one chain of tokens. Needs the built program.
 *
 *     SIZE=20000 ROUNDS=5 WAITS=0,50,100,200 node bench/streams.js
 *
 * A sandbox makes the pages, by the filters that it is asked with, and what stands before it here
 * keeps them, so that in the rounds that count each page comes at once, but for the wait. A clock
 * that stands still makes one chain of it, since nothing seems slow then.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { startSandbox } from '../dist/sandbox/index.js';
import { fleetOf } from './fleet.js';
import { nametag, quantile } from './programs.js';

const size = Number(process.env.SIZE ?? 20_000);
const rounds = Number(process.env.ROUNDS ?? 5);
const waits = (process.env.WAITS ?? '0,50,100,200').split(',').map(Number);
const tellMemory = "process.on('exit',()=>console.error(process.resourceUsage().maxRSS))";
const ways = [
  { name: 'chain', script: `performance.now=()=>0;${tellMemory}` },
  { name: 'streams', script: tellMemory },
];

const folder = mkdtempSync(join(tmpdir(), 'nametag-streams-'));
const sandbox = await startSandbox({
  fleet: { region: 'eu-west-1', ...fleetOf(size) },
  knobs: { settleMaxMs: 0 },
  runtimeDir: folder,
});
const kept = new Map();
let waitMs = 0;
let calls = 0;
const front = createServer(answer).listen(0, '127.0.0.1');
await once(front, 'listening');
const endpoint = `http://127.0.0.1:${front.address().port}`;
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  ...(await sandbox.environment()),
  AWS_ENDPOINT_URL: endpoint,
  AWS_ENDPOINT_URL_EC2: endpoint,
};

try {
  process.stdout.write(
    '| Wait before each page, ms | chain, ms | calls | peak MB | streams, ms | calls | peak MB ' +
      '| times as fast | of it the endpoint |\n|---|---|---|---|---|---|---|---|---|\n',
  );
  // Asks for every page of both ways once.
  waitMs = 50;
  for (const { script } of ways) await time(script);
  for (waitMs of waits) await compare();
  process.stdout.write(`\nLoad ${loadavg()[0].toFixed(1)}, Node ${process.version}.\n`);
} finally {
  front.close();
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Answers as the sandbox does, with the bytes that it once had for the same question. */
async function answer(incoming, outgoing) {
  calls += 1;
  let body = '';
  for await (const chunk of incoming) body += chunk;
  await sleep(waitMs);
  if (!kept.has(body)) kept.set(body, await ask(body));
  const headers = { 'content-type': 'text/xml;charset=UTF-8', 'content-encoding': 'gzip' };
  outgoing.writeHead(200, headers).end(kept.get(body));
}

async function ask(body) {
  // A connection of its own, since the sandbox may have closed one while a large page was made.
  const asking = request(sandbox.endpoint, { method: 'POST', agent: false }).end(body);
  const [answering] = await once(asking, 'response');
  const chunks = [];
  for await (const chunk of answering) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

async function compare() {
  const told = new Map(ways.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, script } of ways) told.get(name).push(await time(script));
  }
  const [chain, streams] = ways.map(({ name }) => told.get(name));
  const median = (runs, field) => {
    const values = runs.map((run) => run[field]);
    return quantile(values, 0.5);
  };
  const ratios = chain.map(({ ms }, round) => ms / streams[round].ms);
  const share = (100 * median(streams, 'endpointMs')) / median(streams, 'ms');
  const cells = [chain, streams].map((runs) => [
    median(runs, 'ms').toFixed(0),
    median(runs, 'calls'),
    median(runs, 'peakMb').toFixed(0),
  ]);
  const answers = new Set([...chain, ...streams].map(({ stdout }) => stdout));
  if (answers.size > 1) throw new Error('Streams and chain do not answer the same.');
  const row = [waitMs, ...cells.flat(), quantile(ratios, 0.5).toFixed(2), `${share.toFixed(0)} %`];
  process.stdout.write(`| ${row.join(' | ')} |\n`);
}

/** Runs the program to its end, without a snapshot on disk. */
function time(script) {
  rmSync(join(folder, 'cache'), { recursive: true, force: true });
  calls = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const preload = ['--import', `data:text/javascript,${script}`];
  const args = [...preload, nametag, 'resolve', '--tag', 'env=prod'];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      const ms = performance.now() - began;
      const { user, system } = process.cpuUsage(cpu);
      const endpointMs = (user + system) / 1000;
      const peakMb = Number(stderr.trim().split('\n').at(-1)) / 1000;
      if (status === 0) resolve({ ms, calls, stdout, endpointMs, peakMb });
      else reject(new Error(`nametag exited with ${status}: ${stderr}`));
    });
  });
}
