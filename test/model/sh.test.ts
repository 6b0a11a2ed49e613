import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { quoteForSh, withinSingleQuotes } from '../../src/model/sh.ts';

const texts = ['', "it's", "'", '$(id) `id` "\\" !x', 'two\nlines\n', '-n', '*'];

test.each(texts)('a shell reads %j as it was', (text) => {
  const said = (word: string) => execFileSync('sh', ['-c', `printf %s ${word}`]).toString();
  expect(said(quoteForSh(text))).toBe(text);
  expect(said(`'${withinSingleQuotes(text)}'`)).toBe(text);
});

test('a shell reads another text without it (the control)', () => {
  const said = execFileSync('sh', ['-c', "printf %s 'it'' or '' more'"]).toString();
  expect(said).not.toBe("it' or ' more");
});
