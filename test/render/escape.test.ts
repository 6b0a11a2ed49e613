/** What is printed is read back by the real parsers of each language. */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EscapeKind } from '../../src/model/escape-kind.ts';
import { createEscaper, escapeKindOf } from '../../src/render/escape.ts';

type Filled = { readonly text: string } | { readonly refused: string };

/** Puts a value at each `@` of a text, as a template would. */
function fill(kind: EscapeKind, template: string, value: string, isEscaping = true): Filled {
  const escaper = createEscaper(kind);
  let text = '';
  for (const [index, literal] of template.split('@').entries()) {
    if (index > 0) {
      const escaped = isEscaping ? escaper.value(value) : { text: value };
      if ('refused' in escaped) return escaped;
      text += escaped.text;
    }
    const complaint = escaper.literal(literal);
    if (complaint !== undefined) return { refused: complaint };
    text += literal;
  }
  const complaint = escaper.end(text);
  return complaint === undefined ? { text } : { refused: complaint };
}

const pieces = [
  ...[
    '"',
    "'",
    '\\',
    '`',
    '$',
    '$(echo pwned)',
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
const values = [...fc.sample(hostile, { numRuns: 800, seed: 7 }), ...pieces, ''];

type Language = 'json' | 'xml' | 'yaml' | 'shell';

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
  shell: (texts) =>
    texts.map((text) => {
      const { stdout, stderr } = execute('sh', [], `${text}\nprintf '%s\\0' "$v" "$w"\n`);
      return stderr === '' ? stdout.split('\0').slice(0, -1) : undefined;
    }),
};

function execute(program: string, words: readonly string[], input: string) {
  return spawnSync(program, words, { input, encoding: 'utf8', maxBuffer: 1e9, cwd: tmpdir() });
}

// Python has a parser of XML, and mostly one of YAML; not every machine has Python.
const isThere = (library: string): boolean =>
  execute('python3', ['-c', `import ${library}`], '').status === 0;
const languages: readonly Language[] = [
  'json',
  'shell',
  ...(isThere('xml.etree.ElementTree') ? (['xml'] as const) : []),
  ...(isThere('yaml') ? (['yaml'] as const) : []),
];

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
];

const tried = cases.filter(({ kind }) => languages.includes(kind));

describe.each(tried)('$kind: $template', ({ kind, template, meaning }) => {
  // A shell is started for each.
  const some = kind === 'shell' ? values.slice(-150) : values;

  it('is read back as the value, or the value is refused', { timeout: 60_000 }, () => {
    const filled = some.map((value) => [value, fill(kind, template, value)] as const);
    const written = filled.flatMap(([value, result]) =>
      'text' in result ? [{ value, text: result.text }] : [],
    );
    const meant = readers[kind](written.map(({ text }) => text));
    for (const [index, { value, text }] of written.entries()) {
      expect({ text, means: meant[index] }).toEqual({ text, means: meaning(value) });
    }
    expect(written.length).toBeGreaterThan(20);
  });

  it('is not without the escapes (the control)', () => {
    const value = '"\'; echo pwned #</x><&: [';
    const result = fill(kind, template, value, false);
    const means = 'text' in result ? readers[kind]([result.text])[0] : undefined;
    expect(means).not.toEqual(meaning(value));
  });
});

describe('createEscaper', () => {
  it.each<[EscapeKind, string, string, string | undefined]>([
    ['plain', 'server @;', 'a; b {', 'server a; b {;'],
    ['plain', 'server @;', 'a\nb', undefined],
    ['plain', 'server @;', 'a\u2028b', undefined],
    ['plain', 'server @;', '\ud800', undefined],
    ['word', 'server @;', 'web-1.example.com:80', 'server web-1.example.com:80;'],
    ['word', 'server @;', 'a b', undefined],
    ['word', 'server @;', 'a;b', undefined],
    ['word', 'server @;', '', undefined],
    ['shell', 'a=@', 'web-1', 'a=web-1'],
    ['shell', 'a=@', '', "a=''"],
    ['shell', 'a=$(echo @)', 'web-1', 'a=$(echo web-1)'],
    ['shell', 'a=$(echo @)', 'a b', undefined],
    ['shell', 'a=\x24{b:-@}', '$(reboot)', undefined],
    ['shell', 'echo $@', 'PATH', undefined],
    ['shell', '# by @\n', 'a "b"', '# by a "b"\n'],
    ['shell', '# by @\n', 'a\nreboot', undefined],
    ['shell', 'cat <<EOF\nx @\nEOF\n', 'web-1', 'cat <<EOF\nx web-1\nEOF\n'],
    ['shell', 'cat <<EOF\n@\nEOF\n', 'EOF', undefined],
    ['shell', 'cat <<-EOF\n\t@\nEOF\n', 'EOF', undefined],
    ['xml', '<@ a="b"/>', 'a b', undefined],
    ['xml', '<!-- @ -->', 'web', '<!-- web -->'],
    ['xml', '<!-- @ -->', 'a--b', undefined],
    ['xml', '<script>var a = "@"</script>@', '</script>', undefined],
    ['xml', '<script>var a = @</script>', 'web', '<script>var a = web</script>'],
    ['xml', '<p>@</p>', 'a\x07', undefined],
    ['yaml', 'a: @:80\n', '10.0.0.1', 'a: 10.0.0.1:80\n'],
    ['yaml', 'a: @:80\n', 'a b', undefined],
    ['yaml', 'a: |\n  @\n', 'a: b', undefined],
    ['json', '{"a": 1,}', '', undefined],
  ])('%s: of %j with %j it makes %j', (kind, template, value, made) => {
    const result = fill(kind, template, value);
    expect('text' in result ? result.text : undefined).toBe(made);
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
    ['a.conf', 'plain'],
    ['haproxy.cfg', 'plain'],
    ['json', 'plain'],
    ['/etc/a.json/b', 'plain'],
  ])('is of %s %s', (path, kind) => {
    expect(escapeKindOf(path)).toBe(kind);
  });
});
