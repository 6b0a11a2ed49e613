/** Settings of the environment: `NAMETAG_<OPTION>` for every option. */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { NametagError } from '../errors.ts';
import { closest } from '../model/suggest.ts';
import { parseYesNo } from './values.ts';

const prefix = 'NAMETAG_';

/**
 * Takes options that no flag gave from the environment: `--any-group` from `NAMETAG_ANY_GROUP`.
 *
 * A repeatable option takes one value from there.
 */
export function applyEnvironment(command: Command, env: NodeJS.ProcessEnv): void {
  for (const option of command.options) {
    const name = option.attributeName();
    const variable = variableOf(option, command);
    const text = env[variable];
    if (text === undefined || command.getOptionValue(name) !== undefined) continue;
    if (['version', 'help'].includes(name)) continue;
    try {
      const value = option.isBoolean()
        ? parseYesNo(text) || undefined
        : (option.parseArg?.(text, undefined) ?? text);
      command.setOptionValueWithSource(name, value, 'env');
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      command.error(`error: ${variable}="${text}" is invalid. ${error.message}`);
    }
  }
}

/**
 * Refuses a variable that is all but the name of a setting: a selector that is mistyped would
 * otherwise mean every instance.
 *
 * Others that begin alike are let be, since they are somebody else's: the `NAMETAG_VERSION` of an
 * image, or what Kubernetes sets for a service of this name.
 *
 * @param declare - gives the program with all commands
 * @throws {@link NametagError} with code `NAMETAG_USAGE`.
 */
export function refuseMistypedVariables(declare: () => Command, env: NodeJS.ProcessEnv): void {
  const words = Object.keys(env)
    .filter((variable) => variable.startsWith(prefix))
    .map((variable) => variable.slice(prefix.length))
    .filter((word) => !ownVariables.includes(word));
  if (words.length === 0) return;
  const known = new Set([...ownVariables, ...variablesOf(declare())]);
  for (const word of words) {
    if (known.has(word)) continue;
    // Short words are near to everything; a swap of two letters counts as two changes.
    const meant = closest(word, known, Math.floor((word.length + 1) / 3));
    if (meant === undefined) continue;
    throw new NametagError('NAMETAG_USAGE', {
      problem: `\`${prefix}${word}\` is no setting`,
      remedy: `Did you mean \`${prefix}${meant}\`? Otherwise, unset it`,
    });
  }
}

// Those that are read elsewhere, and that of the tests, without the prefix.
const ownVariables: readonly string[] = ['CACHE_DIR', 'RUNTIME_DIR', 'SEED', 'STATE_DIR'];

function variablesOf(program: Command): readonly string[] {
  return [program, ...program.commands].flatMap((command) => [
    ...command.options.map((option) => variableOf(option, command).slice(prefix.length)),
    ...(command === program ? [] : command.commands.flatMap(variablesOf)),
  ]);
}

/**
 * The variable of an option. The sandbox has a port of its own, since whoever sets a port for the
 * command that it runs does not mean the sandbox's.
 */
function variableOf(option: Option, command: Command): string {
  const words = (option.long ?? '').slice(2).replaceAll('-', '_').toUpperCase();
  const own = command.name() === 'sandbox' && words === 'PORT' ? 'SANDBOX_' : '';
  return `${prefix}${own}${words}`;
}
