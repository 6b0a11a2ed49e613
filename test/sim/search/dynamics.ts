/**
 * A few instances and the processes that claim for them: every state that can follow a state.
 *
 * Four things are left out because something else that is searched shows as much:
 * - A scan may read each record at its own moment. Whatever could be read at one moment can still
 *   be read at the end of the scan, so all is read there, from what any moment of it may show.
 * - A process may be paused between a scan and the write it decided on. Nobody can tell that from
 *   a pause before the end of the scan, and there it may be shown more.
 * - A run begins as soon as it may, and a scan and a wait begin as soon as they are decided: one
 *   that begins later is shown less of the past, and may still be paused for as long.
 * - A process that is dead for ever is like one that is paused for ever.
 */
import type { Candidates, Command, Machine, Move } from './machine.ts';
import { settleMs, shortClaim } from './machine.ts';
import {
  applyWrite,
  beginWait,
  breakWait,
  changeLife,
  closeWrite,
  endWait,
  isAlive,
  landGhost,
  latest,
  leaveGhost,
  lifeNumber,
  type Register,
  runningLife,
  stoppedLife,
  type TagWrite,
} from './register.ts';
import type { Program, Rules, Scenario } from './scenario.ts';
import {
  at,
  atRest,
  complaintOf,
  doubt,
  initialWorld,
  noCandidates,
  nothingToWrite,
  onAll,
  type Process,
  setProcess,
  setRegister,
  shownOf,
  type WaitStatus,
  type World,
} from './world.ts';

/** Takes a state that can follow, and how it comes about. */
export type Emit = (world: World, label: () => string) => void;

export interface Dynamics {
  readonly initial: () => readonly World[];
  readonly next: (world: World, emit: Emit) => void;
  /** What is wrong with a state; `undefined` if nothing is. */
  readonly complaint: (world: World) => string | undefined;
}

