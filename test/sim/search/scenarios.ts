/**
 * What is searched: who is there when it begins, what may run for each, and how much may go wrong.
 *
 * A run makes as many rounds as it takes, so none of these is cut short. What is small is the
 * number of names and processes, how often a run stays, and how often in all a process is killed,
 * a write is in doubt, and an instance is stopped or rebooted.
 */
import { type Command, launchTimeMsOf } from './machine.ts';
import type { InitialInstance, Program, Scenario } from './scenario.ts';

const boot = `boot=${new Date(launchTimeMsOf(1)).toISOString().replace('.000', '')}`;
const limits = { stayMax: 1, unseenMax: 2 };

const web: Command = { claim: 'web' };
const db: Command = { claim: 'db' };
/** What a master's timer runs, and what runs on the follower that is to be promoted. */
const follow: Command = { claim: 'db', masterful: 'lowest' };
const lead: Command = { claim: 'db', masterful: 'first' };

const nameless: InitialInstance = { life: 'running' };
const fresh: InitialInstance = { life: 'fresh' };
const stranger: InitialInstance = { life: 'stranger' };
function holder(name: string, more: Partial<InitialInstance> = {}): InitialInstance {
  return { life: 'running', claim: `held=${name} ${boot}`, name, ...more };
}
function program(instance: number, runs: number, commands: readonly Command[] = [web]): Program {
  return { instance, runs, commands };
}

interface Troubles {
  readonly crashes?: number;
  readonly doubts?: number;
  readonly stops?: number;
}

function scenario(
  title: string,
  instances: readonly InitialInstance[],
  programs: readonly Program[],
  { crashes = 0, doubts = 0, stops = 0 }: Troubles = {},
): Scenario {
  return { title, instances, programs, limits, crashes, doubts, stops };
}

/** Small enough for every run of the tests. */
export const scenarios = {
  twoPlain: scenario('two claim', [nameless, nameless], [program(0, 1), program(1, 1)]),
  twoKilled: scenario(
    'two claim; one is killed, one write is in doubt',
    [nameless, nameless],
    [program(0, 2), program(1, 2)],
    { crashes: 1, doubts: 1 },
  ),
  twoFresh: scenario(
    'two are launched and claim; one is killed',
    [fresh, fresh],
    [program(0, 2), program(1, 2)],
    { crashes: 1 },
  ),
  doubts: scenario(
    'two claim; two writes are in doubt',
    [nameless, nameless],
    [program(0, 1), program(1, 1)],
    { doubts: 2 },
  ),
  stopped: scenario(
    'one that held a name is stopped or rebooted, another claims',
    [holder('web-0'), nameless],
    [program(0, 3), program(1, 2)],
    { stops: 1 },
  ),
  stoppedInDoubt: scenario(
    'two claim; one write is in doubt, one instance is stopped or rebooted',
    [nameless, nameless],
    [program(0, 2), program(1, 1)],
    { doubts: 1, stops: 1 },
  ),
  move: scenario(
    'one moves between two services, another wants what it leaves; one is killed',
    [holder('db-0'), nameless],
    [program(0, 3, [web, db]), program(1, 1, [db])],
    { crashes: 1 },
  ),
  moveInDoubt: scenario(
    'one moves between two services, another wants what it leaves; one write is in doubt',
    [holder('db-0'), nameless],
    [program(0, 2, [web, db]), program(1, 1, [db])],
    { doubts: 1 },
  ),
  release: scenario(
    'one claims and releases, another claims; one write is in doubt',
    [nameless, nameless],
    [program(0, 2, ['release', web]), program(1, 1)],
    { doubts: 1 },
  ),
  releaseStopped: scenario(
    'one claims and releases, another claims; an instance is stopped or rebooted',
    [nameless, nameless],
    [program(0, 2, ['release', web]), program(1, 1)],
    { stops: 1 },
  ),
  releaseAndMove: scenario(
    'one releases a name and claims of another service, another claims what is released',
    [holder('db-0'), nameless],
    [program(0, 3, ['release', web]), program(1, 1, [db])],
    { crashes: 1 },
  ),
  master: scenario(
    'a master is asked to step down, a follower to lead; one is killed, one write is in doubt',
    [holder('db-master'), holder('db-slave-1', { wants: true })],
    [program(0, 2, [follow]), program(1, 2, [lead])],
    { crashes: 1, doubts: 1 },
  ),
  elsewhere: scenario(
    'one is claimed for by another machine, and is stopped or rebooted; another claims',
    [nameless, nameless],
    [{ ...program(0, 2), isElsewhere: true }, program(1, 2)],
    { stops: 1 },
  ),
  stranger: scenario(
    'two claim among strangers; one write is in doubt',
    [nameless, nameless, stranger],
    [program(0, 1), program(1, 1)],
    { doubts: 1 },
  ),
} satisfies Readonly<Record<string, Scenario>>;

/** What takes minutes each. */
export const deepScenarios: readonly Scenario[] = [
  scenario(
    'two claim; two are killed, two writes are in doubt',
    [nameless, nameless],
    [program(0, 3), program(1, 3)],
    { crashes: 2, doubts: 2 },
  ),
  scenario(
    'two claim; one is killed, one write is in doubt, one is stopped or rebooted',
    [nameless, nameless],
    [program(0, 3), program(1, 3)],
    { crashes: 1, doubts: 1, stops: 1 },
  ),
  scenario(
    'two claim among strangers; one is killed, one write is in doubt',
    [nameless, nameless, stranger],
    [program(0, 2), program(1, 2)],
    { crashes: 1, doubts: 1 },
  ),
  scenario(
    'two claim among strangers; one is stopped or rebooted, one write is in doubt',
    [nameless, nameless, stranger],
    [program(0, 2), program(1, 2)],
    { stops: 1, doubts: 1 },
  ),
  scenario(
    'two claim among two strangers; one is killed',
    [nameless, nameless, stranger, stranger],
    [program(0, 2), program(1, 2)],
    { crashes: 1 },
  ),
  scenario(
    'a master is asked to step down, a follower to lead; one of each trouble',
    [holder('db-master'), holder('db-slave-1', { wants: true })],
    [program(0, 3, [follow]), program(1, 3, [lead])],
    { crashes: 1, doubts: 1, stops: 1 },
  ),
  scenario(
    'one releases, moves and claims, another claims; one is killed, one write is in doubt',
    [holder('web-0'), nameless],
    [program(0, 3, ['release', web, db]), program(1, 2, [web])],
    { crashes: 1, doubts: 1 },
  ),
  scenario(
    'one releases and claims, another claims; one of each trouble',
    [holder('web-0'), nameless],
    [program(0, 3, ['release', web]), program(1, 2, [web])],
    { crashes: 1, doubts: 1, stops: 1 },
  ),
  scenario(
    'three claim',
    [nameless, nameless, nameless],
    [program(0, 1), program(1, 1), program(2, 1)],
  ),
  scenario(
    'three claim; one of them starts anew, with the name of an earlier life',
    [{ ...holder('web-0'), life: 'stopped' }, nameless, nameless],
    [program(0, 1), program(1, 1), program(2, 1)],
  ),
];

/** The largest, which no search has ended yet: as many states as are asked for. */
export const endlessScenarios: readonly Scenario[] = [
  scenario(
    'three claim; one is stopped or rebooted',
    [nameless, nameless, nameless],
    [program(0, 2), program(1, 2), program(2, 2)],
    { stops: 1 },
  ),
  scenario(
    'four claim',
    [nameless, nameless, nameless, nameless],
    [program(0, 1), program(1, 1), program(2, 1), program(3, 1)],
  ),
];
