import type { InstanceState, SecurityGroup } from '../model/instance.ts';
import type { Random } from '../ports.ts';
import {
  type InstanceDescription,
  type InstanceFacts,
  InstanceRecord,
  type NetworkInterface,
} from './instance-record.ts';
import type { Knobs } from './knobs.ts';
import type { InterfaceSpec, Network } from './network.ts';
import { drawHex } from './random.ts';
import { TimeQueue } from './time-queue.ts';

/** An instance that is there when the world begins, as if launched some time ago. */
export interface InstanceSpec {
  readonly instanceId?: string | undefined;
  readonly handle?: string | undefined;
  readonly vpcId?: string | undefined;
  readonly availabilityZone?: string | undefined;
  readonly instanceType?: string | undefined;
  readonly imageId?: string | undefined;
  readonly groups?: readonly SecurityGroup[] | undefined;
  readonly privateIpAddress?: string | undefined;
  /** While it runs; a stopped one has none. */
  readonly publicIpAddress?: string | undefined;
  readonly ipv6Addresses?: readonly string[] | undefined;
  /** Network interfaces beside the primary one. */
  readonly moreInterfaces?: readonly InterfaceSpec[] | undefined;
  readonly state?: InstanceState | undefined;
  readonly tags?: ReadonlyMap<string, string> | undefined;
  readonly launchedAgoMs?: number | undefined;
}

/** When a change is made, and when every reader sees it. */
export interface Moment {
  readonly fromMs: number;
  readonly settledMs: number;
}

/** What a launch settles for all its instances. */
export interface LaunchPlan {
  readonly reservationId: string;
  readonly clientToken: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly interfaces: readonly [InterfaceSpec, ...InterfaceSpec[]];
  readonly tags: ReadonlyMap<string, string>;
}

/** Who wants to know of each change, after it was made. */
export type OnChange = (changed: InstanceDescription) => void;

/** The instances as they truly are, their past, and what is planned for them. */
export class Store {
  readonly network: Network;
  readonly #random: Random;
  readonly #knobs: () => Knobs;
  readonly #onChange: OnChange | undefined;
  readonly #byId = new Map<string, InstanceRecord>();
  readonly #ranked: InstanceRecord[] = [];
  readonly #ranks = new Set<number>();
  readonly #planned = new TimeQueue<(atMs: number) => void>();
  #nowMs = 0;

  constructor(
    network: Network,
    random: Random,
    knobs: () => Knobs,
    onChange: OnChange | undefined,
  ) {
    this.network = network;
    this.#random = random;
    this.#knobs = knobs;
    this.#onChange = onChange;
  }

  /** Lets all happen that was planned until now. A clock that is set back stands still here. */
  advance(nowMs: number): number {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    for (;;) {
      const due = this.#planned.takeDue(this.#nowMs);
      if (due === undefined) return this.#nowMs;
      due.item(due.atMs);
    }
  }

  plan(atMs: number, change: (atMs: number) => void): void {
    this.#planned.push(atMs, change);
  }

  find(instanceId: string): InstanceRecord | undefined {
    return this.#byId.get(instanceId);
  }

  /** All instances, in the order in which EC2 answers them. */
  get ranked(): readonly InstanceRecord[] {
    return this.#ranked;
  }

  /** The instance as it truly is. */
  latest(record: InstanceRecord): InstanceDescription {
    return {
      facts: record.facts,
      state: record.state.latest,
      launchTimeMs: record.launchTimeMs.latest,
      publicAddress: record.publicAddress.latest,
      tags: record.latestTags(),
    };
  }

  changed(record: InstanceRecord): void {
    this.#onChange?.(this.latest(record));
  }

  /** Puts an instance there that everybody has seen for long. */
  place(spec: InstanceSpec, nowMs: number): InstanceRecord {
    const { network } = this;
    const vpcId = spec.vpcId ?? network.defaultVpcId;
    const zone = network.zone(spec.availabilityZone);
    const launchedMs = nowMs - (spec.launchedAgoMs ?? 86_400_000);
    const state = spec.state ?? 'running';
    const primary: InterfaceSpec = {
      groups: spec.groups ?? network.findGroups(vpcId, [], []),
      privateIpAddress: spec.privateIpAddress,
      ipv6Addresses: spec.ipv6Addresses,
    };
    const plan: LaunchPlan = {
      reservationId: `r-0${drawHex(this.#random, 16)}`,
      clientToken: '',
      imageId: spec.imageId ?? `ami-0${drawHex(this.#random, 16)}`,
      instanceType: spec.instanceType ?? 't3.small',
      availabilityZone: zone,
      vpcId,
      subnetId: network.subnet(vpcId, zone),
      interfaces: [primary, ...(spec.moreInterfaces ?? [])],
      tags: spec.tags ?? new Map(),
    };
    const record = this.#add(plan, 0, launchedMs, state, spec);
    const long = { fromMs: launchedMs, settledMs: launchedMs };
    this.#show(record, plan.tags, long);
    if (state === 'pending') this.#planState(record, nowMs, 'running');
    if (state === 'stopping') this.#planState(record, nowMs, 'stopped');
    if (state === 'shutting-down') this.#planState(record, nowMs, 'terminated');
    if (state === 'terminated') this.#planRemoval(record, nowMs);
    return record;
  }

