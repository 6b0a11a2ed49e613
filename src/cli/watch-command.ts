import type { Command } from 'commander';
import { logFormats, logLevels } from '../model/log-line.ts';
import type { Io } from './io.ts';
import {
  addAwsOptions,
  addReadingOptions,
  addScopeOption,
  addSelectorOptions,
  choice,
  many,
  once,
} from './options.ts';
import type { Exit } from './program.ts';
import { parseHandler, parseIntervalMs, parseListen, parseSettleMs } from './values.ts';

/** Declares `watch`. */
export function addWatch(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('watch')
    .summary('keep all outputs of the config file up to date')
    .description(
      'Read the fleet again and again, keep the files of the config file as it is, and run ' +
        'handlers when something happens. SIGHUP refreshes now, SIGTERM ends after the current ' +
        'write. Events are of the instances that the options mean, or else the config file.',
    )
    .addOption(
      many('--handler <[event[,event]=]cmd>', "run at events, in Serf's form", parseHandler),
    )
    .addOption(
      once('--interval <time>', 'from one refresh to the next (default 30s)', parseIntervalMs),
    )
    .addOption(once('--listen <[host:]port>', 'serve /metrics, /healthz, /readyz', parseListen))
    .addOption(choice('--log-format <format>', 'text (default) or json', logFormats))
    .addOption(choice('--log-level <level>', 'error, warn, info (default) or debug', logLevels))
    .addOption(once('--settle <time>', 'of the claim (default 5s)', parseSettleMs))
    .option('--poke', 'have the watcher of this host refresh now, and end');
  addReadingOptions(addAwsOptions(addScopeOption(addSelectorOptions(command))))
    .addHelpText(
      'after',
      `
Examples:
  nametag watch                                      as /etc/nametag/config.json says
  nametag watch --handler 'member-join,member-failed=/usr/local/bin/on-change'
  nametag watch --group web --interval 10s --listen 9101
  nametag watch --poke                               after a flip in the console`,
    )
    .action(async (options: object) => {
      const { runWatch } = await import('./commands/watch.ts');
      exit(await runWatch(options, io));
    });
}
