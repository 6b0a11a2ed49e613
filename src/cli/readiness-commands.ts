import type { Command } from 'commander';
import type { Io } from './io.ts';
import { addAwsOptions, once } from './options.ts';
import type { Exit } from './program.ts';
import { parseDurationMs, parsePort, parseText } from './values.ts';

/** Declares `ready`. */
export function addReady(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('ready')
    .summary('put this instance in service')
    .description(
      'Tag this instance as in service (status=ready), once what is asked for is so. That is ' +
        'looked at every second.',
    )
    .addOption(once('--wait-port <n>', 'a port of this machine takes a connection', parsePort))
    .addOption(once('--check <cmd>', 'this command exits with 0, within 10s', parseText))
    .addOption(once('--timeout <time>', 'how long that may take (default 5m)', parseDurationMs));
  addAwsOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  nametag ready
  nametag ready --wait-port 5432 --timeout 2m
  nametag ready --check 'curl -fsS http://localhost:8080/healthz'

Exit 75 means that its time was over, and that no tag was written. In a unit of
systemd, as ExecStartPost=, keep --timeout below TimeoutStartSec= (90s).`,
    )
    .action(async (options: object) => {
      const { runReady } = await import('./commands/readiness.ts');
      exit(await runReady(options, io));
    });
}

/** Declares `drain`. */
export function addDrain(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('drain')
    .summary('take this instance out of service')
    .description(
      'Tag this instance as not in service (status=drain). What it is doing, it goes on doing.',
    );
  addAwsOptions(command)
    .addHelpText(
      'after',
      `
Example:
  nametag drain && sleep 60 && systemctl stop postgresql`,
    )
    .action(async (options: object) => {
      const { runDrain } = await import('./commands/readiness.ts');
      exit(await runDrain(options, io));
    });
}
