/** What is printed is read back by the real parsers of each language. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeKindOf } from '../../src/render/escape.ts';
import { fill } from '../helpers/escaping.ts';

const pieces = [
  ...[
    '"',
    "'",
    '\\',
    '`',
    '$',
    '$(echo pwned)',
    'a[$(echo pwned >&2)]',
    '\x24{HOME}',
    '\n',
    '\r\n',
    '\t',
    '#',
    ' #',
    ': ',
    ':',
  ],
  ...[
    '-',
    '- ',
    '--',
    '-->',
    ']]>',
    '<',
    '>',
    '&',
    '&amp;',
    '</script>',
    '<!--',
    '?>',
    '{',
    '}',
    '[',
  ],
  ...[
    ']',
    ',',
    ';',
    '|',
    '*',
    '!',
    '%',
    '@',
    '~',
    ' ',
    '=',
    'EOF',
    '\nEOF\n',
    'yes',
    'null',
    '1e3',
  ],
  ...['0x1f', '010', '1:30', '2026-11-21', '\0', '\x07', '\x1b[31m', '\x7f', '\u0085', '\u2028'],
  ...[
    '\ufeff',
    'é',
    '😀',
    '\ud800',
    '\uffff',
    'a',
    'web-1',
    '10.0.0.1',
    '2001:db8::1',
    '...',
    '---',
  ],
];
/** Tag values as somebody would write who wants to be obeyed. */
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const harmless = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9.-]{0,6}[0-9]$/),
  fc.stringMatching(/^[1-9][0-9]{0,6}$/),
);
const values = [
  ...fc.sample(hostile, { numRuns: 500, seed: 7 }),
  ...fc.sample(harmless, { numRuns: 60, seed: 7 }),
  ...pieces,
  '',
];

type Language = 'json' | 'xml' | 'yaml' | 'shell' | 'bash';

const scripts = {
  xml: `
import json, sys, xml.etree.ElementTree as E
def one(t):
    try:
        e = E.fromstring(t)
        return [e.text, e.get('a'), len(e), len(e.attrib)]
    except Exception: return None
print(json.dumps([one(t) for t in json.load(sys.stdin)]))`,
  yaml: `
import json, sys, yaml
def one(t):
    try: return yaml.load(t, Loader=yaml.SafeLoader)
    except Exception: return None
print(json.dumps([one(t) for t in json.load(sys.stdin)], default=str))`,
};

/** What each text means to whom it is written for; `undefined` or `null` if nothing. */
const readers: Readonly<Record<Language, (texts: readonly string[]) => readonly unknown[]>> = {
  json: (texts) =>
    texts.map((text) => {
      try {
        return JSON.parse(text);
      } catch {
        return undefined;
      }
    }),
  xml: (texts) => JSON.parse(execute('python3', ['-c', scripts.xml], JSON.stringify(texts)).stdout),
  yaml: (texts) =>
    JSON.parse(execute('python3', ['-c', scripts.yaml], JSON.stringify(texts)).stdout),
  shell: (texts) => texts.map((text) => runIn('sh', text)),
  bash: (texts) => texts.map((text) => runIn('bash', text)),
};

/** What two variables are after a script; nothing if it had something to say. */
function runIn(shell: string, text: string): readonly string[] | undefined {
  const { stdout, stderr } = execute(shell, [], `${text}\nprintf '%s\\0' "$v" "$w"\n`);
  return stderr === '' ? stdout.split('\0').slice(0, -1) : undefined;
}

function execute(program: string, words: readonly string[], input: string) {
  return spawnSync(program, words, { input, encoding: 'utf8', maxBuffer: 1e9, cwd: tmpdir() });
}

// Not every machine has Python, and not every Python has a parser of YAML.
const programs: Readonly<Record<Language, readonly string[]>> = {
  json: ['node', '--version'],
  shell: ['sh', '-c', ':'],
  bash: ['bash', '-c', ':'],
  xml: ['python3', '-c', 'import xml.etree.ElementTree'],
  yaml: ['python3', '-c', 'import yaml'],
};
const missing = new Map<Language, string>();
for (const language of ['json', 'shell', 'bash', 'xml', 'yaml'] as const) {
  const [program = '', ...words] = programs[language];
  if (execute(program, words, '').status !== 0) {
    missing.set(language, `this machine does not run \`${programs[language].join(' ')}\``);
  }
}

interface Case {
  readonly kind: Language;
  readonly template: string;
  /** What the file means, for a value. */
  readonly meaning: (value: string) => unknown;
}

