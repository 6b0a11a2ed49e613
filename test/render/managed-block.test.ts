import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstMarkerLine, isProfile, spliceBlock } from '../../src/render/managed-block.ts';

const digest = (text: string): string => {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + character.charCodeAt(0)) % 0xffffffffffff;
  return sum.toString(16).padStart(12, '0');
};

function splice(text: string, body: string, profile = 'web') {
  const result = spliceBlock(text, { profile, body }, digest);
  if (result.kind === 'broken') throw new Error(result.fact);
  return result;
}

const one = '10.0.0.1\tweb-1\n';
const two = '10.0.0.1\tweb-1\n10.0.0.2\tweb-2\n';

describe('spliceBlock', () => {
  test('writes the markers of the profile with the digest of the body', () => {
    expect(splice('', one).text).toBe(
      `# BEGIN nametag web (generated; edits here are lost) sha256:${digest(one)}\n` +
        `${one}# END nametag web\n`,
    );
  });

  test.each([
    ['', ''],
    ['127.0.0.1 localhost\n', '127.0.0.1 localhost\n'],
    ['127.0.0.1 localhost', '127.0.0.1 localhost\n'],
    ['127.0.0.1 localhost\r\n', '127.0.0.1 localhost\r\n'],
    ['\xef\xbb\xbf127.0.0.1 localhost\r', '\xef\xbb\xbf127.0.0.1 localhost\r\n'],
  ])('puts a new block behind %j', (text, before) => {
    const { text: result, start, end, oldBody, edited } = splice(text, one);
    expect(result.slice(0, start)).toBe(before);
    expect(end).toBe(result.length);
    expect({ oldBody, edited }).toEqual({ oldBody: undefined, edited: false });
  });

  test.each([
    ['', '', ''],
    ['first', '', 'first'],
    ['\xef\xbb\xbffirst\n', '\xef\xbb\xbf', 'first\n'],
  ])('puts a new block before %j where it goes to the start', (text, before, after) => {
    const result = spliceBlock(text, { profile: 'web', body: one, place: 'start' }, digest);
    const old = { oldBody: undefined, edited: false };
    expect(result).toMatchObject({ text: before + splice('', one).text + after, ...old });
  });

  test('replaces a block in its place', () => {
    const old = `${splice('first\n', one).text}last, without a newline`;
    const { text, start, end, oldBody, edited } = splice(old, two);
    expect(text.slice(0, start)).toBe('first\n');
    expect(text.slice(end)).toBe('last, without a newline');
    expect({ oldBody, edited }).toEqual({ oldBody: one, edited: false });
  });

  test('replaces a block whose last line has no newline', () => {
    const old = splice('first\n', one).text.slice(0, -1);
    expect(splice(old, two)).toMatchObject({ text: splice('first\n', two).text, edited: false });
  });

  test('keeps a byte order mark before a block on the first line', () => {
    const old = `\xef\xbb\xbf${splice('', one).text}`;
    expect(splice(old, two).text).toBe(`\xef\xbb\xbf${splice('', two).text}`);
  });

  test('keeps the blocks of other profiles, whatever their state', () => {
    const others = `${splice('', one, 'web-2').text}# END nametag db\n# BEGIN nametag cache\n`;
    const text = splice(splice(others, one).text, two).text;
    expect(text).toBe(others + splice('', two).text);
    expect(splice(text, one, 'web-2').text).toBe(text);
  });

  test('is not between two blocks of others, each broken in its own way', () => {
    const [head, tail] = ['# BEGIN nametag db\n', '# END nametag cache\n'];
    const own = splice('', one).text;
    expect(splice(`${head}${own}${tail}`, one).text).toBe(`${head}${own}${tail}`);
  });

  test.each([
    ['an entry changed', (text: string) => text.replace('web-1\n', 'web-9\n')],
    ['a comment added', (text: string) => text.replace('# END', '# mine\n# END')],
    ['the digest gone', (text: string) => text.replace(/ sha256:.*/, '')],
    ['the digest written on', (text: string) => text.replace(/(sha256:.*)/, '$1 mine')],
    ['the note gone', (text: string) => text.replace(/ \(gen.*/, '')],
    ['its lines turned to CRLF', (text: string) => text.replaceAll('\n', '\r\n')],
  ])('notices %s', (_, edit) => {
    const result = splice(edit(splice('', one).text), one);
    expect(result.edited).toBe(true);
    expect(result.text).toBe(splice('', one).text);
  });

  test('takes white space behind the markers for no edit', () => {
    const old = splice('', one).text;
    const result = splice(old.replaceAll(/^(#.*)$/gm, '$1 \t\r'), one);
    expect(result).toMatchObject({ text: old, oldBody: one, edited: false });
  });

  const begin = '# BEGIN nametag web (generated; edits here are lost) sha256:0123456789ab\n';
  const end = '# END nametag web\n';
  test.each([
    [`a\n${begin}b\n`, 'line 2 begins a block of profile "web" that never ends'],
    [`a\n${end}`, 'line 2 ends a block of profile "web" that never began'],
    [`${end}${begin}`, 'line 1 ends a block of profile "web" that never began'],
    [`${begin}${end}a\n${end}`, 'line 4 ends a block of profile "web" that never began'],
    [
      `${begin}a\n${begin}${end}`,
      'line 3 begins a second block of profile "web" inside the first, which began on line 1',
    ],
    [
      `${begin}${end}\n${begin}${end}`,
      'line 4 begins a second block of profile "web" after the first, on line 1',
    ],
    [
      `${begin}# BEGIN nametag db\n${end}# END nametag db\n`,
      'line 2 has a marker of profile "db" inside the block of profile "web" that began on line 1',
    ],
    [
      `a\n${begin}# END nametag db\n${end}`,
      'line 3 has a marker of profile "db" inside the block of profile "web" that began on line 2',
    ],
    [
      `# BEGIN nametag db\n${begin}${end}# END nametag db\n`,
      'the block of profile "web" on line 2 is inside that of profile "db" which began on line 1',
    ],
  ])('refuses %j', (text, fact) => {
    expect(spliceBlock(text, { profile: 'web', body: one }, digest)).toEqual({
      kind: 'broken',
      fact,
    });
  });

  test.each(['no newline', '# END nametag web\n', `${one}# BEGIN nametag db\n`])(
    'takes a body of %j for a mistake',
    (body) => {
      expect(() => spliceBlock('', { profile: 'web', body }, digest)).toThrow(TypeError);
    },
  );

  test.each(['', 'a b', 'a\nb', '-a', '(web', 'a'.repeat(64)])(
    'takes a profile of %j for a mistake',
    (profile) => {
      expect(isProfile(profile)).toBe(false);
      expect(() => spliceBlock('', { profile, body: '' }, digest)).toThrow(TypeError);
    },
  );
});

describe('firstMarkerLine', () => {
  test.each([
    ['', undefined],
    ['a\nb\n', undefined],
    ['# BEGIN nametag web\n', 1],
    ['# END nametag web', 1],
    ['\xef\xbb\xbf# BEGIN nametag web (generated)\n', 1],
    ['# a\n\n# END nametag web\t\r\n# END nametag db\n', 3],
    ['a # BEGIN nametag web\n', undefined],
    [' # BEGIN nametag web\n', undefined],
    ['#BEGIN nametag web\n', undefined],
    ['# BEGIN nametag \n', undefined],
    ['# BEGIN nametags web\n', undefined],
    ['# MIDDLE nametag web\n', undefined],
  ])('in %j finds %j', (text, line) => {
    expect(firstMarkerLine(text)).toBe(line);
  });
});

// Goal: whatever is around a block, inserting, changing and emptying it keeps every byte of that.
// Method: texts of arbitrary bytes, with line ends, marks and markers of others made likely.
describe('every byte outside the block', () => {
  const piece = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)) }),
    fc.constantFrom(
      '\n',
      '\r\n',
      '\0',
      '\xef\xbb\xbf',
      '\xff\xfe',
      '127.0.0.1\tlocalhost\n',
      '# END nametag webb\n',
      ' # BEGIN nametag web\n',
      '# BEGIN nametags web\n',
    ),
  );
  const outside = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const body = fc
    .array(fc.integer({ min: 0, max: 999 }), { maxLength: 5 })
    .map((numbers) => numbers.map((n) => `10.0.0.1\tweb-${n}\n`).join(''));

  type Splice = typeof splice;
  const property = (subject: Splice) =>
    fc.property(outside, outside, body, body, (head, tail, first, second) => {
      const before = head === '' || head.endsWith('\n') ? head : `${head}\n`;
      const inserted = subject(head, first);
      expect(inserted.text.startsWith(before)).toBe(true);
      expect(inserted.text.length).toBe(inserted.end);

      let text = inserted.text + tail;
      for (const next of [second, '', first]) {
        const changed = subject(text, next);
        expect(changed.text.slice(0, changed.start)).toBe(before);
        expect(changed.text.slice(changed.end)).toBe(tail);
        expect(changed.edited).toBe(false);
        expect(subject(changed.text, next).text).toBe(changed.text);
        expect(subject(changed.text, next).oldBody).toBe(next);
        text = changed.text;
      }
    });

  test('is the same after an insert, a change and an emptying', () => {
    fc.assert(property(splice), { seed: 20260101, numRuns: 500 });
  });

  test('is found to differ when a splice drops the byte behind its end (the control)', () => {
    const dropping: Splice = (text, next, profile) => {
      const result = splice(text, next, profile);
      const dropped = result.text.slice(0, result.end) + result.text.slice(result.end + 1);
      return { ...result, text: dropped };
    };
    const found = fc.check(property(dropping), { seed: 20260101, numRuns: 500 });
    expect(found.failed).toBe(true);
  });
});
