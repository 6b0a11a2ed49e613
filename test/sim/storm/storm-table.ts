/**
 * Plays thousands of storms and prints the tables of docs/claims.md, for scripts/storm-claims.js.
 *
 * `NAMETAG_SEED` plays that one alone; a number on the command line scales how many there are.
 */

import { formatRows, measure, type Row, type Weather, weathers } from './figures.ts';
import { throttleTable } from './throttle-table.ts';

const replay = process.env['NAMETAG_SEED'];
const scale = Number(process.argv[2] ?? 1);

/** How many seeds, by the number of claimants: about as much time for each. */
const plan: readonly (readonly [claimants: number, seeds: number])[] = [
  [1, 500],
  [10, 150],
  [50, 10],
  [200, 1],
];

function seeds(count: number): readonly number[] {
  if (replay !== undefined) return [Number(replay)];
  return Array.from({ length: Math.max(1, Math.round(count * scale)) }, (_, i) => i + 1);
}

const rows: Row[] = [];
for (const weather of Object.keys(weathers) as Weather[]) {
  for (const [claimants, count] of plan) {
    for (const spreadMs of [0, 6000, 60_000]) {
      const row = await measure(weather, claimants, spreadMs, seeds(count));
      console.error(`${weather}, ${claimants} claimants within ${spreadMs} ms: done`);
      rows.push(row);
      for (const text of row.broken) {
        console.error(`${weather}, ${claimants} claimants within ${spreadMs} ms, ${text}`);
      }
    }
  }
}
console.log(formatRows(rows));
const storms = rows.reduce((sum, row) => sum + row.storms, 0);
const broken = rows.reduce((sum, row) => sum + row.broken.length, 0);
console.log(`${storms} storms, ${broken} promises broken`);
console.log(await throttleTable());
process.exitCode = broken === 0 ? 0 : 1;
