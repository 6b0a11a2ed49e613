import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareNames,
  isDnsName,
  isDomain,
  isLabel,
  parseName,
  sortByName,
} from '../../src/model/name.ts';

const label63 = 'a'.repeat(63);
const domain = 'ec2.example.org';

describe('parseName', () => {
  test.each([
    ['web-1', 'web-1'],
    ['WEB-1', 'web-1'],
    ['a', 'a'],
    ['0a', '0a'],
    ['1a2', '1a2'],
    ['a--b', 'a--b'],
    ['xn--bcher-kva', 'xn--bcher-kva'],
    [label63, label63],
    ['my-localhost', 'my-localhost'],
    ['ip6', 'ip6'],
    ['0xg', '0xg'],
  ])('reads %j as %j', (text, name) => {
    expect(parseName(text)).toEqual({ kind: 'name', name });
  });

  test.each([
    ['', 'empty'],
    [' ', 'not a host name'],
    ['web-1 bank.example', 'not a host name'],
    ['web-1\tbank.example', 'not a host name'],
    ['web-1\n10.0.0.66 bank.example', 'not a host name'],
    ['web-1\n', 'not a host name'],
    ['web-1\r', 'not a host name'],
    ['web-1\0', 'not a host name'],
    ['web-1#', 'not a host name'],
    ['web_1', 'not a host name'],
    ['-web', 'not a host name'],
    ['web-', 'not a host name'],
    ['web-1.', 'not a host name'],
    ['.web-1', 'not a host name'],
    ['a..b', 'not a host name'],
    ['.', 'not a host name'],
    ['$(reboot)', 'not a host name'],
    // Letters that lower- or upper-casing turns into ASCII ones: the Kelvin sign, the dotless i,
    // the dotted capital I, the long s; and digits that are none of ASCII's.
    ['wor\u212Aer', 'not a host name'],
    ['\u0131p6', 'not a host name'],
    ['\u0130p6', 'not a host name'],
    ['\u017Ferver', 'not a host name'],
    ['web-\u0661', 'not a host name'],
    ['b\u00FCcher', 'not a host name'],
    ['\uFEFFweb', 'not a host name'],
    [`${label63}a`, 'too long'],
    [`web-1.${label63}a`, 'too long'],
    [`${label63}.web_1`, 'not a host name'],
    [`${`${label63}.`.repeat(3)}${'a'.repeat(62)}`, 'too long'],
    ['web-1.undefined', 'outside the domain'],
    ['localhost', 'reserved'],
    ['LocalHost', 'reserved'],
    ['localhost4', 'reserved'],
    ['localhost6', 'reserved'],
    ['localdomain', 'reserved'],
    ['broadcasthost', 'reserved'],
    ['ip6-allnodes', 'reserved'],
    ['IP6-loopback', 'reserved'],
    ['0x', 'reads as an address'],
    ['1', 'reads as an address'],
    ['010', 'reads as an address'],
    ['4294967295', 'reads as an address'],
    ['0x7f', 'reads as an address'],
    ['0X7F', 'reads as an address'],
    ['10.0.0.1', 'reads as an address'],
    ['10.1', 'reads as an address'],
    ['0x7f.1', 'reads as an address'],
    ['bank.example', 'outside the domain'],
    ['localhost.localdomain', 'reserved'],
  ])('refuses %j: %s', (text, reason) => {
    expect(parseName(text)).toEqual({ kind: 'refused', reason });
  });

  test('takes off the domain, whatever its letters are cased like', () => {
    expect(parseName('Web-1.EC2.Example.ORG', domain)).toEqual({ kind: 'name', name: 'web-1' });
    expect(parseName('web-1', domain)).toEqual({ kind: 'name', name: 'web-1' });
  });

  test.each([
    ['bank.example', 'outside the domain'],
    ['web-1.example.org', 'outside the domain'],
    ['web-1.notec2.example.org', 'outside the domain'],
    [domain, 'outside the domain'],
    [`.${domain}`, 'not a host name'],
    [`web-1.${domain}.`, 'not a host name'],
    [`localhost.${domain}`, 'reserved'],
    [`1.${domain}`, 'reads as an address'],
    [`10.0.0.1.${domain}`, 'reads as an address'],
    // Without its domain this would be somebody else's name.
    [`bank.example.${domain}`, 'outside the domain'],
  ])('refuses %j with the domain: %s', (text, reason) => {
    expect(parseName(text, domain)).toEqual({ kind: 'refused', reason });
  });

  test('gives one label that is safe in every output, for any text', () => {
    const pieces = fc.constantFrom('web', '-', '.', '1', 'A', ' ', '\n', '#', '\u212A', domain);
    const anyText = fc.oneof(
      fc.string(),
      fc.array(pieces).map((list) => list.join('')),
    );
    const safe = (parse: typeof parseName) =>
      fc.property(anyText, (text) => {
        const parsed = parse(text, domain);
        return parsed.kind === 'refused' || /^[a-z0-9-]{1,63}$/.test(parsed.name);
      });
    fc.assert(safe(parseName), { seed: 1, numRuns: 2000 });
    // The control: a rule that looks at white space alone.
    const lax: typeof parseName = (text) =>
      /\s/.test(text) || text === ''
        ? { kind: 'refused', reason: 'not a host name' }
        : { kind: 'name', name: text };
    expect(fc.check(safe(lax), { seed: 1, numRuns: 2000 }).failed).toBe(true);
  });
});

