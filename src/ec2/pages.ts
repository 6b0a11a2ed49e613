/** The pages of one request: each is asked for by the token that the one before has. */
import type { DescribeFilters } from '../model/filters.ts';
import type { PageTurn } from './describe-page.ts';
import type { DescribePage } from './describe-reader.ts';
import { MalformedAnswer } from './malformed-answer.ts';

/** What is asked for when a page is. */
export interface PageCall {
  readonly filters: DescribeFilters;
  /** Of the page before; `undefined` asks for the first. */
  readonly token: string | undefined;
  readonly turn: PageTurn;
  /** Those of the pages before, for {@link follow}. */
  readonly seenTokens: Set<string>;
  readonly signal: AbortSignal;
}

/** Asks for one page and reads it. */
export type ReadPage = (call: PageCall) => Promise<DescribePage>;

/** What the pages are read with. */
export interface PagesOptions {
  readonly readPage: ReadPage;
  readonly signal: AbortSignal;
  /**
   * Told how long the first page was in coming, in milliseconds, when it has arrived and more
   * follow. If it says yes, the second is not asked for before it is wanted.
   */
  readonly holdsBack?: ((waitedMs: number) => boolean) | undefined;
}

/** Each page is asked for as soon as the one before has arrived, while that is still read. */
export async function* readPages(
  filters: DescribeFilters,
  { readPage, signal, holdsBack }: PagesOptions,
): AsyncGenerator<DescribePage, void, void> {
  const seenTokens = new Set<string>();
  const ahead = new Map<string, Promise<DescribePage>>();
  const ask = (token: string | undefined, before: Promise<unknown>): Promise<DescribePage> => {
    const onToken = (next: string, waitedMs: number): void => {
      if (token === undefined && holdsBack?.(waitedMs) === true) return;
      // Only of a page that has its turn: no more than one has arrived and is not read.
      void before.then(() => {
        if (!ahead.has(next) && !seenTokens.has(next)) ahead.set(next, ask(next, page));
      }, ignore);
    };
    const page = readPage({ filters, token, turn: { before, onToken }, seenTokens, signal });
    // Told when it is its turn.
    page.catch(ignore);
    return page;
  };
  let next = ask(undefined, Promise.resolve());
  for (;;) {
    const page = await next;
    // A page may be empty and still not be the last. Source: EC2 API Reference, "Pagination".
    yield page;
    const { nextToken } = page;
    if (nextToken === undefined) return;
    next = ahead.get(nextToken) ?? ask(nextToken, next);
    ahead.delete(nextToken);
  }
}

const ignore = (): void => undefined;

/** How many pages a request may have, 10 million instances: a bound where EC2 drives the loop. */
const maxPages = 10_000;

/**
 * Notes the token of the next page.
 *
 * @throws {@link MalformedAnswer} when the pages would not come to an end.
 */
export function follow(next: string | undefined, seenTokens: Set<string>): void {
  if (next === undefined) return;
  if (seenTokens.has(next)) throw new MalformedAnswer('it names a page that was read already');
  if (seenTokens.size >= maxPages) throw new MalformedAnswer(`it has over ${maxPages} pages`);
  seenTokens.add(next);
}
