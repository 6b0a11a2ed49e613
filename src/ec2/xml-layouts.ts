/**
 * How elements of one kind were laid out, to read the next one in a single step.
 *
 * EC2 writes an instance like the one before it: the same elements in the same order, with other
 * texts. So one that was read token by token, and was well-formed, is made into a pattern that has
 * its tags as they stand and any plain text between them. What matches the pattern is well-formed
 * for the same reason, and the runtime matches it at the speed of compiled code, from the first on.
 * What matches none is read token by token.
 */
import { withoutLayout } from './xml-syntax.ts';
import type { XmlNode, XmlState } from './xml-tokens.ts';
import { copyText, createXmlValues, type XmlValues } from './xml-values.ts';

/** The layouts of one kind of element. */
export interface XmlLayouts {
  /** Reads an element that begins at `at`: the place after it, 0 when no layout fits, or -1. */
  read(state: XmlState, at: number): number;
  /** Begins to learn from an element; `false` when enough is known. */
  learn(byte: number): boolean;
  /** Tells of an element in it that has layouts too; `false` when that ends the learning. */
  learnInner(): boolean;
  /** Learns of an element in it that holds nothing but plain text, between these bytes. */
  learnText(start: number, end: number, text: XmlNode['text']): void;
  /** Learns of a wanted text that was not plain, and in this layout is always the same. */
  learnValue(text: (value: string) => void, value: string): void;
  /** Learns of a wanted element in it that begins or ends. */
  learnCall(call: (() => void) | undefined): void;
  /** Ends to learn; `after` is where the element ends. */
  keep(state: XmlState, after: number): void;
}

/** What is told to the reader, in the order of the document. */
interface Step {
  readonly call: (() => void) | undefined;
  readonly text: ((value: string) => void) | undefined;
  /** The value where it is the same in this layout, else the last one. */
  value: string;
  readonly isFixed: boolean;
  /** How many values in a row had not come lately. */
  unknown: number;
}

interface Layout {
  readonly pattern: RegExp;
  readonly steps: readonly Step[];
  /** What came after it the last time, which is tried first. */
  next: Layout | undefined;
}

/** A text of an element that is being learnt from, by place in the document. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly isWanted: boolean;
}

// Instances differ in what is optional and in how many tags they have. A pattern that does not fit
// costs little, since it fails where the difference is, but to make one costs a millisecond.
const triesMax = 24;
/** After how many elements that fit none they are learnt anew: a fleet changes in weeks. */
const unlikeMax = 10_000;
/** How long an element may be to be learnt from; an instance has some 11 KB. */
const lengthMax = 32_768;

const noStep = { call: undefined, text: undefined, value: '', isFixed: false, unknown: 0 };

/** After how many values that had not come lately they are not looked for: ids and addresses. */
const unknownMax = 64;

/** Plain text: no markup, no reference, nothing beyond ASCII, no control but tab and line feed. */
const plain = String.raw`[\t\n -%'-;=?-~]*`;

/** Makes the layouts of an element with these calls, of which none is known. */
export function createXmlLayouts(begin: XmlNode['begin'], end: XmlNode['end']): XmlLayouts {
  const layouts: Layout[] = [];
  const values = createXmlValues();
  let last: Layout | undefined;
  /** How often it was begun to learn; some elements are not to be learnt from. */
  let tries = 0;
  /** How many elements fitted no layout since it was tried as often as it may be. */
  let unlike = 0;
  let longest = 0;
  let from = 0;
  let inner = 0;
  let spans: Span[] = [];
  let steps: Step[] = [];

  function follow(layout: Layout): void {
    if (last !== undefined) last.next = layout;
    last = layout;
  }

  return {
    read(state, at) {
      if (layouts.length === 0) return 0;
      // With too little of it there, a pattern would fail for want of bytes.
      if (!state.isLast && state.end - at < longest) return -1;
      const expected = last?.next;
      for (let place = -1; place < layouts.length; place += 1) {
        const layout = place < 0 ? expected : layouts[place];
        if (layout === undefined || (place >= 0 && layout === expected)) continue;
        layout.pattern.lastIndex = at;
        const found = layout.pattern.exec(state.source);
        if (found === null) continue;
        begin?.();
        play(layout.steps, found, values);
        end?.();
        follow(layout);
        return layout.pattern.lastIndex;
      }
      return 0;
    },
    learn(byte) {
      from = byte;
      inner = 0;
      spans = [];
      steps = [];
      tries += 1;
      if (tries <= triesMax) return true;
      unlike += 1;
      if (unlike === unlikeMax) {
        unlike = 0;
        tries = 0;
        layouts.length = 0;
        last = undefined;
      }
      return false;
    },
    learnInner() {
      inner += 1;
      return inner === 1;
    },
    learnText(start, end_, text) {
      spans.push({ start, end: end_, isWanted: text !== undefined });
      if (text !== undefined) steps.push({ ...noStep, text });
    },
    learnValue(text, value) {
      steps.push({ ...noStep, text, value, isFixed: true });
    },
    learnCall(call) {
      if (call !== undefined) steps.push({ ...noStep, call, isFixed: true });
    },
    keep({ source, offset }, after) {
      const start = from - offset;
      const element = start < 0 ? '' : source.slice(start, after);
      // Comments and their like could hold what looks like the end of a tag.
      if (element === '' || element.length > lengthMax || /<[!?]/.test(element)) return;
      const pattern = new RegExp(toPattern(element, spans, from), 'y');
      const layout: Layout = { pattern, steps, next: undefined };
      layouts.unshift(layout);
      follow(layout);
      longest = Math.max(longest, element.length);
    },
  };
}

function toPattern(element: string, spans: readonly Span[], from: number): string {
  let pattern = '';
  let at = 0;
  for (const { start, end, isWanted } of spans) {
    pattern += literally(element.slice(at, start - from)) + (isWanted ? `(${plain})` : plain);
    at = end - from;
  }
  return pattern + literally(element.slice(at));
}

function literally(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}

function play(steps: readonly Step[], found: RegExpExecArray, values: XmlValues): void {
  let group = 0;
  for (const step of steps) {
    if (step.text === undefined) step.call?.();
    else if (step.isFixed) step.text(step.value);
    else {
      group += 1;
      const value = found[group] ?? '';
      if (value !== step.value) step.value = ownValue(step, withoutLayout(value), values);
      step.text(step.value);
    }
  }
}

/** Gives the value as one that does not keep the document. */
function ownValue(step: Step, value: string, values: XmlValues): string {
  if (step.unknown >= unknownMax) return copyText(value);
  const known = values.find(value);
  if (known !== undefined) {
    step.unknown = 0;
    return known;
  }
  step.unknown += 1;
  const own = copyText(value);
  values.remember(own);
  return own;
}
