/** What a snapshot's file says beside the instances, read as untrusted input. */
import type { Instance } from '../model/instance.ts';
import { evidences, type RecentRemoval } from '../model/removal.ts';
import { malformed, UnusableSnapshot } from './unusable-snapshot.ts';

/** What a file is read against. */
export interface Expected {
  /** What the file must say it is an answer to, to the letter. */
  readonly key: string;
  readonly region: string;
  /** The newest time that the file may speak of, in milliseconds since 1970. */
  readonly latestMs: number;
  /**
   * What tells this start of the system from all others; `undefined` where nothing does.
   *
   * A file of the same start is not compared with its digest: what was written is lost when a
   * system goes down, and to load what makes digests takes as long as to read a fleet of 500.
   */
  readonly boot: string | undefined;
  /** The ids of instances that are passed over. */
  readonly except?: ReadonlySet<string> | undefined;
}

// What a `Date` can hold (ECMA-262, "Time Values and Time Range").
const timeMaxMs = 8.64e15;
const nobody: ReadonlySet<string> = new Set();

/** @throws {@link UnusableSnapshot}, as all here do, when it is none or of the future. */
export function toPastMs(value: unknown, { latestMs }: Expected): number {
  if (!isCount(value) || value > timeMaxMs) throw malformed('a time of it is none');
  if (value > latestMs) throw new UnusableSnapshot('it is from the future');
  return value;
}

/** Reads when those of the instances were last seen whom the answer did not show. */
export function readUnconfirmed(
  value: unknown,
  instances: readonly Instance[],
  expected: Expected,
): ReadonlyMap<string, number> | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw malformed('its list of the unconfirmed is none');
  const { except = nobody } = expected;
  const known = new Set(instances.map(({ instanceId }) => instanceId));
  return new Map(
    value.flatMap((pair: unknown): [string, number][] => {
      const [instanceId, seenMs]: readonly unknown[] = Array.isArray(pair) ? pair : [];
      if (typeof instanceId === 'string' && except.has(instanceId)) return [];
      if (typeof instanceId !== 'string' || !known.has(instanceId)) {
        throw malformed('an unconfirmed instance is not among its instances');
      }
      return [[instanceId, toPastMs(seenMs, expected)]];
    }),
  );
}

/** Reads who was removed lately. */
export function readRemoved(
  value: unknown,
  expected: Expected,
): readonly RecentRemoval[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw malformed('its list of the removed is none');
  return value.map((item: unknown): RecentRemoval => {
    const fields: object = typeof item === 'object' && item !== null ? item : {};
    const { instanceId, evidence, addresses, atMs }: Readonly<Record<string, unknown>> = {
      ...fields,
    };
    const known = evidences.find((one) => one === evidence);
    if (typeof instanceId !== 'string') throw malformed('a removed instance has no id');
    if (known === undefined) throw malformed('an instance was removed without evidence');
    if (!Array.isArray(addresses) || !addresses.every((one) => typeof one === 'string')) {
      throw malformed('an instance was removed from nowhere');
    }
    return { instanceId, evidence: known, addresses, atMs: toPastMs(atMs, expected) };
  });
}

/** Whether it is a time that a `Date` can hold, before 1970 too. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(Number(value)) <= timeMaxMs;
}

/** Whether it is a whole number from 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
