import { NametagError } from '../errors.ts';
import { type Config, toConfig } from './config.ts';
import { configBytesMax } from './config-file.ts';
import {
  type ConfigProblem,
  configProblems,
  maxProblems,
  shapeProblems,
  showPath,
  showProblem,
} from './config-problems.ts';
import { configShape } from './config-shape.ts';
import { type Place, readJson } from './json-text.ts';
import { soundPart } from './sound-part.ts';

/** A problem, and where it is. */
export interface PlacedProblem extends Place {
  readonly problem: string;
}

const start: Place = { line: 1, column: 1 };

/**
 * Reads a config file from its bytes; `path` is only told in failures.
 *
 * @throws {@link NametagError} with code `NAMETAG_INVALID_CONFIG`, with what is wrong.
 */
export function parseConfig(bytes: Uint8Array, path: string): Config {
  if (bytes.length > configBytesMax) {
    throw invalid(path, [{ ...start, problem: `it has more than ${configBytesMax} bytes` }]);
  }
  const json = readJson(decode(bytes, path));
  if (json.kind === 'broken') {
    throw invalid(path, [{ ...json.place, problem: `it is not JSON: ${json.fact}` }]);
  }
  const repeated = json.repeated.slice(0, maxProblems).map(({ path: keys, first, again }) => ({
    ...again,
    problem: `${showPath(keys)}: is there twice, first on line ${first.line}`,
  }));
  const parsed = configShape.safeParse(json.value, { reportInput: true });
  const problems = parsed.success
    ? configProblems(parsed.data)
    : allProblems(json.value, shapeProblems(parsed.error.issues));
  const placed = problems.map((p) => ({ ...json.placeOf(p.path), problem: showProblem(p) }));
  const all = [...repeated, ...placed].sort((a, b) => a.line - b.line || a.column - b.column);
  if (all.length > 0) throw invalid(path, all);
  if (parsed.success) return toConfig(parsed.data, json.placeOf);
  throw new TypeError('Expected a problem for everything that the shape does not allow');
}

/** Adds what can be said of the part whose shape is right, so that it need not be asked twice. */
function allProblems(value: unknown, ofShape: readonly ConfigProblem[]): readonly ConfigProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ofShape;
  const part = soundPart(value, ofShape);
  const parsed = configShape.safeParse(part.value);
  // Of a file with too many problems of its shape, not all were told.
  if (!parsed.success) return ofShape;
  const ofMeaning = configProblems(parsed.data);
  return [...ofShape, ...ofMeaning.map((p) => ({ ...p, path: part.toWhole(p.path) }))];
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(path, [{ ...start, problem: 'it is not text in UTF-8' }]);
  }
}

function invalid(path: string, problems: readonly PlacedProblem[]): NametagError {
  return new NametagError('NAMETAG_INVALID_CONFIG', { path, problems });
}
