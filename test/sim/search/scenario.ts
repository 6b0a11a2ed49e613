/**
 * What a search begins with, and what may happen in it.
 */
import type { Command, Limits } from './machine.ts';

/** An instance when the search begins. What is settled has been so for long. */
export interface InitialInstance {
  /**
   * `fresh`: launched just now, so that a describe may not show it yet. `stranger`: one of any
   * number of others, of which every scan may show anything (see {@link strangersClaims}).
   */
  readonly life: 'fresh' | 'running' | 'stopped' | 'stranger';
  /** Of life 1. */
  readonly claim?: string;
  readonly name?: string;
  /** Whether a scan may show, at any time, that it asks to be the master. */
  readonly wants?: boolean;
}

/** What runs for an instance, one run at a time, any of the commands each time. */
export interface Program {
  readonly instance: number;
  readonly commands: readonly Command[];
  readonly runs: number;
  /** On another machine: with a mark of its own, and no knowledge of the instance's uptime. */
  readonly isElsewhere?: boolean;
}

export interface Scenario {
  readonly title: string;
  readonly instances: readonly InitialInstance[];
  readonly programs: readonly Program[];
  readonly limits: Limits;
  /** How often, in all, a process may be killed. */
  readonly crashes: number;
  /** How often, in all, a write may end with its outcome unknown, or be made once more later. */
  readonly doubts: number;
  /** How often, in all, an instance may be stopped, or rebooted. */
  readonly stops: number;
}

/** The rules that live outside the protocol's own code. All hold, but for a control. */
export interface Rules {
  /** A wait of settle is as long as EC2 takes. */
  readonly settles: boolean;
  /** The time since boot is told as it is, not as long. */
  readonly tellsUptime: boolean;
  /** The mark of a run that was killed is found. */
  readonly findsMark: boolean;
  /** A claim is told how long ago an earlier run wrote. */
  readonly tellsLastWrite: boolean;
  /** A release waits before it looks, mark or no mark. */
  readonly releaseWaits: boolean;
}
