/** What a template can do to a value; docs/templates.md lists it. */
import { AssertionError } from 'liquidjs';
import { toHostport } from '../model/address.ts';
import { compareText } from '../model/instance.ts';
import { suggest } from '../model/suggest.ts';
import { toJson } from './escape-json.ts';
import { toShellWord } from './escape-shell.ts';
import { toXml } from './escape-xml.ts';
import { toYaml } from './escape-yaml.ts';
import { type EscapedValue, type PrintedValue, toPlainText } from './escaped-value.ts';

/** A filter: gives another value for one and the arguments behind its name. */
export type TemplateFilter = (value: unknown, ...args: unknown[]) => unknown;

/**
 * Liquid's own filters that are kept: those that give the same for the same everywhere. So none
 * that tells the time, asks for chance, or orders by a language.
 */
export const liquidFilterNames: readonly string[] = [
  ...['append', 'prepend', 'upcase', 'downcase', 'capitalize', 'strip', 'lstrip', 'rstrip'],
  ...['replace', 'replace_first', 'remove', 'remove_first', 'split', 'slice', 'truncate', 'size'],
  ...['join', 'first', 'last', 'reverse', 'concat', 'compact', 'uniq', 'default', 'raw'],
  ...['plus', 'minus', 'times', 'divided_by', 'modulo', 'at_least', 'at_most', 'abs'],
  ...['ceil', 'floor', 'round'],
];

/** The filters that are for something that is not there. */
export const filtersOfNothing: readonly string[] = ['default', 'json'];

/** Filters of this program. */
export const ownFilters: Readonly<Record<string, TemplateFilter>> = {
  where: (list, path, ...expected) => listOf(list).filter(isMeant(path, expected)),
  reject: (list, path, ...expected) => {
    const isRejected = isMeant(path, expected);
    return listOf(list).filter((item) => !isRejected(item));
  },
  map: (list, path) => listOf(list).map((item) => read(item, path)),
  sort: (list, path) => {
    const keyOf = (item: unknown): unknown => (path === undefined ? item : read(item, path));
    return [...listOf(list)].sort((a, b) => compareValues(keyOf(a), keyOf(b)));
  },
  hostport: (value, port) => {
    const host = typeof value === 'string' ? value : read(value, 'host');
    const of = typeof value === 'string' ? port : (port ?? read(value, 'port'));
    if (typeof host !== 'string' || typeof of !== 'number') {
      return fail('no port is known; say it, as `| hostport: 9100`');
    }
    return toHostport(host, of);
  },
  regex: (value) => textOf(value).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
  json: (value) => toJson(value),
  shell: (value) => escaped(toShellWord, value),
  xml: (value) => escaped(toXml, value),
  yaml: (value) => escaped(toYaml, value),
};

function fail(problem: string): never {
  throw new AssertionError(problem);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : fail('expected a list');
}

function isPrintable(value: unknown): value is PrintedValue {
  return ['string', 'number', 'boolean', 'object'].includes(typeof value);
}

function escaped(into: (value: PrintedValue) => EscapedValue, value: unknown): string {
  const result = into(isPrintable(value) ? value : null);
  return 'refused' in result ? fail(result.refused) : result.text;
}

function textOf(value: unknown): string {
  return escaped(toPlainText, value);
}

/** Reads a field, or a field of a field as `tags.env`; one that no item has is a mistake. */
function read(item: unknown, path: unknown): unknown {
  if (typeof path !== 'string') return fail('expected the name of a field, as "ready"');
  let value: unknown = item;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      const known = typeof value === 'object' && value !== null ? Object.keys(value) : [];
      return fail(`there is no field \`${path}\`${suggest(key, known)}`);
    }
    value = Reflect.get(value, key);
  }
  return value;
}

/** Without a value to compare with, it is asked whether there is one, and it is not `false`. */
function isMeant(path: unknown, expected: readonly unknown[]): (item: unknown) => boolean {
  return (item) => {
    const value = read(item, path);
    if (expected.length === 0) return value !== null && value !== false;
    return Array.isArray(value) ? value.includes(expected[0]) : value === expected[0];
  };
}

/** Numbers as numbers, text by code unit, what has no value at the end. */
function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareText(String(a), String(b));
}
