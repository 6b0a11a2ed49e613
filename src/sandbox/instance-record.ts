import type { InstanceState, SecurityGroup } from '../model/instance.ts';
import { History, type Reading } from './history.ts';

/** A network interface of an instance. */
export interface NetworkInterface {
  readonly networkInterfaceId: string;
  readonly attachmentId: string;
  readonly deviceIndex: number;
  readonly macAddress: string;
  readonly privateIpAddress: string;
  readonly privateDnsName: string;
  readonly ipv6Addresses: readonly string[];
  readonly groups: readonly SecurityGroup[];
}

/** A public address, with the name that EC2 gives it. */
export interface PublicAddress {
  readonly ipAddress: string;
  readonly dnsName: string;
}

/** What of an instance never changes. */
export interface InstanceFacts {
  readonly instanceId: string;
  /** What commands of the sandbox may call it; EC2 knows nothing of it. */
  readonly handle: string | undefined;
  readonly reservationId: string;
  readonly clientToken: string;
  readonly launchIndex: number;
  readonly imageId: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly vpcId: string;
  readonly subnetId: string;
  /** The first is the primary one; EC2 shows its groups as the instance's. */
  readonly networkInterfaces: readonly [NetworkInterface, ...NetworkInterface[]];
  readonly createdAtMs: number;
}

/** An instance as one answer shows it, all fields as that reader sees them. */
export interface InstanceDescription {
  readonly facts: InstanceFacts;
  readonly state: InstanceState;
  readonly launchTimeMs: number;
  readonly publicAddress: PublicAddress | undefined;
  readonly tags: ReadonlyMap<string, string>;
}

/** The network interfaces that an answer shows: a terminated instance has none. */
export function networkInterfacesOf(description: InstanceDescription): readonly NetworkInterface[] {
  return description.state === 'terminated' ? [] : description.facts.networkInterfaces;
}

/** An instance with the past of all that can change about it. */
export class InstanceRecord {
  readonly facts: InstanceFacts;
  /** Where it stands in EC2's answers, a whole number; the order means nothing. */
  readonly rank: number;
  readonly state: History<InstanceState>;
  readonly launchTimeMs: History<number>;
  readonly publicAddress: History<PublicAddress | undefined>;
  /** By key; a key stays when its tag is removed. */
  readonly tags: Map<string, History<string | undefined>> = new Map();
  /** Whether a list shows it at all. */
  readonly listed: History<boolean> = new History<boolean>(false);
  /** Counts starts and stops, so that what was planned for an earlier life does not happen. */
  life = 0;
  /** When it was launched or last started. */
  startedAtMs: number;
  // Every reading that begins then or later sees the same.
  #settledMs = Number.NEGATIVE_INFINITY;
  #description: InstanceDescription | undefined;

  constructor(
    facts: InstanceFacts,
    rank: number,
    first: { readonly state: InstanceState; readonly launchTimeMs: number },
    publicAddress: PublicAddress | undefined,
  ) {
    this.facts = facts;
    this.rank = rank;
    this.startedAtMs = facts.createdAtMs;
    this.state = new History<InstanceState>(first.state);
    this.launchTimeMs = new History(first.launchTimeMs);
    this.publicAddress = new History(publicAddress);
  }

  /** Writes to one of the histories of this record. */
  write<T>(history: History<T>, value: T, fromMs: number, settledMs: number): void {
    history.write(value, fromMs, settledMs);
    this.#settledMs = Math.max(this.#settledMs, settledMs);
    this.#description = undefined;
  }

  /** Sets a tag, or removes it with `undefined`. */
  writeTag(key: string, value: string | undefined, fromMs: number, settledMs: number): void {
    let history = this.tags.get(key);
    if (history === undefined) {
      if (value === undefined) return;
      history = new History<string | undefined>(undefined);
      this.tags.set(key, history);
    }
    this.write(history, value, fromMs, settledMs);
  }

  /** The tags as they were written last, whoever can see them already. */
  latestTags(): Map<string, string> {
    const tags = new Map<string, string>();
    for (const [key, { latest }] of this.tags) if (latest !== undefined) tags.set(key, latest);
    return tags;
  }

  /** What this reading sees. The same object again while nothing changes. */
  describe(reading: Reading): InstanceDescription {
    if (this.#description !== undefined) return this.#description;
    const tags = new Map<string, string>();
    for (const [key, history] of this.tags) {
      const value = history.read(reading);
      if (value !== undefined) tags.set(key, value);
    }
    const description: InstanceDescription = {
      facts: this.facts,
      state: this.state.read(reading),
      launchTimeMs: this.launchTimeMs.read(reading),
      publicAddress: this.publicAddress.read(reading),
      tags,
    };
    if (this.#settledMs <= reading.nowMs) this.#description = description;
    return description;
  }
}
