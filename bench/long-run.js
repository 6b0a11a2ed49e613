/**
 * Whether a watcher grows. Needs the built library.
 *
 *     node --expose-gc bench/long-run.js              100,000 refreshes on a clock turned by hand
 *     node --expose-gc bench/long-run.js ten-minutes  a real watcher, 10,000 instances, 10 minutes
 *
 * `REFRESHES`, `SIZE` and `MINUTES` say otherwise. Prints a table: the heap after a collection, or
 * the memory of the process and how many files it has open.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NametagError } from '../dist/errors.js';
import { satisfies } from '../dist/model/satisfies.js';
import { toSnapshot } from '../dist/model/snapshot.js';
import { readSnapshot } from '../dist/read-snapshot.js';
import { createHandlerFeed } from '../dist/run-handlers.js';
import { ManualClock } from '../dist/sandbox/manual-clock.js';
import { createMetrics } from '../dist/server/metrics.js';
import { createWatcher } from '../dist/watch.js';
import { fleetOf } from './fleet.js';
import { nametag, startSandbox } from './programs.js';

const { REFRESHES = '100000', SIZE, MINUTES = '10' } = process.env;

if (process.argv[2] === 'ten-minutes') await runForReal(Number(SIZE ?? 10_000), Number(MINUTES));
else await simulate(Number(REFRESHES), Number(SIZE ?? 20));

/** Everything that can happen happens: changes, failures, requests, lost instances, handlers. */
async function simulate(refreshes, size) {
  if (globalThis.gc === undefined) throw new Error('Run it with --expose-gc.');
  const clock = new ManualClock();
  // It remembers each wait until its time has come, also one that was cut short after a moment.
  const wait = clock.wait.bind(clock);
  clock.wait = (ms, options) => wait(Math.min(ms, 600_000), options);
  const region = 'eu-west-1';
  const down = { doing: 'describe instances', region, endpoint: 'EC2', fact: 'HTTP 500' };
  let reads = 0;
  let handled = 0;
  const ec2 = {
    region,
    describeInstances: async (queries) => {
      if (reads % 50 > 47) throw new NametagError('NAMETAG_EC2_UNREACHABLE', down);
      const all = instancesAt(reads, size);
      const shown = all.filter((instance) => queries.some((query) => satisfies(query, instance)));
      return toSnapshot(region, clock.wallMs(), shown);
    },
  };
  let stored;
  const store = {
    load: async (_, { sinceMs = 0 }) => (stored?.takenAtMs >= sinceMs ? stored : undefined),
    save: async (_, snapshot) => {
      stored = snapshot;
    },
    takeTurn: async () => async () => {},
    noteFailure: async () => {},
    lastFailureMs: async () => undefined,
  };
  const source = { credentials: '', endpoint: '', within: '' };
  const queries = [{ states: ['running'], tags: [{ key: 'status', patterns: ['ready'] }] }];
  const ended = new AbortController();
  const log = () => {};
  const watcher = createWatcher(
    {
      ...{ clock, log, random: () => 0.5, metrics: createMetrics(clock) },
      read: async () => {
        reads += 1;
        if (reads % 100 === 0) watcher.refresh();
        return await readSnapshot({ queries, namesMatter: true }, { ec2, store, clock }, source);
      },
      service: { aliveEveryMs: 30_000, notify: async () => undefined },
    },
    {
      outputs: [{ name: '/etc/hosts', apply: async () => ({ result: 'unchanged', notes: [] }) }],
      handlers: createHandlerFeed(
        {
          ...{ clock, log },
          eventFiles: { write: async () => ({ path: '/event', remove: async () => {} }) },
          commands: {
            run: async () => {
              handled += 1;
              return { exitCode: handled % 7 === 0 ? 1 : 0, output: '', durationMs: 0 };
            },
          },
        },
        { handlers: [{ events: ['member-join', 'member-failed'], command: 'x' }], selfName: 'x' },
      ),
      remarks: ({ members }) => [`There are ${members.length} of them.`],
      pace: { intervalMs: 30_000 },
    },
  );
  const done = watcher.run(ended.signal);
  print(['refreshes', 'handlers run', 'heap, MB', 'time, s']);
  print(['---', '---', '---', '---']);
  const began = performance.now();
  for (let sample = 0; sample <= 10; sample += 1) {
    while (reads < (refreshes * sample) / 10 || reads < 100) await clock.advance(600_000);
    globalThis.gc();
    const heap = (process.memoryUsage().heapUsed / 1e6).toFixed(2);
    print([reads, handled, heap, ((performance.now() - began) / 1000).toFixed(1)]);
  }
  ended.abort();
  await done;
}