  /** Launches one of the instances of a plan. */
  launch(plan: LaunchPlan, launchIndex: number, when: Moment): InstanceRecord {
    const record = this.#add(plan, launchIndex, when.fromMs, 'pending', {});
    this.#show(record, plan.tags, when);
    this.#planState(record, when.fromMs, 'running');
    this.changed(record);
    return record;
  }

  /** Starts a stopped instance: a new life, with a new launch time. */
  start(record: InstanceRecord, when: Moment): void {
    if (record.state.latest !== 'stopped') return;
    this.#enter(record, 'pending', when);
    record.startedAtMs = when.fromMs;
    record.write(record.launchTimeMs, wholeSeconds(when.fromMs), when.fromMs, when.settledMs);
    const address = this.network.publicAddress(undefined);
    record.write(record.publicAddress, address, when.fromMs, when.settledMs);
    this.#planState(record, when.fromMs, 'running');
    this.changed(record);
  }

  /** Stops a running instance, which keeps its private address and loses the public one. */
  stop(record: InstanceRecord, when: Moment): void {
    if (record.state.latest !== 'running') return;
    this.#enter(record, 'stopping', when);
    record.write(record.publicAddress, undefined, when.fromMs, when.settledMs);
    this.#planState(record, when.fromMs, 'stopped');
    this.changed(record);
  }

  terminate(record: InstanceRecord, when: Moment): void {
    if (record.state.latest === 'shutting-down' || record.state.latest === 'terminated') return;
    this.#enter(record, 'shutting-down', when);
    record.write(record.publicAddress, undefined, when.fromMs, when.settledMs);
    this.#planState(record, when.fromMs, 'terminated');
    this.changed(record);
  }

  #enter(record: InstanceRecord, state: InstanceState, when: Moment): void {
    record.life += 1;
    record.write(record.state, state, when.fromMs, when.settledMs);
  }

  #planState(
    record: InstanceRecord,
    fromMs: number,
    state: 'running' | 'stopped' | 'terminated',
  ): void {
    const knobs = this.#knobs();
    const takesMs = {
      running: knobs.pendingMs,
      stopped: knobs.stoppingMs,
      terminated: knobs.shuttingDownMs,
    }[state];
    const { life } = record;
    this.plan(fromMs + takesMs, (atMs) => {
      if (record.life !== life) return;
      record.write(record.state, state, atMs, atMs + this.#knobs().settleMaxMs);
      this.changed(record);
      if (state === 'terminated') this.#planRemoval(record, atMs);
    });
  }

  #planRemoval(record: InstanceRecord, atMs: number): void {
    this.plan(atMs + this.#knobs().terminatedVisibleMs, () => {
      this.#byId.delete(record.facts.instanceId);
      this.#ranked.splice(this.#ranked.indexOf(record), 1);
    });
  }

  #show(record: InstanceRecord, tags: ReadonlyMap<string, string>, when: Moment): void {
    record.write(record.listed, true, when.fromMs, when.settledMs);
    for (const [key, value] of tags) record.writeTag(key, value, when.fromMs, when.settledMs);
  }

  #add(
    plan: LaunchPlan,
    launchIndex: number,
    launchedMs: number,
    state: InstanceState,
    spec: InstanceSpec,
  ): InstanceRecord {
    const facts: InstanceFacts = {
      instanceId: spec.instanceId ?? `i-0${drawHex(this.#random, 16)}`,
      handle: spec.handle,
      reservationId: plan.reservationId,
      clientToken: plan.clientToken,
      launchIndex,
      imageId: plan.imageId,
      instanceType: plan.instanceType,
      availabilityZone: plan.availabilityZone,
      vpcId: plan.vpcId,
      subnetId: plan.subnetId,
      networkInterfaces: this.#addInterfaces(plan),
      createdAtMs: launchedMs,
    };
    const hasPublic = state === 'pending' || state === 'running';
    const record = new InstanceRecord(
      facts,
      this.#drawRank(),
      { state, launchTimeMs: wholeSeconds(launchedMs) },
      hasPublic ? this.network.publicAddress(spec.publicIpAddress) : undefined,
    );
    if (this.#byId.has(facts.instanceId)) {
      throw new TypeError(`There is an instance ${facts.instanceId} already.`);
    }
    this.#byId.set(facts.instanceId, record);
    this.#ranked.splice(this.#placeOf(record.rank), 0, record);
    return record;
  }

  /** Finds the place among the ranked by halves: a large fleet has five billion pairs. */
  #placeOf(rank: number): number {
    let low = 0;
    let high = this.#ranked.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranked[middle]?.rank ?? rank) < rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #addInterfaces(plan: LaunchPlan): readonly [NetworkInterface, ...NetworkInterface[]] {
    const add = (spec: InterfaceSpec, index: number): NetworkInterface =>
      this.network.addInterface(plan.vpcId, plan.availabilityZone, index, spec);
    const [primary, ...others] = plan.interfaces;
    return [add(primary, 0), ...others.map((spec, i) => add(spec, i + 1))];
  }

  #drawRank(): number {
    for (;;) {
      const rank = Math.floor(this.#random() * 2 ** 32);
      if (this.#ranks.has(rank)) continue;
      this.#ranks.add(rank);
      return rank;
    }
  }
}

/** EC2's launch times are whole seconds. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
