import { describe, expect, test } from 'vitest';
import { parseInfo } from '../../src/model/info.ts';

describe('parseInfo', () => {
  test.each([
    ['web', 'web', 'iterative', []],
    ['web\n', 'web', 'iterative', []],
    ['mongodb masterful', 'mongodb', 'masterful', []],
    ['web iterative web-master web-slave\n', 'web', 'iterative', ['web-master', 'web-slave']],
    ['  web\titerative  db cache cache \r\n', 'web', 'iterative', ['cache', 'db']],
    ['\nweb\niterative\ncache\n', 'web', 'iterative', ['cache']],
  ])('reads %j', (text, service, type, aliases) => {
    expect(parseInfo(text)).toEqual({ kind: 'info', info: { service, type, aliases } });
  });

  test.each([
    ['', 1, 'there is no service'],
    [' \n\n', 1, 'there is no service'],
    ['Web', 1, 'the service "Web" cannot be: it is not a lower-case host name label'],
    ['\nlocalhost', 2, 'the service "localhost" cannot be'],
    ['web cache', 1, 'the type "cache" is not one of the two'],
    ['web\n\nMasterful', 3, 'the type "Masterful"'],
    ['web iterative a.b', 1, 'the alias "a.b" is not a lower-case host name label'],
    ['web iterative cache\n# a comment', 2, 'the alias "#"'],
    ['web iterative 10', 1, 'the alias "10"'],
    ['web iterative\u0000', 1, 'the type "iterative\\u0000"'],
    [`web iterative ${'abcdefghij '.repeat(3)}${'x'.repeat(63)}1`, 1, 'is not a lower-case'],
    [
      `web iterative ${Array.from({ length: 20 }, (_, i) => `alias-${i}`).join(' ')}`,
      1,
      'EC2 allows 256',
    ],
  ])('refuses %j with the line', (text, line, problem) => {
    const refused = { kind: 'refused', line, problem: expect.stringContaining(problem) };
    expect(parseInfo(text)).toEqual(refused);
  });
});
