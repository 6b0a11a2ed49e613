import { isIPv4 as nodeIsIpv4, isIPv6 as nodeIsIpv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AddressKind,
  addressOf,
  isAddressKind,
  isIp,
  isIpv4,
  isIpv6,
  toHostport,
} from '../../src/model/address.ts';
import { type InstanceFields, instance } from '../helpers/instances.ts';

describe('isAddressKind', () => {
  test.each([
    ['private', true],
    ['public', true],
    ['ipv6', true],
    ['private-dns', true],
    ['public-dns', true],
    ['tag:vpn-ip', true],
    ['tag:', false],
    ['tag', false],
    ['Private', false],
    ['private_v4', false],
    ['', false],
  ])('says of %j: %j', (text, known) => {
    expect(isAddressKind(text)).toBe(known);
  });
});

describe('isIpv4', () => {
  test.each([
    ['0.0.0.0', true],
    ['255.255.255.255', true],
    ['10.0.0.1', true],
    ['256.0.0.1', false],
    ['10.0.0', false],
    ['10.0.0.0.1', false],
    ['010.0.0.1', false],
    ['10.0.0.01', false],
    ['10.0.0.1 ', false],
    ['10.0.0.1\n', false],
    ['0x7f.0.0.1', false],
    ['\u0661.0.0.1', false],
    ['', false],
  ])('says of %j: %j', (text, good) => {
    expect(isIpv4(text)).toBe(good);
  });
});

describe('isIpv6', () => {
  test.each([
    ['::', true],
    ['::1', true],
    ['1::', true],
    ['2001:db8::1', true],
    ['2001:DB8::A', true],
    ['1:2:3:4:5:6:7:8', true],
    ['1:2:3:4:5:6:7::', true],
    ['::2:3:4:5:6:7:8', true],
    ['::ffff:10.0.0.1', true],
    ['64:ff9b::192.0.2.1', true],
    ['1:2:3:4:5:6:192.0.2.1', true],
    ['1:2:3:4:5::192.0.2.1', true],
    ['1:2:3:4:5:6:7', false],
    ['1:2:3:4:5:6:7:8:9', false],
    ['1:2:3:4:5:6:7:8::', false],
    ['1:2:3:4:5:6:7:192.0.2.1', false],
    ['1:2:3:4:5:6::192.0.2.1', false],
    ['1::2::3', false],
    [':::', false],
    ['::::', false],
    [':', false],
    [':1:2:3:4:5:6:7', false],
    ['1:2:3:4:5:6:7:', false],
    ['::12345', false],
    ['::g', false],
    ['192.0.2.1::', false],
    ['192.0.2.1::1', false],
    ['::192.0.2.1:1', false],
    ['::ffff:10.0.0.256', false],
    ['::ffff:10.0.0.01', false],
    ['192.0.2.1', false],
    ['fe80::1%eth0', false],
    ['[::1]', false],
    ['::1\n', false],
    ['', false],
  ])('says of %j: %j', (text, good) => {
    expect(isIpv6(text)).toBe(good);
  });

  const piece = fc.constantFrom(':', '::', '1', 'ab', 'ffff', '0', '10.0.0.1', '256', '.', '12345');
  const text = fc.array(piece, { maxLength: 17 }).map((pieces) => pieces.join(''));
  const groups = fc
    .array(fc.constantFrom('0', '1', 'fFfF', '10.0.0.1', ''), { minLength: 3, maxLength: 9 })
    .map((list) => list.join(':'));
  const agrees = (is: typeof isIpv6) =>
    fc.property(fc.oneof(text, groups), (candidate) => is(candidate) === nodeIsIpv6(candidate));
  const run = { seed: 1, numRuns: 20_000 };

  test('agrees with the address parser of Node', () => {
    fc.assert(agrees(isIpv6), run);
    const v4 = fc.array(fc.constantFrom('.', '0', '1', '25', '255', '256', '01'), { maxLength: 8 });
    const v4Agrees = fc.property(
      v4.map((pieces) => pieces.join('')),
      (candidate) => isIpv4(candidate) === nodeIsIpv4(candidate),
    );
    fc.assert(v4Agrees, run);
  });

  test('disagrees with it when eight groups may have a gap (the control)', () => {
    const lax = (candidate: string) => isIpv6(candidate) || isIpv6(candidate.replace('::', ':'));
    expect(fc.check(agrees(lax), run).failed).toBe(true);
  });
});

