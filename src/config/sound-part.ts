/** What of a config file can be looked at though the shape of the rest is wrong. */
import type { ConfigProblem } from './config-problems.ts';
import type { JsonPath } from './json-text.ts';

/** A file without what is wrong in itself. */
export interface SoundPart {
  readonly value: object;
  /** Gives where something of the part is in the whole, whose lists may be longer. */
  toWhole(path: JsonPath): JsonPath;
}

const lists: ReadonlySet<unknown> = new Set(['hosts', 'render', 'handlers']);

/**
 * Leaves out every entry of a list, and every other key of the file, that has one of these problems
 * in it: what is said of a half of one would only be said because the other half is missing.
 */
export function soundPart(whole: object, problems: readonly ConfigProblem[]): SoundPart {
  const wrong = new Set(problems.map(({ path }) => keyOf(path)));
  const kept = new Map<unknown, readonly number[]>();
  const entries = Object.entries(whole).flatMap(([key, value]): [string, unknown][] => {
    if (wrong.has(keyOf([key]))) return [];
    if (!lists.has(key) || !Array.isArray(value)) return [[key, value]];
    const places = [...value.keys()].filter((place) => !wrong.has(keyOf([key, place])));
    kept.set(key, places);
    return [[key, places.map((place) => value[place])]];
  });
  return {
    value: Object.fromEntries(entries),
    toWhole: (path) => {
      const [key = '', place, ...more] = path;
      const found = typeof place === 'number' ? kept.get(key)?.[place] : undefined;
      return found === undefined ? path : [key, found, ...more];
    },
  };
}

/** Names the whole that stands or falls with what is at this path. */
function keyOf(path: JsonPath): string {
  return JSON.stringify(path.slice(0, lists.has(path[0]) ? 2 : 1));
}
