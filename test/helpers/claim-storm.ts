/** What tests of claims need: a series, and a lock. */

import { parseSeries, type Series, type ServiceType } from '../../src/model/series.ts';
import type { ClaimLock } from '../../src/ports.ts';

export function series(service: string, type: ServiceType = 'iterative'): Series {
  const parsed = parseSeries(service, type);
  if (parsed.kind === 'refused') throw new TypeError(parsed.reason);
  return parsed.series;
}

/** A lock that nobody else wants. */
export const freeLock: ClaimLock = {
  acquire: async () => ({
    foundMark: false,
    sinceWriteMs: undefined,
    mark: async () => {},
    clearMark: async () => {},
    release: async () => {},
  }),
};
