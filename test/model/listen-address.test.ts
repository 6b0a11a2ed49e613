import { expect, test } from 'vitest';
import { isLoopback, parseListenAddress } from '../../src/model/listen-address.ts';

test.each<[text: string, host: string, port: number, loopback: boolean]>([
  ['9101', '127.0.0.1', 9101, true],
  ['0', '127.0.0.1', 0, true],
  ['localhost:9101', '127.0.0.1', 9101, true],
  ['127.0.0.9:65535', '127.0.0.9', 65_535, true],
  ['[::1]:9101', '::1', 9101, true],
  ['[0:0:0:0:0:0:0:1]:9101', '0:0:0:0:0:0:0:1', 9101, true],
  ['0.0.0.0:9101', '0.0.0.0', 9101, false],
  ['10.0.0.5:9101', '10.0.0.5', 9101, false],
  ['[::]:9101', '::', 9101, false],
  ['[2001:db8::1]:9101', '2001:db8::1', 9101, false],
])('"%s" is %s port %i, loopback %s', (text, host, port, loopback) => {
  expect(parseListenAddress(text)).toEqual({ host, port });
  expect(isLoopback({ host, port })).toBe(loopback);
});

test.each([
  ...['', ':9101', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '::1:9101', '[127.0.0.1]:9101'],
  ...['web:9101', '127.1:9101', '127.0.0.01:9101', ' 9101', '9101\n', '[::1%lo]:9101', '+1', '1e3'],
  ...['[::1]a:9101', 'a[::1]:9101', '[::1:9101', '::1]:9101', '[]:9101', '123456', '99999'],
])('%j is none', (text) => {
  expect(parseListenAddress(text)).toBeUndefined();
});
