/** `hosts` against a sandbox over HTTP, in this process. */
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, id, run } from '../helpers/cli-sandbox.ts';

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

  it('keeps the mode of the file', async () => {
    const path = join(folder, 'hosts');
    await writeFile(path, '');
    await chmod(path, 0o640);
    await run(`hosts --write ${path}`);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });
});
