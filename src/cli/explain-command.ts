import type { Command } from 'commander';
import type { Io } from './io.ts';
import { addAwsOptions, addScopeOption, addSelectorOptions, many, once } from './options.ts';
import type { Exit } from './program.ts';
import { parseDomain, parseTagTest, parseText } from './values.ts';

/** Declares `explain`. */
export function addExplain(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('explain')
    .summary('tell why somebody is, or is not, in an answer')
    .description(
      'Tell of an instance, a name or a service what its tags say, who has which name and why, ' +
        'and with options of selecting who is in that answer and why not.',
    )
    .argument('<subject>', 'an instance id, a name or alias, or a service', parseText);
  addAwsOptions(addScopeOption(addSelectorOptions(command)))
    .addOption(once('--domain <domain>', 'names in this domain count, as in hosts', parseDomain))
    .addOption(
      many('--what-if <key=value>', 'and what would be otherwise with this tag', parseTagTest),
    )
    .option('--json', 'print a JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nametag explain web-1                              who has the name, who says it too, and why
  nametag explain i-0123456789abcdef0 --group tphon --ready
  nametag explain postgres                           who offers it, and who does not quite
  nametag explain web-1 --ready --what-if status=drain

EC2 is asked, never the memory of an earlier answer. Nothing is changed.`,
    )
    .action(async (subject: string, options: object) => {
      const { runExplain } = await import('./commands/explain.ts');
      exit(await runExplain({ ...options, subject }, io));
    });
}
