import { type AddressKind, addressOf, toHostport } from './address.ts';
import type { Directory, Member } from './directory.ts';
import { compareText } from './instance.ts';
import { matches, matchesGlob, type Omission, type Selector } from './selector.ts';
import { defaultVocabulary, type Vocabulary } from './tags.ts';

/** One address, and a port if one is known, that offers what was asked for. */
export interface Endpoint<Port extends number | undefined = number | undefined> {
  /** An IP address or a host name, as the wanted kind of address has it. */
  readonly host: string;
  readonly port: Port;
  /** The instance's name; `undefined` if it has none, or another instance has it. */
  readonly name: string | undefined;
  /** Further names that it has, in order. */
  readonly aliases: readonly string[];
  readonly instanceId: string;
  readonly region: string;
  readonly availabilityZone: string | undefined;
  /** From the service tag, as in DNS (RFC 2782): the lower is tried first. 0 without a tag. */
  readonly priority: number;
  /** From the service tag, as in DNS (RFC 2782). 1 without a tag. */
  readonly weight: number;
  /** Gives `<scheme>://host:port`, with IPv6 addresses in brackets. */
  url(scheme: string): string;
}

/** What is asked of a directory. */
export interface Question {
  readonly selector: Selector;
  /** @defaultValue `private` */
  readonly address?: AddressKind | undefined;
  /** Comes before the port of a service tag. */
  readonly port?: number | undefined;
  /** @defaultValue {@link defaultVocabulary} */
  readonly vocabulary?: Vocabulary | undefined;
}

/** Who matched, and why the others did not. */
export interface Selection {
  /** In the directory's order: by name with numbers as numbers, then by instance id. */
  readonly endpoints: readonly Endpoint[];
  /** By instance id. */
  readonly omitted: readonly Omission[];
}

/** Reads off a directory who answers the question. */
export function select(directory: Directory, question: Question): Selection {
  const endpoints: Endpoint[] = [];
  const omitted: Omission[] = directory.omitted.filter((o) => o.reason === 'not running');
  const nameless = new Map(directory.omitted.map((o) => [o.instanceId, o] as const));
  const { selector, vocabulary = defaultVocabulary } = question;
  const asked = {
    ...question,
    vocabulary,
    patterns: selector.names?.map((pattern) => pattern.toLowerCase()),
    region: directory.region,
  };
  for (const member of directory.members) {
    const found =
      toEndpoint(member, asked) ?? whyNotNamed(member, nameless.get(member.instance.instanceId));
    if ('reason' in found) omitted.push(found);
    else endpoints.push(found);
  }
  return { endpoints, omitted: omitted.sort((a, b) => compareText(a.instanceId, b.instanceId)) };
}

/** A question, and what is the same for every member. */
interface Asked extends Question {
  readonly vocabulary: Vocabulary;
  /** For names and aliases, in lower case. */
  readonly patterns: readonly string[] | undefined;
  readonly region: string;
}

/** `undefined` when the member is meant but for its name. */
function toEndpoint(member: Member, asked: Asked): Endpoint | Omission | undefined {
  const { instance, name } = member;
  const { instanceId } = instance;
  const { selector, vocabulary, patterns, region } = asked;
  const match = matches(selector, instance, vocabulary);
  if (match.kind === 'omitted') return { instanceId, reason: match.reason, seen: match.seen };
  if (patterns && !isCalledLike(patterns, member)) return undefined;
  const found = addressOf(instance, asked.address ?? 'private');
  if (found.kind === 'none') return { instanceId, reason: found.reason, seen: found.seen };
  const host = found.address;
  const port = asked.port ?? match.service?.port;
  return Object.freeze({
    host,
    port,
    name,
    aliases: member.aliases,
    instanceId,
    region,
    availabilityZone: instance.availabilityZone,
    priority: match.service?.priority ?? 0,
    weight: match.service?.weight ?? 1,
    url: urlMaker(host, port),
  });
}

/** By what it is called in outputs; an alias that it claims and another has is none of that. */
function isCalledLike(patterns: readonly string[], { name, aliases }: Member): boolean {
  const isMeant = (text: string): boolean => patterns.some((pattern) => matchesGlob(pattern, text));
  return (name !== undefined && isMeant(name)) || aliases.some(isMeant);
}

function whyNotNamed({ instance, name, aliases }: Member, told: Omission | undefined): Omission {
  const { instanceId } = instance;
  if (name !== undefined) {
    return { instanceId, reason: 'name differs', seen: [name, ...aliases].join(' ') };
  }
  return told ?? { instanceId, reason: 'no name', seen: '' };
}

/** Knows no more than it needs, since it lives as long as its endpoint. */
function urlMaker(host: string, port: number | undefined): (scheme: string) => string {
  return (scheme) => `${scheme}://${authorityOf(host, port)}`;
}

function authorityOf(host: string, port: number | undefined): string {
  if (port !== undefined) return toHostport(host, port);
  return host.includes(':') ? `[${host}]` : host;
}