/** One has ended in every tenth answer, another is not shown in some; new ones have new ids. */
function instancesAt(reads, size) {
  const generation = Math.floor(reads / 10);
  return Array.from({ length: size }, (_, i) => {
    const isLast = i === size - 1;
    const id = isLast ? generation : i;
    return {
      instanceId: `i-${isLast ? 'f' : '0'}${id.toString(16).padStart(16, '0')}`,
      state: isLast && reads % 10 === 9 ? 'terminated' : 'running',
      launchTimeMs: 1_763_683_951_000,
      launchIndex: 0,
      availabilityZone: 'eu-west-1a',
      privateIpAddress: `10.0.0.${i + 1}`,
      ipv6Addresses: [],
      securityGroups: [],
      tags: new Map([
        ['Name', `web-${id}`],
        ['status', i === 1 && reads % 500 < 20 ? 'drain' : 'ready'],
      ]),
    };
  });
}

/** A watcher as users run it, of a sandbox, with all that it can keep; sampled from outside. */
async function runForReal(size, minutes) {
  const folder = mkdtempSync(join(tmpdir(), 'nametag-long-run-'));
  const fleetPath = join(folder, 'fleet.json');
  writeFileSync(fleetPath, JSON.stringify(fleetOf(size)));
  const sandbox = await startSandbox(fleetPath, folder);
  const configPath = join(folder, 'config.json');
  const hosts = [{ write: join(folder, 'hosts') }, { dir: folder, group: 'tphon', ready: true }];
  const handlers = [`member-failed=true`];
  const config = { interval: '5s', log: { level: 'warn' }, hosts, handlers };
  writeFileSync(configPath, JSON.stringify({ ...config, listen: '127.0.0.1:19101' }));
  const env = {
    ...sandbox.environment,
    ...{ NAMETAG_CACHE_DIR: folder, NAMETAG_STATE_DIR: folder, NAMETAG_RUNTIME_DIR: folder },
  };
  const args = [nametag, 'watch', '--config', configPath];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  let isOver = false;
  child.once('exit', () => {
    isOver = true;
  });
  print(['minute', 'resident, MB', 'open files', 'threads', 'refreshes']);
  print(['---', '---', '---', '---', '---']);
  for (let minute = 0; minute <= minutes && !isOver; minute += 1) {
    await sleep(minute === 0 ? 15_000 : 60_000);
    if (isOver) break;
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    const [, resident] = /VmRSS:\s+(\d+)/.exec(status) ?? [];
    const [, threads] = /Threads:\s+(\d+)/.exec(status) ?? [];
    const files = readdirSync(`/proc/${child.pid}/fd`).length;
    const metrics = await (await fetch('http://127.0.0.1:19101/metrics')).text();
    const [, count] =
      /requests_total\{action="DescribeInstances",result="ok"\} (\d+)/.exec(metrics) ?? [];
    print([minute, (Number(resident) / 1e3).toFixed(0), files, threads, count]);
  }
  child.kill('SIGTERM');
  sandbox.stop();
  await sleep(1000);
  rmSync(folder, { recursive: true, force: true });
}

function print(cells) {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}
