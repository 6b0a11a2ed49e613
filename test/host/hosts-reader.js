/** Reads a file over and over until it is told to stop: how often, and how often it was neither. */
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

const [path, ...contents] = process.argv.slice(2);
let reads = 0;
let broken = 0;
let stopped = false;

process.once('message', () => {
  stopped = true;
});
process.send('ready');
while (!stopped) {
  for (let n = 0; n < 20; n += 1) {
    reads += 1;
    if (!contents.includes(readFileSync(path, 'utf8'))) broken += 1;
  }
  await setImmediate();
}
process.send({ reads, broken }, () => process.disconnect());
