/**
 * Holds the project to its own rules, by reading its files.
 *
 * Each rule is tried twice: on the files, where it finds nothing, and on made-up text that breaks
 * it, where it must find exactly that. The second is the control of the first.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { entries, type Room, rooms } from './tidy/rooms.ts';
import {
  assertionComplaints,
  banComplaints,
  bans,
  deadFileComplaints,
  fileComplaints,
  layerComplaints,
  machineComplaints,
  type Paper,
  paperComplaints,
  tableComplaints,
  testComplaints,
  wordComplaints,
} from './tidy/rules.ts';
import { type Source, toSource } from './tidy/source.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const notOurs = new Set(['.git', 'node_modules', 'dist', 'coverage']);

function pathsBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (notOurs.has(entry.name)) return [];
    if (entry.isDirectory()) return pathsBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const allPaths = pathsBelow('').sort();
const papers: readonly Paper[] = allPaths.map((path) => ({ path, text: read(path) }));
const markdown = papers.filter(({ path }) => path.endsWith('.md'));
const sources = papers
  .filter(({ path }) => /^(?:src|test|bin|scripts|bench)\/.*\.[jt]s$/.test(path))
  .filter(({ path }) => !path.startsWith('test/fixtures/'))
  .map(({ path, text }) => toSource(path, text));
const inSrc = sources.filter(({ path }) => path.startsWith('src/'));
const inTest = sources.filter(({ path }) => path.startsWith('test/'));

/** A made-up file, of which the lines stand for the rest. */
const planted = (path: string, ...lines: string[]): Source[] => [
  toSource(path, `${lines.join('\n')}\n`),
];

describe('toSource', () => {
  test.each([
    ["import { a } from './a.ts';", './a.ts', false],
    ["import type { A } from './a.ts';", './a.ts', true],
    ["import {\n  a,\n  type B,\n} from './a.ts';", './a.ts', false],
    ["import * as a from './a.ts';", './a.ts', false],
    ["import './a.ts';", './a.ts', false],
    ["export { a } from './a.ts';", './a.ts', false],
    ["export type { A } from './a.ts';", './a.ts', true],
    ["const a = await import('./a.ts');", './a.ts', false],
    ["type A = typeof import('./a.ts');", './a.ts', false],
    ["export const b = 1;\nimport { a } from './a.ts';", './a.ts', false],
    [`const s = \`\${'\`'}\`;\nimport { a } from './a.ts';`, './a.ts', false],
    ["const r = /['\"`/*]/;\nimport { a } from './a.ts';", './a.ts', false],
    ["const half = 4 / 2; // '\nimport { a } from './a.ts';", './a.ts', false],
  ])('finds the import of %j', (text, specifier, typeOnly) => {
    expect(toSource('src/x.ts', text).imports).toEqual([{ specifier, typeOnly }]);
  });

  test.each([
    ["// import { a } from './a.ts';"],
    ["/* import './a.ts'; */"],
    ['const s = "import { a } from \'./a.ts\'";'],
    ["const s = `\nimport './a.ts';\n`;"],
    ["const list = Array.from('abc');"],
  ])('finds no import in %j', (text) => {
    expect(toSource('src/x.ts', text).imports).toEqual([]);
  });

  test('keeps the code inside a template and blanks its text', () => {
    const { code } = toSource(
      'src/x.ts',
      `f(\`Date.now \${g({ a: \`b\` }) + Math.random()} it\`);`,
    );
    expect(code).toContain('Math.random()');
    expect(code).not.toContain('Date.now');
  });

  test('keeps every line in its place', () => {
    for (const { code, text } of sources) expect(code.length).toBe(text.length);
  });
});

