/** `hosts` against a sandbox over HTTP, in this process. */
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Interruption } from '../../src/cli/exit-code.ts';
import { folder, id, run, sandbox } from '../helpers/cli-sandbox.ts';
import { runCli } from '../helpers/run-cli.ts';

describe('hosts', () => {
  const block = (text: string): string => text.replace(/sha256:\w+/, 'sha256:x');

  it('prints a line for every named instance, and says whom it leaves out', async () => {
    const { exitCode, stdout, stderr } = await run('hosts --domain ec2.example.com');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      '10.0.0.2\tdb-2 db-2.ec2.example.com\n10.0.0.3\tdb-3 db-3.ec2.example.com\n' +
        '10.0.0.10\tdb-10 db-10.ec2.example.com\n',
    );
    expect(stderr).toContain(`${id('d')} is left out: name refused`);
    expect(stderr).toContain(`${id('e')} is left out: name refused`);
  });

  it('keeps a block, and touches nothing when it is right', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n');
    expect((await run(`hosts --group tphon --write ${path}`)).exitCode).toBe(0);
    const text = await readFile(path, 'utf8');
    expect(block(text)).toBe(
      '127.0.0.1 localhost\n# BEGIN nametag default (generated; edits here are lost) sha256:x\n' +
        '10.0.0.2\tdb-2\n10.0.0.3\tdb-3\n10.0.0.10\tdb-10\n# END nametag default\n',
    );
    const { mtimeNs, ino } = await stat(path, { bigint: true });
    expect((await run(`hosts --group tphon --write ${path}`)).exitCode).toBe(0);
    expect(await stat(path, { bigint: true })).toMatchObject({ mtimeNs, ino });
  });

  it('prints the difference of a dry run, and changes nothing', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n');
    const { exitCode, stdout } = await run(`hosts --ready --write ${path} --dry-run`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('+10.0.0.2\tdb-2\n');
    expect(await readFile(path, 'utf8')).toBe('127.0.0.1 localhost\n');
  });

  it.each(['', ' --watch', ' --dry-run'])(
    'refuses a folder where a file is to have a block, and names --dir%s',
    async (words) => {
      for (const path of [folder, `${folder}/`, join(folder, 'new/')]) {
        const { exitCode, stderr } = await run(`hosts --write ${path}${words}`);
        expect(exitCode).toBe(64);
        expect(stderr).toContain(`${path} is a folder. Name a file, or pass \`--dir ${path}\``);
      }
      expect(await readdir(folder)).not.toContain('new');
    },
  );

  it('is not refused for what the whole host is told of its watcher', async () => {
    const config = join(folder, 'config.json');
    await writeFile(config, '{"interval": "30s", "splay": "1ms", "log": {"format": "json"}}');
    const env = { NAMETAG_INTERVAL: '30s' };
    const path = join(folder, 'hosts');
    for (const line of ['hosts', `hosts --write ${path}`, `hosts --write ${path} --dry-run`]) {
      expect(await run(`${line} --config ${config}`)).toMatchObject({ exitCode: 0 });
      expect(await run(line, undefined, env)).toMatchObject({ exitCode: 0 });
      // The control: a flag is said of this run.
      expect((await run(`${line} --interval 30s`, undefined, env)).exitCode).toBe(64);
    }
  });

  it('does not empty a block that had entries, unless forced', async () => {
    const path = join(folder, 'hosts');
    await run(`hosts --group tphon --write ${path}`);
    const before = await readFile(path, 'utf8');
    const held = await run(`hosts --group nobody --write ${path}`);
    expect(held.exitCode).toBe(75);
    expect(held.stderr).toContain('all 3 entries');
    expect(await readFile(path, 'utf8')).toBe(before);
    expect((await run(`hosts --group nobody --write ${path} --force`)).exitCode).toBe(0);
    expect(block(await readFile(path, 'utf8')).split('\n')).toHaveLength(3);
  });

  it('leaves a file with broken markers as it is', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '# BEGIN nametag default\n10.0.0.1\tweb-0\n');
    const { exitCode, stderr } = await run(`hosts --write ${path}`);
    expect(exitCode).toBe(65);
    expect(stderr).toContain('The file was left as it is');
    expect(await readFile(path, 'utf8')).toBe('# BEGIN nametag default\n10.0.0.1\tweb-0\n');
  });

  it('empties every file of one question when all are gone, whichever comes first', async () => {
    const paths = ['one', 'two'].map((name) => join(folder, name));
    const write = async () =>
      await Promise.all([
        run(`hosts --group tphon --write ${paths[0]}`),
        run(`hosts --group tphon --write ${paths[1]}`),
      ]);
    for (const { exitCode } of await write()) expect(exitCode).toBe(0);
    sandbox.world.terminateInstances({ instanceIds: ['a', 'b', 'c', 'd'].map(id) });
    for (const path of paths) {
      await run(`hosts --group tphon --write ${path}`);
      expect(block(await readFile(path, 'utf8')).split('\n')).toHaveLength(3);
    }
  });

  it('leaves a file without a block as it is when nobody matches', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n');
    const told = await run(`hosts --group nobody --write ${path}`);
    expect(told).toMatchObject({ exitCode: 68, stdout: '' });
    expect(await readFile(path, 'utf8')).toBe('127.0.0.1 localhost\n');
    const dry = await run(`hosts --group nobody --write ${path} --dry-run`);
    expect(dry).toMatchObject({ exitCode: 68, stdout: '' });
  });

  it('is quiet when nothing changes, and never speaks of whom nobody asked for', async () => {
    const path = join(folder, 'hosts');
    expect((await run(`hosts --write ${path}`)).stderr).toContain('name refused');
    expect(await run(`hosts --write ${path}`)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect((await run('hosts --group tphon')).stderr).not.toContain(id('e'));
  });

  it('says when a folder is not there', async () => {
    expect((await run(`hosts --write ${folder}/none/hosts`)).exitCode).toBe(73);
  });

  it('keeps what it writes over', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n');
    const state = { NAMETAG_STATE_DIR: join(folder, 'state') };
    expect(await run(`hosts --group tphon --write ${path}`, undefined, state)).toMatchObject({
      exitCode: 0,
      stderr: expect.not.stringContaining('backup'),
    });
    await run(`hosts --group tphon --write ${path}`, undefined, state);
    const backups = await readdir(join(folder, 'state', 'backup'));
    expect(backups).toEqual([expect.stringMatching(/^hosts\.\d{8}T\d{6}\.\d{3}Z\.[0-9a-f]{8}$/)]);
    const kept = await readFile(join(folder, 'state', 'backup', backups[0]!), 'utf8');
    expect(kept).toBe('127.0.0.1 localhost\n');
  });

  it('says why it could not keep that, and writes', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '127.0.0.1 localhost\n');
    const state = { NAMETAG_STATE_DIR: path };
    const { exitCode, stderr } = await run(`hosts --write ${path}`, undefined, state);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`No backup of ${path} was kept: part of its path is not a folder.`);
  });

  it('keeps the mode of the file', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '');
    await chmod(path, 0o640);
    await run(`hosts --write ${path}`);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });
});

