import { isIp } from '../model/address.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { isDomain } from '../model/name.ts';
import type { HostsEntry } from './hosts.ts';

/**
 * Makes the entries of a hosts file of endpoints, in their order.
 *
 * An instance with neither name nor alias, or whose address is no literal, has no line; a name that
 * is too long in its domain has no full form.
 */
export function toHostsEntries(
  endpoints: readonly Endpoint[],
  domain?: string | undefined,
): readonly HostsEntry[] {
  return endpoints.flatMap(({ host, name, aliases }) => {
    const full = name === undefined || domain === undefined ? undefined : `${name}.${domain}`;
    const names = [
      ...(name === undefined ? [] : [name]),
      ...(full !== undefined && isDomain(full) ? [full] : []),
      ...aliases,
    ];
    return names.length === 0 || !isIp(host) ? [] : [{ address: host, names }];
  });
}
