/** `problem` keeps nametag from working; `warning` does not, and is worth mending. */
export type Verdict = 'ok' | 'warning' | 'problem';

/** One thing that was looked at. */
export interface Check {
  /** Stable, of lower-case words and hyphens. */
  readonly name: string;
  readonly verdict: Verdict;
  /** What was seen, without a full stop. May hold text of tags, which is untrusted. */
  readonly seen: string;
  /** What to do, in sentences; `undefined` where there is nothing to do. */
  readonly advice: string | undefined;
}

/** A check that found nothing to mend. */
export function ok(name: string, seen: string): Check {
  return { name, verdict: 'ok', seen, advice: undefined };
}
