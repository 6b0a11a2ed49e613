/**
 * The config file of a command: found, read, and put behind its flags and the environment.
 *
 * Most hosts have none, so what reads one is loaded when there is one.
 */
import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { Config, Setting } from '../config/config.ts';
import { configBytesMax } from '../config/config-file.ts';
import { NametagError } from '../errors.ts';
import { readBounded } from '../host/read-bounded.ts';
import type { Io } from './io.ts';

/** Read when no other file is named, and need not be there. */
export const defaultConfigPath = '/etc/nametag/config.json';

/** A config, and where it was. */
export interface FoundConfig {
  readonly path: string;
  readonly config: Config;
}

/**
 * Reads the file of `--config`, or else that of {@link defaultConfigPath}; `undefined` if there is
 * none, or the path is empty.
 *
 * @throws {@link NametagError} with code `NAMETAG_INPUT_MISSING` when a file that was named is not
 * there, `NAMETAG_INPUT_UNREADABLE`, or `NAMETAG_INVALID_CONFIG`.
 */
export async function readConfig(path: string | undefined): Promise<FoundConfig | undefined> {
  if (path === '') return undefined;
  // Of most runs this is all, and takes a tenth of the time that a try to read it would.
  if (path === undefined && !existsSync(defaultConfigPath)) return undefined;
  const found = path ?? defaultConfigPath;
  // One byte more than is taken, so that a file that is too long is seen to be.
  const bytes = await readBounded(found, configBytesMax + 1);
  if (bytes !== undefined) {
    const { parseConfig } = await import('../config/parse-config.ts');
    return { path: found, config: parseConfig(bytes, found) };
  }
  if (path === undefined) return undefined;
  const fact = 'there is no such file';
  throw new NametagError('NAMETAG_INPUT_MISSING', { path, fact });
}

/**
 * Takes options that neither a flag nor `NAMETAG_<OPTION>` gave from the config file, if the
 * command has `--config`.
 *
 * What AWS's own variables say wins too: whoever sets them for one command means that one.
 */
export async function applyConfig(command: Command, { env }: Pick<Io, 'env'>): Promise<void> {
  if (!command.options.some((option) => option.long === '--config')) return;
  // It tells what is wrong with the file in its own way.
  if (command.parent?.name() === 'config') return;
  const found = await readConfig(command.getOptionValue('config'));
  if (found === undefined) return;
  // For what no flag says: a pipe could not be read for it once more.
  command.setOptionValueWithSource('configured', found.config, 'config');
  command.setOptionValueWithSource('vocabulary', found.config.vocabulary, 'config');
  for (const option of command.options) {
    const name = option.attributeName();
    const setting = found.config.settings.get(name);
    if (setting === undefined || command.getOptionValue(name) !== undefined) continue;
    if (rivals[name]?.some((variable) => env[variable])) continue;
    const value = readSetting(setting, (text) => option.parseArg?.(text, undefined) ?? text, {
      name,
      path: found.path,
    });
    command.setOptionValueWithSource(name, value, 'config');
  }
}

/** By the option, the variables of AWS that say the same; keys are said instead of a profile. */
const rivals: Readonly<Record<string, readonly string[]>> = {
  region: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
  profile: ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID'],
};

function readSetting(
  { text, line, column }: Setting,
  parse: (text: string) => unknown,
  { name, path }: { readonly name: string; readonly path: string },
): unknown {
  try {
    return parse(text);
  } catch (cause) {
    // A flag may be narrower than the file, which is one for all commands.
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    const problem = `${name}: ${cause.message.replace(/\.$/, '')}`;
    const problems = [{ line, column, problem }];
    throw new NametagError('NAMETAG_INVALID_CONFIG', { path, problems }, { cause });
  }
}
