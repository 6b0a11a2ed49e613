import { NametagError } from '../../errors.ts';
import { mapBounded, takesConnection } from '../../host/probe.ts';
import { type AddressKind, isIp } from '../../model/address.ts';
import type { AliasOmission } from '../../model/alias.ts';
import type { Conflict } from '../../model/directory.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import { compareText } from '../../model/instance.ts';
import { compareNames } from '../../model/name.ts';
import { type PickRule, pick } from '../../model/pick.ts';
import { type Omission, type Selector, showSelector } from '../../model/selector.ts';
import type { Vocabulary } from '../../model/tags.ts';
import { unreadableAmong } from '../../model/unreadable-service.ts';
import type { Reading } from '../../read-snapshot.ts';
import { type HostsEntry, renderHosts } from '../../render/hosts.ts';
import { renderResolveJson } from '../../render/json.ts';
import {
  renderAddrs,
  renderCsv,
  renderEnv,
  renderHostports,
  renderLines,
  toVariablePrefix,
} from '../../render/text.ts';
import { type Resolution, type ResolveRequest, resolveIn, toFleetRequest } from '../../resolve.ts';
import { exitCodeOf } from '../exit-code.ts';
import { type Io, say } from '../io.ts';
import {
  type ReadingOptions,
  type ScopeOptions,
  type SelectorOptions,
  toSelector,
} from '../options.ts';
import { type FleetReader, hintOfNobody, openReader, warnOfReading } from '../reading.ts';
import { warnOfAliases, warnOfConflicts, warnOfServices } from '../warnings.ts';
import { metadataOf } from '../wiring.ts';

/** What `resolve` was told. */
export interface ResolveOptions extends SelectorOptions, ScopeOptions, ReadingOptions {
  readonly service?: string | undefined;
  readonly region?: readonly string[];
  readonly profile?: string;
  readonly vocabulary?: Vocabulary;
  readonly address?: AddressKind;
  readonly port?: number;
  readonly check?: string;
  readonly pick?: PickRule;
  readonly min?: number;
  readonly allowEmpty?: true;
  readonly output?: string;
}

/** Prints who matches; 68 when nobody does, 75 when too few do. */
export async function runResolve(options: ResolveOptions, io: Io): Promise<number> {
  const { output = 'lines', region, check } = options;
  checkUsage(options);
  const metadata = metadataOf(io);
  const call = { signal: io.signal };
  const self = options.notSelf ? await metadata.instanceId(call) : undefined;
  const selector: Selector = {
    ...toSelector(options, self),
    ...(options.service === undefined ? {} : { service: options.service }),
  };
  const regions = region === undefined ? [undefined] : [...new Set(region)];
  const { address, port, vocabulary } = options;
  const namesMatter = output === 'json' || output === 'hosts';
  const request = { selector, address, port, namesMatter, vocabulary };
  const parts = await Promise.all(
    regions.map(async (name) => {
      const { region: _, ...rest } = options;
      const reader = await openReader({ ...rest, ...(name && { region: name }) }, io, metadata);
      return await readPart(request, reader);
    }),
  );
  for (const { reading, directory } of parts) warnOfReading(reading, directory, io);
  let answer = mergeAnswers(parts);
  if (namesMatter) {
    warnOfConflicts(answer.conflicts, io);
    warnOfAliases(answer.aliasOmissions, io);
  }
  if (output === 'hosts') answer = keepNamed(answer);
  if (check === 'tcp') answer = await keepListening(answer, io);
  warnOfServices(unreadableAmong(answer.omitted, request), io);
  const exitCode = await checkCount(answer, request, options, parts, io);
  if (exitCode !== undefined) return exitCode;
  const zone =
    options.pick === 'near' ? (await metadata.identity(call)).availabilityZone : undefined;
  const picked = pick(answer.endpoints, options.pick ?? 'all', {
    chance: Math.random(),
    availabilityZone: zone,
  });
  io.stdout(render(output, { ...answer, endpoints: picked }, options));
  return 0;
}

/** What can be refused before anything is asked. */
function checkUsage(options: ResolveOptions): void {
  const { check, port, service, output, scope, region } = options;
  const refuse = (problem: string, remedy: string): never => {
    throw new NametagError('NAMETAG_USAGE', { problem, remedy });
  };
  const noPort = port === undefined && service === undefined;
  if (check === 'tcp' && noPort) refuse('`--check tcp` needs a port', 'Pass `--port`');
  if (output === 'hostport' && noPort) refuse('`-o hostport` needs a port', 'Pass `--port`');
  if (scope === 'vpc' && (region ?? []).length > 1) {
    refuse('`--scope vpc` is of one region', 'Pass one `--region`');
  }
}

/** The answer of one region. */
interface Part extends Resolution {
  readonly reader: FleetReader;
  readonly reading: Reading;
}

async function readPart(request: ResolveRequest, reader: FleetReader): Promise<Part> {
  const reading = await reader.read(toFleetRequest(request));
  return { reader, reading, ...resolveIn(reading.snapshot, request) };
}

interface Answer {
  readonly regions: readonly string[];
  readonly stale: boolean;
  readonly ageMs: number;
  readonly unconfirmed: readonly string[];
  readonly endpoints: readonly Endpoint[];
  /** Of whoever matches, as are the omissions of aliases. */
  readonly conflicts: readonly Conflict[];
  readonly omitted: readonly Omission[];
  readonly aliasOmissions: readonly AliasOmission[];
  /** Why none is left of those that matched, in a sentence; absent when none matched. */
  readonly noneLeft?: string;
}

