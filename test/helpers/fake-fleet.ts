/** An EC2 for tests of what is read, remembered and guarded. */
import type { FleetRequest } from '../../src/describe-fleet.ts';
import { type ErrorCode, NametagError } from '../../src/errors.ts';
import type { Instance } from '../../src/model/instance.ts';
import type { InstanceQuery } from '../../src/model/query.ts';
import { satisfies } from '../../src/model/satisfies.ts';
import { toSnapshot } from '../../src/model/snapshot.ts';
import type { Ec2 } from '../../src/ports.ts';
import {
  type Reading,
  type ReadSnapshotSource,
  type ReadSnapshotTerms,
  readSnapshot,
} from '../../src/read-snapshot.ts';
import { type InstanceFields, instance } from './instances.ts';
import { MemoryStore } from './memory-store.ts';

/** An EC2 with a clock that a test sets, whose filters and answers can be broken. */
export class FakeFleet implements Ec2 {
  readonly region: string;
  nowMs = Date.UTC(2026, 10, 21);
  instances: readonly Instance[];
  /** Throws in place of an answer. */
  failure: ((queries: readonly InstanceQuery[]) => unknown) | undefined;
  /** Leaves instances out of an answer. */
  shows: (instance: Instance, queries: readonly InstanceQuery[]) => boolean = () => true;
  readonly asked: (readonly InstanceQuery[])[] = [];

  constructor(instances: readonly Instance[], region = 'eu-west-1') {
    this.instances = instances;
    this.region = region;
  }

  async describeInstances(queries: readonly InstanceQuery[]) {
    this.asked.push(queries);
    const failure = this.failure?.(queries);
    if (failure !== undefined) throw failure;
    const found = this.instances.filter((i) => queries.some((query) => satisfies(query, i)));
    return toSnapshot(
      this.region,
      this.nowMs,
      found.filter((i) => this.shows(i, queries)),
    );
  }

  createTags(): Promise<void> {
    throw new Error('Nothing is written here.');
  }

  /** Changes one instance, by id. */
  change(instanceId: string, fields: InstanceFields): void {
    this.instances = this.instances.map((i) =>
      i.instanceId === instanceId ? host(instanceId, fields) : i,
    );
  }
}

/** One that is asked for, in zone a or b. */
export const host = (instanceId: string, fields: InstanceFields = {}): Instance =>
  instance({
    groups: ['tphon'],
    availabilityZone: `eu-west-1${'ab'[Number(instanceId.slice(2)) % 2]}`,
    tags: { status: 'ready' },
    ...fields,
    instanceId,
  });
/** Of nine hosts. */
export const ids: readonly string[] = [
  'i-1',
  'i-2',
  'i-3',
  'i-4',
  'i-5',
  'i-6',
  'i-7',
  'i-8',
  'i-9',
];
export const nineHosts = (): FakeFleet => new FakeFleet(ids.map((id) => host(id)));

/** Whoever is ready in the group. */
export const request: FleetRequest = {
  queries: [
    {
      states: ['running'],
      groups: ['tphon'],
      tags: [{ key: 'status', patterns: ['ready'] }],
    },
  ],
  namesMatter: false,
};
export const source: ReadSnapshotSource = { credentials: 'keys a', endpoint: '', within: '' };

/** Reads as one process after another would, all over one store. */
export function readerOf(ec2: FakeFleet, store = new MemoryStore()) {
  const clock = { wallMs: () => ec2.nowMs };
  return (terms: ReadSnapshotTerms = {}, asked = request, of = source): Promise<Reading> =>
    readSnapshot(asked, { ec2, store, clock }, of, terms);
}
export const idsOf = ({ snapshot }: Reading): string[] =>
  snapshot.instances.map((i) => i.instanceId);

/** Every failure after which the last good answer is given. */
export const errorOf: Partial<Record<ErrorCode, NametagError>> = {
  NAMETAG_EC2_UNREACHABLE: new NametagError('NAMETAG_EC2_UNREACHABLE', {
    doing: 'describe instances',
    region: 'eu-west-1',
    endpoint: 'EC2',
    fact: 'HTTP 500',
  }),
  NAMETAG_EC2_DENIED: new NametagError('NAMETAG_EC2_DENIED', {
    doing: 'describe instances',
    region: 'eu-west-1',
    awsCode: 'UnauthorizedOperation',
    iamAction: 'ec2:DescribeInstances',
    awsMessage: 'no',
  }),
  NAMETAG_EC2_THROTTLED: new NametagError('NAMETAG_EC2_THROTTLED', {
    doing: 'describe instances',
    region: 'eu-west-1',
    awsCode: 'RequestLimitExceeded',
    attempts: 3,
  }),
  NAMETAG_EC2_BUSY: new NametagError('NAMETAG_EC2_BUSY', {
    doing: 'describe instances',
    region: 'eu-west-1',
    awsCode: 'InternalError',
    awsMessage: 'no',
  }),
  NAMETAG_EC2_MALFORMED: new NametagError('NAMETAG_EC2_MALFORMED', {
    doing: 'describe instances',
    region: 'eu-west-1',
    fact: 'no XML',
  }),
  NAMETAG_EC2_UNAUTHENTICATED: new NametagError('NAMETAG_EC2_UNAUTHENTICATED', {
    doing: 'describe instances',
    region: 'eu-west-1',
    awsCode: 'ExpiredToken',
  }),
  NAMETAG_NO_CREDENTIALS: new NametagError('NAMETAG_NO_CREDENTIALS', {
    doing: 'describe instances',
    region: 'eu-west-1',
    fact: 'none',
  }),
};
