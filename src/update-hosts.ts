import { NametagError } from './errors.ts';
import type { CallOptions, ComposedFile, FileChange, Files } from './ports.ts';
import type { ShadowedName } from './render/hosts.ts';
import { type HostsEntry, parseHosts, renderHosts, shadowedNames } from './render/hosts.ts';
import { type Digest, type SplicedBlock, spliceBlock } from './render/managed-block.ts';
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
  /** Lets a block that has entries become empty. @defaultValue `false` */
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
 * @throws {@link NametagError} with code `NAMETAG_BLOCK_BROKEN` when the markers of the block make
 * no sense, `NAMETAG_BLOCK_EMPTIED` when it has entries and would have none, and those of
 * {@link Files}. The file is then as it was.
 */
export async function updateHosts(
  { files, digest }: UpdateHostsPorts,
  input: UpdateHostsInput,
): Promise<HostsUpdate> {
  const { path, signal } = input;
  const body = renderHosts(input.entries);
  const compose = (old: Uint8Array | undefined): ComposedFile<Report> =>
    composeHosts(old ?? new Uint8Array(), body, { ...input, digest });

  if (input.dryRun === true) {
    const old = await files.read(path, { signal });
    const { bytes, report } = compose(old);
    const diff = unifiedDiff(path, toText(old ?? new Uint8Array()), toText(bytes));
    const same = old !== undefined && Buffer.compare(old, bytes) === 0;
    return { kind: same ? 'unchanged' : 'would-write', diff, inPlace: false, ...report };
  }
  const { change, report } = await files.update(path, compose, { signal });
  const inPlace = change === 'overwritten-in-place';
  return { kind: toKind(change), diff: undefined, inPlace, ...report };
}

function toKind(change: FileChange): 'unchanged' | 'written' {
  return change === 'unchanged' ? 'unchanged' : 'written';
}

function composeHosts(
  old: Uint8Array,
  body: string,
  input: UpdateHostsInput & Pick<UpdateHostsPorts, 'digest'>,
): ComposedFile<Report> {
  const { path, profile, region, digest, force = false } = input;
  const spliced = spliceBlock(toBytewise(old), { profile, body }, digest);
  if (spliced.kind === 'broken') {
    throw new NametagError('NAMETAG_BLOCK_BROKEN', { path, fact: spliced.fact });
  }
  const oldLines = toLines(spliced.oldBody ?? '');
  const newLines = toLines(body);
  if (newLines.size === 0 && oldLines.size > 0 && !force) {
    const entries = oldLines.size;
    throw new NametagError('NAMETAG_BLOCK_EMPTIED', { path, entries, region });
  }
  return {
    bytes: Buffer.from(spliced.text, 'latin1'),
    report: {
      edited: spliced.edited,
      shadowed: findShadowed(spliced, input.entries),
      entries: newLines.size,
      added: countMissing(newLines, oldLines),
      removed: countMissing(oldLines, newLines),
    },
  };
}

function findShadowed(
  { text, start, end }: Extract<SplicedBlock, { kind: 'spliced' }>,
  entries: readonly HostsEntry[],
): ShadowedName[] {
  const lineAfter = text.slice(0, end).split('\n').length;
  const before = parseHosts(text.slice(0, start));
  const after = parseHosts(text.slice(end), lineAfter);
  return shadowedNames({ before, after }, entries);
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
