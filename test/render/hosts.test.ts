import { describe, expect, test } from 'vitest';
import {
  isLoopback,
  parseHosts,
  renderHosts,
  shadowedNames,
  withoutOwnNames,
} from '../../src/render/hosts.ts';

describe('renderHosts', () => {
  test('writes one entry a line, in the order given', () => {
    const text = renderHosts([
      { address: '10.0.0.12', names: ['web-10', 'web-10.example.org', 'cache'] },
      { address: '10.0.0.2', names: ['web-2'] },
      { address: '2001:db8::5', names: ['web-2'] },
    ]);
    expect(text).toBe(
      '10.0.0.12\tweb-10 web-10.example.org cache\n10.0.0.2\tweb-2\n2001:db8::5\tweb-2\n',
    );
  });

  test('writes a name with dots, also one with a number behind the last', () => {
    const names = ['a.10', '10.example.org', 'web.localdomain'];
    expect(renderHosts([{ address: '10.0.0.1', names }])).toBe(`10.0.0.1\t${names.join(' ')}\n`);
  });

  test('writes nothing for no entries', () => {
    expect(renderHosts([])).toBe('');
  });

  test('goes on in a further line after 35 names', () => {
    const names = Array.from({ length: 71 }, (_, i) => `alias-${i}`);
    const lines = parseHosts(renderHosts([{ address: '10.0.0.1', names }]));
    expect(lines.map((line) => line.names.length)).toEqual([35, 35, 1]);
    expect(lines.flatMap((line) => line.names)).toEqual(names);
    expect(new Set(lines.map((line) => line.address))).toEqual(new Set(['10.0.0.1']));
  });

  test.each([
    'web-1 bank.example',
    'web-1\tbank',
    'web-1\n10.0.0.1 bank',
    'web-1\r',
    'web-1#',
    'web_1',
    '-web',
    'web-',
    'WEB',
    '',
    '.',
    'web.',
    'web..example.org',
    'a'.repeat(64),
    `${'a'.repeat(64)}.example.org`,
    `${`${'a'.repeat(63)}.`.repeat(3)}${'a'.repeat(62)}`,
    'localhost',
    'localhost4',
    'localdomain',
    'broadcasthost',
    'localhost.localdomain',
    'web.localhost',
    'ip6-localhost',
    'ip6-anything',
    'ip6-anything.example.org',
    'web.ip6-anything',
    '10.0.0.1',
    '10.1',
    '10.0x1',
    '12',
    '0x7f',
    'ﬁle',
    'K8s', // The first letter is the Kelvin sign, which lower-cases to "k".
  ])('refuses %j as a name', (name) => {
    const entries = [{ address: '10.0.0.1', names: ['good', name] }];
    expect(() => renderHosts(entries)).toThrow(TypeError);
  });

  test.each([
    '',
    'web-1',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1 ',
    '10.0.0.1\n10.0.0.2',
    '10.0.0.1 bank',
    'fe80::1%eth0',
    '2001:db8:::1',
    '1:2:3:4:5:6:7:8:9',
  ])('refuses %j as an address', (address) => {
    expect(() => renderHosts([{ address, names: ['web-1'] }])).toThrow(TypeError);
  });

  test('refuses an entry without a name', () => {
    expect(() => renderHosts([{ address: '10.0.0.1', names: [] }])).toThrow(TypeError);
  });
});

describe('parseHosts', () => {
  test('reads what glibc reads', () => {
    const text = [
      '127.0.0.1\tlocalhost',
      '',
      '  10.0.0.1   Web-1  web # comment',
      '#10.0.0.2 no',
      '10.0.0.3',
      'not-an-address name',
      '::1 ip6-localhost\r',
      '10.0.0.4\vvery\flast',
    ].join('\n');
    expect(parseHosts(text, 11)).toEqual([
      { line: 11, address: '127.0.0.1', names: ['localhost'] },
      { line: 13, address: '10.0.0.1', names: ['web-1', 'web'] },
      { line: 17, address: '::1', names: ['ip6-localhost'] },
      { line: 18, address: '10.0.0.4', names: ['very', 'last'] },
    ]);
  });
});

describe('isLoopback', () => {
  test.each([
    ['127.0.0.1', true],
    ['127.0.1.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['::FFFF:127.0.0.1', true],
    ['10.127.0.1', false],
    ['128.0.0.1', false],
    ['12.7.0.1', false],
    ['2001:db8::1', false],
    ['::10', false],
    ['::', false],
  ])('says of %s: %j', (address, own) => {
    expect(isLoopback(address)).toBe(own);
  });
});

describe('withoutOwnNames', () => {
  const entries = [
    { address: '10.0.0.1', names: ['web-1', 'web-1.example.org', 'cache'] },
    { address: '10.0.0.2', names: ['web-2'] },
  ];
  const left = (text: string) => withoutOwnNames(entries, parseHosts(text));

  test('leaves out the names of loopback lines, and entries that have no other', () => {
    expect(left('127.0.1.1 Web-1.example.org web-1\n::1 web-2')).toEqual([
      { address: '10.0.0.1', names: ['cache'] },
    ]);
  });

  test.each(['', '10.9.9.9 web-1 web-2', '127.0.0.1 localhost'])(
    'changes nothing by %j',
    (text) => {
      expect(left(text)).toEqual(entries);
    },
  );
});

describe('shadowedNames', () => {
  const entries = [
    { address: '10.0.0.1', names: ['web-1', 'web-1.example.org'] },
    { address: '2001:db8::a', names: ['web-1'] },
    { address: '10.0.0.2', names: ['web-2'] },
  ];
  const shadowed = (before: string, after = '') =>
    shadowedNames({ before: parseHosts(before), after: parseHosts(after, 100) }, entries);

  test.each([
    ['127.0.0.1 localhost', []],
    ['10.9.9.9 Web-2', [{ name: 'web-2', line: 1, address: '10.9.9.9', winner: 'other' }]],
    ['10.0.0.2 web-2', []],
    ['2001:DB8::A web-1', []],
    ['10.0.0.2 web-2\n10.9.9.9 web-2', []],
    [
      '10.9.9.8 web-2 web-2\n10.9.9.9 web-2',
      [{ name: 'web-2', line: 1, address: '10.9.9.8', winner: 'other' }],
    ],
  ])('before the block, %j wins over it', (before, expected) => {
    expect(shadowed(before)).toEqual(expected);
  });

  test('says of lines after the block that the block wins over them', () => {
    expect(shadowed('', '10.9.9.9 web-1.example.org\n10.0.0.2 web-2')).toEqual([
      { name: 'web-1.example.org', line: 100, address: '10.9.9.9', winner: 'block' },
    ]);
  });

  test('says nothing of a line after the block when one before it wins over both', () => {
    expect(shadowed('10.9.9.8 web-2', '10.9.9.9 web-2')).toEqual([
      { name: 'web-2', line: 1, address: '10.9.9.8', winner: 'other' },
    ]);
  });
});
