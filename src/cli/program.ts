/**
 * The commands, their options and their help: declarations only.
 *
 * Each command's code is imported when it runs, so that `--help` and a wrong flag load none of it.
 */
import { Command } from 'commander';
import { addNamingOptions } from './claim-options.ts';
import { addDoctor } from './doctor-command.ts';
import { addExplain } from './explain-command.ts';
import type { Io } from './io.ts';
import {
  addAddressOption,
  addAwsOptions,
  addConfigOption,
  addReadingOptions,
  addScopeOption,
  addSelectorOptions,
  choice,
  many,
  once,
} from './options.ts';
import { addDrain, addReady } from './readiness-commands.ts';
import { addRender } from './render-command.ts';
import {
  parseBlock,
  parseDomain,
  parseDurationMs,
  parseInstanceId,
  parseIntervalMs,
  parsePick,
  parsePort,
  parseService,
  parseSettleMs,
  parseSplayMs,
  parseText,
  parseWhole,
  parseWords,
} from './values.ts';
import { addWatch } from './watch-command.ts';

/** Takes what a command exits with. */
export type Exit = (code: number) => void;

/**
 * Declares the program.
 *
 * @param word - the name of a command to declare alone, since all of them take a tenth of a run;
 * anything else is as none
 */
export function createProgram(io: Io, version: () => string, exit: Exit, word?: string): Command {
  const program = new Command('nametag')
    .description('Names and service lookup for Amazon EC2 with no database.')
    .enablePositionalOptions()
    .addHelpText('after', programNotes);
  const wanted = commands.filter(([name]) => name === word);
  if (wanted.length === 0) program.version(version());
  for (const [, add] of wanted.length > 0 ? wanted : commands) add(program, io, exit);
  return program;
}

/** In the order of the help. */
const commands: readonly (readonly [name: string, add: typeof addResolve])[] = [
  ['resolve', addResolve],
  ['hosts', addHosts],
  ['render', addRender],
  ['watch', addWatch],
  ['claim-name', addClaimName],
  ['release-name', addReleaseName],
  ['change-master', addChangeMaster],
  ['ready', addReady],
  ['drain', addDrain],
  ['whoami', addWhoami],
  ['explain', addExplain],
  ['doctor', addDoctor],
  ['config', addConfig],
  ['sandbox', addSandbox],
  ['demo', addDemo],
];

const programNotes = `
Every option can be set by NAMETAG_<OPTION> too, as NAMETAG_GROUP=tphon, and some in a config
file. Region, profile, credentials and endpoint are taken from where the AWS CLI takes them.

Exit codes:
  0   done                                    70  a mistake in nametag
  1   no: a problem, or a name given up       73  cannot create the output
  64  wrong flag or value                     74  input or output failed
  65  bad data, as a broken block             75  not now: throttled, undecided, held back
  66  no such input file                      77  IAM says no; the action is named
  68  nobody matches                          78  settings are wrong or missing
  69  EC2 or the metadata service is away`;

const outputs: readonly string[] = ['lines', 'addrs', 'hostport', 'csv', 'json', 'hosts', 'env'];

function addResolve(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('resolve')
    .summary('print the addresses of the instances that match')
    .description('Print the addresses of the running instances that match, by name, then by id.')
    .argument('[service]', 'offered by a tag service:<name>', parseService);
  addConfigOption(addReadingOptions(addScopeOption(addSelectorOptions(command))))
    .addOption(many('--region <region>', 'AWS region to ask', parseText))
    .addOption(once('--profile <name>', 'profile of the AWS config files', parseText));
  addAddressOption(command)
    .addOption(once('--port <n>', 'port, where the service tag is not to decide', parsePort))
    .addOption(choice('--check <how>', 'tcp: only those that take a connection', ['tcp', 'none']))
    .addOption(
      once('--pick <how>', 'all (default), first, random, weighted, near or key:TEXT', parsePick),
    )
    .addOption(once('--min <n>', 'at least so many, else exit 75', parseWhole(0, 1_000_000)))
    .option('--allow-empty', 'nobody matching is no error')
    .addOption(choice('-o, --output <format>', `${outputs.join(', ')} (default lines)`, outputs))
    .addHelpText(
      'after',
      `
Examples:
  nametag resolve --group tphon --ready              one address a line
  nametag resolve --group=tphon --ready -o addrs     one line, for retry_join and exec=
  nametag resolve postgres --port 5432 -o hostport   offered by tag service:postgres
  nametag resolve --group web --tag env=prod --not-self -o json`,
    )
    .action(async (service: string | undefined, options: object) => {
      const { runResolve } = await import('./commands/resolve.ts');
      exit(await runResolve({ ...options, service }, io));
    });
}