describe('hosts --dir', () => {
  it('keeps a file of its own for each block, and no backup of it', async () => {
    const state = join(folder, 'state');
    await mkdir(join(folder, 'd'));
    for (const options of ['--group tphon', '--block mine --name db-2']) {
      const line = `hosts --dir ${folder}/d ${options}`;
      expect((await run(line, undefined, { NAMETAG_STATE_DIR: state })).exitCode).toBe(0);
    }
    expect((await readdir(join(folder, 'd'))).sort()).toEqual(['nametag-default', 'nametag-mine']);
    const text = await readFile(join(folder, 'd', 'nametag-mine'), 'utf8');
    expect(text.split('\n').filter((line) => !line.startsWith('#'))).toEqual([
      '10.0.0.2\tdb-2',
      '',
    ]);
    expect(await readdir(folder)).not.toContain('state');
  });

  it('does not make the folder', async () => {
    expect((await run(`hosts --dir ${folder}/d`)).exitCode).toBe(73);
  });
});

describe('hosts --legacy', () => {
  const legacy = () => join(folder, 'hosts.legacy');
  const path = () => join(folder, 'hosts');
  const withUpdater = async (updater: string, more: readonly string[] = []) => {
    const words = ['hosts', '--write', path(), '--legacy', legacy(), '--legacy-updater', updater];
    return await runCli([...words, ...more], await sandbox.environment());
  };

  it('has the file made first, and puts it before everything else', async () => {
    await writeFile(path(), '127.0.0.1 localhost\n');
    const { exitCode, stderr } = await withUpdater(`echo 10.8.0.1 db-2 > ${legacy()}`);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`db-2 is also on line 2 of ${path()}, as 10.8.0.1. That line wins.`);
    const lines = (await readFile(path(), 'utf8')).split('\n');
    expect(lines.filter((line) => !line.startsWith('#')).slice(0, 3)).toEqual([
      '10.8.0.1 db-2',
      '127.0.0.1 localhost',
      '10.0.0.2\tdb-2',
    ]);
  });

  it.each([
    ['echo one; echo two >&2; exit 3', 'it exited with 3', 'one\ntwo\n'],
    ['printf "\\033[31mred"; kill -9 $$', 'SIGKILL ended it', '?[31mred\n'],
  ])('changes nothing when "%s" is what makes it', async (updater, fact, said) => {
    await writeFile(path(), '127.0.0.1 localhost\n');
    await writeFile(legacy(), '10.8.0.1 db-2\n');
    const { exitCode, stdout, stderr } = await withUpdater(updater);
    expect({ exitCode, stdout }).toEqual({ exitCode: 74, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr).toContain(`Could not run \`${updater}\`: ${fact}. Nothing was written`);
    expect(await readFile(path(), 'utf8')).toBe('127.0.0.1 localhost\n');
  });

  it('has nothing made in a dry run', async () => {
    await writeFile(legacy(), '10.8.0.1 old\n');
    const { exitCode, stdout, stderr } = await withUpdater('false', ['--dry-run']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('+10.8.0.1 old\n');
    expect(stderr).toContain('not part of a dry run');
    expect(await readdir(folder)).not.toContain('hosts');
  });

  it('says when the file is not there', async () => {
    expect((await run(`hosts --write ${path()} --legacy ${legacy()}`)).exitCode).toBe(66);
  });
});

describe('hosts --splay', () => {
  it('waits no more when it is interrupted, and has asked for nothing', async () => {
    const interruption = new AbortController();
    const env = await sandbox.environment();
    const ended = runCli(['hosts', '--splay', '1h'], env, interruption.signal);
    interruption.abort(new Interruption('SIGTERM'));
    expect(await ended).toEqual({ exitCode: 143, stdout: '', stderr: '' });
  });

  it('waits and goes on', async () => {
    expect((await run('hosts --splay 5ms')).stdout).toContain('db-2');
  });
});

it.each([
  ['--write a --dir b', '--dir'],
  ['--dry-run', '--dry-run'],
  ['--block mine', '--block'],
  ['--legacy a', '--legacy'],
  ['--dir b --legacy a', '--legacy'],
  ['--write a --legacy-updater true', '--legacy-updater'],
  ['--write ./a --legacy a', '--legacy'],
  [`--write a --legacy b --block ${'c'.repeat(57)}`, '--block'],
  ['--splay 61m', '--splay'],
])('hosts %s is a mistake, and is told before anything is asked', async (options, flag) => {
  const { exitCode, stdout, stderr } = await runCli(['hosts', ...options.split(' ')]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
  expect(stderr).toContain(flag);
});
