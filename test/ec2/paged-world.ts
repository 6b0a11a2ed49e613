/** The pages of a world's EC2 as the gateway reads them, and all that can be wrong with them. */
import type { DescribePage } from '../../src/ec2/describe-reader.ts';
import { follow, type PageCall, type ReadPage } from '../../src/ec2/pages.ts';
import type { DescribeFilter } from '../../src/model/filters.ts';
import type { World } from '../../src/sandbox/world.ts';
import { instance } from '../helpers/instances.ts';

/** What was asked for: `whole` without ids, `stream` by their digits, `by id`. */
export interface Asked {
  readonly kind: 'whole' | 'stream' | 'by id';
  readonly token: string | undefined;
}

export interface PagedWorldOptions {
  readonly world: World;
  readonly pageSize: number;
  /** How long each page is said to have been in coming; slow by default. */
  readonly waitedMs?: number;
  /** Before each page is made. */
  readonly onPage?: (asked: Asked) => void | Promise<void>;
  /** What this EC2 makes of the values of the filter on ids of a stream. */
  readonly understands?: (values: readonly string[]) => readonly string[];
  /** What it makes of a page that is ready. */
  readonly answers?: (page: DescribePage, asked: Asked) => DescribePage;
}

export interface PagedWorld {
  readonly readPage: ReadPage;
  readonly asked: readonly Asked[];
  /** How many requests were under way at most. */
  readonly most: () => number;
}

export const slow = 100;
export const fast = 10;

export function pagedWorld(options: PagedWorldOptions): PagedWorld {
  const { world, pageSize, waitedMs = slow, answers = (page) => page } = options;
  const { understands = (values) => values, onPage } = options;
  const asked: Asked[] = [];
  let underWay = 0;
  let most = 0;

  async function readPage({ filters, token, turn, seenTokens, signal }: PageCall) {
    const request = { kind: kindOf(filters), token };
    asked.push(request);
    underWay += 1;
    most = Math.max(most, underWay);
    try {
      await new Promise(setImmediate);
      await onPage?.(request);
      signal.throwIfAborted();
    } finally {
      underWay -= 1;
    }
    const known = filters.map(({ name, values }) =>
      request.kind === 'stream' && name === 'instance-id'
        ? { name, values: understands(values) }
        : { name, values },
    );
    const asks = { filters: known, maxResults: pageSize, nextToken: token };
    const { items, nextToken } = world.describeInstances(asks);
    const instances = items.map(({ facts, state, launchTimeMs, tags }) =>
      instance({ instanceId: facts.instanceId, state, launchTimeMs, tags }),
    );
    const page = answers({ instances, nextToken }, request);
    follow(page.nextToken, seenTokens);
    if (page.nextToken !== undefined) turn.onToken(page.nextToken, waitedMs);
    await turn.before;
    return page;
  }
  return { readPage, asked, most: () => most };
}

function kindOf(filters: readonly DescribeFilter[]): Asked['kind'] {
  const values = filters.find(({ name }) => name === 'instance-id')?.values;
  if (values === undefined) return 'whole';
  return values.some((value) => value.startsWith('*')) ? 'stream' : 'by id';
}
