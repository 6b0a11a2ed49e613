/**
 * Addresses as text. What EC2 or a tag calls an address is checked before it reaches a file.
 */
import type { Instance } from './instance.ts';
import { isDnsName } from './name.ts';

/** Which of an instance's addresses is meant; `tag:KEY` takes it from a tag. */
export type AddressKind =
  | 'private'
  | 'public'
  | 'ipv6'
  | 'private-dns'
  | 'public-dns'
  | `tag:${string}`;

/** Tells whether this names a kind of address. */
export function isAddressKind(text: string): text is AddressKind {
  return (
    ['private', 'public', 'ipv6', 'private-dns', 'public-dns'].includes(text) || /^tag:./.test(text)
  );
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** Tells whether this is an IPv4 address in dotted decimal, without leading zeros. */
export function isIpv4(text: string): boolean {
  return ipv4.test(text);
}

/** Tells whether this is an IPv6 address in a text form of RFC 4291 section 2.2, without a zone. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const parts = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = parts.at(-1);
  // The last 32 bits may be written as an IPv4 address (section 2.2, form 3).
  const embedded = last !== undefined && !text.endsWith('::') && isIpv4(last);
  const groups = embedded ? parts.slice(0, -1) : parts;
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  const count = groups.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

/** Tells whether this is an address of either family. */
export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** Writes host and port as one word: `10.0.0.5:6379`, `[2001:db8::1]:6379` (RFC 3986 3.2.2). */
export function toHostport(host: string, port: number): string {
  return isIpv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address of the wanted kind, or why there is none. */
export type FoundAddress =
  | { readonly kind: 'address'; readonly address: string }
  | {
      readonly kind: 'none';
      readonly reason: 'no such address' | 'address refused';
      readonly seen: string;
    };

/** Finds an instance's address of one kind, and checks that it is one. */
export function addressOf(instance: Instance, kind: AddressKind): FoundAddress {
  const text = rawAddress(instance, kind);
  if (text === undefined || text === '') {
    return { kind: 'none', reason: 'no such address', seen: kind };
  }
  const good = kind === 'ipv6' ? isIpv6(text) : isIp(text) || (named(kind) && isDnsName(text));
  return good
    ? { kind: 'address', address: text }
    : { kind: 'none', reason: 'address refused', seen: `${kind} ${text}` };
}

/** Gives all addresses of an instance that are in a hosts file: private, public and IPv6. */
export function addressesOf(instance: Instance): readonly string[] {
  const { privateIpAddress, publicIpAddress, ipv6Addresses } = instance;
  return [privateIpAddress, publicIpAddress, ...ipv6Addresses].filter((one) => one !== undefined);
}

function rawAddress(instance: Instance, kind: AddressKind): string | undefined {
  switch (kind) {
    case 'private':
      return instance.privateIpAddress;
    case 'public':
      return instance.publicIpAddress;
    case 'ipv6':
      return instance.ipv6Addresses[0];
    case 'private-dns':
      return instance.privateDnsName;
    case 'public-dns':
      return instance.publicDnsName;
    default:
      return instance.tags.get(kind.slice('tag:'.length));
  }
}

function named(kind: AddressKind): boolean {
  return kind.endsWith('-dns') || kind.startsWith('tag:');
}
