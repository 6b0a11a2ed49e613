/** What tells this machine from one that was made from a copy of its disk, and its lives apart. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

// machine-id(5) is the installation's; an image may have one baked in. On Nitro instances the asset
// tag is the instance id, which no copy has, and which any user can read without the network.
const places = ['/etc/machine-id', '/sys/devices/virtual/dmi/id/board_asset_tag'];

/** A text that is the same until the machine is another one; the host's name where nothing is. */
export function readMachine(): string {
  const machine = places.map(read).filter((text) => text !== '');
  return machine.length === 0 ? hostname() : machine.join(' ');
}

/** A text that is another one each time the system starts; `undefined` where nothing tells. */
export function readBoot(): string | undefined {
  // Source: random(4).
  return read('/proc/sys/kernel/random/boot_id') || undefined;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
