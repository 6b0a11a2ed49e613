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

/** How numbered names are written: `<prefix><number><suffix>`, the number from `first` on. */
export interface Numbering {
  readonly prefix: string;
  /** Shorter numbers get zeros before them. */
  readonly width: number;
  readonly suffix: string;
  readonly first: number;
}

/** How the names of an iterative series are to look. */
export interface NumberingOptions {
  /**
   * With `{n}`, or `{n:02}` for at least two digits, once, and `{service}`.
   *
   * @defaultValue `{service}-{n}`
   */
  readonly pattern?: string | undefined;
  /** The number of the first name. @defaultValue `0` */
  readonly firstOrdinal?: number | undefined;
}

/** An endless ordered list of names, of which each claimant gets one. */
export interface Series {
  readonly service: string;
  readonly type: ServiceType;
  readonly words: SeriesWords;
  /** Of an iterative series' names; of the followers in a masterful one, from rank 1. */
  readonly numbering: Numbering;
}

/** The series, or why this service cannot have one. */
export type ParsedSeries =
  | { readonly kind: 'series'; readonly series: Series }
  | { readonly kind: 'refused'; readonly reason: string };

// A name is one label of at most 63 characters (RFC 1035 section 2.3.4). This leaves room for two
// hyphens, a word and five digits.
const serviceLengthMax = 40;
const wordLengthMax = 16;
// As long as a master's name: a claim of names of this length has at most 255 characters, and a tag
// may have 256.
const numberedLengthMax = serviceLengthMax + 1 + wordLengthMax;

/** The highest number that a series can begin with: every name stays short, and of one rank. */
export const firstOrdinalMax = 99_999;

/** Checks that every name of the series will be a host name, and of one rank only. */
export function parseSeries(
  service: string,
  type: ServiceType,
  words: SeriesWords = defaultWords,
  options: NumberingOptions = {},
): ParsedSeries {
  const refuse = (reason: string): ParsedSeries => ({ kind: 'refused', reason });
  if (service.length > serviceLengthMax) {
    return refuse(`it is longer than ${serviceLengthMax} characters`);
  }
  if (!isLabel(service)) return refuse('it is not a lower-case host name label');
  // `ip6` is one, `ip6-0` is reserved.
  if (!isLabel(`${service}-0`)) return refuse('its names would be reserved');
  if (type === 'masterful') {
    const reason = whyNotMasterful(words, options);
    if (reason !== undefined) return refuse(reason);
    const numbering = { prefix: `${service}-${words.slave}-`, width: 1, suffix: '', first: 0 };
    return { kind: 'series', series: { service, type, words, numbering } };
  }
  const { pattern = '{service}-{n}', firstOrdinal = 0 } = options;
  const numbering = parsePattern(pattern.replaceAll('{service}', service), firstOrdinal);
  if (numbering === undefined) {
    return refuse(`the pattern "${pattern}" does not have {n}, or {n:02}, once`);
  }
  const series: Series = { service, type, words, numbering };
  const wrong = sampleRanks
    .map((rank) => nameAt(series, rank))
    .find((name) => !isLabel(name) || name.length > numberedLengthMax);
  if (wrong === undefined) return { kind: 'series', series };
  return refuse(`by the pattern "${pattern}" it would have the name "${wrong}"`);
}

// The numbers that alone can make a name a reserved one (localhost4) or an address (0x), and one
// that makes it as long as it gets in practice.
const sampleRanks: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99_999];

function whyNotMasterful(words: SeriesWords, options: NumberingOptions): string | undefined {
  if (options.pattern !== undefined || options.firstOrdinal !== undefined) {
    return 'a masterful service has no pattern and no first number';
  }
  for (const word of [words.master, words.slave]) {
    if (word.length > wordLengthMax || !isLabel(word)) {
      return `the word "${word}" is not a short lower-case host name label`;
    }
  }
  if (words.master === words.slave) return 'its two words are the same';
  if (words.master.startsWith(`${words.slave}-`) && /-\d+$/.test(words.master)) {
    return 'its master would be called like a follower';
  }
  return undefined;
}

const numberPlace = /^([^{}]*)\{n(?::0([1-9]))?\}([^{}]*)$/;

function parsePattern(text: string, first: number): Numbering | undefined {
  const [, prefix, width = '1', suffix] = numberPlace.exec(text) ?? [];
  if (prefix === undefined || suffix === undefined) return undefined;
  return { prefix, width: Number(width), suffix, first };
}

/**
 * Gives the name of a rank, from 0: an iterative series numbers from its first ordinal, which is 0
 * unless told, followers from 1.
 */
export function nameAt({ service, type, words, numbering }: Series, rank: number): string {
  if (type === 'masterful' && rank === 0) return `${service}-${words.master}`;
  const { prefix, width, suffix, first } = numbering;
  return `${prefix}${String(first + rank).padStart(width, '0')}${suffix}`;
}

/** Gives the rank of a name, or `undefined` if it is not of this series (`web-01` is not). */
export function rankOf(series: Series, name: string): number | undefined {
  if (series.type === 'masterful' && name === nameAt(series, 0)) return 0;
  const { prefix, suffix, first } = series.numbering;
  const digits = name.slice(prefix.length, name.length - suffix.length);
  if (!/^\d{1,9}$/.test(digits)) return undefined;
  const rank = Number(digits) - first;
  return rank >= 0 && name === nameAt(series, rank) ? rank : undefined;
}

/** What every name of the series begins with, to ask EC2 for. Empty if that is nothing. */
export function commonPrefix({ service, type, numbering }: Series): string {
  return type === 'masterful' ? `${service}-` : numbering.prefix;
}
