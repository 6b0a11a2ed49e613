/**
 * A source file as the tidy rules see it: its code without comments and strings, and its imports.
 *
 * A scanner, not a parser: it knows comments, strings, templates and regular expressions, which is
 * what keeps a rule about code from firing on a sentence.
 */

/** One `import`, `export … from` or dynamic `import()`. */
export interface Import {
  readonly specifier: string;
  /** `import type` or `export type`: nothing is left of it when the program runs. */
  readonly typeOnly: boolean;
}

export interface Source {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of strings blanked, in the same places. */
  readonly code: string;
  readonly comments: readonly string[];
  readonly strings: readonly string[];
  readonly imports: readonly Import[];
}

export function toSource(path: string, text: string): Source {
  const { code, comments, strings } = scan(text);
  return { path, text, code, comments, strings, imports: findImports(text, code) };
}

type Kind = 'comment' | 'string' | 'regex';

// After one of these a slash begins a regular expression; after anything else it divides.
const beforeRegex =
  /(?:[=(,:;[!&|?{}>+\-*%~^]|\b(?:return|typeof|case|in|of|await|yield))\s*$|^\s*$/;

function scan(text: string): Pick<Source, 'code' | 'comments' | 'strings'> {
  const comments: string[] = [];
  const strings: string[] = [];
  let code = '';
  let at = 0;
  // For each template that is open, how many braces are open inside its `${`.
  const templates: number[] = [];

  const blank = (to: number, kind: Kind): void => {
    const piece = text.slice(at, to);
    if (kind === 'comment') comments.push(piece);
    if (kind === 'string') strings.push(piece);
    code += piece.replace(/[^\n]/g, ' ');
    at = to;
  };
  const keep = (count: number): void => {
    code += text.slice(at, at + count);
    at += count;
  };
  const template = (): void => {
    const end = endOf(text, at, /`|\$\{/g);
    blank(end, 'string');
    const ends = text[at] === '`';
    if (!ends) templates.push(0);
    keep(ends ? 1 : 2);
  };

  while (at < text.length) {
    const char = text[at] ?? '';
    const open = templates.at(-1);
    if (text.startsWith('//', at)) blank(endOf(text, at, /$/gm), 'comment');
    else if (text.startsWith('/*', at)) blank(endOf(text, at + 2, /\*\//g) + 2, 'comment');
    else if (char === "'" || char === '"') {
      keep(1);
      blank(endOf(text, at, char === "'" ? /'|$/gm : /"|$/gm), 'string');
      keep(1);
    } else if (char === '`') {
      keep(1);
      template();
    } else if (char === '/' && beforeRegex.test(code.slice(-40))) {
      blank(endOfRegex(text, at), 'regex');
    } else if (open !== undefined && char === '}' && open === 0) {
      templates.pop();
      keep(1);
      template();
    } else {
      if (open !== undefined && char === '{') templates[templates.length - 1] = open + 1;
      if (open !== undefined && char === '}') templates[templates.length - 1] = open - 1;
      keep(1);
    }
  }
  return { code, comments, strings };
}

/** The first place from `from` on where `end` matches and no backslash escapes it. */
function endOf(text: string, from: number, end: RegExp): number {
  end.lastIndex = from;
  for (let hit = end.exec(text); hit !== null; hit = end.exec(text)) {
    const slashes = /\\*$/.exec(text.slice(from, hit.index))?.[0].length ?? 0;
    if (slashes % 2 === 0) return hit.index;
    end.lastIndex = hit.index + 1;
  }
  return text.length;
}

function endOfRegex(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length && text[at] !== '\n'; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
  }
  return from + 1;
}

// The code has its strings blanked, so none of these can match inside one.
const statements: readonly RegExp[] = [
  /\b(?:import|export)\s+(type\s)?[^;'"()]*?\bfrom\s*(['"])/g,
  /\bimport\s*()(['"])/g,
  /\bimport\s*\(\s*()(['"`])/g,
];

function findImports(text: string, code: string): readonly Import[] {
  return statements.flatMap((statement) =>
    [...code.matchAll(statement)].map((match) => {
      const begin = match.index + match[0].length;
      const end = text.indexOf(match[2] ?? '', begin);
      return { specifier: text.slice(begin, end), typeOnly: (match[1] ?? '') !== '' };
    }),
  );
}
