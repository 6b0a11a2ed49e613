/**
 * The rules that keep two instances from holding one name, each of which can be switched off. A
 * search that then finds nothing is broken, or the rule is not needed.
 */
import type { Mutation } from './mutation.ts';
import type { Rules, Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';

export interface Control {
  readonly title: string;
  /** A rule of the world or of the driver that is switched off. */
  readonly rules?: Partial<Rules>;
  /** A rule of the protocol that is taken out of its text. */
  readonly mutations?: readonly Mutation[];
  /** Where the name is then held twice. */
  readonly scenario: Scenario;
}

const decide = 'claim/decide.ts';
const protocol = 'claim/protocol.ts';

/** The six that the protocol was made of, and what was found to belong to them. */
export const controls: readonly Control[] = [
  {
    title: 'settle is as long as EC2 takes to show a change',
    rules: { settles: false },
    scenario: scenarios.twoPlain,
  },
  {
    title: 'coming first is no reason to hold a name',
    mutations: [
      {
        file: decide,
        text: 'if (rival === undefined) return hold',
        instead: 'if (rivals.every((r) => comparePrecedence(self, r.instance) < 0)) return hold',
      },
    ],
    scenario: scenarios.twoPlain,
  },
  {
    title: 'a name is held only if the own proposal is to be seen',
    mutations: [
      {
        file: decide,
        text: '&& showsOwnWrite(scan, own, terms)\n    ? weigh(view, state.claim, ',
        instead: '&& own.written !== undefined\n    ? weigh(view, own.written, ',
      },
    ],
    scenario: scenarios.doubts,
  },
  {
    title: 'nothing else is written while a write in doubt may still be made',
    mutations: [
      {
        file: protocol,
        text: 'return wait(next, settleMs);\n}\n\nfunction scan(',
        instead: 'return acknowledged ? wait(next, settleMs) : scan(next);\n}\n\nfunction scan(',
      },
    ],
    scenario: scenarios.doubts,
  },
  {
    title: 'a run finds the mark of one that was killed, and waits',
    rules: { findsMark: false },
    scenario: scenarios.move,
  },
  {
    title: 'no scan is made before settle after the boot',
    rules: { tellsUptime: false },
    scenario: scenarios.stopped,
  },
  {
    title: 'a name of an earlier life is not gone on with',
    mutations: [
      {
        file: decide,
        text: "if (state.kind !== 'valid') return ask",
        instead: "if (!('claim' in state)) return ask",
      },
    ],
    scenario: scenarios.stopped,
  },
  {
    title: 'a proposal of an earlier life is not held on',
    mutations: [
      {
        file: decide,
        text: "return state.kind === 'valid' && shows",
        instead: "return 'claim' in state && shows",
      },
    ],
    scenario: scenarios.elsewhere,
  },
  {
    title: 'a name that another one holds is not held',
    mutations: [
      {
        file: decide,
        text: 'if (others.some((other) => other.taken.includes(proposal))) return ask',
        instead: 'if (others.length < 0) return ask',
      },
    ],
    scenario: scenarios.twoPlain,
  },
  {
    title: 'a name that another one asks for is not held',
    mutations: [
      { file: decide, text: 'if (rival === undefined) return hold', instead: 'return hold' },
    ],
    scenario: scenarios.twoPlain,
  },
  {
    title: 'a proposal settles, though it was acknowledged',
    mutations: [
      {
        file: protocol,
        text: 'return wait(next, settleMs);\n}\n\nfunction scan(',
        instead: 'return acknowledged ? scan(next) : wait(next, settleMs);\n}\n\nfunction scan(',
      },
    ],
    scenario: scenarios.twoPlain,
  },
  {
    title: 'a claim waits until what an earlier run wrote is to be seen',
    rules: { tellsLastWrite: false },
    scenario: scenarios.releaseAndMove,
  },
  {
    title: 'a release waits until no earlier write can still be made',
    rules: { releaseWaits: false },
    scenario: scenarios.release,
  },
];
