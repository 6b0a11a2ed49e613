import type { Command } from 'commander';
import type { Io } from './io.ts';
import { addAwsOptions, addScopeOption } from './options.ts';
import type { Exit } from './program.ts';

/** Declares `doctor`. */
export function addDoctor(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('doctor')
    .summary('tell what keeps nametag from working here')
    .description(
      'Look at the metadata service, region, credentials, permissions, clock, tags and claim of ' +
        'this instance, a line each: ok, warning or problem. Changes nothing.',
    )
    .option('--json', 'print a JSON object');
  addAwsOptions(addScopeOption(command))
    .addHelpText(
      'after',
      `
Example:
  nametag doctor

Permissions are tried by dry runs: each that is needed, and some that are not and were better
denied. Exit 1 means that there is a problem; warnings exit 0.`,
    )
    .action(async (options: object, command: Command) => {
      const { runDoctor } = await import('./commands/doctor.ts');
      const regionSource = command.getOptionValueSource('region');
      exit(await runDoctor({ ...options, regionSource }, io));
    });
}
