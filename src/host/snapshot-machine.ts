/** What tells this machine from one that was made from a copy of its disk. */
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

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