describe('rooms', () => {
  test('every import is one that the table allows', () => {
    expect(inSrc.length).toBeGreaterThan(10);
    expect(layerComplaints(inSrc, rooms)).toEqual([]);
  });

  test.each([
    ['src/model/x.ts', "import { a } from '../claim/decide.ts';", 'model may not import claim'],
    ['src/model/x.ts', "import { readFile } from 'node:fs/promises';", 'model may not import node'],
    ['src/claim/x.ts', "import type { Clock } from '../ports.ts';", 'claim may not import ports'],
    ['src/render/x.ts', "import { z } from 'zod';", 'render may not import zod'],
    ['src/resolve.ts', "import { a } from './ec2/a.ts';", 'use cases may not import ec2'],
    ['src/ec2/x.ts', "import { resolve } from '../resolve.ts';", 'ec2 may not import use cases'],
    ['src/ec2/x.ts', "const a = await import('../host/a.ts');", 'ec2 may not import host'],
    ['src/host/x.ts', "import 'commander';", 'host may not import commander'],
    ['src/sandbox/x.ts', "export { a } from '../cli/main.ts';", 'sandbox may not import cli'],
    ['src/index.ts', "export { main } from './cli/main.ts';", 'index may not import cli'],
    ['src/cli/x.ts', "import '@aws-sdk/client-ec2';", 'cli may not import @aws-sdk/client-ec2'],
    ['src/ports.ts', "import { a } from './model/a.ts';", 'ports may import types only'],
    ['src/attic/x.ts', '', 'attic is not a room'],
  ])('complains when %s says %j', (path, text, complaint) => {
    expect(layerComplaints(planted(path, text), rooms)).toEqual([
      expect.stringContaining(complaint),
    ]);
  });

  test('allows what the table allows', () => {
    expect(layerComplaints(planted('src/cli/x.ts', "import 'node:process';"), rooms)).toEqual([]);
    expect(
      layerComplaints(planted('src/ports.ts', "import type { A } from './model/a.ts';"), rooms),
    ).toEqual([]);
  });

  test('every arrow of the table goes one way', () => {
    expect(tableComplaints(rooms)).toEqual([]);
    const upward: Room = { name: 'model', project: ['cli'], outside: [] };
    expect(tableComplaints([upward, { name: 'cli', project: [], outside: [] }])).toHaveLength(1);
  });

  test('CONTRIBUTING.md shows this table', () => {
    const shown = tableOf(read('CONTRIBUTING.md'), 'Room');
    expect(shown).toEqual(rooms.map(toRow));
    // Control: a room that may import one thing more makes the two differ.
    const wider = rooms.map((room) => ({ ...room, outside: [...room.outside, 'zod'] }));
    expect(shown).not.toEqual(wider.map(toRow));
  });
});

function toRow({ name, project, outside }: Room): string[] {
  const list = (items: readonly string[]): string =>
    items.length === 0 ? 'nothing' : items.map((item) => `\`${item}\``).join(' ');
  return [`\`${name}\``, list(project), list(outside)];
}

