/** What is wrong with a config file, in words, each with its place. */
import type * as z from 'zod';
import { parseHandlerSpec } from '../model/handler-spec.ts';
import { suggest } from '../model/suggest.ts';
import { toQuoted } from '../model/untrusted-text.ts';
import { parseClaimKeys } from './claim-keys.ts';
import type { ConfigFile, HostsKeys, SelectorKeys } from './config-file.ts';
import { keysUnder } from './config-shape.ts';
import type { JsonPath } from './json-text.ts';

type Issue = z.core.$ZodIssue;

/** Something that is wrong, and where; {@link showProblem} puts both together. */
export interface ConfigProblem {
  readonly path: JsonPath;
  readonly text: string;
}

/** More of one kind are not told: people mend a few at a time, and a file may have nothing else. */
export const maxProblems = 1000;

/** Says what the shape does not allow. */
export function shapeProblems(issues: readonly Issue[], above: JsonPath = []): ConfigProblem[] {
  return issues.slice(0, maxProblems).flatMap((issue) => {
    const path = [...above, ...toJsonPath(issue.path)];
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.slice(0, maxProblems).map((key) => unknownKey(path, key));
      case 'invalid_value':
        return [problem(path, wrongWord(issue))];
      case 'invalid_union': {
        // Of its alternatives, the one of which the value has the type.
        const meant = issue.errors.find(
          (errors) => !errors.some((e) => e.code === 'invalid_type' && e.path.length === 0),
        );
        return meant === undefined
          ? [problem(path, `expected ${typesOf(issue).join(' or ')}`)]
          : shapeProblems(meant, path);
      }
      case 'invalid_type':
        return issue.input === undefined
          ? [problem(path.slice(0, -1), `needs ${quote(String(path.at(-1)))}`)]
          : [problem(path, `expected ${typeName(issue.expected)}`)];
      default:
        return [problem(path, issue.message)];
    }
  });
}

/** Says what in a file of the right shape does not go together. */
export function configProblems(file: ConfigFile): readonly ConfigProblem[] {
  const { hosts = [], render = [], handlers = [] } = file;
  const claim = file.claim && parseClaimKeys(file.claim);
  return [
    ...(claim && 'problem' in claim ? [problem(['claim'], claim.problem)] : []),
    ...hosts.flatMap((entry, i) => [
      ...choiceProblems(['hosts', i], entry, ['write', 'dir']),
      ...selectorProblems(['hosts', i], entry),
      ...legacyProblems(['hosts', i], entry),
    ]),
    ...render.flatMap((entry, i) => selectorProblems(['render', i], entry)),
    ...handlers.flatMap((entry, i) => {
      const parsed = typeof entry === 'string' ? parseHandlerSpec(entry) : undefined;
      return parsed && 'problem' in parsed ? [problem(['handlers', i], parsed.problem)] : [];
    }),
    ...outputProblems(file),
  ];
}

function choiceProblems<Key extends string>(
  path: JsonPath,
  entry: { readonly [K in Key]?: unknown },
  keys: readonly [Key, Key],
): readonly ConfigProblem[] {
  if (keys.filter((key) => entry[key] !== undefined).length === 1) return [];
  return [problem(path, `expected either "${keys[0]}" or "${keys[1]}"`)];
}

function selectorProblems(path: JsonPath, entry: SelectorKeys): readonly ConfigProblem[] {
  if (!entry.anyGroup || entry.group !== undefined) return [];
  return [problem([...path, 'anyGroup'], 'needs "group"')];
}

// The block of the legacy lines is called `<block>.legacy`, and a name has at most 63 characters.
const legacyBlockLengthMax = 56;

function legacyProblems(path: JsonPath, entry: HostsKeys): readonly ConfigProblem[] {
  const { write, legacy, legacyUpdater, block = '' } = entry;
  if (legacy === undefined) {
    return legacyUpdater === undefined
      ? []
      : [problem([...path, 'legacyUpdater'], 'needs "legacy"')];
  }
  if (write === undefined) return [problem([...path, 'legacy'], 'needs "write"')];
  if (legacy === write) return [problem([...path, 'legacy'], 'is the same file as "write"')];
  if (block.length <= legacyBlockLengthMax) return [];
  const expected = `expected at most ${legacyBlockLengthMax} characters beside "legacy"`;
  return [problem([...path, 'block'], expected)];
}

/** Two entries that write the same thing would undo each other at every refresh. */
function outputProblems({ hosts = [], render = [] }: ConfigFile): readonly ConfigProblem[] {
  const outputs: readonly (readonly [path: JsonPath, output: string])[] = [
    ...hosts.map(({ write, dir, block = 'default' }, i) => {
      const path = ['hosts', i, write === undefined ? 'dir' : 'write'];
      return [path, `the block "${block}" of ${write ?? dir}`] as const;
    }),
    ...render.map(({ dest }, i) => [['render', i, 'dest'], dest] as const),
  ];
  const files = new Set(hosts.map(({ write }) => write));
  const templates = new Set(render.map(({ template }) => template));
  const seen = new Set<string>();
  return outputs.flatMap(([path, output]) => {
    const taken = seen.has(output) || (path[0] === 'render' && files.has(output));
    seen.add(output);
    if (path[0] === 'render' && templates.has(output)) {
      return [problem(path, `${quote(output)} is a template, and would be written over`)];
    }
    return taken ? [problem(path, `${quote(output)} is written by an entry above too`)] : [];
  });
}

function unknownKey(path: JsonPath, key: string): ConfigProblem {
  const under = path.findLast((step) => typeof step === 'string') ?? '';
  return problem([...path, key], `unknown key${suggest(key, keysUnder.get(under) ?? [])}`);
}

function wrongWord({ values, input }: z.core.$ZodIssueInvalidValue): string {
  const words = values.map(String);
  const hint = typeof input === 'string' ? suggest(input, words) : '';
  return `expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}${hint}`;
}

function typesOf({ errors }: z.core.$ZodIssueInvalidUnion): readonly string[] {
  const types = errors.flatMap((issues) =>
    issues.flatMap((issue) => (issue.code === 'invalid_type' ? [typeName(issue.expected)] : [])),
  );
  return [...new Set(types)];
}

const typeNames: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  // There are no others in a config file.
  number: 'a whole number',
  object: 'an object',
  string: 'text',
};

function typeName(expected: string): string {
  return typeNames[expected] ?? expected;
}

function toJsonPath(path: readonly PropertyKey[]): JsonPath {
  return path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

function problem(path: JsonPath, text: string): ConfigProblem {
  return { path, text };
}

/** Writes a problem behind its path. */
export function showProblem({ path, text }: ConfigProblem): string {
  return path.length === 0 ? text : `${showPath(path)}: ${text}`;
}

/** Writes a path as a program would: `hosts[0].write`. */
export function showPath(path: JsonPath): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    return /^[A-Za-z$]\w*$/.test(step) ? `.${step}` : `[${quote(step)}]`;
  });
  return steps.join('').replace(/^\./, '');
}

/** What a file says goes to a terminal: short, and in printable characters. */
function quote(text: string): string {
  const start = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return toQuoted(start);
}
