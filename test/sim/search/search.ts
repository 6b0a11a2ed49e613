/**
 * Goes through every state of a scenario, shortest way first, until one is wrong.
 */

import { createDynamics, type Dynamics } from './dynamics.ts';
import { createMachine, type Protocol } from './machine.ts';
import { type Register, registerKey } from './register.ts';
import type { Rules, Scenario } from './scenario.ts';
import { createInterner, createStateStore, type StateStore } from './state-store.ts';
import { processKey, type World } from './world.ts';

export interface SearchResult {
  readonly states: number;
  readonly transitions: number;
  /** Whether every state was gone through: there are no others. */
  readonly isComplete: boolean;
  /** What is wrong, and the shortest way to it. */
  readonly finding: { readonly complaint: string; readonly trace: readonly string[] } | undefined;
}

export interface SearchOptions {
  readonly protocol: Protocol;
  readonly rules?: Partial<Rules>;
  /** Which complaints end the search; all by default. */
  readonly endsAt?: RegExp;
  readonly stateMax?: number;
  readonly onProgress?: (states: number) => void;
}

const allRules: Rules = {
  settles: true,
  tellsUptime: true,
  findsMark: true,
  tellsLastWrite: true,
  releaseWaits: true,
};

export function search(scenario: Scenario, options: SearchOptions): SearchResult {
  const { protocol, rules = {}, endsAt = /./, stateMax = 2 ** 27, onProgress } = options;
  const machine = createMachine(protocol, scenario.limits);
  const packing = createPacking(scenario);
  const { canonical } = packing;
  const dynamics = createDynamics(scenario, machine, { ...allRules, ...rules }, canonical);
  const store = createStateStore(scenario.instances.length + scenario.programs.length + 1);
  let transitions = 0;
  let found: { index: number; complaint: string } | undefined;
  const meet = (world: World, parent: number): void => {
    transitions += 1;
    const index = store.add(packing.pack(world), parent);
    if (index === -1 || found !== undefined) return;
    const complaint = dynamics.complaint(world);
    if (complaint !== undefined && endsAt.test(complaint)) found = { index, complaint };
  };
  for (const world of dynamics.initial()) meet(world, -1);
  let index = 0;
  for (; index < store.size() && found === undefined && index < stateMax; index += 1) {
    if (index % 100_000 === 99_999) onProgress?.(store.size());
    dynamics.next(packing.unpack(store.get(index)), (world) => meet(world, index));
  }
  const finding =
    found === undefined
      ? undefined
      : { complaint: found.complaint, trace: traceTo(found.index, store, packing, dynamics) };
  return {
    states: store.size(),
    transitions,
    isComplete: finding === undefined && index === store.size(),
    finding,
  };
}

interface Packing {
  readonly pack: (world: World) => number[];
  readonly unpack: (state: readonly number[]) => World;
  /** The one register that is equal to this one. */
  readonly canonical: (register: Register) => Register;
}

function createPacking({ instances, programs }: Scenario): Packing {
  const registers = createInterner(registerKey);
  const processes = createInterner(processKey);
  return {
    canonical: (register) => registers.valueOf(registers.numberOf(register)),
    pack: (world) => [
      ...world.registers.map(registers.numberOf),
      ...world.processes.map(processes.numberOf),
      world.crashesLeft | (world.doubtsLeft << 4) | (world.stopsLeft << 8),
    ],
    unpack: (state) => {
      const left = state.at(-1) ?? 0;
      const count = instances.length;
      return {
        registers: state.slice(0, count).map(registers.valueOf),
        processes: state.slice(count, count + programs.length).map(processes.valueOf),
        crashesLeft: left & 0xf,
        doubtsLeft: (left >> 4) & 0xf,
        stopsLeft: left >> 8,
      };
    },
  };
}

/** The steps to a state, found again from the states on the way. */
function traceTo(index: number, store: StateStore, packing: Packing, dynamics: Dynamics): string[] {
  const path: number[] = [];
  for (let at = index; at !== -1; at = store.parentOf(at)) path.unshift(at);
  return path.slice(1).map((child, place) => {
    const wanted = store.get(child).join();
    let label = '';
    dynamics.next(packing.unpack(store.get(path[place] ?? 0)), (world, describe) => {
      if (label === '' && packing.pack(world).join() === wanted) label = describe();
    });
    return label;
  });
}