const ipKinds: readonly string[] = ['private', 'public', 'ipv6'];

function addHosts(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('hosts')
    .summary('print or update the lines of /etc/hosts')
    .description(
      'Print a line of hosts(5) for every named instance that matches, or keep a block.',
    );
  addReadingOptions(addAwsOptions(addScopeOption(addSelectorOptions(command))))
    .addOption(choice('--address <kind>', 'private (default), public or ipv6', ipKinds))
    .addOption(once('--write <path>', 'keep a block of this file up to date', parseText))
    .addOption(once('--dir <dir>', 'keep a file of its own in this folder', parseText))
    .addOption(once('--block <name>', 'name of the block (default "default")', parseBlock))
    .addOption(once('--legacy <file>', 'lines that come before all others', parseText))
    .addOption(once('--legacy-updater <cmd>', 'makes that file first, within 60s', parseText))
    .addOption(
      once('--splay <time>', 'wait up to so long first, by chance (default 0s)', parseSplayMs),
    )
    .addOption(once('--domain <domain>', 'add each name in this domain too', parseDomain))
    .addOption(once('--min <n>', 'at least so many, else exit 75', parseWhole(0, 1_000_000)))
    .option('--allow-empty', 'nobody matching is no error')
    .option('--dry-run', 'print the difference and change nothing')
    .option('--watch', 'go on keeping it until interrupted; see nametag watch')
    .addOption(once('--interval <time>', 'how often it looks then (default 30s)', parseIntervalMs))
    .addHelpText(
      'after',
      `
Examples:
  nametag hosts --write /etc/hosts                   every named instance of the region
  nametag hosts --write /etc/hosts --dry-run         the difference, as diff -u has it
  nametag hosts --write /etc/hosts --splay 20s       from cron, on many hosts
  nametag hosts --dir /etc/nametag/hosts.d           for dnsmasq's --hostsdir
  nametag hosts --group tphon --domain ec2.example.com

Everything outside the lines "# BEGIN nametag" and "# END nametag" is kept as it is.`,
    )
    .action(async ({ interval, ...options }: { interval?: number; watch?: true }) => {
      const { runHosts } = await import('./commands/hosts.ts');
      // What is said for the whole host is of its watcher, and no mistake here.
      const isMeant = options.watch || command.getOptionValueSource('interval') === 'cli';
      exit(await runHosts(isMeant && interval ? { ...options, interval } : options, io));
    });
}

function addClaimName(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('claim-name')
    .summary('claim a name for this instance and print it')
    .description(
      'Claim the lowest free name of a service for this instance, and print it. A holder that ' +
        'runs it again changes nothing.',
    );
  addNamingOptions(command)
    .addOption(
      once(
        '--settle <time>',
        'longest time EC2 takes to show a change (default 5s)',
        parseSettleMs,
      ),
    )
    .addOption(once('--instance-id <id>', 'claim for this instance instead', parseInstanceId))
    .option('--reserve-stopped', 'a stopped instance keeps its name')
    .option('--set-hostname', 'make the name the hostname of this system, once it is held')
    .option('--dry-run', 'print the name it would ask for and change nothing')
    .option('--json', 'print a JSON object');
  addAwsOptions(addScopeOption(command))
    .addHelpText(
      'after',
      `
Examples:
  nametag claim-name --service web                   web-0, web-1, …
  nametag claim-name --service db --type masterful   db-master, db-slave-1, …
  nametag claim-name --service web --alias cache     web-0, also found as cache
  nametag claim-name --info /etc/aerostat_info --set-hostname

Two instances never hold one name while EC2 shows every change within --settle. Exit 75 means
undecided: run it again, and it goes on from the tags.`,
    )
    .action(async (options: object) => {
      const { runClaimName } = await import('./commands/claim-name.ts');
      exit(await runClaimName(options, io));
    });
}

function addReleaseName(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('release-name')
    .summary('give up the name of this instance')
    .description('Give up the name that this instance holds or asks for.')
    .addOption(once('--instance-id <id>', 'of this instance instead', parseInstanceId))
    .addOption(
      once(
        '--settle <time>',
        'longest time EC2 takes to show a change (default 5s)',
        parseSettleMs,
      ),
    );
  addAwsOptions(command)
    .addHelpText(
      'after',
      `
Example:
  nametag release-name`,
    )
    .action(async (options: object) => {
      const { runReleaseName } = await import('./commands/release-name.ts');
      exit(await runReleaseName(options, io));
    });
}

