/**
 * Plays thousands of storms of claimants in the simulated EC2 and prints what they took, as the
 * table in docs/claims.md: `node scripts/storm-claims.js [SCALE]`, where 1 takes some minutes.
 *
 * Fails when a promise of the protocol was broken, and tells the seed; `NAMETAG_SEED=17` plays that
 * one alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const folder = await mkdtemp(join(tmpdir(), 'nametag-storm-'));
try {
  const outfile = join(folder, 'storm.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('../test/sim/storm/storm-table.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'warning',
  });
  await import(pathToFileURL(outfile).href);
} finally {
  await rm(folder, { recursive: true, force: true });
}
