import type { Random } from '../ports.ts';

/** How this EC2 behaves: every delay and fault it can show. Times in milliseconds. */
export interface Knobs {
  /** A write is visible to every read that begins this long after it; before, each read draws. */
  readonly settleMaxMs: number;
  /** For this long after its launch, calls that name an instance may answer that it is unknown. */
  readonly notFoundMs: number;
  /** How long an instance is `pending`, `stopping` and `shutting-down`. */
  readonly pendingMs: number;
  readonly stoppingMs: number;
  readonly shuttingDownMs: number;
  /** How long a terminated instance is still described. */
  readonly terminatedVisibleMs: number;
  /** How long each request takes at least, and at most if that is more. */
  readonly latencyMinMs: number;
  readonly latencyMs: number;
  /** Whether requests take tokens from EC2's published buckets. */
  readonly throttle: boolean;
  /** Whether the metadata service shows an instance its own tags. */
  readonly instanceTags: boolean;
  /** The probability that a tagging call is answered `ConcurrentTagAccess`. */
  readonly concurrent: number;
  /** The probability that a page holds less than it could, and that it holds nothing. */
  readonly shortPages: number;
  readonly emptyPages: number;
  /** The probability that a describe finds nobody, though somebody matches. */
  readonly emptyAnswers: number;
  /** The same, for a describe that is narrowed by more than instance ids. */
  readonly silentFilter: number;
  /** Availability zones and instance ids of which no describe shows anything. */
  readonly hidden: ReadonlySet<string>;
  /** The probabilities that a write's answer is lost, by what became of the write. */
  readonly lostNow: number;
  readonly lostLate: number;
  readonly lostTwice: number;
  readonly lostNever: number;
  /** The probability that a read's answer is lost. */
  readonly lostRead: number;
  /** The probability that an answer is not well-formed XML. */
  readonly malformed: number;
  /** The probability that a describe's instances come without the fields that they must have. */
  readonly bare: number;
  /** The actions that IAM does not allow, such as `CreateTags`. */
  readonly deny: ReadonlySet<string>;
}

/** An EC2 on a good day: all is off but a small delay until writes are visible. */
export const defaultKnobs: Knobs = {
  settleMaxMs: 500,
  notFoundMs: 0,
  pendingMs: 1000,
  stoppingMs: 1000,
  shuttingDownMs: 1000,
  // "Usually less than one hour" (EC2 API Reference, DescribeInstances).
  terminatedVisibleMs: 3_600_000,
  latencyMinMs: 0,
  latencyMs: 0,
  throttle: false,
  instanceTags: false,
  concurrent: 0,
  shortPages: 0,
  emptyPages: 0,
  emptyAnswers: 0,
  silentFilter: 0,
  hidden: new Set(),
  lostNow: 0,
  lostLate: 0,
  lostTwice: 0,
  lostNever: 0,
  lostRead: 0,
  malformed: 0,
  bare: 0,
  deny: new Set(),
};

/** Draws how long a request takes, in milliseconds; draws nothing when there is no choice. */
export function drawLatencyMs({ latencyMinMs, latencyMs }: Knobs, random: Random): number {
  const spreadMs = latencyMs - latencyMinMs;
  return latencyMinMs + (spreadMs > 0 ? random() * spreadMs : 0);
}
