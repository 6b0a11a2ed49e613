/**
 * Builds both halves of the package into dist/: the library, file by file with declarations, and
 * the command line, bundled so that it starts fast and needs nothing from node_modules.
 *
 * Run by `npm run build`, and so by `npm ci`.
 */
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const execute = promisify(execFile);

await rm(join(root, 'dist'), { recursive: true, force: true });
await Promise.all([buildLibrary(), buildCli()]);

async function buildLibrary() {
  const tsc = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  try {
    await execute(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root });
  } catch (error) {
    // The compiler tells its errors on stdout.
    process.stderr.write(error.stdout ?? `${error}\n`);
    process.exitCode = 1;
  }
}

async function buildCli() {
  const chain = 'src/ec2/credential-chain.ts';
  await Promise.all([
    bundle({ main: 'src/cli/main.ts' }, [leaveOut(chain, 'credential-chain.js')]),
    bundle({ 'credential-chain': chain }, []),
  ]);
}

async function bundle(entryPoints, plugins) {
  await build({
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist/cli',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minify: true,
    // Whatever is imported when it is needed stays a file of its own, the SDK above all.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: 'linked',
    sourcesContent: false,
    // The SDK has no `exports`; its `main` is one CommonJS file that nothing can be left out of.
    mainFields: ['module', 'main'],
    // Commander is CommonJS and requires node's own modules, which an ES module has no way to.
    banner: {
      js: "import{createRequire as nodeRequire}from'node:module';const require=nodeRequire(import.meta.url);",
    },
    plugins: [...plugins, inlineSchemaKeys(), noDefaultCredentials()],
    logLevel: 'warning',
  });
}

/**
 * Bundles a module by itself, beside the rest.
 *
 * The credential providers share much of the SDK's core with the client. In one bundle what they
 * share is cut into many files, whole; in two, each has its own part of it, and starts faster.
 */
function leaveOut(module, bundled) {
  return {
    name: 'leave-out',
    setup({ onResolve }) {
      onResolve({ filter: /\.ts$/ }, ({ path, resolveDir }) =>
        join(resolveDir, path) === join(root, module)
          ? { path: `../${bundled}`, external: true }
          : undefined,
      );
    },
  };
}

/**
 * Writes `{ "name": … }` for `{ [_n]: … }` in the SDK's schemas.
 *
 * A computed key might have side effects, so esbuild keeps the schemas of all 700 operations for
 * the two that are used. With plain keys it leaves out what nobody refers to: half the bundle.
 */
function inlineSchemaKeys() {
  return {
    name: 'inline-schema-keys',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]schemas[\\/]schemas_\d+\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const names = new Map(
          [...source.matchAll(/^const (_\w+) = ("[^"\n]*");$/gm)].map(([, name, text]) => [
            name,
            text,
          ]),
        );
        const contents = source.replace(/\[(_\w+)\]:/g, (whole, name) =>
          names.has(name) ? `${names.get(name)}:` : whole,
        );
        return { contents, loader: 'js' };
      });
    },
  };
}

/**
 * Leaves the credential chain out of the client, where it is the fallback for a client that was
 * not told where credentials come from. Ours always is, in src/ec2/credentials.ts.
 */
function noDefaultCredentials() {
  const contents =
    "export const defaultProvider = () => () => Promise.reject(new Error('no credentials given'));";
  return {
    name: 'no-default-credentials',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ importer }) =>
        /[\\/]client-ec2[\\/]dist-es[\\/]runtimeConfig\.js$/.test(importer)
          ? { path: 'none', namespace: 'no-default-credentials' }
          : undefined,
      );
      onLoad({ filter: /.*/, namespace: 'no-default-credentials' }, () => ({ contents }));
    },
  };
}
