import { NametagError } from '../../errors.ts';
import type { AddressKind } from '../../model/address.ts';
import { showSelector } from '../../model/selector.ts';
import { findUnreadable } from '../../model/unreadable-service.ts';
import {
  diffFiles,
  type FileToRender,
  type RenderedFile,
  renderFiles,
  tryChecks,
  type WrittenFiles,
  writeFiles,
} from '../../render-files.ts';
import { resolveIn, toFleetRequest } from '../../resolve.ts';
import { exitCodeOf } from '../exit-code.ts';
import { type Io, say } from '../io.ts';
import {
  type AwsOptions,
  type ReadingOptions,
  type ScopeOptions,
  type SelectorOptions,
  toSelector,
} from '../options.ts';
import { hintOfNobody, openReader, warnOfReading } from '../reading.ts';
import {
  findEscapeKind,
  openRendering,
  parseTarget,
  refuseOverTemplates,
} from '../render-target.ts';
import { warnOfNames, warnOfServices } from '../warnings.ts';
import { metadataOf } from '../wiring.ts';

/** What `render` was told. */
export interface RenderOptions extends SelectorOptions, ScopeOptions, AwsOptions, ReadingOptions {
  /** Each `TEMPLATE:DEST[:CMD]`; at least one. */
  readonly targets: readonly string[];
  readonly address?: AddressKind;
  readonly port?: number;
  readonly domain?: string;
  readonly escape?: string;
  readonly check?: string;
  /** Permission bits. */
  readonly mode?: number;
  readonly min?: number;
  readonly allowEmpty?: true;
  readonly dryRun?: true;
}

/** Renders every template of one answer, and writes all of the files or none. */
export async function runRender(options: RenderOptions, io: Io): Promise<number> {
  const { address, port, domain, vocabulary, check, mode } = options;
  const targets = options.targets.map((text) => {
    const target = parseTarget(text);
    return { ...target, escape: findEscapeKind(options.escape, target) };
  });
  refuseTwice(targets);
  refuseOverTemplates(targets);
  refuseIdle(options, targets);
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const self = options.notSelf ? await metadata.instanceId(call) : undefined;
  const selector = toSelector(options, self);
  const reader = await openReader(options, io, metadata);
  const question = { selector, address, port, domain, vocabulary };
  const request = { ...question, namesMatter: true };
  const reading = await reader.read(toFleetRequest(request));
  const { directory, endpoints, omitted } = resolveIn(reading.snapshot, request);
  warnOfReading(reading, directory, io);
  // Each time, since a service that an instance does not offer changes no file.
  warnOfServices(findUnreadable(directory, question), io);
  // Whoever was there is known to be gone, so that files without them are right. Of those whom
  // names or addresses leave out, EC2 has said nothing.
  const isEvident = reading.removed.length > 0 && omitted.length === 0;
  const mayBeEmpty = options.allowEmpty || options.force || isEvident;
  if (endpoints.length === 0 && options.min === undefined && !mayBeEmpty) {
    const hint = await hintOfNobody(request, reading, reader.ec2, call);
    const { region } = directory;
    const what = showSelector(selector);
    warnOfNames(directory, question, 'has no name', io);
    say(io, new NametagError('NAMETAG_NOBODY', { what, region, hint }).message);
    return exitCodeOf.NAMETAG_NOBODY;
  }
  const wanted = targets.map(
    (target): FileToRender => ({ ...target, question, min: options.min ?? 0, check, mode }),
  );
  const ports = openRendering(io);
  const rendered = await renderFiles(wanted, directory, ports.files, call);
  const { changes, failure } = await writeAll(rendered, options, ports, io);
  // Files that are right already have been talked about when they were written: cron stays quiet.
  if (changes) warnOfNames(directory, question, 'has no name', io);
  if (failure !== undefined) throw failure;
  return 0;
}

/** What became of files, or of what was printed. */
interface Outcome {
  /** Whether any file differed, or was printed. */
  readonly changes: boolean;
  /** Of a command, after the files were written. */
  readonly failure?: NametagError | undefined;
}

/** Writes the files and prints what goes to `-`; in a dry run it tells what it would write. */
async function writeAll(
  rendered: readonly RenderedFile[],
  { dryRun }: RenderOptions,
  ports: ReturnType<typeof openRendering>,
  io: Io,
): Promise<Outcome> {
  const call = { signal: io.signal };
  const toWrite = rendered.filter((file) => !isPrinted(file));
  const printed = rendered.filter(isPrinted);
  const printAll = (): void => {
    for (const { text } of printed) io.stdout(text);
  };
  if (dryRun) {
    const diff = await diffFiles(toWrite, ports.files, call);
    io.stdout(diff);
    await tryChecks(toWrite, ports, call);
    printAll();
    return { changes: diff !== '' || printed.length > 0 };
  }
  const { written, unfinished } =
    toWrite.length > 0 ? await writeFiles(toWrite, ports, call) : nothingWritten;
  const failure = unfinished[0]?.error;
  if (failure === undefined) printAll();
  return { changes: written.length + printed.length > 0, failure };
}

const nothingWritten: WrittenFiles = { written: [], unfinished: [] };

function isPrinted({ dest }: RenderedFile): boolean {
  return dest === '-';
}

function refuseIdle(
  { check, mode, dryRun }: RenderOptions,
  targets: readonly { readonly dest: string }[],
): void {
  if (targets.some(({ dest }) => dest !== '-')) return;
  const given = { '--check': check, '--mode': mode, '--dry-run': dryRun };
  const [idle] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (idle === undefined) return;
  const problem = `\`${idle}\` is of a file, and \`-\` prints`;
  throw new NametagError('NAMETAG_USAGE', { problem, remedy: 'Name a file, or leave it out' });
}

function refuseTwice(targets: readonly { readonly dest: string }[]): void {
  const dests = targets.map(({ dest }) => dest).filter((dest) => dest !== '-');
  const twice = dests.find((dest, index) => dests.indexOf(dest) !== index);
  if (twice === undefined) return;
  const problem = `Two templates go to ${twice}`;
  throw new NametagError('NAMETAG_USAGE', { problem, remedy: 'Name another file for one of them' });
}