export function createDynamics(
  scenario: Scenario,
  machine: Machine,
  rules: Rules,
  canonical: (register: Register) => Register,
): Dynamics {
  const { programs } = scenario;
  const bootWaiter = (instance: number): number => programs.length + instance;
  const programAt = (p: number): Program => at(programs, p);
  const writeWaiter = (p: number): number => programs.length + scenario.instances.length + p;
  const programsByInstance = scenario.instances.map((_, instance) =>
    programs.flatMap((program, p) => (program.instance === instance ? [p] : [])),
  );
  const programsOf = (instance: number): readonly number[] => at(programsByInstance, instance);
  /** Each change is worked out once for each register that there is. */
  const known = (change: (register: Register) => Register): ((register: Register) => Register) => {
    const changed = new Map<Register, Register>();
    return (register) => {
      const after = changed.get(register) ?? canonical(change(register));
      changed.set(register, after);
      return after;
    };
  };
  const waiters = Array.from(
    { length: 2 * programs.length + scenario.instances.length },
    (_, w) => w,
  );
  const beginning = waiters.map((w) => known((register) => beginWait(register, w)));
  const breaking = waiters.map((w) => known((register) => breakWait(register, w)));
  const ending = rules.settles
    ? waiters.map((w) => known((register) => endWait(register, w)))
    : breaking;
  const closing = waiters.map((w) => known((register) => closeWrite(register, w)));
  const nameOf = (p: number): string => {
    const { instance, isElsewhere } = programAt(p);
    return `${'abcdefgh'[instance]}${isElsewhere === true ? "'" : ''}`;
  };

  const candidates = (register: Register, instance: number): Candidates => ({
    ...shownOf(register),
    wants: at(scenario.instances, instance).wants === true,
  });
  /** Does what a process decided, up to the next thing that may take time. */
  const carryOut = (world: World, p: number, move: Move, waits: WaitStatus = 'wait'): World => {
    const { effect, to } = move;
    const process = {
      ...at(world.processes, p),
      at: to,
      write: nothingToWrite,
      candidates: noCandidates,
    };
    const be = (change: Partial<Process>, from = world): World => ({
      ...from,
      processes: from.processes.with(p, { ...process, ...change }),
    });
    switch (effect.kind) {
      case 'scan':
        return be({ status: 'scan', candidates: world.registers.map(candidates) });
      case 'wait':
        if (!effect.long) return carryOut(world, p, machine.waited(to));
        return be({ status: waits }, waits === 'wait' ? onAll(world, at(beginning, p)) : world);
      case 'write':
        throw new TypeError('Expected a write after a scan only.');
      case 'finish': {
        // From elsewhere nobody can tell that the instance has ended, or started anew, since.
        const told = programAt(p).isElsewhere === true ? 0 : effect.held;
        const ended = { status: 'idle' as const, at: 0, told };
        if (!effect.clearsMark || !process.mark) return be(ended);
        // From now on the lock tells how long ago that was: a wait that the next run may end.
        return be(
          { ...ended, mark: false, wroteLately: true },
          onAll(world, at(beginning, writeWaiter(p))),
        );
      }
    }
  };
  const begin = (world: World, p: number, command: Command): World => {
    const { instance, isElsewhere } = programAt(p);
    const { mark, wroteLately, runsLeft } = at(world.processes, p);
    const { up } = at(world.registers, instance);
    const foundMark = mark && rules.findsMark;
    const uptimeMs = isElsewhere === true ? undefined : up || !rules.tellsUptime ? settleMs : 0;
    const sinceWriteMs = wroteLately && rules.tellsLastWrite ? 0 : undefined;
    const processes = world.processes.map((process, other) =>
      programAt(other).instance === instance ? { ...process, told: 0 } : process,
    );
    const begun = {
      ...world,
      processes: processes.with(p, { ...at(processes, p), runsLeft: runsLeft - 1 }),
    };
    const waits =
      foundMark || isElsewhere === true || command === 'release'
        ? 'wait'
        : sinceWriteMs === undefined
          ? 'wait since boot'
          : 'wait since write';
    const move = machine.begin(instance, command, { uptimeMs, foundMark, sinceWriteMs });
    return command === 'release' && !rules.releaseWaits && !foundMark
      ? carryOut(begun, p, machine.waited(move.to))
      : carryOut(begun, p, move, waits);
  };
  /** The states after a process begins its next run, if it has one left: one for each command. */
  const beginAny = (world: World, p: number): readonly World[] =>
    at(world.processes, p).runsLeft === 0
      ? [world]
      : programAt(p).commands.map((command) => begin(world, p, command));
  /** A process that scans has decided on a write, and it is not made yet. */
  const leaveWrite = (world: World, p: number, { claim, name }: TagWrite): World => {
    const { instance } = programAt(p);
    const marked = setProcess(world, p, { ...at(world.processes, p), mark: true });
    return setRegister(
      marked,
      instance,
      leaveGhost(at(world.registers, instance), { claim, name }),
    );
  };
  /** The states after a process ends in the middle of whatever it does. */
  const kill = (world: World, p: number): readonly World[] => {
    const { instance } = programAt(p);
    const process = at(world.processes, p);
    const before = [world];
    if (process.status === 'scan') {
      for (const { effect } of machine.scanned(process.at, process.candidates)) {
        if (effect.kind === 'write') before.push(leaveWrite(world, p, effect));
      }
    }
    return before.map((one) => {
      const { mark } = at(one.processes, p);
      const broken = onAll(one, at(breaking, p));
      const registers = broken.registers.with(
        instance,
        at(closing, p)(at(broken.registers, instance)),
      );
      return setProcess({ ...broken, registers }, p, { ...process, ...atRest, mark, told: 0 });
    });
  };
  /** A wait of a process ends, and whichever began before it. */
  const settle = (world: World, p: number): World => {
    const { instance, isElsewhere } = programAt(p);
    const process = at(world.processes, p);
    let after = process.status === 'wait' ? onAll(world, at(ending, p)) : world;
    if (process.wroteLately && process.status !== 'wait since boot') {
      after = onAll(after, at(ending, writeWaiter(p)));
      after = setProcess(after, p, { ...process, wroteLately: false });
    }
    if (isElsewhere === true || at(world.registers, instance).up) return after;
    after = onAll(after, at(ending, bootWaiter(instance)));
    return setRegister(after, instance, { ...at(after.registers, instance), up: true });
  };

  const nextOfScan = (world: World, p: number, move: Move, emit: Emit): void => {
    const { effect, to } = move;
    const label = (): string =>
      `${nameOf(p)} sees ${move.seen || 'nobody'}: ${toDo(move, machine)}`;
    if (effect.kind !== 'write') {
      emit(carryOut(world, p, move), label);
      return;
    }
    const { instance } = programAt(p);
    const write = { claim: effect.claim, name: effect.name };
    const process = { ...at(world.processes, p), ...atRest, at: to, write, mark: true };
    const made = applyWrite(at(world.registers, instance), write, p);
    emit(
      setRegister(setProcess(world, p, { ...process, status: 'write' }), instance, made),
      () => `${label()}, which is made`,
    );
    if (world.doubtsLeft === 0) return;
    const given = doubt(leaveWrite(world, p, write));
    emit(
      carryOut(given, p, machine.written(to, false)),
      () => `${label()}, and gives up before that is made`,
    );
  };

  const nextOf = (world: World, p: number, emit: Emit): void => {
    const { instance } = programAt(p);
    const process = at(world.processes, p);
    const register = at(world.registers, instance);
    const who = nameOf(p);
    switch (process.status) {
      case 'idle':
        if (isAlive(register) && process.runsLeft > 0) {
          for (const command of programAt(p).commands) {
            emit(begin(world, p, command), () => `${who} runs ${textOf(command)}`);
          }
        }
        return;
      case 'wait':
      case 'wait since boot':
      case 'wait since write':
        emit(carryOut(settle(world, p), p, machine.waited(process.at)), () => `${who} has waited`);
        break;
      case 'scan':
        for (const move of machine.scanned(process.at, process.candidates)) {
          nextOfScan(world, p, move, emit);
        }
        break;
      case 'write': {
        const closed = setRegister(world, instance, at(closing, p)(register));
        const acknowledged = machine.written(process.at, true);
        emit(
          carryOut(closed, p, acknowledged),
          () => `${who}'s write is acknowledged${toldBy(acknowledged, machine)}`,
        );
        if (world.doubtsLeft > 0) {
          const move = machine.written(process.at, false);
          emit(carryOut(doubt(closed), p, move), () => `${who} gives up its write, made already`);
          const twice = leaveGhost(at(closed.registers, instance), process.write);
          emit(
            carryOut(doubt(setRegister(closed, instance, twice)), p, acknowledged),
            () => `${who}'s write is acknowledged, and may be made once more`,
          );
        }
        break;
      }
    }
    if (world.crashesLeft > 0) {
      const one = { ...world, crashesLeft: world.crashesLeft - 1 };
      for (const after of kill(one, p).flatMap((killed) => beginAny(killed, p))) {
        emit(after, () => `${who} is killed, and run again`);
      }
    }
  };
  /** What is left when the system is down: the lock's files are in a folder that a boot empties. */
  const down = (world: World, instance: number): World => {
    let after = onAll(world, at(breaking, bootWaiter(instance)));
    after = setRegister(after, instance, { ...at(after.registers, instance), up: false });
    for (const p of programsOf(instance)) {
      const process = { ...at(after.processes, p), told: 0 };
      if (programAt(p).isElsewhere !== true) {
        after = onAll(after, at(breaking, writeWaiter(p)));
        after = setProcess(after, p, { ...process, mark: false, wroteLately: false });
      } else after = setProcess(after, p, process);
    }
    return { ...after, stopsLeft: world.stopsLeft - 1 };
  };
  const boot = (world: World, instance: number): readonly World[] =>
    programsOf(instance)
      .filter((p) => programAt(p).isElsewhere !== true)
      .reduce<readonly World[]>(
        (worlds, p) => worlds.flatMap((one) => beginAny(one, p)),
        [onAll(world, at(beginning, bootWaiter(instance)))],
      );
  const nextOfInstance = (world: World, instance: number, emit: Emit): void => {
    const register = at(world.registers, instance);
    const who = 'abcdefgh'[instance];
    register.ghosts.forEach((ghost, index) => {
      emit(
        setRegister(world, instance, landGhost(register, index)),
        () => `a late write for ${who} is made: ${shortClaim(machine.claimText(ghost.claim))}`,
      );
    });
    const life = lifeNumber(latest(register.life));
    if (isAlive(register)) {
      if (world.stopsLeft === 0 || programsOf(instance).length === 0) return;
      const killed = programsOf(instance)
        .filter((p) => programAt(p).isElsewhere !== true)
        .reduce<readonly World[]>((worlds, p) => worlds.flatMap((one) => kill(one, p)), [world]);
      for (const one of killed.map((each) => down(each, instance))) {
        const stopped = changeLife(at(one.registers, instance), stoppedLife(life));
        emit(setRegister(one, instance, stopped), () => `${who} is stopped`);
        for (const after of boot(one, instance)) emit(after, () => `${who} is rebooted`);
      }
      return;
    }
    const started = setRegister(world, instance, changeLife(register, runningLife(life + 1)));
    for (const after of boot(started, instance)) emit(after, () => `${who} is started`);
  };

  return {
    initial: () => {
      const world = initialWorld(scenario, machine, bootWaiter);
      return programs.reduce<readonly World[]>(
        (worlds, { instance }, p) =>
          worlds.flatMap((one) =>
            isAlive(at(one.registers, instance)) ? beginAny(one, p) : [one],
          ),
        [world],
      );
    },
    next: (world, emit) => {
      for (let p = 0; p < programs.length; p += 1) nextOf(world, p, emit);
      for (let i = 0; i < world.registers.length; i += 1) nextOfInstance(world, i, emit);
    },
    complaint: (world) => complaintOf(world, programs, machine),
  };
}

function textOf(command: Command): string {
  return command === 'release' ? 'release-name' : `claim-name --service ${command.claim}`;
}

function toDo({ effect }: Move, machine: Machine): string {
  switch (effect.kind) {
    case 'scan':
    case 'wait':
      return effect.kind;
    case 'write':
      return `writes [${shortClaim(machine.claimText(effect.claim))}]`;
    case 'finish':
      return effect.held === 0 ? 'ends without a name' : `says ${machine.nameText(effect.held)}`;
  }
}

function toldBy({ effect }: Move, machine: Machine): string {
  return effect.kind === 'finish' && effect.held !== 0
    ? `: it says ${machine.nameText(effect.held)}`
    : '';
}
