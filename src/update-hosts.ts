import { NametagError } from './errors.ts';
import type { CallOptions, ComposedFile, FileChange, Files } from './ports.ts';
import {
  type HostsEntry,
  isLoopback,
  parseHosts,
  renderHosts,
  type ShadowedName,
  shadowedNames,
  withoutOwnNames,
} from './render/hosts.ts';
import {
  type Digest,
  firstMarkerLine,
  isProfile,
  type ManagedBlock,
  type SplicedBlock,
  spliceBlock,
  withoutByteOrderMark,
} from './render/managed-block.ts';
import { unifiedDiff } from './render/unified-diff.ts';

/** Which block of which file is to say what. */
export interface UpdateHostsInput extends CallOptions {
  readonly path: string;
  /** Whose block; a file may have one of each profile. */
  readonly profile: string;
  /** In the order of the lines. */
  readonly entries: readonly HostsEntry[];
  /** Where the entries come from, for messages. */
  readonly region: string;
  /** A file of lines that come before all others, so that they win. @defaultValue none */
  readonly legacyPath?: string | undefined;
  /** What the machine calls itself; a loopback line that says the same is no news. */
  readonly hostname?: string | undefined;
  /** Lets a block that has entries become empty. @defaultValue `false` */
  readonly mayEmpty?: boolean | undefined;
  /**
   * Whether who had an address is known to be gone: a block of none but such may become empty too.
   *
   * @defaultValue nobody is
   */
  readonly isGone?: ((address: string) => boolean) | undefined;
  /** Lets the lines of a legacy file go that has none any more. @defaultValue `false` */
  readonly force?: boolean | undefined;
  /** Changes nothing, and gives the difference. @defaultValue `false` */
  readonly dryRun?: boolean | undefined;
}

/** What an update needs of the world. */
export interface UpdateHostsPorts {
  readonly files: Files;
  /** The digest by which a block that nobody edited is known: 12 hex digits of the SHA-256. */
  readonly digest: Digest;
}

/** What became of the block. */
export interface HostsUpdate {
  readonly kind: 'unchanged' | 'written' | 'would-write';
  /** Of a dry run: what would change, as `diff -u` has it; empty if nothing. */
  readonly diff: string | undefined;
  /** The file could not be renamed over, so a reader may have seen part of old and new. */
  readonly inPlace: boolean;
  /** Why what was written over could not be kept as a backup, where that was to be done. */
  readonly noBackup: string | undefined;
  /** Somebody had changed the block by hand; if something was written, that is gone. */
  readonly edited: boolean;
  /** Names that lines outside the block give other addresses, in the file's order. */
  readonly shadowed: readonly ShadowedName[];
  /** How many lines the block has now; how many are new in it; how many are not in it any more. */
  readonly entries: number;
  readonly added: number;
  readonly removed: number;
}

type Report = Pick<HostsUpdate, 'edited' | 'shadowed' | 'entries' | 'added' | 'removed'>;

/**
 * Brings one block of a hosts file up to date, and keeps every byte around it.
 *
 * A file that is not there is made, with the block alone, if its folder is there: an image without
 * `/etc/hosts` is no reason to have no names. A block that is right is not touched, nor its file.
 *
 * The lines of a legacy file are a block of their own at the file's start, `<profile>.legacy`; it
 * stays when no legacy file is named any more.
 *
 * @throws {@link NametagError} with code `NAMETAG_BLOCK_BROKEN` when the markers of the block make
 * no sense, `NAMETAG_BLOCK_EMPTIED` when it has entries and would have none,
 * `NAMETAG_INPUT_MISSING` when the legacy file is not there or has lost all its entries, and those
 * of {@link Files}. The file is then as it was.
 */
export async function updateHosts(
  { files, digest }: UpdateHostsPorts,
  input: UpdateHostsInput,
): Promise<HostsUpdate> {
  const { path, signal } = input;
  const legacy = await readLegacy(files, input);
  const compose = (old: Uint8Array | undefined): ComposedFile<Report> =>
    composeHosts(old ?? new Uint8Array(), { ...input, digest, legacy });

  if (input.dryRun === true) {
    const old = await files.read(path, { signal });
    const { bytes, report } = compose(old);
    const diff = unifiedDiff(path, toText(old ?? new Uint8Array()), toText(bytes));
    const same = old !== undefined && Buffer.compare(old, bytes) === 0;
    const kind = same ? 'unchanged' : 'would-write';
    return { kind, diff, inPlace: false, noBackup: undefined, ...report };
  }
  const { change, report, noBackup } = await files.update(path, compose, { signal });
  const inPlace = change === 'overwritten-in-place';
  return { kind: toKind(change), diff: undefined, inPlace, noBackup, ...report };
}

function toKind(change: FileChange): 'unchanged' | 'written' {
  return change === 'unchanged' ? 'unchanged' : 'written';
}

interface LegacyBlock extends ManagedBlock {
  readonly path: string;
}

