import type { Command } from 'commander';
import { firstOrdinalMax, type SeriesWords, type ServiceType } from '../model/series.ts';
import { choice, many, once } from './options.ts';
import { parseAlias, parseText, parseWhole, parseWords } from './values.ts';

/** Which names are claimed. */
export interface NamingOptions {
  readonly service?: string;
  readonly type?: ServiceType;
  readonly words?: SeriesWords;
  readonly pattern?: string;
  readonly firstOrdinal?: number;
  readonly alias?: readonly string[];
  /** A file that says the service, the type and the aliases, where no flag does. */
  readonly info?: string;
}

/** Adds the options of {@link NamingOptions}. */
export function addNamingOptions(command: Command): Command {
  return command
    .addOption(once('--service <name>', 'what the instance does, as web', parseText))
    .addOption(
      choice(
        '--type <type>',
        'iterative: web-0, web-1 (default); masterful: db-master, db-slave-1',
        ['iterative', 'masterful'],
      ),
    )
    .addOption(once('--words <master,slave>', 'words of a masterful service', parseWords))
    .addOption(
      once('--pattern <pattern>', "of iterative names, as '{service}{n:02}': web00", parseText),
    )
    .addOption(
      once('--first-ordinal <n>', 'number of the first name', parseWhole(0, firstOrdinalMax)),
    )
    .addOption(many('--alias <name>', 'claim this alias too, from whoever has it', parseAlias))
    .addOption(
      once('--info <file>', 'read "service [type] [alias…]" from it; flags win', parseText),
    );
}
