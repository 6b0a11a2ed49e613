/**
 * The tags that nametag reads and writes.
 *
 * Keys stay inside `A-Z a-z 0-9 - _ + = , . @ :`, so that instance tags in the metadata service
 * keep working. Every value is untrusted: whoever may tag an instance may write anything there.
 */
import { compareText, type Instance } from './instance.ts';
import { isLabel, plainLabelSource } from './name.ts';

/** The keys and values by which tags are read. */
export interface Vocabulary {
  /** Holds the whole claim, since nobody promises that two tags become visible together. */
  readonly claimKey: string;
  /** Says that the instance asks to be given a name that another one holds. */
  readonly wantsKey: string;
  /** Holds the aliases that the instance claims, each with a generation. */
  readonly aliasesKey: string;
  /** What the console shows; counts as the name when there is no claim. */
  readonly nameKey: string;
  /** Says whether the instance is in service, if its value is {@link readyValue}. */
  readonly readyKey: string;
  readonly readyValue: string;
  /** Begins the key of a tag by which an instance offers a service. */
  readonly servicePrefix: string;
}

/** The vocabulary when nothing else is said. */
export const defaultVocabulary: Vocabulary = {
  claimKey: 'nametag:claim',
  wantsKey: 'nametag:wants',
  aliasesKey: 'nametag:aliases',
  nameKey: 'Name',
  readyKey: 'status',
  readyValue: 'ready',
  servicePrefix: 'service:',
};

/** The value of a claim tag. */
export interface Claim {
  /** The name that was verified. */
  readonly held: string | undefined;
  /** The name that is proposed and not yet verified. */
  readonly ask: string | undefined;
  /** The launch time, in milliseconds since 1970, of the life in which the claim was made. */
  readonly bootMs: number;
  /** Of a held name of rank 0: a number that only grows, usable for fencing. */
  readonly generation: number | undefined;
  /** Of a name of rank 0 that is asked for: the generation that it is to be held with. */
  readonly next: number | undefined;
  /**
   * The highest generation that a first name has had, as far as the instance knows and besides its
   * own: so that one holder's outlives that holder.
   */
  readonly seen: Generation | undefined;
}

/** A number that was a name's generation. */
export interface Generation {
  readonly name: string;
  readonly number: number;
}

/** What an instance's claim tag says. */
export type ClaimState =
  | { readonly kind: 'none' }
  | { readonly kind: 'valid'; readonly claim: Claim }
  /** Made before the instance was last stopped and started: it counts for nothing. */
  | { readonly kind: 'earlier-life'; readonly claim: Claim }
  | { readonly kind: 'malformed'; readonly text: string };

/** Writes a claim as a tag's value, such as `held=web-3 boot=2026-11-20T23:52:31Z`. */
export function formatClaim(claim: Claim): string {
  const words: string[] = [];
  if (claim.held !== undefined) words.push(`held=${claim.held}`);
  if (claim.ask !== undefined) words.push(`ask=${claim.ask}`);
  words.push(`boot=${new Date(claim.bootMs).toISOString().replace(/\.\d+Z$/, 'Z')}`);
  if (claim.generation !== undefined) words.push(`gen=${claim.generation}`);
  if (claim.next !== undefined) words.push(`next=${claim.next}`);
  if (claim.seen !== undefined) words.push(`seen=${claim.seen.name}:${claim.seen.number}`);
  return words.join(' ');
}

// The hour 24 is the next day's first, which has its own text.
const bootSource = '\\d{4}-\\d\\d-\\d\\dT(?!24)\\d\\d:\\d\\d:\\d\\dZ';
const bootText = new RegExp(`^${bootSource}$`);
// What most claims are.
const plainClaim = new RegExp(`^held=(${plainLabelSource}) boot=(${bootSource})$`);
const claimWord = /^([a-z]+)=(.+)$/;
const generationText = /^\d{1,15}$/;
const seenText = /^([^:]+):(\d{1,15})$/;

/** The highest generation that a tag can have. */
export const generationMax = 999_999_999_999_999;

/**
 * Reads a claim from a tag's value; `undefined` if it is none.
 *
 * Words that mean nothing here are left to later versions, whose claims must keep a name from
 * others all the same.
 */
export function parseClaim(text: string): Claim | undefined {
  const plain = plainClaim.exec(text);
  if (plain !== null) return toPlainClaim(plain[1] ?? '', plain[2] ?? '');
  const words = parseWords(text);
  if (words === undefined) return undefined;
  const { held, ask, boot, gen: generation, next, seen } = words;
  const [, seenName, seenNumber] = seen === undefined ? [] : (seenText.exec(seen) ?? []);
  if (held !== undefined && !isLabel(held)) return undefined;
  if (ask !== undefined && !isLabel(ask)) return undefined;
  if (boot === undefined || !bootText.test(boot)) return undefined;
  if (generation !== undefined && !generationText.test(generation)) return undefined;
  if (next !== undefined && !generationText.test(next)) return undefined;
  if (seen !== undefined && !(seenName !== undefined && isLabel(seenName))) return undefined;
  const bootMs = toBootMs(boot);
  if (bootMs === undefined) return undefined;
  return {
    held,
    ask,
    bootMs,
    generation: generation === undefined ? undefined : Number(generation),
    next: next === undefined ? undefined : Number(next),
    seen: seenName === undefined ? undefined : { name: seenName, number: Number(seenNumber) },
  };
}