/** The rows of the Markdown table whose first heading is this, by cell. */
function tableOf(text: string, heading: string): string[][] {
  const lines = text.split('\n');
  const begin = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  const rest = lines.slice(begin + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('sources', () => {
  test('hold no banned code', () => {
    expect(banComplaints(inSrc)).toEqual([]);
  });

  test.each(bans)('complains where $instead is to be used', (ban) => {
    const [path, line] = ban.broken;
    const complaints = banComplaints(planted(path, '// a line', line));
    expect(complaints).toContainEqual(expect.stringMatching(`^${path}:2: .*, use ${ban.instead}`));
  });

  test.each([
    ['src/model/x.ts', "const s = 'Math.random'; // Date.now()"],
    ['src/model/x.ts', 'const day = new Date(launchTimeMs);'],
    ['src/host/x.ts', 'const now = Date.now();'],
    ['src/cli/x.ts', "process.once('SIGINT', stop);"],
  ])('allows %s to say %j', (path, text) => {
    expect(banComplaints(planted(path, text))).toEqual([]);
  });

  test('say why, where they assert a type', () => {
    expect(assertionComplaints(inSrc)).toEqual([]);
  });

  test.each([
    ['src/model/x.ts', ['// Why.', 'const c = 1;', 'const a = b as Instance;'], 1],
    ['src/resolve.ts', ['const a = b as Instance;'], 1],
    ['src/model/x.ts', ['// Built from its keys.', 'const a = b as Instance;'], 0],
    ['src/ec2/x.ts', ['const a = b as Instance;'], 0],
    ['src/model/x.ts', ["import { a as b } from './a.ts';"], 0],
    ['src/model/x.ts', ["const states = ['a'] as const;"], 0],
  ])('of assertions in %s, %j has %i without a reason', (path, lines, count) => {
    expect(assertionComplaints(planted(path, ...lines))).toHaveLength(count);
  });

  test('say nothing idle, and leave no notes to their writer', () => {
    expect(wordComplaints(sources.filter(({ path }) => !path.startsWith('test/tidy')))).toEqual([]);
  });

  test.each([
    ["const s = 'Please wait.';"],
    ['// This simply adds.'],
    ['/** TODO: the rest */'],
    ['// FIXME'],
  ])('complains of the words in %j', (text) => {
    expect(wordComplaints(planted('src/x.ts', text))).toHaveLength(1);
  });

  test('are of a size to read, and named after what they hold', () => {
    expect(fileComplaints(sources)).toEqual([]);
  });

  test.each([
    ['src/model/x.ts', 'const a = 1;\n'.repeat(401), '401 lines'],
    ['src/model/x.ts', `// ${'x'.repeat(98)}`, '101 columns'],
    ['src/utils/x.ts', '', 'name it after'],
    ['src/model/string-helpers.ts', '', 'name it after'],
  ])('complains of %s', (path, text, complaint) => {
    expect(fileComplaints([toSource(path, text)])).toEqual([expect.stringContaining(complaint)]);
  });

  test('are all reached from an entry', () => {
    expect(deadFileComplaints(inSrc, entries)).toEqual([]);
  });

  test('complains of a file that nothing imports, and of one that is not there', () => {
    const made = [
      ...planted('src/index.ts', "export { a } from './a.ts';", "import './gone.ts';"),
      ...planted('src/a.ts', 'export const a = 1;'),
      ...planted('src/dead.ts', "import { a } from './a.ts';"),
    ];
    expect(deadFileComplaints(made, ['src/index.ts'])).toEqual([
      expect.stringContaining('src/gone.ts'),
      expect.stringContaining('src/dead.ts'),
    ]);
  });
});

describe('tests', () => {
  test('are all run, and say what happens', () => {
    expect(inTest.length).toBeGreaterThan(3);
    expect(testComplaints(inTest.filter(({ path }) => path !== 'test/tidy.test.ts'))).toEqual([]);
  });

  test.each([
    ["test.only('a', f);"],
    ["describe.skip('a', f);"],
    ["it.todo('a');"],
    ["test.each([1]).skip('a', f); describe.only.each([1])('b', f);"],
    ["test('should add', f);"],
  ])('complains of %j', (text) => {
    expect(testComplaints(planted('test/x.test.ts', text)).length).toBeGreaterThan(0);
  });
});

describe('papers', () => {
  const exists = (path: string): boolean => existsSync(join(root, path));

  test('have one title each, no idle words, and links that lead somewhere', () => {
    expect(markdown.map(({ path }) => path)).toContain('docs/errors.md');
    expect(paperComplaints(markdown, exists)).toEqual([]);
  });

  test.each([
    ['# One\n\n# Two\n', '2 titles'],
    ['Text alone.\n', '0 titles'],
    ['# One\n\nThis is obviously right.\n', 'obviously'],
    ['# One\n\nSee [that](docs/gone.md#part).\n', 'docs/gone.md'],
  ])('complains of %j', (text, complaint) => {
    expect(paperComplaints([{ path: 'x.md', text }], exists)).toEqual([
      expect.stringContaining(complaint),
    ]);
  });

  test('a comment in a code block is no title', () => {
    const text = '# One\n\n```console\n# please look\n```\n';
    expect(paperComplaints([{ path: 'x.md', text }], exists)).toEqual([]);
  });

  test('name no path of the machine where they were written', () => {
    expect(machineComplaints(papers, root)).toEqual([]);
    const home = ['', 'home', 'ann', 'nametag'].join('/');
    expect(machineComplaints([{ path: 'x', text: `cd ${home}` }], root)).toHaveLength(1);
    expect(machineComplaints([{ path: 'x', text: `cd ${root}` }], root)).toHaveLength(1);
  });
});

describe('package.json', () => {
  const manifest: {
    readonly bin: Record<string, string>;
    readonly files: readonly string[];
    readonly exports: Record<string, string | { readonly default: string }>;
    readonly scripts: Record<string, string>;
  } = JSON.parse(read('package.json'));
  // dist/ is made by the build, so what is there says nothing of what the next build makes.
  const made = (path: string): string =>
    path.replace(/^(?:\.\/)?dist\//, 'src/').replace(/\.js$/, '.ts');

  test('names programs, files and exports that are there', () => {
    const named = [
      ...Object.values(manifest.bin),
      ...manifest.files.filter((path) => path !== 'dist'),
      ...Object.values(manifest.exports).map((target) =>
        typeof target === 'string' ? target : made(target.default),
      ),
    ];
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(made('./dist/index.js')).toBe('src/index.ts');
  });

  test('its programs start the same built file and import nothing else', () => {
    const programs = sources.filter(({ path }) => Object.values(manifest.bin).includes(path));
    expect(programs).toHaveLength(Object.keys(manifest.bin).length);
    for (const { text } of programs) {
      const loaded = text.match(/\b(?:require|import)\b.*?'[^']*'/g);
      expect(loaded).toEqual(["require('./start.js'"]);
    }
  });

  test('has every script that the workflow and CONTRIBUTING.md name', () => {
    const text = read('.github/workflows/ci.yml') + read('CONTRIBUTING.md');
    const named = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
    expect(named).not.toEqual([]);
    expect(named.filter((name) => manifest.scripts[name] === undefined)).toEqual([]);
  });

  test('its lock file names no address to download from', () => {
    const address = /"resolved":\s*"https?:/;
    expect(read('package-lock.json')).not.toMatch(address);
    expect('"resolved": "https://registry.example.org/a.tgz"').toMatch(address);
  });
});
