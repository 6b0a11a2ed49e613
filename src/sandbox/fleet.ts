import { readFile } from 'node:fs/promises';
import { NametagError } from '../errors.ts';
import { toDurationMs } from '../model/duration.ts';
import type { SecurityGroup } from '../model/instance.ts';
import { fleetProblems, shapeProblems, vpcOf } from './fleet-problems.ts';
import { type Fleet, type FleetGroup, type FleetInstance, fleetShape } from './fleet-shape.ts';
import type { World } from './world.ts';

/**
 * Reads a fleet file.
 *
 * @throws {@link NametagError} `NAMETAG_INPUT_MISSING` or `NAMETAG_INPUT_UNREADABLE` for the file,
 * `NAMETAG_INVALID_FLEET` for what it says.
 */
export async function readFleet(path: string): Promise<Fleet> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ENOENT') {
      const details = { path, fact: 'there is no such file' };
      throw new NametagError('NAMETAG_INPUT_MISSING', details, { cause });
    }
    const details = { path, fact: code === 'EISDIR' ? 'it is a folder' : `it failed (${code})` };
    throw new NametagError('NAMETAG_INPUT_UNREADABLE', details, { cause });
  }
  return parseFleet(text, path);
}

/**
 * Reads a fleet from JSON text; `path` is only told in failures.
 *
 * @throws {@link NametagError} `NAMETAG_INVALID_FLEET`, with all that is wrong and where.
 */
export function parseFleet(text: string, path: string): Fleet {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const fact = cause instanceof Error ? cause.message : String(cause);
    throw invalid(path, [`it is not JSON (${fact})`], cause);
  }
  const parsed = fleetShape.safeParse(json);
  if (!parsed.success) throw invalid(path, shapeProblems(parsed.error.issues), parsed.error);
  const problems = fleetProblems(parsed.data);
  if (problems.length > 0) throw invalid(path, problems, undefined);
  return parsed.data;
}

function invalid(path: string, problems: readonly string[], cause: unknown): NametagError {
  const details = { path, problems: problems.join('; ') };
  return new NametagError('NAMETAG_INVALID_FLEET', details, { cause });
}

/** Puts a fleet into a world. */
export function populate(world: World, fleet: Fleet): void {
  const { groups = [] } = fleet;
  for (const { name, id, description, vpc } of groups) {
    world.addGroup({ groupName: name, groupId: id, description, vpcId: vpc });
  }
  for (const instance of fleet.instances) place(world, instance, groups);
}

function place(world: World, instance: FleetInstance, groups: readonly FleetGroup[]): void {
  const vpcId = vpcOf(instance, groups);
  const find = (names: readonly string[]): readonly SecurityGroup[] =>
    world.findGroups(vpcId, names);
  world.place({
    instanceId: instance.id,
    handle: instance.name,
    vpcId,
    availabilityZone: instance.zone,
    instanceType: instance.type,
    groups: instance.groups === undefined ? undefined : find(instance.groups),
    privateIpAddress: instance.privateIp,
    publicIpAddress: instance.publicIp,
    ipv6Addresses: instance.ipv6,
    moreInterfaces: instance.interfaces?.map((face) => ({
      groups: find(face.groups ?? []),
      privateIpAddress: face.privateIp,
      ipv6Addresses: face.ipv6,
    })),
    state: instance.state,
    tags: instance.tags === undefined ? undefined : new Map(Object.entries(instance.tags)),
    launchedAgoMs:
      instance.launchedAgo === undefined ? undefined : toDurationMs(instance.launchedAgo),
  });
}
