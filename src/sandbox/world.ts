import type { InstanceState, SecurityGroup } from '../model/instance.ts';
import type { Random } from '../ports.ts';
import { Ec2Error } from './ec2-error.ts';
import { compileFilters, type Filter, instanceFieldOf } from './filters.ts';
import { Gate } from './gate.ts';
import type { InstanceDescription, InstanceRecord } from './instance-record.ts';
import { defaultKnobs, type Knobs } from './knobs.ts';
import { type LaunchRequest, planLaunch } from './launch.ts';
import { groupFieldOf, select, type TagDescription, tagFieldOf, tagsOf } from './listings.ts';
import { type GroupDescription, type GroupSpec, Network } from './network.ts';
import { cutPage, draws, type Page, type PageRequest } from './pages.ts';
import { createRandom } from './random.ts';
import { findInstances, findTagged } from './resource-ids.ts';
import { type InstanceSpec, type Moment, type OnChange, Store } from './store.ts';
import { checkTagCount, checkTagsToSet, type RequestTag } from './tag-rules.ts';

/** What a world is made of. */
export interface WorldOptions {
  /** Milliseconds since 1970. The world has no time of its own. */
  readonly now: () => number;
  /** All ids and all chance come from it. Default 1. */
  readonly seed?: string | number | undefined;
  /** Default `eu-west-1`. */
  readonly region?: string | undefined;
  readonly knobs?: Partial<Knobs> | undefined;
  /** Told of each instance as it truly is after each change, at once. */
  readonly onChange?: OnChange | undefined;
}

/** What all requests that list things have in common. */
export interface ListRequest extends PageRequest {
  readonly filters?: readonly Filter[] | undefined;
  readonly dryRun?: boolean | undefined;
}

/** A `DescribeInstances` request. */
export interface DescribeInstancesRequest extends ListRequest {
  readonly instanceIds?: readonly string[] | undefined;
}

/** A `DescribeSecurityGroups` request. */
export interface DescribeGroupsRequest extends ListRequest {
  readonly groupIds?: readonly string[] | undefined;
  readonly groupNames?: readonly string[] | undefined;
}

/** A `CreateTags` or `DeleteTags` request. */
export interface TagsRequest {
  readonly resources: readonly string[];
  /** Absent or empty: for `DeleteTags`, all tags. */
  readonly tags?: readonly RequestTag[] | undefined;
  readonly dryRun?: boolean | undefined;
}

/** A `StartInstances`, `StopInstances` or `TerminateInstances` request. */
export interface InstancesRequest {
  readonly instanceIds: readonly string[];
  readonly dryRun?: boolean | undefined;
}

/** What a start, stop or termination changed. */
export interface StateChange {
  readonly instanceId: string;
  readonly previous: InstanceState;
  readonly current: InstanceState;
}

type Verb = 'start' | 'stop' | 'terminate';

// Where a start and a stop are refused; where they are not, and there is nothing to do, they do
// nothing (EC2 Developer Guide, error code IncorrectInstanceState).
const refusedIn: { readonly [V in Verb]: readonly InstanceState[] } = {
  start: ['stopping', 'shutting-down', 'terminated'],
  stop: ['pending', 'shutting-down', 'terminated'],
  terminate: [],
};

/**
 * An EC2 in memory: one account, one region, no network, and the time that it is told.
 *
 * Requests and answers are plain data. What EC2 would refuse is thrown as {@link Ec2Error}; where
 * the client is to hear nothing, `LostAnswer` is thrown. Nothing here waits.
 */
export class World {
  readonly region: string;
  readonly ownerId: string = '123456789012';
  readonly #now: () => number;
  readonly #ids: Random;
  readonly #chance: Random;
  readonly #network: Network;
  readonly #store: Store;
  readonly #gate: Gate;
  readonly #launches = new Map<string, readonly InstanceRecord[]>();
  #knobs: Knobs;

  constructor(options: WorldOptions) {
    const { seed = 1, region = 'eu-west-1' } = options;
    this.region = region;
    this.#now = options.now;
    this.#knobs = { ...defaultKnobs, ...options.knobs };
    this.#ids = createRandom(seed, 'ids');
    this.#chance = createRandom(seed, 'chance');
    this.#network = new Network(region, this.#ids);
    const knobs = (): Knobs => this.#knobs;
    this.#store = new Store(this.#network, this.#ids, knobs, options.onChange);
    this.#gate = new Gate(this.#store, this.#chance, knobs);
  }

  get knobs(): Knobs {
    return this.#knobs;
  }

  /** Changes how this world behaves from now on. */
  setKnobs(knobs: Partial<Knobs>): void {
    this.#knobs = { ...this.#knobs, ...knobs };
  }

  get defaultVpcId(): string {
    return this.#network.defaultVpcId;
  }

  /** Puts a security group there, for which EC2 would take `CreateSecurityGroup`. */
  addGroup(spec: GroupSpec): GroupDescription {
    return this.#network.addGroup(spec);
  }

