/** Holds docs/errors.md to the codes of src/errors.ts and to what the program exits with. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { exitCodeOf } from '../src/cli/exit-code.ts';
import { type ErrorCode, errorCodes } from '../src/errors.ts';
import { toSource } from './tidy/source.ts';

const text = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');

/** The rows of the table: code, exit code, when, what to do. */
const rows = [...text.matchAll(/^\| `(NAMETAG_\w+)` \| (.+) \| (.+) \| (.+) \|$/gm)];
const documented = rows.map(([, code, exitCode]) => [code, Number(exitCode)]);
const expected = (codes: readonly ErrorCode[]): unknown[] =>
  codes.map((code) => [code, exitCodeOf[code]]);

test('docs/errors.md has every code once, in the order of the table, with its exit code', () => {
  expect(documented).toEqual(expected(errorCodes));
});

test('a missing row, a row too many and a wrong exit code are noticed', () => {
  expect(documented.slice(1)).not.toEqual(expected(errorCodes));
  expect([...documented, ['NAMETAG_GONE', 64]]).not.toEqual(expected(errorCodes));
  expect(documented.with(0, ['NAMETAG_USAGE', 65])).not.toEqual(expected(errorCodes));
});

test('every row says when it happens and what to do, in sentences', () => {
  expect(rows.length).toBeGreaterThan(0);
  for (const [, , , when, remedy] of rows) {
    expect(when).toMatch(/^\S.*\.$/);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
  }
});

const source = new URL('../src/', import.meta.url);
const tables = ['errors.ts', 'cli/exit-code.ts'];

test('every code is thrown somewhere', () => {
  const strings = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !tables.includes(path))
    .flatMap((path) => toSource(path, readFileSync(new URL(path, source), 'utf8')).strings);
  const thrown = new Set(strings);
  const idle = (codes: readonly string[]): unknown => codes.filter((code) => !thrown.has(code));
  expect(idle(errorCodes)).toEqual([]);
  expect(idle([...errorCodes, 'NAMETAG_GONE'])).toEqual(['NAMETAG_GONE']);
});
