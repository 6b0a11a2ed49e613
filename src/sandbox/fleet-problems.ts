import type { z } from 'zod';
import { suggest } from '../model/suggest.ts';
import type { Fleet, FleetGroup, FleetInstance } from './fleet-shape.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

// What may stand at each place; the last step of a place that is not a number says what it is.
const keysOf: Readonly<Record<string, readonly string[]>> = {
  '': ['region', 'groups', 'instances'],
  groups: ['name', 'id', 'description', 'vpc'],
  instances: [
    'name',
    'id',
    'groups',
    'interfaces',
    'state',
    'tags',
    'zone',
    'vpc',
    'type',
    'privateIp',
    'publicIp',
    'ipv6',
    'launchedAgo',
  ],
  interfaces: ['groups', 'privateIp', 'ipv6'],
};

/** Says in words what a fleet's shape does not allow, each with its place in the file. */
export function shapeProblems(issues: readonly Issue[]): readonly string[] {
  return issues.flatMap((issue) => {
    const where = placeOf(issue.path);
    if (issue.code === 'unrecognized_keys') {
      const known = keysOf[kindOf(issue.path)] ?? [];
      return issue.keys.map((key) => `${where}: unknown key "${key}"${suggest(key, known)}`);
    }
    if (issue.code === 'invalid_value') {
      return [`${where}: expected one of ${issue.values.join(', ')}`];
    }
    if (issue.code === 'invalid_type') {
      // What tags are made to be is an object in the file.
      return [`${where}: expected ${issue.expected === 'map' ? 'object' : issue.expected}`];
    }
    return [`${where}: ${lowerFirst(issue.message)}`];
  });
}

/** Says what in a fleet of the right shape does not go together. */
export function fleetProblems(fleet: Fleet): readonly string[] {
  const { groups = [], instances } = fleet;
  const groupIds = groups.map(({ id }) => id);
  const groupNames = groups.map(({ name, vpc = '' }) => `${vpc}/${name}`);
  return [
    ...repeated(groupIds, (i, id) => `groups[${i}].id: ${id} is there twice`),
    ...repeated(
      groupNames,
      (i) => `groups[${i}].name: ${groups[i]?.name} is there twice in one VPC`,
    ),
    ...repeated(
      instances.map(({ id }) => id),
      (i, id) => `instances[${i}].id: ${id} is there twice`,
    ),
    ...repeated(
      instances.map(({ name }) => name),
      (i, name) => `instances[${i}].name: ${name} is there twice`,
    ),
    ...repeated(
      instances.map(({ privateIp, vpc = '' }) => privateIp && `${vpc}/${privateIp}`),
      (i) => `instances[${i}].privateIp: ${instances[i]?.privateIp} is there twice in one VPC`,
    ),
    ...instances.flatMap((instance, i) => [
      ...zoneProblems(instance, i, fleet.region),
      ...addressProblems(instance, i),
      ...groupProblems(instance, i, groups),
    ]),
  ];
}

function zoneProblems({ zone }: FleetInstance, i: number, region: string): readonly string[] {
  if (
    zone === undefined ||
    (zone.startsWith(region) && /^[a-f]$/.test(zone.slice(region.length)))
  ) {
    return [];
  }
  return [`instances[${i}].zone: "${zone}" is not a zone of ${region} (${region}a to ${region}f)`];
}

function addressProblems(
  { publicIp, state = 'running' }: FleetInstance,
  i: number,
): readonly string[] {
  if (publicIp === undefined || state === 'running' || state === 'pending') return [];
  return [`instances[${i}].publicIp: an instance that is ${state} has none`];
}

function groupProblems(
  instance: FleetInstance,
  i: number,
  groups: readonly FleetGroup[],
): readonly string[] {
  const vpc = vpcOf(instance, groups);
  const all = namesOf(groups);
  const there = new Set(['default', ...namesOf(groups.filter((group) => group.vpc === vpc))]);
  const lists = [
    { place: `instances[${i}].groups`, names: instance.groups ?? [] },
    ...(instance.interfaces ?? []).map((face, j) => ({
      place: `instances[${i}].interfaces[${j}].groups`,
      names: face.groups ?? [],
    })),
  ];
  return lists.flatMap(({ place, names }) =>
    names.flatMap((name, j) =>
      there.has(name)
        ? []
        : all.includes(name)
          ? [`${place}[${j}]: group "${name}" is in another VPC`]
          : [`${place}[${j}]: unknown group "${name}"${suggest(name, there)}`],
    ),
  );
}

/** The VPC of an instance: its own, else that of its first group, else the default one. */
export function vpcOf(instance: FleetInstance, groups: readonly FleetGroup[]): string | undefined {
  if (instance.vpc !== undefined) return instance.vpc;
  const [first] = instance.groups ?? [];
  return groups.find(({ name, id }) => name === first || id === first)?.vpc;
}

function namesOf(groups: readonly FleetGroup[]): readonly string[] {
  return groups.flatMap(({ id, name }) => (id === undefined ? [name] : [name, id]));
}

function repeated(
  values: readonly (string | undefined)[],
  tell: (index: number, value: string) => string,
): readonly string[] {
  const seen = new Set<string>();
  return values.flatMap((value, i) => {
    if (value === undefined || !seen.has(value)) {
      if (value !== undefined) seen.add(value);
      return [];
    }
    return [tell(i, value)];
  });
}

function placeOf(path: Path): string {
  const text = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`;
    const key = String(step);
    return /^[A-Za-z]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  });
  return text.join('').replace(/^\./, '') || 'the file';
}

function kindOf(path: Path): string {
  return String(path.findLast((step) => typeof step !== 'number') ?? '');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
