/** The claim of a config file, as it is written and as it is meant. */
import { parseAliasList } from '../model/alias.ts';
import { defaultWords, parseSeries, type Series, type ServiceType } from '../model/series.ts';

/** Which name the watcher claims, in the words of the flags of `claim-name`. */
export interface ClaimKeys {
  readonly service: string;
  readonly type?: ServiceType | undefined;
  readonly words?: string | undefined;
  readonly pattern?: string | undefined;
  readonly firstOrdinal?: number | undefined;
  readonly aliases?: readonly string[] | undefined;
  readonly setHostname?: boolean | undefined;
  readonly reserveStopped?: boolean | undefined;
}

/** Which name the watcher claims for the instance it is on, and keeps. */
export interface ConfiguredClaim {
  readonly series: Series;
  /** In the order of names; empty when nothing is said of aliases. */
  readonly aliases: readonly string[];
  readonly setHostname: boolean;
  readonly reserveStopped: boolean;
}

/** Reads what the keys mean, or what is wrong with them, to go behind a colon. */
export function parseClaimKeys(keys: ClaimKeys): ConfiguredClaim | { readonly problem: string } {
  const { service, type = 'iterative', words, pattern, firstOrdinal } = keys;
  if (words !== undefined && type !== 'masterful') {
    return { problem: '"words" is for "type": "masterful"' };
  }
  const [master = '', slave = '', ...rest] = words?.split(',') ?? [];
  const isPair = master !== '' && slave !== '' && rest.length === 0;
  if (words !== undefined && !isPair)
    return { problem: 'expected two words like "primary,replica"' };
  const pair = isPair ? { master, slave } : defaultWords;
  const parsed = parseSeries(service, type, pair, { pattern, firstOrdinal });
  if (parsed.kind === 'refused') return { problem: `no name can be made of it: ${parsed.reason}` };
  const aliases = parseAliasList(keys.aliases ?? []);
  if (aliases.kind === 'refused') return { problem: aliases.reason };
  const { setHostname = false, reserveStopped = false } = keys;
  return { series: parsed.series, aliases: aliases.aliases, setHostname, reserveStopped };
}
