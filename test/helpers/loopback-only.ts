/**
 * Run before each file of tests: whoever looks for another machine than this one fails the file.
 *
 * What is looked for is not found either, so that nothing leaves this machine.
 */
import dns from 'node:dns';
import { isIP } from 'node:net';
import { afterAll, expect } from 'vitest';

const lookedFor: string[] = [];
const { lookup } = dns;

function lookupHere(hostname: string, ...rest: unknown[]): unknown {
  // An address is looked up by who listens on it alone.
  if (isIP(hostname) || /^(?:.*\.)?localhost$/i.test(hostname))
    return Reflect.apply(lookup, dns, [hostname, ...rest]);
  // A name that tests may look for in vain (RFC 6761 section 6.4).
  if (!/\.invalid$/i.test(hostname)) lookedFor.push(hostname);
  const callback = rest.at(-1);
  if (typeof callback !== 'function') throw new TypeError('Expected a callback.');
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`);
  process.nextTick(callback, Object.assign(error, { code: 'ENOTFOUND' }));
  return {};
}

Object.assign(dns, { lookup: lookupHere });

afterAll(() => {
  expect(lookedFor).toEqual([]);
});
