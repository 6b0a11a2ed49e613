import { Ec2Error } from './ec2-error.ts';

interface Rate {
  readonly capacity: number;
  readonly refillPerSecond: number;
}

// Published defaults: EC2 Developer Guide, "Request throttling for the Amazon EC2 API". A describe
// that is neither filtered nor paginated has a smaller bucket than one that is.
const describe: Rate = { capacity: 100, refillPerSecond: 20 };
const describeAll: Rate = { capacity: 50, refillPerSecond: 10 };
const mutating: Rate = { capacity: 50, refillPerSecond: 5 };
const requestRates: ReadonlyMap<string, Rate> = new Map([
  ['CreateTags', { capacity: 100, refillPerSecond: 10 }],
  ['DeleteTags', { capacity: 100, refillPerSecond: 10 }],
  ['RunInstances', { capacity: 5, refillPerSecond: 2 }],
  ['StartInstances', { capacity: 5, refillPerSecond: 2 }],
  ['TerminateInstances', { capacity: 100, refillPerSecond: 5 }],
]);
// Tokens for instances, beside those for requests.
const resourceRates: ReadonlyMap<string, Rate> = new Map([
  ['RunInstances', { capacity: 1000, refillPerSecond: 2 }],
  ['StartInstances', { capacity: 1000, refillPerSecond: 2 }],
  ['StopInstances', { capacity: 1000, refillPerSecond: 20 }],
  ['TerminateInstances', { capacity: 1000, refillPerSecond: 20 }],
]);
const smallerWhenUnfiltered: ReadonlySet<string> = new Set([
  'DescribeInstances',
  'DescribeSecurityGroups',
]);

/** EC2's token buckets for one account in one region, each action by itself. */
export class Throttle {
  readonly #buckets = new Map<string, { tokens: number; filledAtMs: number }>();

  /**
   * Takes the tokens of one request.
   *
   * @throws {@link Ec2Error} `RequestLimitExceeded` when there are too few.
   */
  take(action: string, narrowed: boolean, instances: number, nowMs: number): void {
    const all = !narrowed && smallerWhenUnfiltered.has(action);
    const usual = action.startsWith('Describe') ? describe : mutating;
    const rate = all ? describeAll : (requestRates.get(action) ?? usual);
    this.#takeFrom(all ? `${action} of all` : action, rate, 1, nowMs);
    const resources = resourceRates.get(action);
    if (resources !== undefined) {
      this.#takeFrom(`instances of ${action}`, resources, instances, nowMs);
    }
  }

  #takeFrom(name: string, rate: Rate, count: number, nowMs: number): void {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = { tokens: rate.capacity, filledAtMs: nowMs };
      this.#buckets.set(name, bucket);
    }
    const refill = ((nowMs - bucket.filledAtMs) / 1000) * rate.refillPerSecond;
    bucket.tokens = Math.min(rate.capacity, bucket.tokens + refill);
    bucket.filledAtMs = nowMs;
    if (bucket.tokens < count) {
      throw new Ec2Error('RequestLimitExceeded', 'Request limit exceeded.', 503);
    }
    bucket.tokens -= count;
  }
}