function addChangeMaster(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('change-master')
    .summary('make this follower the master of its service')
    .description(
      'Make this follower the master of its service, and print its name then. The present master ' +
        'takes the lowest free name of a follower; at no time are there two.',
    )
    .option('--force', "do the present master's part for it; takes an operator's permission")
    .addOption(once('--instance-id <id>', 'promote this instance instead', parseInstanceId))
    .addOption(once('--words <master,slave>', 'words of the service', parseWords))
    .addOption(once('--settle <time>', 'as for claim-name (default 5s)', parseSettleMs))
    .addOption(
      once('--timeout <time>', 'how long to wait for the master (default 2m)', parseIntervalMs),
    )
    .option('--set-hostname', "make the master's name the hostname of this system")
    .option('--json', 'print a JSON object');
  addAwsOptions(addScopeOption(command))
    .addHelpText(
      'after',
      `
Examples:
  nametag change-master                              the master hears it at its next claim-name
  nametag change-master --force                      the master's host is away, or has no timer`,
    )
    .action(async (options: object) => {
      const { runChangeMaster } = await import('./commands/change-master.ts');
      exit(await runChangeMaster(options, io));
    });
}

function addWhoami(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('whoami')
    .summary('print what this instance is and what it is called')
    .description('Print what this instance is, what it is called and which services it offers.')
    .addOption(
      choice('--format <format>', 'text (default), json or facts', ['text', 'json', 'facts']),
    )
    .option('--json', 'the same as --format json');
  addAwsOptions(addScopeOption(command))
    .addHelpText(
      'after',
      `
Examples:
  nametag whoami
  nametag whoami --format facts > /etc/facter/facts.d/nametag.txt`,
    )
    .action(async (options: object) => {
      const { runWhoami } = await import('./commands/whoami.ts');
      exit(await runWhoami(options, io));
    });
}

function addConfig(program: Command, io: Io, exit: Exit): void {
  const command = program
    .command('config')
    .summary('check the config file, or print its shape')
    .description('Look at the config file, which docs/watch.md describes.')
    .addHelpText(
      'after',
      `
Example:
  nametag config check --config ./config.json`,
    );
  addConfigOption(
    command
      .command('check')
      .summary('tell what is wrong with it')
      .description('Tell each mistake in the config file with its place, as file:line:column.'),
  )
    .addHelpText(
      'after',
      `
Examples:
  nametag config check                               of /etc/nametag/config.json
  nametag config check && systemctl restart nametag

Says nothing and exits 0 when there is no mistake, and 78 when there is one.`,
    )
    .action(async (options: object) => {
      const { runConfigCheck } = await import('./commands/config.ts');
      exit(await runConfigCheck(options, io));
    });
  command
    .command('schema')
    .summary('print its JSON Schema')
    .description('Print the JSON Schema of a config file, by which editors complete and check.')
    .action(async () => {
      const { runConfigSchema } = await import('./commands/config.ts');
      exit(await runConfigSchema(io));
    });
}

function addSandbox(program: Command, io: Io, exit: Exit): void {
  program
    .command('sandbox')
    .summary('run an EC2 of our own on this machine')
    .description(
      'Run an EC2 and its metadata service on 127.0.0.1, for any EC2 client, until interrupted, ' +
        'or while COMMAND runs with the environment that points to it.',
    )
    .argument('[command...]', 'after --: what to run')
    .addOption(once('--fleet <file>', 'groups and instances to begin with', parseText))
    .addOption(once('--as <instance>', 'run COMMAND as on this instance, by id or name', parseText))
    .addOption(once('--port <n>', 'port of the EC2 endpoint (default: a free one)', parsePort))
    .addOption(
      once(
        '--settle-max <time>',
        'changes are seen within this time (default 500ms)',
        parseDurationMs,
      ),
    )
    .option('--throttle', "throttle with EC2's published token buckets")
    .addOption(
      once('--faults <list>', 'as lost=0.1,concurrent=0.05; see docs/sandbox.md', parseText),
    )
    .addOption(once('--seed <n>', 'the same seed, the same faults', parseWhole(0, 4_294_967_295)))
    .addHelpText(
      'after',
      `
Examples:
  nametag sandbox -- nametag resolve --group tphon --ready
  nametag sandbox --as web -- nametag claim-name --service web
  nametag sandbox --settle-max 2s --throttle         until interrupted; prints what to export`,
    )
    .action(async (words: string[], options: object) => {
      const { runSandbox } = await import('./commands/sandbox.ts');
      exit(await runSandbox({ ...options, command: words }, io));
    });
}

function addDemo(program: Command, io: Io, exit: Exit): void {
  program
    .command('demo')
    .summary('see the main job done in a sandbox, without an account')
    .description('Boot hosts in a sandbox, claim names, resolve a service, move it, and say how.')
    .action(async () => {
      const { runDemo } = await import('./commands/demo.ts');
      exit(await runDemo(io));
    });
}
