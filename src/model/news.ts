/** What is new among sentences that are said again and again. */
export interface News {
  readonly fresh: readonly string[];
  /** As they were said last. */
  readonly over: readonly string[];
}

/** Compares what is said now with what was said the last time; that an age has grown is no news. */
export function toNews(last: readonly string[], now: readonly string[]): News {
  const said = new Set(last.map(withoutAges));
  const say = new Set(now.map(withoutAges));
  return {
    fresh: now.filter((sentence) => !said.has(withoutAges(sentence))),
    over: last.filter((sentence) => !say.has(withoutAges(sentence))),
  };
}

/** Ages as `showAge` writes them. Names have no spaces, so none of them looks like one. */
function withoutAges(sentence: string): string {
  return sentence.replace(/(?<![^ ])\d+ (?:s|min|h|d)\b/g, 'some time');
}
