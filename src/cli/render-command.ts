import type { Command } from 'commander';
import type { Io } from './io.ts';
import {
  addAddressOption,
  addAwsOptions,
  addReadingOptions,
  addScopeOption,
  addSelectorOptions,
  choice,
  once,
} from './options.ts';
import type { Exit } from './program.ts';
import { parseDomain, parseMode, parsePort, parseText, parseWhole } from './values.ts';

// As src/render/escape.ts has them, which loads what a wrong flag does not need.
const kinds: readonly string[] = ['json', 'shell', 'xml', 'yaml', 'word', 'plain'];

/** Declares `render`. */
export function addRender(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('render')
    .summary('write files from templates')
    .description(
      'Render Liquid templates of the instances that match, escaped for each file, and write ' +
        'all of the files or none. CMD runs when its file has changed.',
    )
    .argument('<template:dest[:cmd]...>', 'a template, where it goes (- prints), what is run then');
  addReadingOptions(addAwsOptions(addScopeOption(addSelectorOptions(command))));
  addAddressOption(command)
    .addOption(once('--port <n>', 'port, where the service tag is not to decide', parsePort))
    .addOption(once('--domain <domain>', 'of the field fqdn', parseDomain))
    .addOption(once('--check <cmd>', 'a candidate is right if it exits with 0', parseText))
    .addOption(choice('--escape <kind>', `${kinds.join(', ')} (default: by DEST)`, kinds))
    .addOption(once('--mode <octal>', 'permissions of the files, as 0640', parseMode))
    .addOption(once('--min <n>', 'at least so many, else exit 75', parseWhole(0, 1_000_000)))
    .option('--allow-empty', 'nobody matching is no error')
    .option('--dry-run', 'print the difference and change nothing')
    .addHelpText(
      'after',
      `
Examples:
  nametag render seeds.liquid:-                      prints it
  nametag render a.cfg.liquid:/etc/haproxy/haproxy.cfg:'systemctl reload haproxy' \\
    --group web --ready --min 2 --check 'haproxy -c -f {{ src }}'
  nametag render web.liquid:/etc/nginx/conf.d/web.conf --group web --dry-run

{{ src }} is the candidate's path, before anything is replaced. A command that fails is run again
at the next run. docs/templates.md has all that a template can say.`,
    )
    .action(async (targets: string[], options: object) => {
      const { runRender } = await import('./commands/render.ts');
      exit(await runRender({ ...options, targets }, io));
    });
}
