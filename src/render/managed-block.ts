/**
 * The part of a file that is ours, between two markers, and nothing else of it.
 *
 * Text here has one character for each byte (latin1), so that bytes outside the block stay what
 * they are, whatever encoding, line ends or damage they have.
 */

/** What a block says: whose it is, and its lines. */
export interface ManagedBlock {
  /** A file has at most one block of each profile. */
  readonly profile: string;
  /** Whole lines, or empty; none of them a marker. */
  readonly body: string;
  /** Where it goes if it is not there yet. @defaultValue `end` */
  readonly place?: 'start' | 'end' | undefined;
}

/** A file's text with the block in it, or what is wrong with the markers that it has. */
export type SplicedBlock =
  | {
      readonly kind: 'spliced';
      readonly text: string;
      /** Where the block is in `text`, from its first character to behind its last. */
      readonly start: number;
      readonly end: number;
      /** The body of the block that was there; `undefined` if there was none. */
      readonly oldBody: string | undefined;
      /** Whether somebody else has changed that body since it was written. */
      readonly edited: boolean;
    }
  /** `fact` names the line, and reads on from "Could not update …:". */
  | { readonly kind: 'broken'; readonly fact: string };

/** Computes the 12 hex digits by which a body is known again. */
export type Digest = (text: string) => string;

interface Marker {
  readonly kind: 'begin' | 'end';
  readonly profile: string;
  readonly digest: string | undefined;
  readonly line: number;
  /** From the line's first character to behind its newline. */
  readonly start: number;
  readonly end: number;
}

const profilePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const utf8ByteOrderMark = '\xef\xbb\xbf';

/** Tells whether this can be the name of a profile: it has to be one word of a marker line. */
export function isProfile(text: string): boolean {
  return profilePattern.test(text);
}

/** Gives the number of the first line that would be taken for a marker, from 1. */
export function firstMarkerLine(text: string): number | undefined {
  return findMarkers(text)[0]?.line;
}

/** Gives a text without the byte order mark that an editor may have put in front. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith(utf8ByteOrderMark) ? text.slice(utf8ByteOrderMark.length) : text;
}

/**
 * Puts a block in its place in a file: over the one of the same profile, or else where it says.
 *
 * By default at the end, because the first line that has a name wins, and so lines that people
 * wrote do. A text that does not end in a newline gets one first; that is the only character ever
 * added outside the block. Blocks of other profiles are other people's text.
 */
export function spliceBlock(text: string, block: ManagedBlock, digest: Digest): SplicedBlock {
  const rendered = renderBlock(block, digest);
  const markers = findMarkers(text);
  const own = markers.filter((marker) => marker.profile === block.profile);
  if (own.length === 0 && block.place === 'start') {
    const rest = withoutByteOrderMark(text);
    const mark = text.slice(0, text.length - rest.length);
    return spliced(mark, rendered, rest, { oldBody: undefined, edited: false });
  }
  if (own.length === 0) {
    const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return spliced(before, rendered, '', { oldBody: undefined, edited: false });
  }
  const pair = toPair(own);
  if (pair.kind === 'broken') return pair;
  const { begin, end } = pair;
  const fact = overlap(begin, end, markers);
  if (fact !== undefined) return { kind: 'broken', fact };
  const oldBody = text.slice(begin.end, end.start);
  return spliced(text.slice(0, begin.start), rendered, text.slice(end.end), {
    oldBody,
    edited: begin.digest !== digest(oldBody),
  });
}

function spliced(
  before: string,
  rendered: string,
  after: string,
  old: { readonly oldBody: string | undefined; readonly edited: boolean },
): SplicedBlock {
  const start = before.length;
  return {
    kind: 'spliced',
    text: before + rendered + after,
    start,
    end: start + rendered.length,
    ...old,
  };
}

