import { isIp, isIpv6 } from './address.ts';

/** Where a server takes connections. */
export interface ListenAddress {
  /** An IP address; never a host name, which may be another address tomorrow. */
  readonly host: string;
  /** From 0, which is any free port, to 65535. */
  readonly port: number;
}

/**
 * Reads `9101`, `127.0.0.1:9101`, `[::1]:9101` or `localhost:9101`.
 *
 * A port alone is on 127.0.0.1: what is to be seen by other machines has to be said, with an
 * address. `:9101`, which means every interface to some programs and loopback to others, is
 * refused.
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, first, second] = /^(?:([^\s]*):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(second);
  if (second === undefined || port > 65_535) return undefined;
  const host = first === undefined || first === 'localhost' ? '127.0.0.1' : unbracket(first);
  return host !== undefined && isIp(host) ? { host, port } : undefined;
}

/** An IPv6 address has brackets where a port follows (RFC 3986 section 3.2.2), others have none. */
function unbracket(host: string): string | undefined {
  const [, inside] = /^\[(.*)\]$/.exec(host) ?? [];
  if (inside === undefined) return isIpv6(host) ? undefined : host;
  return isIpv6(inside) ? inside : undefined;
}

/** Tells whether nobody but this machine can reach it. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host.startsWith('127.') || /^[0:]*:0*1$/.test(host);
}
