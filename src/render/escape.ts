/**
 * Values made harmless for the file that they are written in.
 *
 * Where a value stands decides what it must be turned into: within quotes it needs another form
 * than outside of them. So an escaper is told all of the file, piece by piece and in order, and
 * follows where it is. Where it cannot tell, it lets only values through that mean nothing
 * anywhere, and refuses the rest.
 */
import type { EscapeKind } from '../model/escape-kind.ts';
import { createJsonEscaper } from './escape-json.ts';
import { createShellEscaper } from './escape-shell.ts';
import { createXmlEscaper } from './escape-xml.ts';
import { createYamlEscaper } from './escape-yaml.ts';
import {
  type EscapedValue,
  type Escaper,
  type PrintedValue,
  refuseControls,
  toWord,
} from './escaped-value.ts';

const kindByEnding: ReadonlyMap<string, EscapeKind> = new Map([
  ['json', 'json'],
  ['sh', 'shell'],
  ['bash', 'shell'],
  ['env', 'shell'],
  ['xml', 'xml'],
  ['html', 'xml'],
  ['htm', 'xml'],
  ['yaml', 'yaml'],
  ['yml', 'yaml'],
]);

/** Tells by the ending of a file's name what values in it are escaped for; `word` by default. */
export function escapeKindOf(path: string): EscapeKind {
  const [, ending = ''] = /\.([A-Za-z]+)$/.exec(path) ?? [];
  return kindByEnding.get(ending.toLowerCase()) ?? 'word';
}

const makers: Readonly<Record<EscapeKind, () => Escaper>> = {
  json: createJsonEscaper,
  shell: createShellEscaper,
  xml: createXmlEscaper,
  yaml: createYamlEscaper,
  word: () => createFlatEscaper(toWordOrAddress),
  plain: () => createFlatEscaper(refuseControls),
};

/** Makes an escaper for the beginning of one file. */
export function createEscaper(kind: EscapeKind): Escaper {
  return makers[kind]();
}

/** For what is the same wherever it stands. */
function createFlatEscaper(value: Escaper['value']): Escaper {
  return { literal: () => undefined, value, end: () => undefined };
}

/** The brackets that an IPv6 address has before a port (RFC 3986, 3.2.2) are of the word. */
function toWordOrAddress(value: PrintedValue): EscapedValue {
  const isAddress = typeof value === 'string' && /^\[[0-9A-Fa-f:.]+\](?::\d+)?$/.test(value);
  return isAddress ? { text: value } : toWord(value);
}
