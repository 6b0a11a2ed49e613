/**
 * Loads the bundles of dist/cli/ with the bytecode that a warm run left when they were built.
 *
 * V8 takes that from its own version with its own flags only, and else compiles as ever. For
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
    // Bundles are ASCII, which is read fastest so.
    const source = readFileSync(filename, 'latin1');
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

module.exports = { codeCache, createLoader, load, readCode };
