import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../src/config/json-text.ts';

describe('readJson', () => {
  it('reads what JSON.parse reads, as it does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(4), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(readJson(text)).toMatchObject({ kind: 'json', value: JSON.parse(text) });
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('refuses what JSON.parse refuses, and nothing else', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '[', ']', ':', ',', '"a"', '"', '0', '01', '-', '1.', '.5', '1e+', '1E9', '-0'],
      ...[
        'true',
        'True',
        'null',
        'NaN',
        '\\',
        '"\\u12"',
        '"\\n"',
        '"\t"',
        ' ',
        '\n',
        '\u00a0',
        '//',
      ],
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
        const text = pieces.join('');
        const right = isJson(text);
        if (right) accepted += 1;
        expect([text, readJson(text).kind]).toEqual([text, right ? 'json' : 'broken']);
      }),
      { seed: 2, numRuns: 5000 },
    );
    // The control: the pieces do make JSON, now and then.
    expect(accepted).toBeGreaterThan(50);
  });

  it.each<[text: string, fact: string, line: number, column: number]>([
    ['', 'expected a value, found the end of the file', 1, 1],
    ['{\n  "a": 1,\n}', '"," has nothing behind it', 2, 9],
    ['[1, 2, ]', '"," has nothing behind it', 1, 6],
    ['{"a" 1}', 'expected ":" behind the key, found "1"', 1, 6],
    ["{'a': 1}", 'expected a key in double quotes, found "\'"', 1, 2],
    ['{a: 1}', 'expected a key in double quotes, found "a"', 1, 2],
    ['{\r\n// why\r\n}', 'found a comment, which JSON does not have', 2, 1],
    ['{} x', 'expected nothing more, found "x"', 1, 4],
    ['{"a": tru}', 'expected a value, found "tru"', 1, 7],
    ['{"a": "b}', 'a text has no closing quote', 1, 7],
    ['{"a": "b\n"}', 'a text has no closing quote', 1, 7],
    ['{"a": "\\x"}', 'an escape that JSON does not have', 1, 7],
    ['"\u0007"', 'a control character is not written as an escape', 1, 2],
    ['\u001b[2J', 'expected a value, found "\\u001b"', 1, 1],
    ['\ufeff{"a" 1}', 'expected ":" behind the key', 1, 6],
  ])('of %j tells "%s" at %i:%i', (text, fact, line, column) => {
    const read = readJson(text);
    expect(read).toMatchObject({ kind: 'broken', place: { line, column } });
    expect(read.kind === 'broken' && read.fact).toContain(fact);
  });

  it('knows where each key and element is, and where a missing one would be', () => {
    const read = readJson('{\n  "a": [\n    1,\n    { "b": 2 }\n  ]\n}');
    if (read.kind !== 'json') throw new TypeError('Expected JSON');
    expect(read.placeOf([])).toEqual({ line: 1, column: 1 });
    expect(read.placeOf(['a'])).toEqual({ line: 2, column: 3 });
    expect(read.placeOf(['a', 1])).toEqual({ line: 4, column: 5 });
    expect(read.placeOf(['a', 1, 'b'])).toEqual({ line: 4, column: 7 });
    expect(read.placeOf(['a', 1, 'c', 'd'])).toEqual({ line: 4, column: 5 });
  });

  it('tells keys that are repeated, at every level, written in any way', () => {
    const read = readJson('{"a": {"b": 1,\n"\\u0062": 2}, "a": 3}');
    expect(read).toMatchObject({
      value: { a: 3 },
      repeated: [
        { path: ['a', 'b'], first: { line: 1, column: 8 }, again: { line: 2, column: 1 } },
        { path: ['a'], first: { line: 1, column: 2 }, again: { line: 2, column: 15 } },
      ],
    });
  });

  it('has __proto__ as a key like others', () => {
    const read = readJson('{"__proto__": {"admin": true}}');
    if (read.kind !== 'json') throw new TypeError('Expected JSON');
    expect(Object.keys(Object(read.value))).toEqual(['__proto__']);
    expect(Object(read.value).admin).toBeUndefined();
  });

  it.each([
    ['[', 'levels deep'],
    ['{"a":', 'levels deep'],
    ['"', 'nothing more'],
    ['"a', 'nothing more'],
    ['1', ''],
    [' ', 'the end of the file'],
    ['\\', 'expected a value'],
    ['[1,', 'levels deep'],
  ])('ends on a million of %j', (piece, fact) => {
    const read = readJson(piece.repeat(1_000_000 / piece.length));
    expect(read.kind === 'broken' ? read.fact : '').toContain(fact);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
