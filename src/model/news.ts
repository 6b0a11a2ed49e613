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

/**
 * Tells a failure's cause by its message, to be compared with that of the one before.
 *
 * What a command has said, at the end of a fact as `("…")`, may have its process id or the time in
 * it, which is no other cause; nor is it that a command which hangs was ended some later.
 */
export function toCause(message: string): string {
  return withoutAges(message)
    .replace(/\d+(?:\.\d+)? seconds\b/g, 'some time')
    .replace(/\(".*"\)/gs, (said) => said.replace(/\d+/g, '0'));
}

/** Ages as `showAge` writes them. Names have no spaces, so none of them looks like one. */
function withoutAges(sentence: string): string {
  return sentence.replace(/(?<![^ ])\d+ (?:s|min|h|d)\b/g, 'some time');
}
