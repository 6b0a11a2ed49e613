import { isLabel } from './name.ts';

/** How the names of a service run on: `web-0, web-1, …` or `db-master, db-slave-1, …`. */
export type ServiceType = 'iterative' | 'masterful';

/** The two words of a masterful series: of rank 0 and of all the ranks after it. */
export interface SeriesWords {
  readonly master: string;
  readonly slave: string;
}

/** Aerostat's words, which its users' scripts know. */
export const defaultWords: SeriesWords = { master: 'master', slave: 'slave' };

/** An endless ordered list of names, of which each claimant gets one. */
export interface Series {
  readonly service: string;
  readonly type: ServiceType;
  readonly words: SeriesWords;
}

/** The series, or why this service cannot have one. */
export type ParsedSeries =
  | { readonly kind: 'series'; readonly series: Series }
  | { readonly kind: 'refused'; readonly reason: string };

// A name is one label of at most 63 characters (RFC 1035 section 2.3.4). This leaves room for two
// hyphens, a word and five digits.
const serviceLengthMax = 40;
const wordLengthMax = 16;

/** Checks that every name of the series will be a host name, and of one rank only. */
export function parseSeries(
  service: string,
  type: ServiceType,
  words: SeriesWords = defaultWords,
): ParsedSeries {
  const refuse = (reason: string): ParsedSeries => ({ kind: 'refused', reason });
  if (service.length > serviceLengthMax) {
    return refuse(`it is longer than ${serviceLengthMax} characters`);
  }
  if (!isLabel(service)) return refuse('it is not a lower-case host name label');
  // `ip6` is one, `ip6-0` is reserved.
  if (!isLabel(`${service}-0`)) return refuse('its names would be reserved');
  if (type === 'masterful') {
    for (const word of [words.master, words.slave]) {
      if (word.length > wordLengthMax || !isLabel(word)) {
        return refuse(`the word "${word}" is not a short lower-case host name label`);
      }
    }
    if (words.master === words.slave) return refuse('its two words are the same');
    if (words.master.startsWith(`${words.slave}-`) && /-\d+$/.test(words.master)) {
      return refuse('its master would be called like a follower');
    }
  }
  return { kind: 'series', series: { service, type, words } };
}

/** Gives the name of a rank, from 0: an iterative series numbers from 0, followers from 1. */
export function nameAt(series: Series, rank: number): string {
  if (series.type === 'iterative') return `${series.service}-${rank}`;
  if (rank === 0) return `${series.service}-${series.words.master}`;
  return `${series.service}-${series.words.slave}-${rank}`;
}

/** Gives the rank of a name, or `undefined` if it is not of this series (`web-01` is not). */
export function rankOf(series: Series, name: string): number | undefined {
  if (series.type === 'masterful' && name === nameAt(series, 0)) return 0;
  const digits = /-(\d{1,9})$/.exec(name)?.[1];
  if (digits === undefined) return undefined;
  const rank = Number(digits);
  return name === nameAt(series, rank) ? rank : undefined;
}
