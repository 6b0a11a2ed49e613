import { parseAliasList } from './alias.ts';
import { parseSeries, type ServiceType } from './series.ts';

/** What a host is told of itself when it is made. */
export interface Info {
  readonly service: string;
  readonly type: ServiceType;
  /** In the order of names. */
  readonly aliases: readonly string[];
}

/** The information, or what is wrong with it and in which line. */
export type ParsedInfo =
  | { readonly kind: 'info'; readonly info: Info }
  | { readonly kind: 'refused'; readonly line: number; readonly problem: string };

/**
 * Reads `service [type] [alias…]`: what Aerostat's user data writes to `/etc/aerostat_info`.
 *
 * As there, any white space separates, line ends too, and the second word is the type whatever it
 * is. A type that is not one of the two is refused: Aerostat takes it for `iterative`, and then a
 * misspelt `masterful` has no master.
 */
export function parseInfo(text: string): ParsedInfo {
  const words = text
    .split('\n')
    .flatMap((line, i) => [...line.matchAll(/\S+/g)].map(([word]) => ({ word, line: i + 1 })));
  const refuse = (line: number, problem: string): ParsedInfo => ({
    kind: 'refused',
    line,
    problem,
  });
  const [service, type, ...rest] = words;
  if (service === undefined) return refuse(1, 'there is no service');
  if (type !== undefined && type.word !== 'iterative' && type.word !== 'masterful') {
    return refuse(type.line, `the type ${JSON.stringify(type.word)} is not one of the two`);
  }
  const typeWord = type?.word === 'masterful' ? 'masterful' : 'iterative';
  const series = parseSeries(service.word, typeWord);
  if (series.kind === 'refused') {
    return refuse(
      service.line,
      `the service ${JSON.stringify(service.word)} cannot be: ${series.reason}`,
    );
  }
  for (const { word, line } of rest) {
    const parsed = parseAliasList([word]);
    if (parsed.kind === 'refused') return refuse(line, parsed.reason);
  }
  const parsed = parseAliasList(rest.map(({ word }) => word));
  if (parsed.kind === 'refused') return refuse(rest.at(-1)?.line ?? 1, parsed.reason);
  return {
    kind: 'info',
    info: { service: service.word, type: typeWord, aliases: parsed.aliases },
  };
}
