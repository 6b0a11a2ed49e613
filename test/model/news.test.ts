import { expect, it } from 'vitest';
import { toCause, toNews } from '../../src/model/news.ts';

it.each<[string, last: string[], now: string[], fresh: string[], over: string[]]>([
  ['what was not said before', [], ['a'], ['a'], []],
  ['what is not said any more', ['a', 'b'], ['b'], [], ['a']],
  ['nothing, whatever the order', ['a', 'b'], ['b', 'a'], [], []],
  ['no age that has grown', ['up to 42 s ago (web-1)'], ['up to 2 min ago (web-1)'], [], []],
  [
    'a name of other digits',
    ['web-1 is held twice'],
    ['web-2 is held twice'],
    ['web-2 is held twice'],
    ['web-1 is held twice'],
  ],
  ['a number that is no age', ['line 3 wins'], ['line 4 wins'], ['line 4 wins'], ['line 3 wins']],
])('news are %s', (_, last, now, fresh, over) => {
  expect(toNews(last, now)).toEqual({ fresh, over });
});

it.each<[string, last: string, now: string, isSame: boolean]>([
  ['another fact', 'no such folder', 'read-only file system', false],
  ['another number of ours', '3 match, at least 5', '2 match, at least 5', false],
  ['another exit status', 'it exited with 1 ("no")', 'it exited with 2 ("no")', false],
  ['another saying', 'with 1 ("[71] no file a")', 'with 1 ("[72] no file b")', false],
  ['a process id', 'with 1 ("haproxy[71]: no")', 'with 1 ("haproxy[4711]: no")', true],
  ['a time', 'with 1 ("12:00:01 ("a") no")', 'with 1 ("12:00:31 ("a") no")', true],
  ['a later end', 'not ended after 60 seconds', 'not ended after 60.1 seconds', true],
])('%s is a cause of its own, or not', (_, last, now, isSame) => {
  expect(toCause(last) === toCause(now)).toBe(isSame);
});