const cases: readonly Case[] = [
  { kind: 'json', template: '{"a":@,"b":"@"}', meaning: (v) => ({ a: v, b: v }) },
  { kind: 'json', template: '["x@y",@]', meaning: (v) => [`x${v}y`, v] },
  { kind: 'xml', template: '<x a="@">@</x>', meaning: (v) => [v === '' ? null : v, v, 0, 1] },
  { kind: 'xml', template: "<x a='[@]'>(@)</x>", meaning: (v) => [`(${v})`, `[${v}]`, 0, 1] },
  { kind: 'yaml', template: 'a: @\nb: "<@>"\n', meaning: (v) => ({ a: v, b: `<${v}>` }) },
  {
    kind: 'yaml',
    template: "- 'x@y'\n- [@, @]\n- z: @ # c\n",
    meaning: (v) => [`x${v}y`, [v, v], { z: v }],
  },
  {
    kind: 'yaml',
    template: 'u: http://h/@/x\n# @\nk: 1\n',
    meaning: (v) => ({ u: `http://h/${v}/x`, k: 1 }),
  },
  { kind: 'yaml', template: '@: 1\n', meaning: (v) => ({ [v]: 1 }) },
  { kind: 'shell', template: 'v=@\nw="[@]"', meaning: (v) => [v, `[${v}]`] },
  {
    kind: 'shell',
    template: "v='<@>'@\nw=x@y # @",
    meaning: (v) => [`<${v}>${v}`, `x${v}y`],
  },
  {
    kind: 'shell',
    template: 'v=$(printf %s "@")\nw=w',
    meaning: (v) => [v, 'w'],
  },
  {
    kind: 'shell',
    template: "v=v \\\n# it's @\nw=w",
    meaning: () => ['v', 'w'],
  },
  {
    kind: 'bash',
    template: '((v = 1 + @))\nw=$[1+@]',
    meaning: (v) => [addOne(v), addOne(v)],
  },
  { kind: 'bash', template: 'v=v; w=w; [[ @ == x ]] || :', meaning: () => ['v', 'w'] },
  {
    kind: 'yaml',
    template: "a: some text\n  'still @' more\nb: @\n",
    meaning: (v) => ({ a: `some text 'still ${v}' more`, b: v }),
  },
  {
    kind: 'yaml',
    template: '- some text\n  @\n- k: text\n   - @\n',
    meaning: (v) => [`some text ${v}`, { k: `text - ${v}` }],
  },
  { kind: 'yaml', template: '[x@, {k: x@}, @]\n', meaning: (v) => [`x${v}`, { k: `x${v}` }, v] },
  { kind: 'yaml', template: '{"a":@,"c":1}\n', meaning: (v) => ({ a: v, c: 1 }) },
  { kind: 'yaml', template: '[some\n @,\n @]\n', meaning: (v) => [`some ${v}`, v] },
  {
    kind: 'yaml',
    template: '%YAML 1.1\n---\na: &x @\nb: !!str @\nc:\n  - @\n',
    meaning: (v) => ({ a: v, b: v, c: [v] }),
  },
  { kind: 'yaml', template: '--- @\n', meaning: (v) => v },
  { kind: 'yaml', template: 'a: |\n  @\n', meaning: (v) => ({ a: `${v}\n` }) },
];

/** As a shell computes it, to which what begins with 0 is octal. */
function addOne(text: string): string {
  return String(Number.parseInt(text, text.startsWith('0') ? 8 : 10) + 1);
}

describe.each(cases)('$kind: $template', ({ kind, template, meaning }) => {
  const escapeKind = kind === 'bash' ? 'shell' : kind;
  // A shell is started for each.
  const some = escapeKind === 'shell' ? values.slice(-180) : values;
  const why = missing.get(kind);

  it('is read back as the value, or the value is refused', { timeout: 60_000 }, ({ skip }) => {
    skip(why !== undefined, why);
    const filled = some.map((value) => [value, fill(escapeKind, template, value)] as const);
    const written = filled.flatMap(([value, result]) =>
      'text' in result ? [{ value, text: result.text }] : [],
    );
    const meant = readers[kind](written.map(({ text }) => text));
    for (const [index, { value, text }] of written.entries()) {
      expect({ text, means: meant[index] }).toEqual({ text, means: meaning(value) });
    }
    expect(written.length).toBeGreaterThan(20);
  });

  it('is not without the escapes (the control)', ({ skip }) => {
    skip(why !== undefined, why);
    const value = '"\'; echo pwned\necho pwned #</x><&: [';
    const result = fill(escapeKind, template, value, false);
    const means = 'text' in result ? readers[kind]([result.text])[0] : undefined;
    expect(means).not.toEqual(meaning(value));
  });
});

describe('escapeKindOf', () => {
  it.each([
    ['/etc/a.json', 'json'],
    ['a.sh', 'shell'],
    ['.env', 'shell'],
    ['a.XML', 'xml'],
    ['a.html', 'xml'],
    ['a.yml', 'yaml'],
    ['a.yaml', 'yaml'],
    ['a.conf', 'word'],
    ['haproxy.cfg', 'word'],
    ['/etc/default/x', 'word'],
    ['a.zsh', 'word'],
    ['/etc/cron.d/x', 'word'],
    ['json', 'word'],
    ['/etc/a.json/b', 'word'],
  ])('is of %s %s', (path, kind) => {
    expect(escapeKindOf(path)).toBe(kind);
  });
});