  /**
   * Finds security groups of a VPC by name or id; its group `default` when none is named.
   *
   * @throws {@link Ec2Error} `InvalidGroup.NotFound`.
   */
  findGroups(vpcId: string | undefined, namesOrIds: readonly string[]): readonly SecurityGroup[] {
    const isId = (text: string): boolean => text.startsWith('sg-');
    const ids = namesOrIds.filter(isId);
    const names = namesOrIds.filter((name) => !isId(name));
    return this.#network.findGroups(vpcId ?? this.defaultVpcId, ids, names);
  }

  /** Puts an instance there that everybody has seen for long. */
  place(spec: InstanceSpec): InstanceDescription {
    return this.#store.latest(this.#store.place(spec, this.#advance()));
  }

  /** The instances as they truly are, whoever can see it already, in no order that matters. */
  instances(): readonly InstanceDescription[] {
    this.#advance();
    return this.#store.ranked.map((record) => this.#store.latest(record));
  }

  /** The instance as it truly is, or `undefined` for an unknown id. */
  instance(instanceId: string): InstanceDescription | undefined {
    this.#advance();
    const record = this.#store.find(instanceId);
    return record === undefined ? undefined : this.#store.latest(record);
  }

  /** When every call knows of the instance and its last start, in milliseconds since 1970. */
  launchVisibleAtMs(instanceId: string): number {
    const record = this.#store.find(instanceId);
    if (record === undefined) throw new TypeError(`There is no instance ${instanceId}.`);
    const { settleMaxMs, notFoundMs } = this.#knobs;
    return Math.max(record.startedAtMs + settleMaxMs, record.facts.createdAtMs + notFoundMs);
  }

