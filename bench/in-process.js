/**
 * The steps between EC2's answer and an output, inside one process, and how they grow with the
 * fleet: `npm run bench`. Needs the built library.
 *
 *     SIZES=100,1000,10000,100000 node bench/in-process.js
 */
import { createHash } from 'node:crypto';
import { Bench } from 'tinybench';
import { toDirectory } from '../dist/model/directory.js';
import { select } from '../dist/model/endpoint.js';
import { nobodyKnown, stepEvents } from '../dist/model/event.js';
import { toSnapshot } from '../dist/model/snapshot.js';
import { renderHosts } from '../dist/render/hosts.js';
import { spliceBlock } from '../dist/render/managed-block.js';

const sizes = (process.env.SIZES ?? '100,1000,10000,100000').split(',').map(Number);
const takenAtMs = 0;
const digest = (text) => createHash('sha256').update(text).digest('hex').slice(0, 12);

const medians = new Map();
for (const size of sizes) await measure(size);
report();

function instancesOf(size) {
  const securityGroups = [{ groupId: 'sg-0123456789abcdef0', groupName: 'tphon' }];
  return Array.from({ length: size }, (_, i) => ({
    instanceId: `i-${i.toString(16).padStart(17, '0')}`,
    state: 'running',
    launchTimeMs: 1_763_683_951_000,
    launchIndex: 0,
    instanceType: 't3.small',
    availabilityZone: `eu-west-1${'abc'[i % 3]}`,
    vpcId: 'vpc-0123456789abcdef0',
    subnetId: 'subnet-0123456789abcdef0',
    privateIpAddress: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
    publicIpAddress: undefined,
    ipv6Addresses: [],
    privateDnsName: undefined,
    publicDnsName: undefined,
    securityGroups,
    tags: new Map([
      ['nametag:claim', `held=web-${i} boot=2025-11-21T00:12:31Z`],
      ['Name', `web-${i}`],
      ['status', 'ready'],
      ['service:web', 'port=8080'],
    ]),
  }));
}

async function measure(size) {
  const snapshot = toSnapshot('eu-west-1', takenAtMs, instancesOf(size));
  const question = { selector: { groups: ['tphon'], ready: true } };
  const directory = toDirectory(snapshot);
  const { endpoints } = select(directory, question);
  const entries = endpoints.map(({ host, name }) => ({ address: host, names: [name] }));
  const body = renderHosts(entries);
  const block = { profile: 'default', body };
  const { text } = spliceBlock('127.0.0.1\tlocalhost\n', block, digest);

  const known = stepEvents(nobodyKnown, { directory }, 0).state;
  // As if read anew from EC2: equal, and no object the same.
  const again = toSnapshot('eu-west-1', takenAtMs, instancesOf(size));
  const directoryAgain = toDirectory(again);

  const bench = new Bench({ time: 500, warmupTime: 100 });
  bench
    .add('directory', () => toDirectory(snapshot))
    .add('selection', () => select(directory, question))
    .add('hosts lines', () => renderHosts(entries))
    .add('difference, none', () => stepEvents(known, { directory: directoryAgain }, 1))
    .add('block, unchanged', () => spliceBlock(text, block, digest))
    .add('all of it', () => {
      const now = toDirectory(again);
      const found = select(now, question).endpoints;
      stepEvents(known, { directory: now }, 1);
      const lines = found.map(({ host, name }) => ({ address: host, names: [name] }));
      spliceBlock(text, { profile: 'default', body: renderHosts(lines) }, digest);
    });
  await bench.run();
  for (const { name, result } of bench.tasks) {
    const row = medians.get(name) ?? [];
    medians.set(name, [...row, result.latency.p50]);
  }
}

function report() {
  process.stdout.write(
    `| ms, medians | ${sizes.join(' | ')} |\n|---|${sizes.map(() => '---|').join('')}\n`,
  );
  for (const [name, row] of medians) {
    process.stdout.write(`| ${name} | ${row.map((ms) => ms.toPrecision(2)).join(' | ')} |\n`);
  }
}
