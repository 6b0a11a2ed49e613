/**
 * Starts the program: loads the bundles of dist/cli/ with the bytecode that a warm run left when
 * they were built. One file, since Node takes as long to find another as to load a small bundle.
 *
 * V8 takes bytecode of its own version and its own flags only, and else compiles as ever. For
 * another version there is no folder of it here, and Node's own loader does all, with
 * NODE_COMPILE_CACHE where that is set.
 */
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const bundles = join(__dirname, '../dist/cli');
const codeCache = join(bundles, `code-cache-${process.arch}-${process.versions.v8}`);

/** Gives what a bundle exports, by its name, such as `main`. */
const load = existsSync(codeCache)
  ? createLoader(readCode)
  : (name) => require(join(bundles, `${name}.cjs`));

/**
 * Makes a loader of bundles.
 *
 * @param codeOf - gives the bytecode of a bundle, or `undefined`
 * @param onScript - is told of each bundle that was compiled
 */
function createLoader(codeOf, onScript = () => {}) {
  const modules = new Map();
  const requireFrom = (id) =>
    id.startsWith('./') ? load(id.slice(2, -'.cjs'.length)) : require(id);
  const load = (name) => {
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const filename = join(bundles, `${name}.cjs`);
    const source = readFileSync(filename, 'utf8');
    const wrapped = `(function(exports,require,module,__filename,__dirname){${source}\n})`;
    const script = new Script(wrapped, { filename, cachedData: codeOf(name) });
    onScript(name, script);
    const module = { exports: {} };
    modules.set(name, module);
    script.runInThisContext()(module.exports, requireFrom, module, filename, bundles);
    return module.exports;
  };
  return load;
}

/** Not every bundle is part of the warm run. */
function readCode(name) {
  try {
    return readFileSync(join(codeCache, name));
  } catch {
    return undefined;
  }
}

/** Runs the program with these arguments, and has the process exit with what it says. */
async function start(argv) {
  // The SDK's notice about the next version of Node would end up in the mail of every cron job.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { main } = load('main');
  // Nothing that is left over, as the wait before another attempt, is to keep the process, nor is
  // memory to be freed piece by piece.
  process.exit(await main(argv));
}

module.exports = { codeCache, createLoader, load, readCode, start };
