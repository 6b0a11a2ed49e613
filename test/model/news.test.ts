import { expect, it } from 'vitest';
import { toNews } from '../../src/model/news.ts';

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
