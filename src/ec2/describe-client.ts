/**
 * `DescribeInstances` without the SDK's client, which would take a sixth of a short run.
 *
 * What signs, what decides on another attempt and where credentials come from are the SDK's; the
 * request is a form, and the answer is read by {@link DescribeReader}.
 */
import type { DescribeFilters } from '../model/filters.ts';
import { createAttempts } from './attempts.ts';
import type { ClientOptions } from './client.ts';
import { describeForm } from './describe-form.ts';
import { type PageTurn, type Readers, readPage } from './describe-page.ts';
import { createDescribeReader, type DescribePage, type DescribeReader } from './describe-reader.ts';
import { createExchange } from './exchange.ts';
import { readRefusal } from './refusal.ts';
import { tellRequest } from './request.ts';
import { createSigner } from './signer.ts';

/** Asks for a page: the first, or the one that a token of the page before stands for. */
export type DescribeClient = (
  filters: DescribeFilters,
  token: string | undefined,
  turn: PageTurn,
  signal: AbortSignal,
) => Promise<DescribePage>;

/** Makes what asks for pages. */
export function createDescribeClient(options: ClientOptions): DescribeClient {
  const { settings, credentials, onRequest } = options;
  const endpoint = toRequestUrl(settings.endpoint);
  const exchange = createExchange(endpoint);
  const attempts = createAttempts(settings);
  const signer = createSigner({ credentials, region: settings.signingRegion, endpoint });
  const readers = createReaders();
  return async (filters, token, turn, signal) => {
    const form = describeForm(filters, token);
    return await attempts(signal, async () => {
      const { headers, hearDate } = await signer.sign(form);
      // Not signed, since a proxy may change it.
      const unsigned = { 'accept-encoding': 'gzip', 'user-agent': 'nametag' };
      return await tellRequest({ action: 'DescribeInstances', onRequest, signal }, async () => {
        const askedMs = nowMs();
        const answer = await exchange(form, { ...headers, ...unsigned }, signal);
        const waitedMs = nowMs() - askedMs;
        const isSkewCorrected = hearDate(answer.headers);
        if (answer.statusCode >= 300) throw await readRefusal(answer, isSkewCorrected);
        return await readPage(answer, readers, turn, waitedMs);
      });
    });
  };
}

/** By a clock that nobody sets. To load what has `performance` takes a millisecond. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The address as the SDK makes it, so that what is read and what is written are of one EC2. */
function toRequestUrl(endpoint: string): URL {
  const url = new URL(endpoint);
  url.search = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** Readers that have read an answer know how the next will be laid out. */
function createReaders(): Readers {
  const idle: DescribeReader[] = [];
  return {
    take: () => idle.pop() ?? createDescribeReader(),
    giveBack: (reader) => idle.push(reader),
  };
}
