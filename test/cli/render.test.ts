import {
  chmod,
  lstat,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { folder, id, run, sandbox } from '../helpers/cli-sandbox.ts';
import { type CliRun, runCli } from '../helpers/run-cli.ts';

const at = (name: string): string => join(folder, name);
const text = async (name: string): Promise<string> => await readFile(at(name), 'utf8');
const put = async (name: string, content: string): Promise<void> =>
  await writeFile(at(name), content);

async function render(...words: readonly string[]): Promise<CliRun> {
  const env = { NAMETAG_STATE_DIR: at('state'), ...(await sandbox.environment()) };
  return await runCli(['render', ...words, '--group', 'tphon'], env);
}

beforeEach(async () => {
  const one = '{{ i.nameOrId }}{% unless forloop.last %} {% endunless %}';
  await put('names.liquid', `{% for i in instances %}${one}{% endfor %}\n`);
  await put(
    'ready.liquid',
    '{% for i in instances %}{% if i.ready %}{{ i.host }}\n{% endif %}{% endfor %}',
  );
  await put('bad.liquid', '{{ nobody }}');
});

const names = (): string => `${at('names.liquid')}:${at('names')}`;
const ready = (): string => `${at('ready.liquid')}:${at('ready')}`;
/** What is said of the one whose name is none, when anything is written. */
const told = (): string =>
  `nametag: ${id('d')} has no name: name refused ("Name=web-1 bank.example: not a host name").\n`;
const reload = (): string => `echo "$NAMETAG_DEST" >> ${at('log')}`;

describe('render', () => {
  it('writes files from one answer, and then leaves them alone', async () => {
    const done = { exitCode: 0, stdout: '', stderr: '' };
    expect(await render(names(), ready())).toEqual({ ...done, stderr: told() });
    expect(await text('names')).toMatch(/^db-2 db-3 db-10 i-\w+\n$/);
    expect(await text('ready')).toBe('10.0.0.2\n10.0.0.10\n10.0.0.4\n');
    await utimes(at('names'), 1, 1);
    expect(await render(names(), ready())).toEqual(done);
    expect((await stat(at('names'))).mtimeMs).toBe(1000);
  });

  it('prints what goes to -, escaped as the name of the template says', async () => {
    await put('a.json.liquid', '{{ instances | map: "host" | first }}');
    const printed = await render(`${at('a.json.liquid')}:-`);
    expect(printed).toEqual({ exitCode: 0, stdout: '"10.0.0.2"', stderr: told() });
  });

  it.each<[string, readonly string[], number, string]>([
    ['a template with a mistake', ['bad'], 65, 'line 1, column 4: undefined variable: nobody'],
    ['a template that is not there', ['gone'], 66, 'gone.liquid: no such file'],
    ['too few', ['names', '--min', '5'], 75, '4 match, at least 5 are needed'],
    ['a check that fails', ['names', '--check', 'echo no; exit 3'], 65, 'it exited with 3 ("no")'],
    ['nobody', ['names', '--name', 'x'], 68, 'nobody matches'],
  ])('writes nothing at all because of %s', async (_, [name, ...words], exitCode, said) => {
    await put('ready', 'old\n');
    const failed = await render(ready(), `${at(`${name}.liquid`)}:${at('x')}:false`, ...words);
    expect(failed).toEqual({ exitCode, stdout: '', stderr: expect.stringContaining(said) });
    expect(await text('ready')).toBe('old\n');
    expect(await readdir(folder)).not.toContain('x');
  });

  it('gives a check the candidate, quoted, and replaces nothing before', async () => {
    await put('ready', 'old\n');
    const check = `cat {{ src }} "{{.src}}" "$NAMETAG_SRC" "$NAMETAG_DEST" > ${at('seen')}`;
    expect(await render(ready(), '--check', check)).toMatchObject({ exitCode: 0 });
    const made = await text('ready');
    expect(await text('seen')).toBe(`${made}${made}${made}old\n`);
  });

  it('tries again what a check refused', async () => {
    const check = `test -e ${at('allowed')}`;
    expect(await render(ready(), '--check', check)).toMatchObject({ exitCode: 65 });
    await put('allowed', '');
    expect(await render(ready(), '--check', check)).toMatchObject({ exitCode: 0 });
    expect(await text('ready')).toContain('10.0.0.2');
  });

  it('runs commands of files that changed, each once, after all were written', async () => {
    const both = `${reload()}; cat ${at('names')} ${at('ready')} > ${at('then')}`;
    await render(`${names()}:${both}`, `${ready()}:${both}`);
    expect(await text('log')).toBe(`${at('names')}\n`);
    expect(await text('then')).toBe((await text('names')) + (await text('ready')));
    await put('ready', 'edited\n');
    await render(`${names()}:false`, `${ready()}:${both}`);
    expect(await text('log')).toBe(`${at('names')}\n${at('ready')}\n`);
  });

  it('runs a command again that failed, until it succeeds, though nothing changes', async () => {
    const target = `${names()}:${reload()}; test -e ${at('ok')}`;
    const failed = { exitCode: 74, stderr: expect.stringContaining('it exited with 1. The next') };
    expect(await render(target)).toMatchObject(failed);
    expect(await render(target)).toMatchObject(failed);
    await put('ok', '');
    expect(await render(target)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await render(target)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await text('log')).toBe(`${at('names')}\n`.repeat(3));
  });

  it('runs a command that has failed with other files too, until it succeeds', async () => {
    const target = `${names()}:${reload()}; test -e ${at('ok')}`;
    expect(await render(target)).toMatchObject({ exitCode: 74 });
    expect(await render(target, ready())).toMatchObject({ exitCode: 74 });
    await put('ok', '');
    expect(await render(ready())).toMatchObject({ exitCode: 0 });
    expect(await render(ready(), target)).toMatchObject({ exitCode: 0 });
    expect(await render(target)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await text('log')).toBe(`${at('names')}\n`.repeat(3));
  });

  it('cannot replace a folder', async () => {
    const said = `Could not write ${folder}: it is a folder.`;
    expect(await render(`${at('names.liquid')}:${folder}`)).toMatchObject({
      exitCode: 73,
      stderr: expect.stringContaining(said),
    });
  });

  it('follows a symbolic link, and remembers the command of it', async () => {
    await symlink(at('names'), at('link'));
    const target = `${at('names.liquid')}:${at('link')}:${reload()}; test -e ${at('ok')}`;
    expect(await render(target)).toMatchObject({ exitCode: 74 });
    expect((await lstat(at('link'))).isSymbolicLink()).toBe(true);
    expect(await text('names')).toContain('db-2');
    await put('ok', '');
    expect(await render(target)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await render(target)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await text('log')).toBe(`${at('link')}\n`.repeat(2));
  });

  it('shows what it would write, and changes nothing', async () => {
    await put('ready', '10.0.0.9\n10.0.0.10\n');
    const shown = await render(`${ready()}:${reload()}`, names(), '--dry-run');
    expect(shown).toMatchObject({ exitCode: 0, stderr: told() });
    expect(shown.stdout).toContain('-10.0.0.9\n+10.0.0.2\n 10.0.0.10\n+10.0.0.4\n');
    expect(shown.stdout).toContain(`+++ ${at('names')}\n@@ -0,0 +1,1 @@\n`);
    expect(await text('ready')).toBe('10.0.0.9\n10.0.0.10\n');
    expect(await readdir(folder)).not.toContain('log');
  });

  it('runs the checks of a dry run on candidates, after it has shown the difference', async () => {
    const written = await render(names());
    expect(written).toMatchObject({ exitCode: 0 });
    const check = `echo {{ src }} >> ${at('seen')}; cat {{ src }} >> ${at('seen')}; test -e `;
    const line = [names(), ready(), '--dry-run', '--check'];
    const refused = await render(...line, `${check}${at('allowed')}`);
    expect(refused).toMatchObject({ exitCode: 65, stdout: expect.stringContaining('+10.0.0.2\n') });
    expect(refused.stderr).toContain(`Could not replace ${at('ready')}: its check`);
    expect(await render(...line, `${check}${folder}`)).toMatchObject({ exitCode: 0 });
    // The file that is right has no candidate to check.
    const seen = (await text('seen')).replace(/^\/.*\/(?=ready$)/gm, 'in ');
    expect(seen).toBe('in ready\n10.0.0.2\n10.0.0.10\n10.0.0.4\n'.repeat(2));
    for (const path of (await text('seen')).match(/^\/.*/gm) ?? []) {
      await expect(lstat(dirname(path))).rejects.toThrow('ENOENT');
    }
    const left = (await readdir(folder)).filter((name) => name.includes('ready'));
    expect(left).toEqual(['ready.liquid']);
  });

  it('tells at each run of service tags that cannot be read, before anything fails', async () => {
    const [bad = '', stranger = ''] = ['c', 'e'].map(id);
    const value = 'port=99999';
    const tags = [{ key: 'service:postgres', value }];
    sandbox.world.createTags({ resources: [bad, stranger], tags });
    const unreadable =
      `nametag: ${bad} is left out: service tag unreadable ` +
      '("service:postgres: port=99999 is out of range").\n';
    await put('pg.liquid', '{% for i in services.postgres %}{{ i | hostport }}\n{% endfor %}');
    const pg = `${at('pg.liquid')}:${at('pg')}`;
    expect((await render(pg)).stderr).toBe(unreadable + told());
    expect(await text('pg')).toBe('10.0.0.4:5433\n');
    expect((await render(pg)).stderr).toBe(unreadable);
    expect((await run('resolve postgres --group tphon')).stderr).toBe(unreadable);
    const failed = await render(pg, '--ready', '--min', '9');
    expect(failed).toMatchObject({ exitCode: 75, stderr: expect.not.stringContaining(bad) });
    await put('pg.liquid', '{{ nobody }}');
    expect((await render(pg)).stderr).toMatch(/ is left out: .*\nnametag: Could not render /);
  });

  it('tells of names that two say and of aliases that are none when it writes', async () => {
    const tags = (...pairs: readonly [string, string][]) =>
      pairs.map(([key, value]) => ({ key, value }));
    sandbox.world.createTags({ resources: [id('e')], tags: tags(['Name', 'db-2']) });
    sandbox.world.createTags({ resources: [id('c')], tags: tags(['nametag:aliases', 'a b']) });
    const first = await render(names());
    expect(first.stderr).toMatch(/^nametag: db-2 is claimed by i-\w+ and i-\w+; i-\w+ has it\./);
    expect(first.stderr).toContain(told());
    expect(first.stderr).toContain(`${id('c')} has no alias: its tag is unreadable`);
    expect((await render(names())).stderr).toBe('');
    expect((await render(names(), '--dry-run')).stderr).toBe('');
    expect((await render(`${names()}:false`, '--ready')).stderr).toContain(told());
  });

  it('gives files the mode that is asked for, or keeps theirs', async () => {
    await render(names(), '--mode', '0640');
    expect((await stat(at('names'))).mode & 0o777).toBe(0o640);
    await put('ready', '');
    await chmod(at('ready'), 0o600);
    await render(ready());
    expect((await stat(at('ready'))).mode & 0o777).toBe(0o600);
  });

  it('writes a file of nobody when EC2 says so of all, and not for a name of nobody', async () => {
    const words = [names(), '--ready'];
    expect((await render(...words)).exitCode).toBe(0);
    const before = await text('names');
    const [gone = '', ...others] = ['a', 'b', 'd'].map(id);
    sandbox.world.terminateInstances({ instanceIds: [gone] });
    expect((await render(...words, '--name', 'x')).exitCode).toBe(68);
    expect(await text('names')).toBe(before);
    sandbox.world.terminateInstances({ instanceIds: others });
    expect((await render(...words)).exitCode).toBe(0);
    expect(await text('names')).toBe('\n');
  });

  it('writes a file of nobody when that is asked for', async () => {
    const emptied = await render(ready(), '--az', 'eu-west-1z', '--allow-empty');
    expect(emptied).toMatchObject({ exitCode: 0 });
    expect(await text('ready')).toBe('');
  });

  it.each([
    ['render a.liquid', '`a.liquid` is not TEMPLATE:DEST'],
    ['render a.liquid:', 'is not TEMPLATE:DEST'],
    ['render :b', 'is not TEMPLATE:DEST'],
    ['render a:b:', 'is not TEMPLATE:DEST'],
    ['render munin:/etc/munin/munin.conf', 'The format `munin` does not exist yet'],
    ['render a:-:reload', '`-` prints, and no file changes'],
    ['render a:- --check true', '`--check` is of a file'],
    ['render a:/b c:/b', 'Two templates go to /b'],
    ['render a:./a', 'is a template, and would be written over'],
    ['render a:/b c:./a', 'is a template, and would be written over'],
    ['render a:new/', '`new/` is a folder'],
    ['render a:..', '`..` is a folder'],
    ['render a:/b --escape html', 'Expected json, shell, xml, yaml, word or plain'],
    ['render a:/b --mode 9', 'Expected a mode in octal'],
    ['render', 'Missing required argument'],
  ])('refuses %j', async (line, said) => {
    const refused = { exitCode: 64, stdout: '', stderr: expect.stringContaining(said) };
    expect(await run(line)).toEqual(refused);
  });
});
