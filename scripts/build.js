/**
 * Builds both halves of the package into dist/: the library, file by file with declarations, and
 * the command line, bundled so that it starts fast and needs nothing from node_modules, with the
 * bytecode of a run of it.
 *
 * Run by `npm run build`, and so by `npm ci`.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const commander = require.resolve('commander');
const execute = promisify(execFile);

/** What the program never comes to, and would spend time on at every start: who has it, and why. */
const unused = [
  // Commands that are programs of their own. Ours are not.
  { module: /^node:child_process$/, importer: /[\\/]commander[\\/]/ },
  // Credentials for a client that was given none. Ours is, by src/ec2/credentials.ts.
  { module: /^@aws-sdk\/credential-provider-node$/, importer: /[\\/]client-ec2[\\/]/ },
  // Operations that stream events, of which EC2 has none; and browsers.
  { module: /^(@smithy\/core\/event-streams|bowser)$/, importer: /[\\/]node_modules[\\/]/ },
];

/** Modules of Node that take long to load, for their size or for what they load in turn. */
const largeBuiltins =
  /^(?:node:)?(?:child_process|crypto|dgram|fs\/promises|https?|net|os|stream\/promises|tty|zlib)$/;

/** In each bundle: gives a module of Node's that is loaded when something of it is asked for. */
const lazily = `
const lazily=id=>{let loaded;const load=()=>loaded??=require(id);return new Proxy({},{
get:(_,name)=>load()[name],ownKeys:()=>Reflect.ownKeys(load()),
getOwnPropertyDescriptor:(_,name)=>({value:load()[name],enumerable:true,configurable:true})})};`;

await rm(join(root, 'dist'), { recursive: true, force: true });
await Promise.all([buildLibrary(), buildCli()]);
if (!process.exitCode) await buildCodeCache();

async function buildLibrary() {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  try {
    await execute(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root });
  } catch (error) {
    // The compiler tells its errors on stdout.
    process.stderr.write(error.stdout ?? `${error}\n`);
    process.exitCode = 1;
  }
}

/**
 * Bundles the program, and then each module that it imports when it is needed, by itself.
 *
 * CommonJS, because Node starts that in three quarters of the time. It cannot be split into shared
 * files, so what two bundles use is in both: no module may keep state that another bundle needs.
 * Commander is large and is in every command, so it is a bundle too.
 */
async function buildCli() {
  const waiting = [join(root, 'src/cli/main.ts'), commander];
  const bundled = new Set();
  try {
    while (waiting.length > 0) {
      const found = new Set(waiting.splice(0));
      const entries = [...found].filter((module) => !bundled.has(module));
      for (const module of entries) bundled.add(module);
      if (entries.length > 0) await bundle(entries, (module) => waiting.push(module));
    }
  } catch {
    // The bundler has told its errors already.
    process.exitCode = 1;
  }
}

/** Has the program run once in a sandbox, and its bytecode kept. */
async function buildCodeCache() {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(NAMETAG|NODE)_/.test(name));
  const sandbox = [join(root, 'bin/nametag.js'), 'sandbox', '--as', 'web', '--'];
  const args = [...sandbox, process.execPath, join(root, 'scripts/code-cache.js')];
  const env = { ...Object.fromEntries(inherited), NAMETAG_CONFIG: '' };
  try {
    await execute(process.execPath, args, { env, timeout: 60_000 });
  } catch (error) {
    process.stderr.write(`nametag will start slower, for want of bytecode: ${error}\n`);
  }
}

async function bundle(modules, onLazyImport) {
  await build({
    absWorkingDir: root,
    entryPoints: modules.map((module) => ({ in: module, out: bundleName(module) })),
    outdir: 'dist/cli',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // A lazy import becomes a lazy `require`, which is quicker and says the same here.
    supported: { 'dynamic-import': false },
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
    // The SDK has no `exports`; its `main` is one CommonJS file that nothing can be left out of.
    mainFields: ['module', 'main'],
    // CommonJS knows its file, and modules ask for their address. All bundles lie in one folder as
    // far from package.json as src/cli/ is.
    define: { 'import.meta.url': 'here.url' },
    banner: {
      js: "const here={get url(){return require('node:url').pathToFileURL(__filename).href}};",
    },
    plugins: [
      lazyImports(onLazyImport),
      lazyBuiltins(),
      globalProcess(),
      inlineSchemaKeys(),
      pureBindings(),
      leaveOutUnused(),
    ],
    write: false,
    logLevel: 'warning',
  });
}

/** Of a package, its name; of our own modules, the path, as `main` and `ec2-client`. */
function bundleName(module) {
  if (module === commander) return 'commander';
  const path = relative(join(root, 'src'), module).replaceAll(sep, '-');
  return path.replace(/^cli-|\.ts$/g, '');
}

/** Leaves out commander, and our own modules that are imported when they are needed. */
function lazyImports(onLazyImport) {
  return {
    name: 'lazy-imports',
    setup({ onResolve }) {
      onResolve({ filter: /^commander$/ }, () => ({ path: './commander.cjs', external: true }));
      onResolve({ filter: /^\..*\.ts$/ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const module = join(resolveDir, path);
        onLazyImport(module);
        return { path: `./${bundleName(module)}.cjs`, external: true };
      });
    },
  };
}

/**
 * Has {@link largeBuiltins} loaded when something of them is used first, and not with the bundle:
 * each costs up to a seventh of a bare start, and few runs use them all.
 */
function lazyBuiltins() {
  return {
    name: 'lazy-builtins',
    setup({ initialOptions, onResolve, onEnd }) {
      initialOptions.banner.js += lazily;
      onResolve({ filter: largeBuiltins }, ({ path }) => ({
        path: `lazy:${path}`,
        external: true,
      }));
      onEnd(async ({ outputFiles }) => {
        for (const { path, text } of outputFiles) {
          await mkdir(dirname(path), { recursive: true });
          // As long as it was, so that the source map stays right.
          await writeFile(path, text.replaceAll('require("lazy:', 'lazily(      "'));
        }
      });
    },
  };
}

/** Takes the process from where it always is: an import copies its hundred properties. */
function globalProcess() {
  return {
    name: 'global-process',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^node:process$/ }, ({ path, importer }) =>
        importer.startsWith(join(root, 'src')) ? { path, namespace: 'global' } : undefined,
      );
      onLoad({ filter: /.*/, namespace: 'global' }, () => ({
        contents: 'export default process;',
      }));
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
 * Lets esbuild leave out what the SDK's parts make of themselves when they are loaded: a call might
 * have side effects, so all that it refers to would stay.
 */
function pureBindings() {
  return {
    name: 'pure-bindings',
    setup({ onLoad }) {
      const indexes = /[\\/]@smithy[\\/]core[\\/]dist-es[\\/]submodules[\\/]\w+[\\/]index\.js$/;
      onLoad({ filter: indexes }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        const contents = source.replace(/= (bind\w+\()/g, '= /* @__PURE__ */ $1');
        return { contents, loader: 'js' };
      });
    },
  };
}

function leaveOutUnused() {
  return {
    name: 'leave-out-unused',
    setup({ onResolve, onLoad }) {
      for (const { module, importer } of unused) {
        onResolve({ filter: module }, (found) =>
          importer.test(found.importer) ? { path: found.path, namespace: 'unused' } : undefined,
        );
      }
      onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
    },
  };
}
