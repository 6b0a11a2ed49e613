/** What docs/templates.md says is so, and its examples are taken by the programs they are for. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { escapeKinds } from '../src/model/escape-kind.ts';
import { escapeKindOf } from '../src/render/escape.ts';
import { liquidFilterNames, ownFilters } from '../src/render/template-filters.ts';
import { render, view } from './helpers/templates.ts';

const page = await readFile(new URL('../docs/templates.md', import.meta.url), 'utf8');
const folder = await mkdtemp(join(tmpdir(), 'nametag-test-'));
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const examples: ReadonlyMap<string, string> = new Map(
  [...page.matchAll(/^```liquid (\S+)\n(.*?)^```$/gms)].map(([, name = '', text = '']) => [
    name,
    text,
  ]),
);

function example(name: string): string {
  return render(examples.get(name) ?? '', escapeKindOf(name));
}

/** The first cells of the table below these words. */
function firstCells(after: string): readonly string[] {
  const from = page.indexOf(after);
  const rows =
    page
      .slice(from)
      .match(/(?:^\|.*\n)+/m)?.[0]
      .split('\n') ?? [];
  return rows.slice(2).flatMap((row) => row.split('|')[1]?.trim() ?? []);
}

const words = (cells: readonly string[]): readonly string[] =>
  cells.flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, word = '']) => word));

/** Runs a program on an example, where the machine has it; else it is as if it was content. */
async function judge(path: string, name: string, ...args: readonly string[]): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, example(name));
  if (!existsSync(path)) return '';
  const run = spawnSync(path, [...args, file], { encoding: 'utf8' });
  return run.status === 0 ? '' : run.stderr + run.stdout;
}

describe('docs/templates.md', () => {
  it('has every field, and no other', () => {
    expect(words(firstCells('An instance, here and'))).toEqual(
      Object.keys(view.instances[0] ?? {}),
    );
    expect(words(firstCells('## What a template sees'))).toEqual(Object.keys(view));
  });

  it('says nothing of a field alone where it may have none', () => {
    const from = page.indexOf('An instance, here and');
    const table = page.slice(from, page.indexOf('\n\n', page.indexOf('|---|', from)));
    const mayLack = [...table.matchAll(/^\| `(\w+)` \|.*or nothing \|$/gm)].map(([, name]) => name);
    const [, , bare] = view.instances;
    for (const [field, value] of Object.entries(bare ?? {})) {
      if (value === null) expect(mayLack).toContain(field);
    }
    expect(mayLack).toContain('name');
    expect(mayLack).not.toContain('nameOrId');
  });

  it('has every filter and every kind of escape', () => {
    const own = words(firstCells('| Filter | Gives |'));
    expect([...new Set(own)].sort()).toEqual([...Object.keys(ownFilters), 'raw'].sort());
    const list = page.slice(
      page.indexOf("Of Liquid's own there are"),
      page.indexOf('There is none'),
    );
    const kept = liquidFilterNames.filter((name) => name !== 'raw');
    expect([...words([list])].sort()).toEqual([...kept].sort());
    expect([...words(firstCells('| Kind | For'))].sort()).toEqual([...escapeKinds].sort());
  });

  it('has the endings of names right', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| ((?:`\.\w+` ?)+)\|/gm)];
    const endings = rows.flatMap(([, kind, cell = '']) =>
      [...cell.matchAll(/`(\.\w+)`/g)].map(([, ending = '']) => [kind, `a${ending}`] as const),
    );
    expect(endings).toHaveLength(9);
    for (const [kind, path] of endings) expect(escapeKindOf(path)).toBe(kind);
  });

  it('has a proxy that HAProxy takes', async () => {
    expect(example('haproxy.cfg')).toContain(
      '  server web-1 10.0.0.1:8080 check weight 2\n' +
        '  server web-2 10.0.0.2:8080 check weight 2 disabled\n',
    );
    expect(await judge('/usr/sbin/haproxy', 'haproxy.cfg', '-c', '-f')).toBe('');
  });

  it('has servers that nginx takes', async () => {
    const made = example('nginx.conf');
    expect(made).toContain('  server 10.0.0.1:8080;\n  server 10.0.0.2:8080 backup;\n}');
    await writeFile(join(folder, 'nginx.conf'), made);
    const whole = `pid ${folder}/pid; events {} http { include ${folder}/nginx.conf; }`;
    await writeFile(join(folder, 'whole.conf'), whole);
    if (!existsSync('/usr/sbin/nginx')) return;
    const args = ['-t', '-e', 'stderr', '-p', folder, '-c', join(folder, 'whole.conf')];
    const run = spawnSync('/usr/sbin/nginx', args, { encoding: 'utf8' });
    expect(run.stderr).toContain('test is successful');
  });

  it('has targets that are JSON', () => {
    expect(JSON.parse(example('nodes.json'))).toEqual([
      {
        targets: ['10.0.0.1:9100'],
        labels: { instance: 'web-1', zone: 'eu-west-1a', env: 'prod' },
      },
      {
        targets: ['10.0.0.2:9100'],
        labels: { instance: 'web-2', zone: 'eu-west-1b', env: 'none' },
      },
      {
        targets: ['10.0.0.3:9100'],
        labels: { instance: 'i-00000003', zone: 'eu-west-1a', env: 'none' },
      },
    ]);
  });

  it('has variables that a shell reads as they are, whatever is in a tag', () => {
    const script = `${example('web.sh')}printf '%s|' "$WEB_HOSTS" "$WEB_COUNT" "$WEB_OWNER"`;
    const { stdout } = spawnSync('sh', [], { input: script, encoding: 'utf8' });
    expect(stdout).toBe("10.0.0.1 10.0.0.2|2|O'Neill; $(echo pwned)|");
  });

  it('has hosts that ssh knows', async () => {
    expect(example('ssh_config')).toContain('Host web-1\n  HostName 10.0.0.1\n');
    expect(await judge('/usr/bin/ssh', 'ssh_config', '-G', 'web-1', '-F')).toBe('');
    if (!existsSync('/usr/bin/ssh')) return;
    const args = ['-F', join(folder, 'ssh_config'), '-G', 'web-2'];
    const { stdout } = spawnSync('ssh', args, { encoding: 'utf8' });
    expect(stdout).toContain('hostname 10.0.0.2\n');
    expect(stdout).toContain('hostkeyalias i-00000002\n');
  });
});
