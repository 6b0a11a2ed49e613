import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEventFiles } from '../../src/host/event-file.ts';
import { createHandlersFolder, findStrays } from '../../src/host/handlers-folder.ts';
import { createCommands } from '../../src/host/run-command.ts';

let folder: string;
let joins: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nametag-test-'));
  joins = join(folder, 'member-join');
  mkdirSync(joins);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const put = (name: string, mode = 0o755): string => {
  const path = join(joins, name);
  writeFileSync(path, `#!/bin/sh\necho ran "$0"\n`);
  chmodSync(path, mode);
  return path;
};
const list = () => createHandlersFolder(folder).list('member-join');

describe('the folder of handlers', () => {
  test('gives programs by name, without what editors and packages leave', async () => {
    for (const name of ['20-b.sh', '10-a', '.hidden', '10-a~', '10-a.dpkg-old', 'a.bak']) put(name);
    const { commands, refused } = await list();
    expect(commands).toEqual([`'${join(joins, '10-a')}'`, `'${join(joins, '20-b.sh')}'`]);
    expect(refused).toEqual([]);
  });

  test('one that is not there has none', async () => {
    const handlers = createHandlersFolder(join(folder, 'gone'));
    expect(await handlers.list('conflict')).toEqual({ commands: [], refused: [] });
  });

  test('tells what no event leads to', async () => {
    expect(await findStrays(folder)).toEqual([]);
    for (const name of ['member-jion', '.git', 'old.bak']) mkdirSync(join(folder, name));
    for (const name of ['README', 'notify', '.profile']) {
      writeFileSync(join(folder, name), '#!/bin/sh\n');
      chmodSync(join(folder, name), name === 'README' ? 0o644 : 0o755);
    }
    const told = await findStrays(folder);
    expect(told.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      {
        path: join(folder, 'member-jion'),
        fact: 'no event has this name (did you mean "member-join"?)',
      },
      { path: join(folder, 'notify'), fact: 'it is not in the folder of an event' },
    ]);
    const gone = join(folder, 'gone');
    expect(await findStrays(gone)).toEqual([{ path: gone, fact: 'no such file or folder' }]);
  });

  test('a name means nothing to the shell', async () => {
    const path = put(`a'b $(touch ${'x'}); c`);
    const [command = ''] = (await list()).commands;
    const { output, exitCode } = await createCommands().run(command, { timeoutMs: 10_000 });
    expect({ output, exitCode }).toEqual({ output: `ran ${path}\n`, exitCode: 0 });
  });

  test('what others may write, or nobody may run, is refused', async () => {
    put('open', 0o777);
    put('plain', 0o644);
    mkdirSync(join(joins, 'folder'));
    expect(await list()).toEqual({
      commands: [],
      refused: [
        { path: join(joins, 'folder'), fact: 'it is not a file' },
        { path: join(joins, 'open'), fact: 'others than its owner can write it' },
        { path: join(joins, 'plain'), fact: 'it is not executable' },
      ],
    });
    chmodSync(joins, 0o777);
    const fact = 'others than its owner can write it';
    expect(await list()).toEqual({ commands: [], refused: [{ path: joins, fact }] });
    // Whoever can write there can put another folder in the place of this one.
    chmodSync(joins, 0o755);
    chmodSync(folder, 0o777);
    expect(await list()).toEqual({ commands: [], refused: [{ path: folder, fact }] });
  });

  test('what belongs to another user is refused', async () => {
    put('a');
    const uid = statSync(joins).uid;
    const { refused } = await createHandlersFolder(folder, uid + 1).list('member-join');
    // What is root's is trusted by everybody.
    expect(refused).toHaveLength(uid === 0 ? 0 : 1);
  });
});

test('event files of two processes with one id are two', async () => {
  const environment = { NAMETAG_RUNTIME_DIR: join(folder, 'run') };
  const [one, other] = [createEventFiles(environment), createEventFiles(environment)];
  const files = [await one.write('1'), await other.write('2')];
  expect(files.map(({ path }) => readFileSync(path, 'utf8'))).toEqual(['1', '2']);
  for (const file of files) await file.remove();
});

test('an event file is for its user alone, and is removed', async () => {
  const runtime = join(folder, 'run');
  const file = await createEventFiles({ NAMETAG_RUNTIME_DIR: runtime }).write('{}\n');
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
  expect(readFileSync(file.path, 'utf8')).toBe('{}\n');
  await file.remove();
  await file.remove();
  expect(existsSync(file.path)).toBe(false);
  expect(readdirSync(runtime)).toEqual([]);
});
