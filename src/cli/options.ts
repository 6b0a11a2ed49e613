/**
 * How options are declared: each once, repeated only where that means something, and each to be
 * set by `NAMETAG_<OPTION>` too.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { NametagError } from '../errors.ts';
import type { Selector, TagTest } from '../model/selector.ts';
import type { Vocabulary } from '../model/tags.ts';
import {
  parseAddressKind,
  parseDurationMs,
  parseShare,
  parseTagTest,
  parseText,
} from './values.ts';

/** An option that is given at most once. */
export function once<T>(flags: string, description: string, parse: (text: string) => T): Option {
  return new Option(flags, description).argParser((text: string, previous: T | undefined) => {
    if (previous !== undefined) throw new InvalidArgumentError('It was given twice.');
    return parse(text);
  });
}

/** An option that may be repeated, each value adding to the list. */
export function many<T>(flags: string, description: string, parse: (text: string) => T): Option {
  const option = new Option(flags, `${description} (repeatable)`);
  return option.argParser((text: string, previous: readonly T[] | undefined) => [
    ...(previous ?? []),
    parse(text),
  ]);
}

/** An option whose value is one of a few words. */
export function choice(flags: string, description: string, words: readonly string[]): Option {
  return once(flags, description, (text) => {
    if (words.includes(text)) return text;
    throw new InvalidArgumentError(`Expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}.`);
  });
}

/** Where EC2 is, for every command that asks it. */
export interface AwsOptions {
  readonly region?: string;
  readonly profile?: string;
  /** The config file; options that are not given are taken from there before a command runs. */
  readonly config?: string;
  /** The tags that are read and written; the config file alone says that they are not the usual. */
  readonly vocabulary?: Vocabulary;
}

/** Adds the options of {@link AwsOptions}. */
export function addAwsOptions(command: Command): Command {
  return addConfigOption(
    command
      .addOption(once('--region <region>', 'AWS region to ask', parseText))
      .addOption(once('--profile <name>', 'profile of the AWS config files', parseText)),
  );
}

/** Adds `--config`: whatever has it takes options that are not given from a config file. */
export function addConfigOption(command: Command): Command {
  const meaning = 'file of settings (default /etc/nametag/config.json); empty for none';
  return command.addOption(once('--config <file>', meaning, (text) => text));
}

/** How old an answer may be, and what may go without evidence; for every command that reads. */
export interface ReadingOptions {
  /** In milliseconds. */
  readonly maxAge?: number;
  /** In milliseconds. */
  readonly maxStale?: number;
  /** A share, 0 to 1. */
  readonly maxRemove?: number;
  readonly force?: true;
}

/** Adds the options of {@link ReadingOptions}. */
export function addReadingOptions(command: Command): Command {
  return command
    .addOption(
      once(
        '--max-age <time>',
        'an answer that is younger will do, as 30s (default 0s)',
        parseDurationMs,
      ),
    )
    .addOption(
      once(
        '--max-stale <time>',
        'while EC2 is away, and for whoever it loses (default 1h)',
        parseDurationMs,
      ),
    )
    .addOption(
      once(
        '--max-remove <percent>',
        'at most so many go without evidence (default 30%)',
        parseShare,
      ),
    )
    .option('--force', 'remove whoever EC2 does not show, without evidence');
}

/** Among whom a name is one instance's alone. */
export interface ScopeOptions {
  readonly scope?: 'region' | 'vpc';
}

/** Adds the option of {@link ScopeOptions}. */
export function addScopeOption(command: Command): Command {
  const meaning = 'where names are unique: the region (default), or each vpc for itself';
  return command.addOption(choice('--scope <scope>', meaning, ['region', 'vpc']));
}

/** Which instances are meant, for every command that selects. */
export interface SelectorOptions {
  readonly group?: readonly string[];
  readonly anyGroup?: true;
  readonly ready?: true;
  readonly tag?: readonly TagTest[];
  readonly notTag?: readonly TagTest[];
  readonly name?: readonly string[];
  readonly az?: readonly string[];
  readonly vpc?: readonly string[];
  readonly notSelf?: true;
}

/**
 * Adds the options of {@link SelectorOptions}, and refuses before the command runs what would mean
 * every instance by mistake, wherever it was said.
 */
export function addSelectorOptions(command: Command): Command {
  return command
    .addOption(many('--group <group>', 'in this security group, by name or id', parseText))
    .option('--any-group', 'in one of the groups is enough')
    .option('--ready', 'tagged as in service (status=ready)')
    .addOption(many('--tag <key=value>', 'with this tag', parseTagTest))
    .addOption(many('--not-tag <key=value>', 'without this tag', parseTagTest))
    .addOption(many('--name <glob>', 'with a name or alias like this, as web-*', parseText))
    .addOption(many('--az <zone>', 'in this availability zone', parseText))
    .addOption(many('--vpc <id>', 'in this VPC', parseText))
    .option('--not-self', 'not this instance')
    .hook('preAction', (selecting) => refuseAnyOfNone(selecting.opts<SelectorOptions>()));
}

function refuseAnyOfNone({ anyGroup, group }: SelectorOptions): void {
  if (!anyGroup || group !== undefined) return;
  const problem = '`--any-group` needs groups';
  throw new NametagError('NAMETAG_USAGE', { problem, remedy: 'Pass `--group`' });
}

/** Makes a selector of the options; `self` is this instance's id where `--not-self` is given. */
export function toSelector(options: SelectorOptions, self: string | undefined): Selector {
  const { group, anyGroup, ready, tag, notTag, name, az, vpc } = options;
  return {
    ...(group && { groups: group }),
    ...(anyGroup && { anyGroup }),
    ...(ready && { ready }),
    ...(tag && { tags: tag }),
    ...(notTag && { notTags: notTag }),
    ...(name && { names: name }),
    ...(az && { availabilityZones: az }),
    ...(vpc && { vpcIds: vpc }),
    ...(self !== undefined && { notInstanceIds: [self] }),
  };
}

/** Adds `--address`. */
export function addAddressOption(command: Command): Command {
  return command.addOption(
    once(
      '--address <kind>',
      'private (default), public, ipv6, private-dns, public-dns or tag:KEY',
      parseAddressKind,
    ),
  );
}
