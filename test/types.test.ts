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

describe('the types of services and lookups', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'nametag-types-')));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test('let a right program compile, and no wrong line of it', async () => {
    expect(await compile(types)).toEqual([]);
  }, 60_000);

  test('are found out when a right line is expected to be wrong (the control)', async () => {
    const text = await readFile(join(types, 'services.ts'), 'utf8');
    const right = 'export const host: string';
    const control = text
      .replace(right, `// @ts-expect-error\n${right}`)
      .replace('../../src', relative(folder, join(root, 'src')));
    const config = {
      extends: join(types, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
      include: ['*.ts'],
    };
    await writeFile(join(folder, 'services.ts'), control);
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    expect(await compile(folder)).toEqual([
      expect.stringMatching(/services\.ts\(\d+,1\): error TS2578: /),
    ]);
  }, 60_000);
});
