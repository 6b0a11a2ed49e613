import { isNametagError } from '../../errors.ts';
import { defaultConfigPath, readConfig } from '../config-file.ts';
import { exitCodeOf } from '../exit-code.ts';
import type { Io } from '../io.ts';

/** What `config check` was told. */
export interface ConfigCheckOptions {
  readonly config?: string;
}

/**
 * Tells what is wrong with the config file, a line each as compilers do, `file:line:column: what`,
 * so that editors find the place. Nothing when nothing is.
 */
export async function runConfigCheck(options: ConfigCheckOptions, io: Io): Promise<number> {
  try {
    const path = options.config || defaultConfigPath;
    await readConfig(path);
    return 0;
  } catch (error) {
    if (!isNametagError(error, 'NAMETAG_INVALID_CONFIG')) throw error;
    const { path, problems } = error.details;
    for (const { line, column, problem } of problems) {
      io.stderr(`${path}:${line}:${column}: ${problem}\n`);
    }
    return exitCodeOf.NAMETAG_INVALID_CONFIG;
  }
}

/** Prints the JSON Schema of a config file, for an editor that is to be told where it is. */
export async function runConfigSchema(io: Io): Promise<number> {
  const { toJsonSchema } = await import('../../config/json-schema.ts');
  io.stdout(`${JSON.stringify(toJsonSchema(), null, 2)}\n`);
  return 0;
}