describe('isLabel', () => {
  test.each(['web-1', 'a', label63, 'local-db', 'localhost5', 'broadcast', 'ip6'])(
    'accepts %j',
    (text) => {
      expect(isLabel(text)).toBe(true);
    },
  );

  test('is what parseName gives back as it was', () => {
    const part = fc.constantFrom(
      'local',
      'host',
      'domain',
      '4',
      'ip6-',
      'broadcast',
      'A',
      '.',
      '-',
    );
    const text = fc.array(fc.oneof(part, fc.string({ maxLength: 2 })), { maxLength: 4 });
    const agrees = (isIt: (text: string) => boolean) =>
      fc.property(text, (parts) => {
        const name = parts.join('');
        const parsed = parseName(name);
        return isIt(name) === (parsed.kind === 'name' && parsed.name === name);
      });
    const runs = { seed: 6, numRuns: 5000 };
    fc.assert(agrees(isLabel), runs);
    // The control: what forgets about reserved names is found out.
    expect(
      fc.check(
        agrees((name) => /^[a-z0-9][a-z0-9-]*$/.test(name)),
        runs,
      ).failed,
    ).toBe(true);
  });

  test.each(['', 'Web', 'a.b', '1', 'localhost', 'ip6-x', `${label63}a`, 'a '])(
    'refuses %j',
    (text) => {
      expect(isLabel(text)).toBe(false);
    },
  );
});

describe('isDomain', () => {
  const name253 = `${`${label63}.`.repeat(3)}${'a'.repeat(61)}`;
  test.each(['example.org', 'internal', domain, '1.example.org', name253])('accepts %j', (text) => {
    expect(isDomain(text)).toBe(true);
  });

  test.each(['', '.', 'Example.org', 'example.org.', '.example.org', 'a b', 'a\nb', `${name253}a`])(
    'refuses %j',
    (text) => {
      expect(isDomain(text)).toBe(false);
    },
  );
});

describe('isDnsName', () => {
  test.each(['web-1', 'db.example.org', 'ip-10-0-0-1.eu-west-1.compute.internal', '1.example.org'])(
    'accepts %j',
    (text) => {
      expect(isDnsName(text)).toBe(true);
    },
  );

  test.each([
    '',
    'DB.example.org',
    'a b',
    'localhost',
    'web.localdomain',
    'ip6-localhost',
    '1',
    '10.1',
    '10.0.0.300',
    '0x7f.1',
    'web.0x1',
  ])('refuses %j', (text) => {
    expect(isDnsName(text)).toBe(false);
  });
});

describe('compareNames', () => {
  test('orders numbers as numbers', () => {
    const inOrder = [
      '1a',
      'db',
      'db-master',
      'db-slave-1',
      'db-slave-2',
      'db-slave-10',
      'web-0',
      'web-01',
      'web-1',
      'web-1-2',
      'web-1-10',
      'web-2',
      'web-2a',
      'web-10',
      'web-9007199254740992',
      'web-9007199254740993',
      'web-99999999999999999999',
      'web-100000000000000000000',
    ];
    expect(inOrder.toReversed().sort(compareNames)).toEqual(inOrder);
  });

  type Compare = (a: string, b: string) => number;
  const piece = fc.constantFrom('a', 'ab', '-', '.', '0', '1', '2', '01', '10', '9'.repeat(20));
  const name = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
  /** Total, antisymmetric and transitive; what differs is never equal. */
  const isOrder = (compare: Compare) =>
    fc.property(name, name, name, (a, b, c) => {
      const ab = Math.sign(compare(a, b));
      return (
        ab + Math.sign(compare(b, a)) === 0 &&
        (ab === 0) === (a === b) &&
        !(ab <= 0 && compare(b, c) <= 0 && compare(a, c) > 0)
      );
    });
  const run = { seed: 1, numRuns: 5000 };

  test('is a total order', () => {
    fc.assert(isOrder(compareNames), run);
  });

  /** Cuts the names into runs first, as the rule is said. */
  const byRuns: Compare = (a, b) => {
    const left = a.match(/\d+|\D+/g) ?? [];
    const right = b.match(/\d+|\D+/g) ?? [];
    for (const [i, x] of left.entries()) {
      const y = right[i];
      if (y === undefined) return 1;
      const [isNumber, isOther] = [/^\d/.test(x), /^\d/.test(y)];
      if (isNumber !== isOther) return isNumber ? -1 : 1;
      const order = isNumber ? Number(BigInt(x) - BigInt(y)) : asText(x, y);
      if (order !== 0) return order;
    }
    return left.length - right.length || asText(a, b);
  };

  test('sorts a list as it compares', () => {
    const list = fc.array(fc.record({ name, id: fc.nat() }), { maxLength: 20 });
    const agrees = fc.property(list, (items) => {
      const sorted = items.toSorted((a, b) => compareNames(a.name, b.name));
      expect(sortByName([...items], (item) => item.name)).toEqual(sorted);
    });
    fc.assert(agrees, { seed: 3, numRuns: 500 });
  });

  test('orders as runs that are cut out would', () => {
    const agrees = fc.property(
      name,
      name,
      (a, b) => Math.sign(compareNames(a, b)) === Math.sign(byRuns(a, b)),
    );
    fc.assert(agrees, { seed: 2, numRuns: 20_000 });
  });

  const asText: Compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const trailing = (text: string) => /\d+$/.exec(text)?.[0];
  test.each<[string, Compare]>([
    [
      'that compares last numbers if both have one, else text',
      (a, b) =>
        trailing(a) && trailing(b)
          ? Number(trailing(a)) - Number(trailing(b)) || asText(a, b)
          : asText(a, b),
    ],
    ['whose numbers lose digits', (a, b) => a.localeCompare(b, 'en', { numeric: true })],
  ])('is not met by an order %s (the control)', (_, compare) => {
    expect(fc.check(isOrder(compare), run).failed).toBe(true);
  });
});
