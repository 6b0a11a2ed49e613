import type { Random } from '../ports.ts';
import { Ec2Error, invalidParameterValue } from './ec2-error.ts';
import type { Knobs } from './knobs.ts';

/** What a request says about pages. */
export interface PageRequest {
  readonly maxResults?: number | undefined;
  readonly nextToken?: string | undefined;
}

/** One page; more follow while there is a token, even if it is empty. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

/** Where a page begins, as its token carries it. */
interface Place {
  /** The rank of the last thing of the page before. */
  readonly after: number;
  readonly wasEmpty: boolean;
}

// EC2 API Reference, `MaxResults` of DescribeTags; the range is no longer stated for the others.
const resultsMin = 5;
const resultsMax = 1000;
const shortPageMax = 50;

/**
 * Cuts a page from things in the order of their rank.
 *
 * Things are looked at when the page is read, so two pages may show different times, as EC2's do.
 * `query` is the rest of the request: a token goes with the request that it came from.
 *
 * @throws {@link Ec2Error} `InvalidParameterValue` for a page size outside 5 to 1000,
 * `InvalidPaginationToken` for a token that was not given out for this request.
 */
export function cutPage<T extends { readonly rank: number }>(
  things: Iterable<T>,
  query: string,
  request: PageRequest,
  knobs: Knobs,
  random: Random,
): Page<T> {
  const { maxResults, nextToken } = request;
  if (
    maxResults !== undefined &&
    !(Number.isInteger(maxResults) && maxResults >= resultsMin && maxResults <= resultsMax)
  ) {
    throw invalidParameterValue(
      `Value ( ${maxResults} ) for parameter maxResults is invalid. ` +
        `Expecting a value between ${resultsMin} and ${resultsMax}.`,
    );
  }
  const place = nextToken === undefined ? undefined : readToken(nextToken, query);
  const after = place?.after ?? -1;
  let limit = maxResults ?? Number.POSITIVE_INFINITY;
  // Never two empty pages in a row, so that paging always comes to an end.
  if (draws(knobs.emptyPages, random) && place?.wasEmpty !== true) limit = 0;
  else if (draws(knobs.shortPages, random)) {
    limit = 1 + Math.floor(random() * Math.min(limit - 1, shortPageMax));
  }
  const items: T[] = [];
  for (const thing of things) {
    if (thing.rank <= after) continue;
    if (items.length >= limit) {
      const last = items.at(-1)?.rank ?? after;
      return { items, nextToken: writeToken({ after: last, wasEmpty: limit === 0 }, query) };
    }
    items.push(thing);
  }
  return { items, nextToken: undefined };
}

/** Draws whether something of this probability happens; draws nothing when it cannot. */
export function draws(probability: number, random: Random): boolean {
  return probability > 0 && random() < probability;
}

function writeToken({ after, wasEmpty }: Place, query: string): string {
  const text = `${after}/${wasEmpty ? 1 : 0}/${checksum(query)}`;
  return Buffer.from(text, 'utf8').toString('base64url');
}

const tokenText = /^(-?[0-9.e-]+)\/([01])\/([0-9a-f]+)$/;

function readToken(token: string, query: string): Place {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  const [, after, empty, sum] = tokenText.exec(text) ?? [];
  if (after === undefined || sum !== checksum(query) || Number.isNaN(Number(after))) {
    throw new Ec2Error(
      'InvalidPaginationToken',
      'The specified pagination token is not valid or is expired.',
    );
  }
  return { after: Number(after), wasEmpty: empty === '1' };
}

function checksum(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16);
}
