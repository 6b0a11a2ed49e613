/**
 * Texts of the command line as values. What cannot be a value is refused before anything is asked
 * of the network.
 */
import { InvalidArgumentError } from 'commander';
import { type AddressKind, isAddressKind } from '../model/address.ts';
import { durationExamples, toDurationMs } from '../model/duration.ts';
import { type HandlerSpec, parseHandlerSpec } from '../model/handler-spec.ts';
import { type ListenAddress, parseListenAddress } from '../model/listen-address.ts';
import { isDomain, isLabel, parseName } from '../model/name.ts';
import { isPick, type PickRule } from '../model/pick.ts';
import type { TagTest } from '../model/selector.ts';
import { defaultWords, type SeriesWords } from '../model/series.ts';
import { isProfile } from '../render/managed-block.ts';

/** Reads `500ms`, `5s`, `2m`, `1h` or `1d` as milliseconds. */
export function parseDurationMs(text: string): number {
  const ms = toDurationMs(text);
  if (ms === undefined) throw new InvalidArgumentError(`Expected ${durationExamples}.`);
  return ms;
}

/** Reads a duration that is not zero. */
export function parseSettleMs(text: string): number {
  const settleMs = parseDurationMs(text);
  if (settleMs > 0) return settleMs;
  throw new InvalidArgumentError('Without settling two hosts can hold one name.');
}

/** Reads the time from one thing to the next, or until one is given up, which is not zero. */
export function parseIntervalMs(text: string): number {
  const intervalMs = parseDurationMs(text);
  if (intervalMs > 0) return intervalMs;
  throw new InvalidArgumentError('Expected more than 0s.');
}

/** Reads the longest time to wait at the start, at most an hour. */
export function parseSplayMs(text: string): number {
  const splayMs = parseDurationMs(text);
  if (splayMs <= 3_600_000) return splayMs;
  throw new InvalidArgumentError('Expected at most 1h.');
}

/** Reads a whole number of at least `min` and at most `max`. */
export function parseWhole(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d{1,10}$/.test(text) || number < min || number > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return number;
  };
}

/** Reads permission bits in octal, as chmod(1) does. */
export function parseMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new InvalidArgumentError('Expected a mode in octal like 0644.');
}

/** Reads a share of a whole, `0%` to `100%`, as a number from 0 to 1. */
export function parseShare(text: string): number {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text) ?? [];
  if (digits === undefined || Number(digits) > 100) {
    throw new InvalidArgumentError('Expected a share from 0% to 100%.');
  }
  return Number(digits) / 100;
}

/** Reads a port, 1 to 65535. */
export const parsePort: (text: string) => number = parseWhole(1, 65_535);

/** Reads `KEY=VALUE`; the value may be empty and may hold `=`. */
export function parseTagTest(text: string): TagTest {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('Expected KEY=VALUE.');
  return { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** Reads a kind of address. */
export function parseAddressKind(text: string): AddressKind {
  if (isAddressKind(text)) return text;
  throw new InvalidArgumentError(
    'Expected private, public, ipv6, private-dns, public-dns or tag:KEY.',
  );
}

/** Reads a way to pick. */
export function parsePick(text: string): PickRule {
  if (isPick(text)) return text;
  throw new InvalidArgumentError('Expected all, first, random, weighted, near or key:TEXT.');
}

/** Reads a domain, with or without the final dot. */
export function parseDomain(text: string): string {
  const domain = text.toLowerCase().replace(/\.$/, '');
  if (!isDomain(domain)) throw new InvalidArgumentError('Expected a domain like ec2.example.com.');
  return domain;
}

/** Reads the name of a block in a hosts file. */
export function parseBlock(text: string): string {
  if (isProfile(text)) return text;
  throw new InvalidArgumentError('Expected a short word like default or tphon-hosts.');
}

/** Reads the two words of a masterful series, `master,slave`. */
export function parseWords(text: string): SeriesWords {
  const [master, slave, ...rest] = text.split(',');
  if (!master || !slave || rest.length > 0) {
    throw new InvalidArgumentError(
      `Expected two words like ${defaultWords.master},${defaultWords.slave}.`,
    );
  }
  return { master, slave };
}

/** Reads an alias. */
export function parseAlias(text: string): string {
  if (isLabel(text)) return text;
  throw new InvalidArgumentError('Expected a lower-case host name label like cache.');
}

/** Reads the service of a tag `service:<name>`; keys have upper and lower case. */
export function parseService(text: string): string {
  if (parseName(text).kind === 'name') return text;
  throw new InvalidArgumentError('Expected a host name label like postgres.');
}

/** Reads an instance id. */
export function parseInstanceId(text: string): string {
  if (/^i-[0-9a-f]{8,17}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected an instance id like i-0123456789abcdef0.');
}

/** Reads text that is not empty. */
export function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('Expected text that is not empty.');
  return text;
}

/** Reads a yes or no from the environment. */
export function parseYesNo(text: string): boolean {
  if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['', '0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false;
  throw new InvalidArgumentError('Expected yes or no.');
}

/** Reads `[event[,event]=]command`. */
export function parseHandler(text: string): HandlerSpec {
  const parsed = parseHandlerSpec(text);
  if ('problem' in parsed) throw new InvalidArgumentError(`Expected a handler: ${parsed.problem}.`);
  return parsed;
}

/** Reads a port or an address with a port, such as `127.0.0.1:9101`. */
export function parseListen(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError('Expected a port, or as 127.0.0.1:9101 or [::1]:9101.');
}