async function readLegacy(
  files: Files,
  { legacyPath: path, profile, signal }: UpdateHostsInput,
): Promise<LegacyBlock | undefined> {
  if (path === undefined) return undefined;
  const bytes = await files.read(path, { signal });
  if (bytes === undefined) {
    throw new NametagError('NAMETAG_INPUT_MISSING', { path, fact: 'no such file or folder' });
  }
  const body = withoutByteOrderMark(toBytewise(bytes));
  const line = firstMarkerLine(body);
  if (line !== undefined) {
    const fact = `line ${line} is a marker, and a block cannot be inside another`;
    throw new NametagError('NAMETAG_BLOCK_BROKEN', { path, fact });
  }
  return {
    path,
    profile: toLegacyProfile(profile),
    body: body === '' || body.endsWith('\n') ? body : `${body}\n`,
    place: 'start',
  };
}

/** The profile under which the lines of a legacy file are kept. */
function toLegacyProfile(profile: string): string {
  const legacy = `${profile}.legacy`;
  if (isProfile(legacy)) return legacy;
  throw new TypeError(`Expected a shorter profile for a legacy file, got ${profile}`);
}

type ComposeInput = UpdateHostsInput &
  Pick<UpdateHostsPorts, 'digest'> & { readonly legacy: LegacyBlock | undefined };

function composeHosts(old: Uint8Array, input: ComposeInput): ComposedFile<Report> {
  const { path, region, mayEmpty = false, isGone = () => false } = input;
  const { text, edited: legacyEdited } = spliceLegacy(toBytewise(old), input);
  const { spliced, body } = spliceEntries(text, input);
  const counts = compareBodies(spliced.oldBody ?? '', body);
  const lost = parseHosts(spliced.oldBody ?? '');
  const isExplained = lost.length > 0 && lost.every(({ address }) => isGone(address));
  if (counts.entries === 0 && counts.removed > 0 && !mayEmpty && !isExplained) {
    throw new NametagError('NAMETAG_BLOCK_EMPTIED', { path, entries: counts.removed, region });
  }
  return {
    bytes: Buffer.from(spliced.text, 'latin1'),
    report: {
      edited: spliced.edited || legacyEdited,
      shadowed: findShadowed(spliced, input),
      ...counts,
    },
  };
}

type Spliced = Extract<SplicedBlock, { kind: 'spliced' }>;

function splice(text: string, block: ManagedBlock, { path, digest }: ComposeInput): Spliced {
  const result = spliceBlock(text, block, digest);
  if (result.kind === 'spliced') return result;
  throw new NametagError('NAMETAG_BLOCK_BROKEN', { path, fact: result.fact });
}

function spliceLegacy(text: string, input: ComposeInput): Pick<Spliced, 'text' | 'edited'> {
  const { legacy, path, force = false } = input;
  if (legacy === undefined) return { text, edited: false };
  const result = splice(text, legacy, input);
  const lost = toLines(result.oldBody ?? '').size;
  if (lost > 0 && toLines(legacy.body).size === 0 && !force) {
    const fact = `it has no entries, and ${path} has ${lost} of it, which \`--force\` would remove`;
    throw new NametagError('NAMETAG_INPUT_MISSING', { path: legacy.path, fact });
  }
  return result;
}

/** Puts the block in place, without names that are this machine's own on a line behind it. */
function spliceEntries(
  text: string,
  input: ComposeInput,
): { readonly spliced: Spliced; readonly body: string } {
  const { profile } = input;
  const body = renderHosts(input.entries);
  const spliced = splice(text, { profile, body }, input);
  const entries = withoutOwnNames(input.entries, parseHosts(spliced.text.slice(spliced.end)));
  if (entries === input.entries) return { spliced, body };
  const rest = renderHosts(entries);
  return { spliced: splice(text, { profile, body: rest }, input), body: rest };
}

/** A line of the machine itself, as Debian's `127.0.1.1`, is as it should be. */
function findShadowed(
  { text, start, end }: Spliced,
  { entries, hostname }: UpdateHostsInput,
): ShadowedName[] {
  const lineAfter = text.slice(0, end).split('\n').length;
  const before = parseHosts(text.slice(0, start));
  const after = parseHosts(text.slice(end), lineAfter);
  const own = new Set([hostname?.toLowerCase(), hostname?.toLowerCase().split('.', 1)[0]]);
  return shadowedNames({ before, after }, entries)
    .filter(({ name, address }) => !(own.has(name) && isLoopback(address)))
    .map((found) => (isLoopback(found.address) ? { ...found, winner: 'other' } : found));
}

function compareBodies(
  old: string,
  fresh: string,
): Pick<HostsUpdate, 'entries' | 'added' | 'removed'> {
  // Each line of ours is an entry, and most runs change nothing.
  if (old === fresh) return { entries: fresh.split('\n').length - 1, added: 0, removed: 0 };
  const newLines = toLines(fresh);
  const oldLines = toLines(old);
  return {
    entries: newLines.size,
    added: countMissing(newLines, oldLines),
    removed: countMissing(oldLines, newLines),
  };
}

/** The entries of a body, also of one that somebody has edited. */
function toLines(body: string): ReadonlySet<string> {
  return new Set(body.split('\n').filter((line) => /^[^#\s]/.test(line)));
}

function countMissing(lines: ReadonlySet<string>, other: ReadonlySet<string>): number {
  return [...lines].filter((line) => !other.has(line)).length;
}

/** One character for each byte, so that nothing is lost on the way back. */
function toBytewise(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** For people to read; a byte that is not UTF-8 shows as U+FFFD. */
function toText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
