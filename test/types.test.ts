import { execFile } from 'node:child_process';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const types = join(root, 'test/types');

/** Gives what the compiler complains of, a line each; empty when the project compiles. */
function compile(project: string): Promise<readonly string[]> {
  const tsc = join(root, 'node_modules/.bin/tsc');
  return new Promise((done) => {
    execFile(tsc, ['-p', project, '--pretty', 'false'], { cwd: root }, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`.trimEnd();
      done(error === null ? [] : (said || error.message).split('\n'));
    });
  });
}

/** What a person may write, and what the compiler says of it. */
const mistakes: readonly (readonly [string, string])[] = [
  [
    "defineServices({ db: { group: 'x', prot: 5432, pick: 'one' } });",
    "Type 'number' is not assignable to type " +
      `'"a field of a service: pick, group, service, label, port, ready or min"'.`,
  ],
  [
    "defineServices({ db: { group: 'x', port: '5432', pick: 'one' } });",
    "Type 'string' is not assignable to type 'number'.",
  ],
  [
    "defineServices({ db: { group: 'x' } });",
    "Property 'pick' is missing in type '{ group: string; }' but required in type " +
      "'ServiceDefinition'.",
  ],
  [
    "defineServices({ db: { pick: 'one' } });",
    "Type '{ pick: string; }' is not assignable to type " +
      `'"a definition with a \`group\` or a \`service\`"'.`,
  ],
  [
    "defineServices({ db: { group: 'x', label: 'ro', pick: 'one' } });",
    `Type '"ro"' is not assignable to type '"a \`label\` beside a \`service\`"'.`,
  ],
  [
    "defineServices({ db: { group: 'x', min: 0, pick: 'one' } });",
    `Type 'number' is not assignable to type '"a \`min\` of at least 1"'.`,
  ],
  [
    "defineServices({ on: { group: 'x', pick: 'one' } });",
    "Type '{ group: string; pick: string; }' is not assignable to type " +
      `'"a name that the directory does not use itself"'.`,
  ],
  ["defineServices({ db: 'x' });", "Type 'string' is not assignable to type 'ServiceDefinition'."],
];

describe('the types of services and lookups', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'nametag-types-')));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  /** Makes the folder a project of these files alone. */
  async function writeProject(texts: Readonly<Record<string, string>>): Promise<void> {
    const config = {
      extends: join(types, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
      files: Object.keys(texts),
    };
    const all = { ...texts, 'package.json': '{ "type": "module" }' };
    for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), text);
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  }

  test('let a right program compile, and no wrong line of it', async () => {
    expect(await compile(types)).toEqual([]);
  }, 60_000);

  test('are found out when a right line is expected to be wrong (the control)', async () => {
    const text = await readFile(join(types, 'services.ts'), 'utf8');
    const right = 'export const host: string';
    const control = text
      .replace(right, `// @ts-expect-error\n${right}`)
      .replace('../../src', relative(folder, join(root, 'src')));
    await writeProject({ 'services.ts': control });
    expect(await compile(folder)).toEqual([
      expect.stringMatching(/services\.ts\(\d+,1\): error TS2578: /),
    ]);
  }, 60_000);

  test('say in one line what is wrong with a definition', async () => {
    const source = relative(folder, join(root, 'src/index.ts'));
    const lines = [
      `import { defineServices } from '${source}';`,
      ...mistakes.map(([line]) => line),
    ];
    await writeProject({ 'mistakes.ts': lines.join('\n') });
    const said = await compile(folder);
    const place = /^.*mistakes\.ts\((\d+),\d+\): error TS\d+: /;
    expect(said.map((line) => line.replace(place, '$1 '))).toEqual(
      mistakes.map(([, message], index) => `${index + 2} ${message}`),
    );
  }, 60_000);
});
