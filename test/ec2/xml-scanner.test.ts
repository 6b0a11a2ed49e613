import { describe, expect, test } from 'vitest';
import { MalformedAnswer } from '../../src/ec2/malformed-answer.ts';
import { createXmlScanner } from '../../src/ec2/xml-scanner.ts';

/** Reads the texts of `<r><t>…</t></r>`, where anything may stand around `t`. */
function textsOf(document: string | Buffer): string[] {
  const texts: string[] = [];
  const scanner = createXmlScanner({
    r: { children: { s: { each: { children: { t: { text: (text) => texts.push(text) } } } } } },
  });
  scanner.feed(Buffer.from(document));
  scanner.end();
  return texts;
}

const inText = (text: string) => `<r><s><t>${text}</t></s></r>`;
const beside = (other: string) => `<r>${other}<s><t>x</t></s></r>`;
const x = inText('x');

describe('a scanner', () => {
  test.each<[string, string, string]>([
    ['the five entities', '&lt;&gt;&amp;&quot;&apos;', '<>&"\''],
    ['references by number', '&#65;&#x42;&#x1F600;&#x000043;', 'AB\u{1f600}C'],
    ['what a reference stands for, once', '&amp;lt;', '&lt;'],
    ['a section', 'a<![CDATA[<b>&amp;]]>]]', 'a<b>&amp;]]'],
    ['a section that ends late', '<![CDATA[]]]]><![CDATA[>]]>', ']]>'],
    ['around comments and instructions', 'a<!-- <b> & -->b<?c d?>', 'ab'],
    ['the ends of lines', 'a\r\nb\rc&#13;', 'a\nb\nc\r'],
    ['blanks as they are', ' a\t ', ' a\t '],
    ['blanks alone', '  ', '  '],
    ['blank lines as nothing', ' \n ', ''],
    ['any plane', 'ü€\u{1d11e}', 'ü€\u{1d11e}'],
    ['a bare ">"', 'a>b', 'a>b'],
  ])('reads %s', (_, written, read) => {
    expect(textsOf(inText(written))).toEqual([read]);
  });

  test.each([
    '<?xml version="1.0"?>',
    "<?xml version = '1.1' encoding='utf-8' standalone=\"yes\" ?>\n",
    '<!-- a - b -->',
    '<?target?><?other data ?>\t\r\n',
  ])('passes over %j before the root', (prolog) => {
    expect(textsOf(prolog + x)).toEqual(['x']);
    expect(textsOf(`${prolog}${x} <!-- --> <?z?>\n`)).toEqual(['x']);
  });

  test.each([
    '<u/>',
    '<u />',
    '<u a="1" b:c=\'"\'/>',
    "<u a = '>'\n>text &amp; <v>more</v ></u>",
    '<u><u><s><t>not here</t></s></u></u>',
    '<t>not here</t>',
    '<u.-_:9>ü</u.-_:9>',
  ])('passes over %j', (other) => {
    expect(textsOf(beside(other))).toEqual(['x']);
  });

  test.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['no root', '<?xml version="1.0"?>'],
    ['text before the root', `a${x}`],
    ['text after the root', `${x}a`],
    ['a section after the root', `${x}<![CDATA[ ]]>`],
    ['a reference after the root', `${x}&#32;`],
    ['a second root', x + x],
    ['a second root that is empty', `${x}<r/>`],
    ['an end tag alone', '</r>'],
    ['an end tag after the root', `${x}</r>`],
    ['a byte order mark', `\ufeff${x}`],
    ['a declaration after a blank', ` <?xml version="1.0"?>${x}`],
    ['a declaration in the root', beside('<?xml version="1.0"?>')],
    ['a declaration without a version', `<?xml encoding="UTF-8"?>${x}`],
    ['another encoding', `<?xml version="1.0" encoding="ISO-8859-1"?>${x}`],
    ['a document type', `<!DOCTYPE r>${x}`],
    ['a billion laughs', `<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>${inText('&b;')}`],
    ['an entity that is not defined', inText('&nbsp;')],
    ['an entity that is not defined, elsewhere', beside('<u>&nbsp;</u>')],
    ['an entity that objects inherit', inText('&constructor;')],
    ['an "&" alone', inText('a & b')],
    ['an "&" alone, elsewhere', beside('<u>a & b</u>')],
    ['an "&" alone in an attribute', beside('<u a="&"/>')],
    ['a reference without an end', inText('&lt')],
    ['a reference to nothing', inText('&#0;')],
    ['a reference to half a character', inText('&#xD800;')],
    ['a reference beyond all planes', inText('&#x110000;')],
    ['a control character', inText('a\x02')],
    ['a control character, elsewhere', beside('<u>\x02</u>')],
    ['a control character in a comment', beside('<!-- \x02 -->')],
    ['a control character in an attribute', beside('<u a="\x02"/>')],
    ['a character that is none', inText('\uffff')],
    ['bytes that are not UTF-8', Buffer.from(inText('\xfc'), 'latin1')],
    ['bytes that are not UTF-8, elsewhere', Buffer.from(beside('<u>\xfc</u>'), 'latin1')],
    ['half a character', Buffer.from(inText('€')).subarray(0, 12)],
    ['"]]>" in text', inText(']]>')],
    ['"]]>" in text, elsewhere', beside('<u>]]></u>')],
    ['tags that cross', '<r><u><v></u></v></r>'],
    ['tags that differ in case', '<r><u></U></r>'],
    ['an end tag that is longer', '<r><u></uu></r>'],
    ['an end tag that is shorter', '<r><uu></u></r>'],
    ['an end tag with an attribute', '<r><u></u a="1"></r>'],
    ['an end tag that is empty', '<r><u></u/></r>'],
    ['a tag without a name', beside('< u/>')],
    ['a tag that begins with a digit', beside('<1/>')],
    ['a tag in a tag', beside('<u <v/>>')],
    ['an attribute without a value', beside('<u a/>')],
    ['an attribute without quotes', beside('<u a=1/>')],
    ['an attribute twice', beside('<u a="1" a="2"/>')],
    ['attributes without a blank between', beside('<u a="1"b="2"/>')],
    ['a "<" in an attribute', beside('<u a="<"/>')],
    ['a slash before a blank', beside('<u/ >')],
    ['"--" in a comment', beside('<!-- a -- b -->')],
    ['a comment that ends with "--->"', beside('<!-- a --->')],
    ['an instruction without a name', beside('<? a?>')],
    ['a declaration of something', beside('<!ELEMENT u>')],
    ['another root', '<html></html>'],
    ['a text twice', '<r><s><t>a</t><t>b</t></s></r>'],
    ['text between elements', '<r><s>a<t>b</t></s></r>'],
    ['elements in a text', inText('a<b/>')],
    ['too deep', `<r>${'<u>'.repeat(64)}${'</u>'.repeat(64)}</r>`],
    ['a text that is too long', inText('x'.repeat(200_000))],
    ['a name that is too long', beside(`<${'u'.repeat(200_000)}/>`)],
    ['too many names', beside(Array.from({ length: 3_000 }, (_, n) => `<u${n}/>`).join(''))],
  ])('refuses %s', (_, document) => {
    expect(() => textsOf(document)).toThrow(MalformedAnswer);
    // The control: without what is wrong, nothing is refused.
    expect(textsOf(x)).toEqual(['x']);
  });
});
