import { NametagError } from '../errors.ts';
import { createFiles } from '../host/replace-file.ts';
import { parseAliasList } from '../model/alias.ts';
import { type Info, parseInfo } from '../model/info.ts';
import { parseSeries, type Series } from '../model/series.ts';
import type { NamingOptions } from './claim-options.ts';
import type { Io } from './io.ts';

/** Which name is to be claimed, and which aliases beside it. */
export interface ClaimIntent {
  readonly series: Series;
  /** In the order of names; empty when nothing is said of aliases. */
  readonly aliases: readonly string[];
}

/**
 * Puts together what flags and the info file say; each flag wins over the file.
 *
 * @throws {@link NametagError} with code `NAMETAG_USAGE`, `NAMETAG_INVALID_SERVICE`,
 * `NAMETAG_INPUT_MISSING`, `NAMETAG_INPUT_UNREADABLE` or `NAMETAG_INVALID_INFO`.
 */
export async function readIntent(options: NamingOptions, io: Io): Promise<ClaimIntent> {
  const info = options.info === undefined ? undefined : await readInfo(options.info, io);
  const { service = info?.service, type = info?.type ?? 'iterative', words } = options;
  if (service === undefined) {
    throw refuse(
      '`claim-name` needs a service',
      'Pass `--service`, as `--service web`, or `--info`',
    );
  }
  if (words !== undefined && type !== 'masterful') {
    throw refuse('`--words` is for a masterful service', 'Pass `--type masterful` too');
  }
  const { pattern, firstOrdinal } = options;
  const parsed = parseSeries(service, type, words, { pattern, firstOrdinal });
  if (parsed.kind === 'refused') {
    if (pattern === undefined && firstOrdinal === undefined) {
      throw new NametagError('NAMETAG_INVALID_SERVICE', { service, reason: parsed.reason });
    }
    const remedy = "Write the pattern as '{service}{n:02}', and only for iterative services";
    throw refuse(`\`claim-name\` cannot number "${service}" so: ${parsed.reason}`, remedy);
  }
  const aliases = parseAliasList(options.alias ?? info?.aliases ?? []);
  if (aliases.kind === 'aliases') return { series: parsed.series, aliases: aliases.aliases };
  const problem = `\`claim-name\` cannot claim these aliases for ${service}: ${aliases.reason}`;
  throw refuse(problem, 'Leave some out');
}

async function readInfo(path: string, io: Io): Promise<Info> {
  const bytes = await createFiles({ environment: io.env }).read(path, { signal: io.signal });
  if (bytes === undefined) {
    throw new NametagError('NAMETAG_INPUT_MISSING', { path, fact: 'no such file or folder' });
  }
  const parsed = parseInfo(new TextDecoder().decode(bytes));
  if (parsed.kind === 'info') return parsed.info;
  const { line, problem } = parsed;
  throw new NametagError('NAMETAG_INVALID_INFO', { path, line, problem });
}

function refuse(problem: string, remedy: string): NametagError {
  return new NametagError('NAMETAG_USAGE', { problem, remedy });
}
