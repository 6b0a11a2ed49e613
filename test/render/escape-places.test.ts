/** What is made of a value in places where much is known of what goes wrong. */
import { describe, expect, it } from 'vitest';
import type { EscapeKind } from '../../src/model/escape-kind.ts';
import { fill } from '../helpers/escaping.ts';

type Row = [kind: EscapeKind, template: string, value: string, made: string | undefined];

// Bash runs the command when it computes the subscript.
const subscript = 'a[$(echo PWNED >&2)]';

describe('createEscaper', () => {
  it.each<Row>([
    ['plain', 'server @;', 'a; b {', 'server a; b {;'],
    ['plain', 'server @;', 'a\nb', undefined],
    ['plain', 'server @;', 'a\u2028b', undefined],
    ['plain', 'server @;', '\ud800', undefined],
    ['word', 'server @;', 'web-1.example.com:80', 'server web-1.example.com:80;'],
    ['word', 'server @;', 'a b', undefined],
    ['word', 'server @;', 'a;b', undefined],
    ['word', 'server @;', '', undefined],
    ['word', 'server @;', '[2001:db8::5]:80', 'server [2001:db8::5]:80;'],
    ['word', 'server @;', '[2001:db8::5]; return 301 http://evil.example', undefined],
    ['word', 'x @', '-oProxyCommand', undefined],
    ['word', 'x @', 'a%b', undefined],
    ['word', 'x @', 'a,b', undefined],
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
    ['shell', "echo foo \\\n# it's @", 'x\necho PWNED #', undefined],
    ['shell', 'echo foo\\\n#x @', 'a b', "echo foo\\\n#x 'a b'"],
    ['shell', 'echo "$\\\n(@)"', 'a b', undefined],
    ['shell', 'echo a\u00a0# @', 'a b', "echo a\u00a0# 'a b'"],
    ...(
      [
        '((x = 1 + @))',
        'echo $((1 + @))',
        'echo "$((1 + @))"',
        'echo $[1+@]',
        'echo "$[1+@]"',
        '[[ @ -eq 1 ]]',
        'a[@]=1',
        'a=([@]=1)',
        'a=( [ @ ]=1 )',
      ] as const
    ).map((text) => ['shell', text, subscript, undefined] as Row),
    ['shell', '((x = 1 + @))', '12', '((x = 1 + 12))'],
    ['shell', '((x = 1 + @))', 'PATH', undefined],
    ['shell', '[ @ = a ]', 'a b', "[ 'a b' = a ]"],
    ['shell', 'a=$(cat <<EOF\n@\nEOF\n)', 'EOF', undefined],
    ['xml', '<p>a < <script>x=@', 'alert(1)', undefined],
    ['xml', '<p>1 <<script>x=@', 'alert(1)', undefined],
    ['xml', "<a title=it's><script>x=@</script>", 'alert(1)', undefined],
    ['xml', '<a ="><script>x=@', 'alert(1)', undefined],
    ['xml', '<a b=="><script>x=@', 'alert(1)', undefined],
    ['xml', '<a <!-- ><script> --> @', 'alert(1)', undefined],
    ['xml', '</ a="><script>x=@', 'alert(1)', undefined],
    ['xml', '<!--> <script> --> @', 'alert(1)', undefined],
    ['xml', '<script><!-- <script></script> @', 'alert(1)', undefined],
    ['xml', '<title><a href="</title><script>x=@', 'alert(1)', undefined],
    ['xml', '<svg><title><script>x=@', 'alert(1)', undefined],
    [
      'xml',
      '<title>@</title><p a = "@" b>@</p >',
      'a b',
      '<title>a b</title><p a = "a b" b>a b</p >',
    ],
    ['xml', '<script>a</script >@', 'a b', '<script>a</script >a b'],
    ['xml', '<!DOCTYPE html><!-- <b> -->@', 'a b', '<!DOCTYPE html><!-- <b> -->a b'],
    ['xml', '<?xml version="1.0"?>@', 'a b', '<?xml version="1.0"?>a b'],
    ['xml', '<@ a="b"/>', 'a b', undefined],
    ['xml', '<!-- @ -->', 'web', '<!-- web -->'],
    ['xml', '<!-- @ -->', 'a--b', undefined],
    ['xml', '<script>var a = "@"</script>@', '</script>', undefined],
    ['xml', '<script>var a = @</script>', 'web', '<script>var a = web</script>'],
    ['xml', '<p>@</p>', 'a\x07', undefined],
    ['yaml', 'a: @:80\n', '10.0.0.1', 'a: 10.0.0.1:80\n'],
    ['yaml', 'a: @:80\n', 'a b', undefined],
    ['yaml', 'a: |\n  @\n', 'a: b', undefined],
    ['yaml', '[x@, w]', 'a,b', undefined],
    ['yaml', '{k: x@}', 'a,b', undefined],
    ['yaml', '{"a":@,"c":1}', 'a,b', '{"a":"a,b","c":1}'],
    ...['x: y', '" b: "2', 'x # y'].flatMap((value) =>
      ["'still @' more", '"still @" more', '@', '- @', '[@]'].map(
        (line) => ['yaml', `a: some text\n  ${line}`, value, undefined] as Row,
      ),
    ),
    ...['%x', '@x', '-', ',', '='].flatMap((value) =>
      ['a: &x y@', 'a: |\n  @', 'a: &x@ y'].map((text) => ['yaml', text, value, undefined] as Row),
    ),
    ['yaml', 'a: &x @', 'yes', 'a: &x "yes"'],
    ['yaml', 'a: !!str @', '1:2', 'a: !!str "1:2"'],
    ['yaml', 'a: !!@ x', 'python/name:os.system', undefined],
    ['yaml', '--- @', 'null', '--- "null"'],
    ['yaml', 'a: |\n  x\nb: @', '0x1', undefined],
    ['yaml', 'a: @ x', 'a b', undefined],
    ['yaml', 'a: @@', 'a b', undefined],
    ['yaml', 'a: @ @', 'a b', undefined],
    ['yaml', 'a: @#', 'a b', undefined],
    ['yaml', 'a: @]', 'a b', undefined],
    ['yaml', '@ : @ # c\n', 'a b', '"a b" : "a b" # c\n'],
    ['yaml', "a:\u00a0'@'", 'x: y', undefined],
    ['json', '{"a": 1,}', '', undefined],
  ])('%s: of %j with %j it makes %j', (kind, template, value, made) => {
    const result = fill(kind, template, value);
    expect('text' in result ? result.text : undefined).toBe(made);
  });
});
