/** What storms take, over many seeds, as rows of a table. */
import { everyFault, everyTrouble, runStorm, type Storm, type StormResult } from './storm.ts';

export const settleMs = 5000;

/** What goes wrong in a storm. */
export const weathers: Readonly<Record<Weather, Partial<Storm>>> = {
  calm: { knobs: { settleMaxMs: settleMs } },
  faults: { knobs: everyFault(settleMs) },
  crashes: { knobs: everyFault(settleMs), troubles: ['crash', 'pause', 'reboot'] },
  all: { knobs: everyFault(settleMs), troubles: everyTrouble },
};

export type Weather = 'calm' | 'faults' | 'crashes' | 'all';

export function stormOf(
  weather: Weather,
  claimants: number,
  spreadMs: number,
  seed: number,
): Storm {
  const type = seed % 2 === 0 ? 'masterful' : 'iterative';
  return { ...weathers[weather], claimants, spreadMs, seed, settleMs, type };
}

export interface Row {
  readonly claimants: number;
  readonly spreadMs: number;
  readonly weather: Weather;
  readonly storms: number;
  /** The seeds of storms that broke a promise, with what they broke. */
  readonly broken: readonly string[];
  readonly scansOfRun: Spread;
  readonly describes: Spread;
  readonly writes: Spread;
  readonly lastNameMs: Spread;
}

export interface Spread {
  readonly median: number;
  readonly max: number;
}

export async function measure(
  weather: Weather,
  claimants: number,
  spreadMs: number,
  seeds: Iterable<number>,
): Promise<Row> {
  const results: StormResult[] = [];
  const broken: string[] = [];
  for (const seed of seeds) {
    const result = await runStorm(stormOf(weather, claimants, spreadMs, seed));
    for (const complaint of result.complaints) broken.push(`seed ${seed}: ${complaint}`);
    results.push(result);
  }
  const figures = results.flatMap((result) => result.figures);
  return {
    claimants,
    spreadMs,
    weather,
    storms: results.length,
    broken,
    scansOfRun: spreadOf(figures.map(({ scansOfRun }) => scansOfRun)),
    describes: spreadOf(figures.map(({ describes }) => describes)),
    writes: spreadOf(figures.map(({ writes }) => writes)),
    lastNameMs: spreadOf(results.map(({ lastHeldAtMs }) => lastHeldAtMs)),
  };
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** The rows as a table in Markdown. */
export function formatRows(rows: readonly Row[]): string {
  const head = [
    '| weather | claimants | boot within | storms | broken | scans of a run | describe requests |' +
      ' write requests | seconds to the last name |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
  ];
  const lines = rows.map((row) =>
    [
      '',
      row.weather,
      row.claimants,
      `${row.spreadMs / 1000} s`,
      row.storms,
      row.broken.length,
      formatSpread(row.scansOfRun),
      formatSpread(row.describes),
      formatSpread(row.writes),
      formatSpread({
        median: Math.round(row.lastNameMs.median / 1000),
        max: Math.round(row.lastNameMs.max / 1000),
      }),
      '',
    ]
      .join(' | ')
      .trim(),
  );
  return [...head, ...lines, ''].join('\n');
}

function formatSpread({ median, max }: Spread): string {
  return `${median} – ${max}`;
}