  /** Draws whether an answer that is about to be sent is to be broken on its way. */
  drawsMalformed(): boolean {
    return draws(this.#knobs.malformed, this.#chance);
  }

  /** Draws whether a describe's instances are to come without the fields that they must have. */
  drawsBare(): boolean {
    return draws(this.#knobs.bare, this.#chance);
  }

  describeInstances(request: DescribeInstancesRequest): Page<InstanceDescription> {
    const { instanceIds = [], filters = [] } = request;
    const narrowed = instanceIds.length + filters.length > 0 || isPaged(request);
    const nowMs = this.#enter('DescribeInstances', narrowed);
    if (instanceIds.length > 0 && isPaged(request)) {
      throw new Ec2Error(
        'InvalidParameterCombination',
        'The parameter instancesSet cannot be used with the parameter maxResults',
      );
    }
    const test = compileFilters(filters, instanceFieldOf);
    const reading = { nowMs, random: this.#chance };
    const named = instanceIds.length > 0;
    const { notFoundMs } = this.#knobs;
    const records = named
      ? findInstances(this.#store, instanceIds, reading, { notFoundMs, untilListed: true })
      : select(this.#store.ranked, (record) => record.listed.read(reading));
    this.#gate.endDryRun(request.dryRun);
    this.#gate.mayLoseRead();
    const isShown = this.#gate.blindfold(filters);
    const matching = select(records, (record) => isShown(record.facts) && test(record, reading));
    const page = named
      ? { items: [...matching], nextToken: undefined }
      : this.#cutPage('DescribeInstances', request, matching);
    return { ...page, items: page.items.map((record) => record.describe(reading)) };
  }

  describeTags(request: ListRequest): Page<TagDescription> {
    const nowMs = this.#enter('DescribeTags', true);
    const test = compileFilters(request.filters ?? [], tagFieldOf);
    this.#gate.endDryRun(request.dryRun);
    this.#gate.mayLoseRead();
    const reading = { nowMs, random: this.#chance };
    const records = select(this.#store.ranked, (record) => record.listed.read(reading));
    const matching = select(tagsOf(records, reading), (tag) => test(tag, reading));
    return this.#cutPage('DescribeTags', request, matching);
  }

  describeSecurityGroups(request: DescribeGroupsRequest): Page<GroupDescription> {
    const { groupIds = [], groupNames = [], filters = [] } = request;
    const names = [...groupIds, ...groupNames];
    const narrowed = names.length + filters.length > 0 || isPaged(request);
    const nowMs = this.#enter('DescribeSecurityGroups', narrowed);
    const { groups } = this.#network;
    for (const name of names) {
      if (groups.some((group) => group.groupId === name || group.groupName === name)) continue;
      throw new Ec2Error('InvalidGroup.NotFound', `The security group '${name}' does not exist`);
    }
    const test = compileFilters(filters, groupFieldOf);
    this.#gate.endDryRun(request.dryRun);
    this.#gate.mayLoseRead();
    const reading = { nowMs, random: this.#chance };
    const matching = select(
      groups.map((group, rank) => ({ ...group, rank })),
      (group) =>
        (names.length === 0 ||
          names.includes(group.groupId) ||
          groupNames.includes(group.groupName)) &&
        test(group, reading),
    );
    return this.#cutPage('DescribeSecurityGroups', request, matching);
  }

  createTags(request: TagsRequest): void {
    const nowMs = this.#enter('CreateTags', true);
    const tags = checkTagsToSet(request.tags ?? []);
    const records = this.#findTagged(request, nowMs);
    for (const record of records) {
      checkTagCount(new Set([...record.latestTags().keys(), ...tags.keys()]));
    }
    this.#gate.endDryRun(request.dryRun);
    this.#gate.mayConflict();
    this.#gate.carryOut(nowMs, true, (when) => {
      for (const record of records) {
        for (const [key, value] of tags) {
          record.writeTag(key, value, when.fromMs, when.settledMs);
        }
        this.#store.changed(record);
      }
    });
  }

  /**
   * Deletes tags: all of them when none is listed, and one that is listed with a value only if it
   * has that value. Says nothing of what it did, as EC2.
   */
  deleteTags(request: TagsRequest): void {
    const nowMs = this.#enter('DeleteTags', true);
    const records = this.#findTagged(request, nowMs);
    this.#gate.endDryRun(request.dryRun);
    this.#gate.mayConflict();
    this.#gate.carryOut(nowMs, true, (when) => {
      for (const record of records) {
        const present = record.latestTags();
        const listed = request.tags?.length
          ? request.tags
          : [...present.keys()].map((key): RequestTag => ({ key }));
        for (const { key, value } of listed) {
          if (value !== undefined && value !== present.get(key)) continue;
          record.writeTag(key, undefined, when.fromMs, when.settledMs);
        }
        this.#store.changed(record);
      }
    });
  }

  runInstances(request: LaunchRequest): readonly InstanceDescription[] {
    const nowMs = this.#enter('RunInstances', true, request.maxCount);
    const known = this.#launches.get(request.clientToken ?? '');
    if (known !== undefined) return known.map((record) => this.#store.latest(record));
    const plan = planLaunch(request, this.#network, this.#ids);
    this.#gate.endDryRun(request.dryRun);
    const launched: InstanceRecord[] = [];
    this.#gate.carryOut(nowMs, false, (when) => {
      for (let index = 0; index < request.maxCount; index += 1) {
        launched.push(this.#store.launch(plan, index, when));
      }
      if (request.clientToken) this.#launches.set(request.clientToken, launched);
    });
    return launched.map((record) => this.#store.latest(record));
  }

  startInstances(request: InstancesRequest): readonly StateChange[] {
    return this.#changeState('StartInstances', 'start', request);
  }

  stopInstances(request: InstancesRequest): readonly StateChange[] {
    return this.#changeState('StopInstances', 'stop', request);
  }

  terminateInstances(request: InstancesRequest): readonly StateChange[] {
    return this.#changeState('TerminateInstances', 'terminate', request);
  }

  #changeState(action: string, verb: Verb, request: InstancesRequest): readonly StateChange[] {
    const nowMs = this.#enter(action, true, request.instanceIds.length);
    const { notFoundMs } = this.#knobs;
    const blindness = { notFoundMs, untilListed: false };
    const reading = { nowMs, random: this.#chance };
    const records = findInstances(this.#store, request.instanceIds, reading, blindness);
    for (const { facts, state } of records) {
      if (!refusedIn[verb].includes(state.latest)) continue;
      const fact = verb === 'stop' ? 'stopped' : 'started';
      throw new Ec2Error(
        'IncorrectInstanceState',
        `The instance '${facts.instanceId}' is not in a state from which it can be ${fact}.`,
      );
    }
    this.#gate.endDryRun(request.dryRun);
    const before = records.map(({ state }) => state.latest);
    this.#gate.carryOut(nowMs, true, (when: Moment) => {
      for (const record of records) this.#store[verb](record, when);
    });
    return records.map(({ facts, state }, i) => ({
      instanceId: facts.instanceId,
      previous: before[i] ?? state.latest,
      current: state.latest,
    }));
  }

  #advance(): number {
    return this.#store.advance(this.#now());
  }

  #enter(action: string, narrowed: boolean, instances = 1): number {
    const nowMs = this.#advance();
    this.#gate.enter(action, narrowed, instances, nowMs);
    return nowMs;
  }

  #findTagged(request: TagsRequest, nowMs: number): InstanceRecord[] {
    const { notFoundMs } = this.#knobs;
    const reading = { nowMs, random: this.#chance };
    return findTagged(this.#store, request.resources, reading, { notFoundMs, untilListed: false });
  }

  #cutPage<T extends { readonly rank: number }>(
    action: string,
    request: ListRequest,
    things: Iterable<T>,
  ): Page<T> {
    const query = JSON.stringify([action, request.filters ?? []]);
    return cutPage(things, query, request, this.#knobs, this.#chance);
  }
}

function isPaged(request: PageRequest): boolean {
  return request.maxResults !== undefined || request.nextToken !== undefined;
}
