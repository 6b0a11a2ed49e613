import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { faultNames } from '../../src/sandbox/faults.ts';
import { parseFleet } from '../../src/sandbox/fleet.ts';
import { defaultKnobs } from '../../src/sandbox/knobs.ts';

const page = readFileSync(new URL('../../docs/sandbox.md', import.meta.url), 'utf8');

/** The names in the first column of the table whose first column has this title. */
function firstColumn(title: string): readonly string[] {
  const rows = page.split('\n');
  const start = rows.findIndex((row) => row.startsWith(`| ${title} |`));
  const end = rows.findIndex((row, i) => i > start && row === '');
  const cells = rows.slice(start + 2, end).map((row) => row.split('|')[1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''));
}

describe('docs/sandbox.md', () => {
  test('lists every fault there is, once', () => {
    expect(firstColumn('fault').toSorted()).toEqual(faultNames.toSorted());
  });

  test('shows a fleet file that is one, with keys that are told in full', () => {
    const [, example = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
    expect(parseFleet(example, 'example').instances).toHaveLength(3);
    const instance = Object.fromEntries(firstColumn('key of an instance').map((key) => [key, 0]));
    const tellsUnknown = (): unknown => parseFleet(JSON.stringify({ instances: [instance] }), '');
    expect(tellsUnknown).toThrow('launchedAgo');
    expect(tellsUnknown).not.toThrow('unknown key');
  });

  test('tells the defaults as they are', () => {
    expect(page).toContain('| `500ms` |');
    expect(defaultKnobs).toMatchObject({
      settleMaxMs: 500,
      pendingMs: 1000,
      stoppingMs: 1000,
      shuttingDownMs: 1000,
      terminatedVisibleMs: 3_600_000,
      notFoundMs: 0,
      latencyMs: 0,
    });
  });
});
