/** Tells whether a text matches. */
export type Matcher = (text: string) => boolean;

type Step =
  | { readonly kind: 'text'; readonly char: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'any' };

// A pattern meets the same values again and again: hundreds of readers, few values.
const answersMax = 4096;

/**
 * Reads a filter value: `*` is any text, `?` at most one character, `\` makes the next one literal.
 *
 * Case-sensitive, and the whole value must match (EC2 User Guide, "List and filter using the CLI
 * and API"). Never backtracks, so no pattern takes more time than its length times the text's.
 */
export function compilePattern(pattern: string): Matcher {
  const steps = parse(pattern);
  if (steps.every((step) => step.kind === 'text')) {
    const text = steps.map((step) => (step.kind === 'text' ? step.char : '')).join('');
    return (candidate) => candidate === text;
  }
  const end = textAfterAny(steps);
  if (end !== undefined) return (candidate) => candidate.endsWith(end);
  const answers = new Map<string, boolean>();
  return (candidate) => {
    const known = answers.get(candidate);
    if (known !== undefined) return known;
    const answer = matches(steps, candidate);
    if (answers.size >= answersMax) answers.clear();
    answers.set(candidate, answer);
    return answer;
  };
}

/** The text of a pattern that is `*` and text; a large fleet is asked for by such ends of ids. */
function textAfterAny([first, ...rest]: readonly Step[]): string | undefined {
  if (first?.kind !== 'any') return undefined;
  const chars = rest.map((step) => (step.kind === 'text' ? step.char : undefined));
  return chars.includes(undefined) ? undefined : chars.join('');
}

function parse(pattern: string): Step[] {
  const steps: Step[] = [];
  const chars = [...pattern];
  for (let i = 0; i < chars.length; i += 1) {
    const char = chars[i] ?? '';
    if (char === '*') steps.push({ kind: 'any' });
    else if (char === '?') steps.push({ kind: 'one' });
    else if (char === '\\' && i + 1 < chars.length) {
      i += 1;
      steps.push({ kind: 'text', char: chars[i] ?? '' });
    } else steps.push({ kind: 'text', char });
  }
  return steps;
}

/** Walks all ways through the pattern at once: `at[i]` says that the first `i` steps can match. */
function matches(steps: readonly Step[], text: string): boolean {
  let at = new Uint8Array(steps.length + 1);
  at[0] = 1;
  skipOptional(steps, at);
  for (const char of text) {
    const next = new Uint8Array(steps.length + 1);
    for (const [i, step] of steps.entries()) {
      if (at[i] === 0) continue;
      if (step.kind === 'any') next[i] = 1;
      else if (step.kind === 'one' || step.char === char) next[i + 1] = 1;
    }
    skipOptional(steps, next);
    at = next;
  }
  return at[steps.length] === 1;
}

function skipOptional(steps: readonly Step[], at: Uint8Array): void {
  for (const [i, step] of steps.entries()) {
    if (at[i] === 1 && step.kind !== 'text') at[i + 1] = 1;
  }
}
