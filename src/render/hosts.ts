/**
 * Entries of hosts(5): addresses and their names, as text, and what other lines do to them.
 *
 * The last place where a name or an address can be stopped: whatever gets past here is what every
 * program on the machine believes.
 */
import { isIp } from '../model/address.ts';
import { isDomain, isLabel } from '../model/name.ts';

/** One address and the names that stand for it. */
export interface HostsEntry {
  /** IPv4 or IPv6, as a literal. */
  readonly address: string;
  /** At least one; the canonical name, which a reverse lookup gives, is the first. */
  readonly names: readonly string[];
}

/** One line of a hosts file that says something. */
export interface HostsLine extends HostsEntry {
  /** Its number in the file, from 1. */
  readonly line: number;
}

/** A name that another line of the file gives another address. */
export interface ShadowedName {
  readonly name: string;
  /** The number of the other line. */
  readonly line: number;
  /** What the other line says. */
  readonly address: string;
  /** Which of the two a lookup finds: the first in the file. */
  readonly winner: 'other' | 'block';
}

// The resolvers of BSD's line keep at most 35 aliases of an entry (MAXALIASES) and drop the rest.
const maxNamesPerLine = 35;

// Names of the machine itself (RFC 6761 section 6.3, Debian's /etc/hosts): never anybody else's.
const ownLabel = /^(?:localhost[46]?|ip6-.*)$/;

/**
 * Writes `ADDRESS<TAB>name [name…]`, one entry a line, in the order given.
 *
 * Equal input gives equal bytes. No entries give the empty string; anything else ends in a newline.
 * An entry of more than 35 names goes on in further lines of the same address.
 *
 * @throws TypeError when an address or a name is none, or is reserved. Tags are untrusted, and
 * whoever made the entries was to refuse such a value and say so.
 */
export function renderHosts(entries: readonly HostsEntry[]): string {
  let text = '';
  for (const { address, names } of entries) {
    checkEntry(address, names);
    if (names.length <= maxNamesPerLine) {
      text += `${address}\t${names.join(' ')}\n`;
      continue;
    }
    for (let i = 0; i < names.length; i += maxNamesPerLine) {
      text += `${address}\t${names.slice(i, i + maxNamesPerLine).join(' ')}\n`;
    }
  }
  return text;
}

function checkEntry(address: string, names: readonly string[]): void {
  if (!isIp(address)) {
    throw new TypeError(`Expected an IP address for a hosts entry, got ${JSON.stringify(address)}`);
  }
  if (names.length === 0) {
    throw new TypeError(`Expected at least one name for the hosts entry of ${address}`);
  }
  for (const name of names) {
    if (!isSafeName(name)) {
      throw new TypeError(`Expected a host name for ${address}, got ${JSON.stringify(name)}`);
    }
  }
}

// Nearly all names that have a domain: one look at each of ten thousand, where the rule takes many.
const plainLabel = '(?!localhost|ip6-)[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?';
const plainFullName = new RegExp(`^(?:${plainLabel}\\.)+${plainLabel}$`);
const nameLengthMax = 253;

function isSafeName(name: string): boolean {
  if (name.length <= nameLengthMax && plainFullName.test(name)) return true;
  const labels = name.split('.');
  return (
    isDomain(name) &&
    (labels.length > 1 || isLabel(name)) &&
    // inet_aton(3) reads "10.1" as an address.
    !labels.every((label) => /^(?:\d+|0x[0-9a-f]*)$/.test(label)) &&
    !labels.some((label) => ownLabel.test(label))
  );
}

/**
 * Reads the entries of a hosts file, in the file's order.
 *
 * As glibc does: `#` begins a comment anywhere, white space separates, and a line that does not
 * begin with an address says nothing. Names are given in lower case.
 *
 * @param firstLine - the number of the text's first line, when it is a later part of a file
 */
export function parseHosts(text: string, firstLine = 1): HostsLine[] {
  return text.split('\n').flatMap((line, i) => {
    const [content = ''] = line.split('#', 1);
    const [address = '', ...names] = content.split(/[ \t\v\f\r]+/).filter((word) => word !== '');
    if (!isIp(address) || names.length === 0) return [];
    return [{ address, names: names.map((name) => name.toLowerCase()), line: firstLine + i }];
  });
}

/** Tells whether an address is one by which a machine speaks to itself (RFC 1122, RFC 4291). */
export function isLoopback(address: string): boolean {
  return /^127\.|^::1$|^::ffff:127\./i.test(address);
}

/**
 * Takes out of entries the names that one of the lines gives a loopback address.
 *
 * For lines behind ours: such a name is the machine's own word for itself, as Debian's `127.0.1.1`
 * is, and an entry before it would take it over.
 */
export function withoutOwnNames(
  entries: readonly HostsEntry[],
  lines: readonly HostsLine[],
): readonly HostsEntry[] {
  const own = new Set(lines.flatMap(({ address, names }) => (isLoopback(address) ? names : [])));
  if (own.size === 0) return entries;
  return entries.flatMap(({ address, names }) => {
    const left = names.filter((name) => !own.has(name));
    return left.length === 0 ? [] : [{ address, names: left }];
  });
}

/**
 * Finds the names of `entries` to which lines outside the block give other addresses.
 *
 * The first line in the file wins, so lines before the block win over it, and it wins over the
 * lines after it. A line that gives a name one of our own addresses is in nobody's way. By line,
 * then in the line's own order; empty when every name is found as we have it.
 */
export function shadowedNames(
  outside: { readonly before: readonly HostsLine[]; readonly after: readonly HostsLine[] },
  entries: readonly HostsEntry[],
): ShadowedName[] {
  // Only the names that are asked for: the others are many, and outside there are few.
  const addresses = new Map<string, Set<string>>();
  for (const { names } of [...outside.before, ...outside.after]) {
    for (const name of names) addresses.set(name, new Set());
  }
  for (const { address, names } of entries) {
    for (const name of names) addresses.get(name)?.add(address.toLowerCase());
  }
  const decided = new Set<string>();
  const found: ShadowedName[] = [];
  const compare = (lines: readonly HostsLine[], winner: ShadowedName['winner']): void => {
    for (const { line, address, names } of lines) {
      for (const name of new Set(names)) {
        const ours = addresses.get(name);
        if (ours === undefined || ours.size === 0 || decided.has(name)) continue;
        // Only the first line before the block counts, even if it agrees: it is what is found.
        if (winner === 'other') decided.add(name);
        if (!ours.has(address.toLowerCase())) found.push({ name, line, address, winner });
      }
    }
  };
  compare(outside.before, 'other');
  compare(outside.after, 'block');
  return found;
}
