/**
 * Searches every state of a few instances that claim names, for a name that is held twice.
 *
 *     node scripts/search-claims.js               what the tests search, with figures
 *     node scripts/search-claims.js --deep        further: some minutes and gigabytes
 *     node scripts/search-claims.js --endless     three and four, as many states as --state-max
 *     node scripts/search-claims.js --controls    how it comes about without each of the rules
 *
 * `--only TEXT` takes the scenarios with that in their title.
 */
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(fileURLToPath(import.meta.url), '../..');
const folder = join(root, 'test/sim/search');
// Below node_modules, so that it finds what it imports.
const outfile = join(root, 'node_modules/.cache/nametag/search-claims.mjs');

await build({
  entryPoints: [join(folder, 'main.ts')],
  bundle: true,
  format: 'esm',
  platform: 'node',
  outfile,
  external: ['esbuild'],
  // The search reads sources relative to its own.
  define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(folder, 'main.ts')).href) },
});
await import(pathToFileURL(outfile).href);
