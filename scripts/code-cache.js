/**
 * Keeps the bytecode of what a warm run of the program compiles, beside the bundles, for
 * bin/start.js. scripts/build.js runs it in a sandbox, as on an instance.
 *
 * The run is of the commands that stand in start scripts and in cron.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import v8 from 'node:v8';
import loader from '../bin/start.js';

const runs = [
  ['--help'],
  ['resolve', '--group', 'tphon', '--ready'],
  ['resolve', '--group', 'tphon', '--ready', '--max-age', '1h'],
  ['hosts'],
  ['claim-name', '--service', 'web', '--settle', '10ms'],
];

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
// Bytecode is of use with the flags that it was made with, and so a run is not to set any.
v8.setFlagsFromString = () => {};
const scripts = new Map();
const load = loader.createLoader(
  () => undefined,
  (name, script) => scripts.set(name, script),
);
const { main } = load('main');
for (const argv of runs) {
  const exitCode = await main(argv);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} exited with ${exitCode}`);
}
mkdirSync(loader.codeCache, { recursive: true });
for (const [name, script] of scripts) {
  writeFileSync(join(loader.codeCache, name), script.createCachedData());
}