/** Puts the answers of several regions together; each region has names of its own. */
function mergeAnswers(answers: readonly Part[]): Answer {
  const regions = answers.map(({ directory }) => directory.region);
  const endpoints = answers.flatMap((answer) => answer.endpoints);
  const conflicts = answers.flatMap(({ directory }) => directory.conflicts);
  const aliasOmissions = answers.flatMap(({ directory }) => directory.aliasOmissions);
  // The usual case, in which a large fleet need not be gone through.
  const isPlain = conflicts.length + aliasOmissions.length === 0;
  const meant = new Set(isPlain ? [] : endpoints.map(({ instanceId }) => instanceId));
  const isMeant = (instanceId: string): boolean => meant.has(instanceId);
  const merged = {
    regions,
    stale: answers.some(({ reading }) => reading.failure !== undefined),
    ageMs: Math.max(...answers.map(({ reading }) => reading.ageMs)),
    unconfirmed: answers.flatMap(({ reading }) => reading.kept.map((kept) => kept.instanceId)),
    conflicts: conflicts.filter(({ winner, losers }) => [winner, ...losers].some(isMeant)),
    omitted: answers.flatMap((answer) => answer.omitted),
    aliasOmissions: aliasOmissions.filter(({ instanceId }) => isMeant(instanceId)),
  };
  // One region's answer is in order already, by names that its losers of conflicts show too.
  if (answers.length === 1) return { ...merged, endpoints };
  return { ...merged, endpoints: endpoints.toSorted(compareEndpoints) };
}

function compareEndpoints(a: Endpoint, b: Endpoint): number {
  const byId = compareText(a.instanceId, b.instanceId);
  if (a.name === undefined || b.name === undefined) {
    return a.name === b.name ? byId : a.name === undefined ? 1 : -1;
  }
  return compareNames(a.name, b.name) || byId;
}

/** A line of hosts(5) has an address and a name; who lacks one has no line. */
function keepNamed(answer: Answer): Answer {
  const { endpoints } = answer;
  if (endpoints.length === 0) return answer;
  const lacks = endpoints.some(isNamed)
    ? 'a name and an IP address of the kind asked for'
    : 'a name';
  return {
    ...answer,
    endpoints: endpoints.filter((endpoint) => toHostsEntry(endpoint).length > 0),
    noneLeft: `${endpoints.length} match, but none of them has ${lacks}.`,
  };
}

/** Enough to be quick, few enough not to look like an attack. */
const probesAtOnce = 32;

async function keepListening(answer: Answer, io: Io): Promise<Answer> {
  const { signal } = io;
  if (answer.endpoints.length === 0) return answer;
  const open = await mapBounded(answer.endpoints, probesAtOnce, async ({ host, port }) =>
    port === undefined ? false : await takesConnection(host, port, { signal }),
  );
  signal.throwIfAborted();
  const closed = answer.endpoints.filter((_, index) => !open[index]);
  const omitted = closed.map(({ instanceId, port }): Omission => {
    return port === undefined
      ? { instanceId, reason: 'no port', seen: '' }
      : { instanceId, reason: 'port closed', seen: String(port) };
  });
  return {
    ...answer,
    endpoints: answer.endpoints.filter((_, index) => open[index]),
    omitted: [...answer.omitted, ...omitted].sort((a, b) =>
      compareText(a.instanceId, b.instanceId),
    ),
    noneLeft: closed.some(({ port }) => port !== undefined)
      ? `${closed.length} match, but none takes a connection.`
      : `${closed.length} match, but none of them has a port.`,
  };
}

async function checkCount(
  { endpoints, regions, noneLeft }: Answer,
  request: ResolveRequest,
  { min, allowEmpty }: ResolveOptions,
  parts: readonly Part[],
  io: Io,
): Promise<number | undefined> {
  const what = showSelector(request.selector);
  const region = regions.join(', ');
  if (endpoints.length === 0 && !allowEmpty) {
    const hint = noneLeft ?? (await hintOf(request, parts, io));
    say(io, new NametagError('NAMETAG_NOBODY', { what, region, hint }).message);
    return exitCodeOf.NAMETAG_NOBODY;
  }
  if (min !== undefined && endpoints.length < min) {
    throw new NametagError('NAMETAG_TOO_FEW', { what, region, found: endpoints.length, min });
  }
  return undefined;
}

async function hintOf(request: ResolveRequest, parts: readonly Part[], io: Io): Promise<string> {
  const hints = parts.map(({ reading, reader }) => hintOfNobody(request, reading, reader.ec2, io));
  return (await Promise.all(hints)).join(' ');
}

function render(output: string, answer: Answer, options: ResolveOptions): string {
  const { endpoints } = answer;
  switch (output) {
    case 'addrs':
      return renderAddrs(endpoints);
    case 'hostport':
      return renderHostports(endpoints);
    case 'csv':
      return renderCsv(endpoints);
    case 'json':
      return renderResolveJson(answer);
    case 'hosts':
      return renderHosts(endpoints.flatMap(toHostsEntry));
    case 'env':
      return renderEnv(
        toVariablePrefix(options.service ?? options.group?.[0] ?? 'nametag'),
        endpoints,
      );
    default:
      return renderLines(endpoints);
  }
}

/** An instance with neither name nor alias, or whose address is no literal, has no line. */
function toHostsEntry(endpoint: Endpoint): readonly HostsEntry[] {
  const { host, name, aliases } = endpoint;
  if (!isNamed(endpoint) || !isIp(host)) return [];
  return [{ address: host, names: name === undefined ? aliases : [name, ...aliases] }];
}

function isNamed({ name, aliases }: Endpoint): boolean {
  return name !== undefined || aliases.length > 0;
}
