/** What the program is started with. Needs the built program. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/', import.meta.url));
const environment = { PATH: process.env['PATH'] };

function node(...args: readonly string[]): string {
  return execFileSync(process.execPath, args, { encoding: 'utf8', env: environment });
}

/** Loads bundles, and tells of each whether V8 refused the bytecode that it was given. */
const tellRefusals = `
  const { createLoader, readCode } = require(process.argv[1]);
  const refused = {};
  const load = createLoader(readCode, (name, script) => {
    refused[name] = script.cachedDataRejected;
  });
  for (const name of ['main', 'commands-resolve', 'ec2-client']) load(name);
  console.log(JSON.stringify(refused));`;

function refusedWith(...flags: readonly string[]): unknown {
  return JSON.parse(node(...flags, '-e', tellRefusals, `${bin}start.js`));
}

const bundles = ['main', 'commander', 'commands-resolve', 'ec2-client'];
const all = (refused: boolean) => Object.fromEntries(bundles.map((name) => [name, refused]));

describe('the bytecode of the build', () => {
  it('is taken by the Node that built it', () => {
    expect(refusedWith()).toEqual(all(false));
  });

  it('is refused with other flags, and the program runs all the same', () => {
    const flag = '--no-lazy-feedback-allocation';
    expect(refusedWith(flag)).toEqual(all(true));
    const help = [`${bin}nametag.js`, 'resolve', '--help'];
    expect(node(flag, ...help)).toBe(node(...help));
  });
});