function renderBlock({ profile, body }: ManagedBlock, digest: Digest): string {
  if (!isProfile(profile)) {
    throw new TypeError(`Expected a profile name, got ${JSON.stringify(profile)}`);
  }
  if (body !== '' && !body.endsWith('\n')) {
    throw new TypeError('Expected the body of a block to be whole lines');
  }
  if (findMarkers(body).length > 0) {
    throw new TypeError('Expected the body of a block to have no markers');
  }
  const note = `(generated; edits here are lost) sha256:${digest(body)}`;
  return `# BEGIN nametag ${profile} ${note}\n${body}# END nametag ${profile}\n`;
}

function findMarkers(text: string): Marker[] {
  const markers: Marker[] = [];
  // An editor may have put a byte order mark in front; it belongs to the file, not to the line.
  let start = text.length - withoutByteOrderMark(text).length;
  let line = 1;
  let counted = start;
  // From comment to comment, since a file may have many lines and has few of those.
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline + 1;
    const marker = text.startsWith('# ', start) ? parseMarker(text.slice(start, end)) : undefined;
    if (marker !== undefined) {
      line += countLines(text, counted, start);
      counted = start;
      markers.push({ ...marker, line, start, end });
    }
    const next = text.indexOf('\n# ', end - 1);
    if (next === -1) break;
    start = next + 1;
  }
  return markers;
}

function countLines(text: string, from: number, to: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) {
    lines += 1;
  }
  return lines;
}

function parseMarker(line: string): Pick<Marker, 'kind' | 'profile' | 'digest'> | undefined {
  // White space at the end is let pass: an editor may have turned the file to CRLF.
  const match = /^# (BEGIN|END) nametag ([^\s]+)(?:[ \t]([^\n]*?))?\s*$/.exec(line);
  if (match === null) return undefined;
  const [, word, profile = '', note = ''] = match;
  return {
    kind: word === 'BEGIN' ? 'begin' : 'end',
    profile,
    digest: /(?:^|\s)sha256:([0-9a-f]{12})$/.exec(note)?.[1],
  };
}

type Pair =
  | { readonly kind: 'pair'; readonly begin: Marker; readonly end: Marker }
  | { readonly kind: 'broken'; readonly fact: string };

/** Finds the one begin and the one end among the markers of a profile, or what is wrong. */
function toPair(own: readonly Marker[]): Pair {
  let begin: Marker | undefined;
  let end: Marker | undefined;
  for (const marker of own) {
    const at = `line ${marker.line}`;
    const named = `block of profile "${marker.profile}"`;
    if (marker.kind === 'end') {
      if (begin === undefined || end !== undefined) {
        return { kind: 'broken', fact: `${at} ends a ${named} that never began` };
      }
      end = marker;
    } else if (begin === undefined) {
      begin = marker;
    } else {
      const order = end === undefined ? 'inside the first, which began' : 'after the first,';
      const fact = `${at} begins a second ${named} ${order} on line ${begin.line}`;
      return { kind: 'broken', fact };
    }
  }
  if (begin === undefined || end === undefined) {
    const named = `block of profile "${begin?.profile}"`;
    return { kind: 'broken', fact: `line ${begin?.line} begins a ${named} that never ends` };
  }
  return { kind: 'pair', begin, end };
}

/** Says which other block lies across this one: replacing ours would tear it, or its ours. */
function overlap(begin: Marker, end: Marker, markers: readonly Marker[]): string | undefined {
  const others = markers.filter((marker) => marker.profile !== begin.profile);
  const inside = others.find((other) => other.start > begin.start && other.start < end.start);
  if (inside !== undefined) {
    return (
      `line ${inside.line} has a marker of profile "${inside.profile}" inside the block of ` +
      `profile "${begin.profile}" that began on line ${begin.line}`
    );
  }
  for (const profile of new Set(others.map((other) => other.profile))) {
    const theirs = others.filter((other) => other.profile === profile);
    const before = theirs.findLast((other) => other.start < begin.start);
    const after = theirs.find((other) => other.start > end.start);
    if (before?.kind === 'begin' && after?.kind === 'end') {
      return (
        `the block of profile "${begin.profile}" on line ${begin.line} is inside that of ` +
        `profile "${profile}" which began on line ${before.line}`
      );
    }
  }
  return undefined;
}
