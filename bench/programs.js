/**
 * What the benches share: the sandbox as a process of its own, the peers that this machine has,
 * and how whole processes are timed.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Of a file below the project's folder. */
export function pathTo(relative) {
  return fileURLToPath(new URL(`../${relative}`, import.meta.url));
}

export const nametag = pathTo('bin/nametag.js');

/** A sandbox with the fleet of a file; its environment points a program there and nowhere else. */
export async function startSandbox(fleetPath, folder) {
  const args = [nametag, 'sandbox', '--fleet', fleetPath, '--settle-max', '0ms'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  // Bare: NODE_EXTRA_CA_CERTS, where it is set, is read at every start of Node 20.
  const environment = { PATH: process.env.PATH, HOME: folder, CACHE_DIRECTORY: folder };
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name, value] = /^export (\w+)='(.*)'$/.exec(line) ?? [];
    if (name === undefined) break;
    environment[name] = value;
  }
  return { environment, stop: () => child.kill() };
}

/** Where a program is, or `undefined`; the program itself where PATH has a script that looks. */
export function find(program) {
  try {
    const path = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
    const isShim = readFileSync(path, 'latin1').slice(0, 200).includes('pyenv');
    return isShim ? execFileSync('pyenv', ['which', program], { encoding: 'utf8' }).trim() : path;
  } catch {
    return undefined;
  }
}

/** Runs a program to its end. Throws when it fails: a failure is not a time. */
export function time({ name, file, args }, env) {
  const began = process.hrtime.bigint();
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    env,
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  });
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${name} exited with ${status}: ${stderr}`);
  return { ms, stdout };
}

/** The value below which this share of the values is. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))];
}