/** A whole fleet's claims are read by a process that has just started, in which steps are slow. */
function toPlainClaim(held: string, boot: string): Claim | undefined {
  const bootMs = toBootMs(boot);
  if (bootMs === undefined) return undefined;
  return {
    held,
    ask: undefined,
    bootMs,
    generation: undefined,
    next: undefined,
    seen: undefined,
  };
}

/**
 * Reads a text that is like {@link bootSource}; `undefined` if there is no such time.
 *
 * ECMAScript leaves it to the engine what it makes of February 30, and claims are to be read alike
 * everywhere: in V8 it is in March. Every month has a 28th, so that most need no second look.
 */
function toBootMs(boot: string): number | undefined {
  const bootMs = Date.parse(boot);
  if (Number.isNaN(bootMs)) return undefined;
  const day = boot.slice(8, 10);
  return day > '28' && new Date(bootMs).getUTCDate() !== Number(day) ? undefined : bootMs;
}

/** Gives the words of a claim by their keys, each of which is there once. */
function parseWords(text: string): Readonly<Record<string, string>> | undefined {
  const words: Record<string, string> = {};
  for (const word of text.split(' ')) {
    const [, key, value] = claimWord.exec(word) ?? [];
    if (key === undefined || value === undefined || Object.hasOwn(words, key)) return undefined;
    words[key] = value;
  }
  return words;
}

/**
 * The launch time as claims carry it: in whole seconds, as EC2 has it.
 */
export function bootMsOf(instance: Instance): number {
  return Math.floor(instance.launchTimeMs / 1000) * 1000;
}

/**
 * Reads what an instance claims.
 *
 * A claim that is newer than the launch time is valid: the read shows an old launch time beside a
 * new tag, since nothing becomes visible together.
 */
export function claimOf(instance: Instance, vocabulary: Vocabulary): ClaimState {
  const text = instance.tags.get(vocabulary.claimKey);
  if (text === undefined) return { kind: 'none' };
  const claim = parseClaim(text);
  if (claim === undefined) return { kind: 'malformed', text };
  return { kind: claim.bootMs < bootMsOf(instance) ? 'earlier-life' : 'valid', claim };
}

/** A request to be given a name that another instance holds. */
export interface Wants {
  readonly name: string;
  /** Counts for nothing once somebody holds the name with a generation as high. */
  readonly generation: number;
}

/** Writes a request as a tag's value, such as `db-master 1763683951`. */
export function formatWants({ name, generation }: Wants): string {
  return `${name} ${generation}`;
}

/** Reads an instance's request; `undefined` if it makes none. */
export function wantsOf(instance: Instance, vocabulary: Vocabulary): Wants | undefined {
  const [name, generation, ...rest] = (instance.tags.get(vocabulary.wantsKey) ?? '').split(' ');
  if (name === undefined || generation === undefined || rest.length > 0) return undefined;
  if (!isLabel(name) || !generationText.test(generation)) return undefined;
  return { name, generation: Number(generation) };
}

/** Tells whether the instance is tagged as in service. */
export function isReady(instance: Instance, vocabulary: Vocabulary): boolean {
  return instance.tags.get(vocabulary.readyKey) === vocabulary.readyValue;
}

/** What a `service:<name>` tag says of an instance. */
export interface ServiceTag {
  readonly labels: readonly string[];
  readonly port: number | undefined;
  /** As in DNS (RFC 2782): the lower is tried first. */
  readonly priority: number;
  /** As in DNS (RFC 2782): the share among those of one priority. */
  readonly weight: number;
}

const numberKeys: readonly string[] = ['port', 'priority', 'weight'];
const serviceWord = /^([^=]+)=(.*)$/;

/**
 * Reads the value of a service tag: `[label…] [port=N] [priority=N] [weight=N] [key=value…]`.
 *
 * Returns why it cannot be used when a number is out of range, since a wrong port is worse than
 * a missing instance. Keys that mean nothing here are left to others.
 */
export function parseServiceTag(text: string): ServiceTag | { readonly refused: string } {
  const labels: string[] = [];
  const numbers = new Map<string, number>();
  for (const word of text.split(/\s+/)) {
    if (word === '') continue;
    const [, key, value] = serviceWord.exec(word) ?? [];
    if (key === undefined || value === undefined) {
      if (!isLabel(word)) return { refused: `"${word}" is not a label` };
      labels.push(word);
    } else if (numberKeys.includes(key.toLowerCase())) {
      if (!numberKeys.includes(key)) return { refused: `${key} is not in lower case` };
      if (numbers.has(key)) return { refused: `${key} is said twice` };
      const number = Number(value);
      if (!/^\d{1,5}$/.test(value) || number > 65_535 || (key === 'port' && number === 0)) {
        return { refused: `${key}=${value} is out of range` };
      }
      numbers.set(key, number);
    }
  }
  return {
    labels,
    port: numbers.get('port'),
    priority: numbers.get('priority') ?? 0,
    weight: numbers.get('weight') ?? 1,
  };
}

/** Reads the service tags of an instance, by the services, in order; a key of no label is none. */
export function serviceTagsOf(
  instance: Instance,
  { servicePrefix }: Vocabulary,
): ReadonlyMap<string, ReturnType<typeof parseServiceTag>> {
  const found = new Map<string, ReturnType<typeof parseServiceTag>>();
  for (const [key, text] of instance.tags) {
    const service = key.startsWith(servicePrefix) ? key.slice(servicePrefix.length) : '';
    if (isLabel(service)) found.set(service, parseServiceTag(text));
  }
  return new Map([...found].sort(([a], [b]) => compareText(a, b)));
}