test('isIp takes either family', () => {
  expect(['10.0.0.1', '::1', 'web-1', ''].map(isIp)).toEqual([true, true, false, false]);
});

describe('toHostport', () => {
  test.each([
    ['10.0.0.5', '10.0.0.5:6379'],
    ['2001:db8::1', '[2001:db8::1]:6379'],
    ['web-1.example.org', 'web-1.example.org:6379'],
  ])('writes %s with a port as %s', (host, hostport) => {
    expect(toHostport(host, 6379)).toBe(hostport);
  });
});

describe('addressOf', () => {
  const fields: InstanceFields = {
    privateIpAddress: '10.0.0.1',
    publicIpAddress: '192.0.2.1',
    ipv6Addresses: ['2001:db8::1', '2001:db8::2'],
    privateDnsName: 'ip-10-0-0-1.eu-west-1.compute.internal',
    publicDnsName: 'ec2-192-0-2-1.eu-west-1.compute.amazonaws.com',
    tags: { vpn: '10.8.0.1', vpn6: '2001:db8::8', dns: 'db.example.org', 'a:b': '10.9.9.9' },
  };

  test.each<[AddressKind, string]>([
    ['private', '10.0.0.1'],
    ['public', '192.0.2.1'],
    ['ipv6', '2001:db8::1'],
    ['private-dns', 'ip-10-0-0-1.eu-west-1.compute.internal'],
    ['public-dns', 'ec2-192-0-2-1.eu-west-1.compute.amazonaws.com'],
    ['tag:vpn', '10.8.0.1'],
    ['tag:vpn6', '2001:db8::8'],
    ['tag:dns', 'db.example.org'],
    ['tag:a:b', '10.9.9.9'],
  ])('finds the address of kind %s', (kind, address) => {
    expect(addressOf(instance(fields), kind)).toEqual({ kind: 'address', address });
  });

  test.each<[AddressKind]>([['public'], ['ipv6'], ['private-dns'], ['public-dns'], ['tag:vpn']])(
    'says that there is none of kind %s',
    (kind) => {
      const none = { kind: 'none', reason: 'no such address', seen: kind };
      expect(addressOf(instance(), kind)).toEqual(none);
    },
  );

  test('takes an empty tag for no address', () => {
    const none = { kind: 'none', reason: 'no such address', seen: 'tag:vpn' };
    expect(addressOf(instance({ tags: { vpn: '' } }), 'tag:vpn')).toEqual(none);
  });

  test.each<[AddressKind, InstanceFields, string]>([
    ['tag:a', { tags: { a: '10.0.0.1 bank.example' } }, 'tag:a 10.0.0.1 bank.example'],
    ['tag:a', { tags: { a: '10.0.0.1\n' } }, 'tag:a 10.0.0.1\n'],
    ['tag:a', { tags: { a: '10.0.0.300' } }, 'tag:a 10.0.0.300'],
    ['tag:a', { tags: { a: '10.1' } }, 'tag:a 10.1'],
    ['tag:a', { tags: { a: '0x7f.1' } }, 'tag:a 0x7f.1'],
    ['tag:a', { tags: { a: '2130706433' } }, 'tag:a 2130706433'],
    ['tag:a', { tags: { a: 'localhost' } }, 'tag:a localhost'],
    ['tag:a', { tags: { a: 'ip6-loopback' } }, 'tag:a ip6-loopback'],
    ['tag:a', { tags: { a: '$(reboot)' } }, 'tag:a $(reboot)'],
    ['private', { privateIpAddress: 'db.example.org' }, 'private db.example.org'],
    ['ipv6', { ipv6Addresses: ['10.0.0.1'] }, 'ipv6 10.0.0.1'],
    ['public-dns', { publicDnsName: 'a b' }, 'public-dns a b'],
  ])('refuses an address of kind %s in %j', (kind, wrong, seen) => {
    const none = { kind: 'none', reason: 'address refused', seen };
    expect(addressOf(instance(wrong), kind)).toEqual(none);
  });
});
