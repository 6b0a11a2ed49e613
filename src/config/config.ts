/** What a config file means: the same as its flags would. */
import type { AddressKind } from '../model/address.ts';
import { toDurationMs } from '../model/duration.ts';
import type { EscapeKind } from '../model/escape-kind.ts';
import { eventNames, type HandlerSpec, parseHandlerSpec } from '../model/handler-spec.ts';
import { type ListenAddress, parseListenAddress } from '../model/listen-address.ts';
import type { Selector, TagTest } from '../model/selector.ts';
import { defaultVocabulary, type Vocabulary } from '../model/tags.ts';
import { type ConfiguredClaim, parseClaimKeys } from './claim-keys.ts';
import type {
  ConfigFile,
  HandlerKeys,
  HostsKeys,
  OneOrMore,
  RenderKeys,
  SelectorKeys,
} from './config-file.ts';
import type { JsonPath, Place } from './json-text.ts';

/** Which instances an output is of. */
export interface Selection {
  readonly selector: Selector;
  /** Whether this instance is to be left out; the file does not know which it is. */
  readonly notSelf: boolean;
  /** With fewer than this the output is left as it is; `undefined` is no bound. */
  readonly min: number | undefined;
}

/** A hosts file, or a folder of them, to keep. */
export interface HostsOutput extends Selection {
  readonly kind: 'file' | 'folder';
  readonly path: string;
  readonly block: string;
  readonly domain: string | undefined;
  readonly address: AddressKind;
  readonly legacy: string | undefined;
  readonly legacyUpdater: string | undefined;
}

/** A file to render. */
export interface RenderOutput extends Selection {
  readonly template: string;
  readonly dest: string;
  readonly command: string | undefined;
  readonly check: string | undefined;
  /** Permission bits, as of chmod(2). */
  readonly mode: number | undefined;
  readonly escape: EscapeKind | undefined;
  readonly domain: string | undefined;
  readonly address: AddressKind;
  readonly port: number | undefined;
}

/** A command to run at events. */
export interface ConfiguredHandler extends HandlerSpec {
  readonly timeoutMs: number | undefined;
}

/** What a config file asks for. Lists are in the order of the file, and empty when not said. */
export interface Config {
  readonly vocabulary: Vocabulary;
  readonly listen: ListenAddress | undefined;
  readonly claim: ConfiguredClaim | undefined;
  readonly hosts: readonly HostsOutput[];
  readonly render: readonly RenderOutput[];
  readonly handlers: readonly ConfiguredHandler[];
  readonly handlersFolder: string | undefined;
  /** What flags are not given: by the name of the flag in camel case, such as `maxAge`. */
  readonly settings: ReadonlyMap<string, Setting>;
}

/** A flag's value as a file has it. */
export interface Setting extends Place {
  readonly text: string;
}

/** Reads what a file means; `placeOf` tells where it says something. */
export function toConfig(file: ConfigFile, placeOf: (path: JsonPath) => Place): Config {
  const { hosts = [], render = [], handlers = [] } = file;
  const claim = file.claim && parseClaimKeys(file.claim);
  return {
    vocabulary: toVocabulary(file),
    listen: file.listen === undefined ? undefined : parseListenAddress(file.listen),
    claim: claim === undefined || 'problem' in claim ? undefined : claim,
    hosts: hosts.map(toHostsOutput),
    render: render.map(toRenderOutput),
    handlers: handlers.flatMap(toHandler),
    handlersFolder: file.handlersFolder,
    settings: toSettings(file, placeOf),
  };
}

function toVocabulary({ vocabulary = {} }: ConfigFile): Vocabulary {
  const said = Object.entries(vocabulary).filter(([, text]) => text !== undefined);
  return { ...defaultVocabulary, ...Object.fromEntries(said) };
}

const settingKeys = [
  'region',
  'profile',
  'scope',
  'settle',
  'interval',
  'maxAge',
  'maxStale',
  'maxRemove',
  'splay',
] as const;

function toSettings(
  file: ConfigFile,
  placeOf: (path: JsonPath) => Place,
): ReadonlyMap<string, Setting> {
  const { format, level } = file.log ?? {};
  const texts: readonly (readonly [name: string, path: JsonPath, text: string | undefined])[] = [
    ...settingKeys.map((key) => [key, [key], file[key]] as const),
    ['logFormat', ['log', 'format'], format],
    ['logLevel', ['log', 'level'], level],
  ];
  return new Map(
    texts.flatMap(([name, path, text]) =>
      text === undefined ? [] : [[name, { text, ...placeOf(path) }]],
    ),
  );
}

function toHostsOutput(keys: HostsKeys): HostsOutput {
  const { write, dir, block = 'default', address = 'private' } = keys;
  const { domain, legacy, legacyUpdater } = keys;
  return {
    kind: write === undefined ? 'folder' : 'file',
    path: write ?? dir ?? '',
    block,
    domain,
    address,
    legacy,
    legacyUpdater,
    ...toSelection(keys, keys.min),
  };
}

function toRenderOutput(keys: RenderKeys): RenderOutput {
  const { template, dest, command, check, mode } = keys;
  return {
    template,
    dest,
    command,
    check,
    mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
    escape: keys.escape,
    domain: keys.domain,
    address: keys.address ?? 'private',
    port: keys.port,
    ...toSelection(keys, keys.min),
  };
}

function toSelection(keys: SelectorKeys, min: number | undefined): Selection {
  const { service, group, anyGroup, ready, tag, notTag, name, az, vpc, notSelf = false } = keys;
  const selector: Selector = {
    ...(service !== undefined && { service }),
    ...(group !== undefined && { groups: toList(group) }),
    ...(anyGroup && { anyGroup }),
    ...(ready && { ready }),
    ...(tag !== undefined && { tags: toList(tag).map(toTagTest) }),
    ...(notTag !== undefined && { notTags: toList(notTag).map(toTagTest) }),
    ...(name !== undefined && { names: toList(name) }),
    ...(az !== undefined && { availabilityZones: toList(az) }),
    ...(vpc !== undefined && { vpcIds: toList(vpc) }),
  };
  return { selector, notSelf, min };
}

function toTagTest(text: string): TagTest {
  const equals = text.indexOf('=');
  return { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

function toHandler(entry: string | HandlerKeys): readonly ConfiguredHandler[] {
  if (typeof entry === 'string') {
    const parsed = parseHandlerSpec(entry);
    return 'problem' in parsed ? [] : [{ ...parsed, timeoutMs: undefined }];
  }
  const { events = '*', command, timeout = '' } = entry;
  const words = toList(events);
  const meant = eventNames.filter((name) => words.includes('*') || words.includes(name));
  return [{ events: meant, command, timeoutMs: toDurationMs(timeout) }];
}

function toList(value: OneOrMore<string>): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
