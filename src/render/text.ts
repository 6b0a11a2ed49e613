import { toHostport } from '../model/address.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { quoteForSh } from '../model/sh.ts';

/** One address a line. Empty text when there is none. */
export function renderLines(endpoints: readonly Endpoint[]): string {
  return endpoints.map((endpoint) => `${endpoint.host}\n`).join('');
}

/**
 * One line, one space between: what go-discover prints, and what Nomad's `exec=` and Consul's
 * `retry_join` read. Just the newline when there is none.
 */
export function renderAddrs(endpoints: readonly Endpoint[]): string {
  return `${endpoints.map((endpoint) => endpoint.host).join(' ')}\n`;
}

/** `host:port` a line, IPv6 addresses in brackets; the address alone where no port is known. */
export function renderHostports(endpoints: readonly Endpoint[]): string {
  return endpoints.map((endpoint) => `${hostport(endpoint)}\n`).join('');
}

/** One line with commas between, for seed lists such as Elasticsearch's; with ports if known. */
export function renderCsv(endpoints: readonly Endpoint[]): string {
  return `${endpoints.map(hostport).join(',')}\n`;
}

function hostport({ host, port }: Endpoint): string {
  return port === undefined ? host : toHostport(host, port);
}

/**
 * Shell assignments to `eval` or to source: `<PREFIX>_HOSTS`, `_HOST` (the first), `_COUNT`, and
 * `_PORT` where all have the same one. Values are quoted for sh(1), whatever is in them.
 */
export function renderEnv(prefix: string, endpoints: readonly Endpoint[]): string {
  const [first] = endpoints;
  const values: [string, string][] = [
    ['HOSTS', endpoints.map((endpoint) => endpoint.host).join(' ')],
    ['HOST', first?.host ?? ''],
    ['COUNT', String(endpoints.length)],
  ];
  const ports = new Set(endpoints.map((endpoint) => endpoint.port));
  if (first?.port !== undefined && ports.size === 1) values.push(['PORT', String(first.port)]);
  return values.map(([name, value]) => `export ${prefix}_${name}=${quoteForSh(value)}\n`).join('');
}

/** Makes the beginning of a shell variable's name: `my-db` gives `MY_DB`. */
export function toVariablePrefix(text: string): string {
  const name = text.toUpperCase().replace(/[^A-Z0-9]/g, '_');
  return /^\d/.test(name) ? `_${name}` : name;
}
