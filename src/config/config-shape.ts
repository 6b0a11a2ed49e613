/** What a config file may say, and where; docs/config.schema.json is made from this. */
// As a namespace, so that a bundle has only what is used of it: a quarter, and a third of the time.
import * as z from 'zod';
import { isAddressKind } from '../model/address.ts';
import { durationExamples, durationPattern, toDurationMs } from '../model/duration.ts';
import { escapeKinds } from '../model/escape-kind.ts';
import { eventNames } from '../model/handler-spec.ts';
import { parseListenAddress } from '../model/listen-address.ts';
import { logFormats, logLevels } from '../model/log-line.ts';
import { isDomain } from '../model/name.ts';
import { firstOrdinalMax } from '../model/series.ts';
import { tagKeyLengthMax, tagValueLengthMax } from '../model/tag-limits.ts';
import type { ConfigFile } from './config-file.ts';

const text = z.string().min(1, 'expected text that is not empty');
const yesNo = z.boolean();
const duration = z.string().regex(durationPattern, `expected ${durationExamples}`);
// No time at all would let two hosts hold one name, or ask EC2 without end.
const time = duration.regex(/[1-9]/, 'expected more than 0');
const splay = duration.refine(
  (value) => (toDurationMs(value) ?? 0) <= 3_600_000,
  'expected at most 1h',
);
const path = z.string().regex(/^\/[^\0]*$/, 'expected a path that begins with "/"');
// Whatever follows the last slash is a name: with none, or with dots alone, it is a folder.
const filePath = path.regex(/\/(?!\.{0,2}$)[^/]+$/, 'expected the path of a file, not of a folder');
const count = wholeNumber(0, 1_000_000);
const share = z.string().regex(/^(?:100|\d{1,2})%$/, 'expected a share from 0% to 100%');
const tagTest = z.string().regex(/^[^=]+=/, 'expected KEY=VALUE');
const domain = text.refine(isDomain, 'expected a domain like ec2.example.com');
// One word of the marker lines around it.
const block = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected a short word like default');

function wholeNumber(min: number, max: number): z.ZodInt {
  const expected = `expected a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

/** One, or a list of them: what a flag that can be repeated is here. */
function oneOrMore<T extends z.ZodType>(item: T): z.ZodUnion<[T, z.ZodArray<T>]> {
  return z.union([item, z.array(item).min(1, 'expected at least one')]);
}

const selector = {
  service: text.optional().describe('Offers this service by a tag service:<name>.'),
  group: oneOrMore(text).optional().describe('Security groups, by name or id; in all of them.'),
  anyGroup: yesNo.optional().describe('In one of the groups is enough.'),
  ready: yesNo.optional().describe('Tagged as in service.'),
  tag: oneOrMore(tagTest).optional().describe('KEY=VALUE; values of one key are alternatives.'),
  notTag: oneOrMore(tagTest).optional().describe('KEY=VALUE; without these tags.'),
  name: oneOrMore(text).optional().describe('Names or aliases; * is any text and ? one character.'),
  az: oneOrMore(text).optional().describe('In one of these availability zones.'),
  vpc: oneOrMore(text).optional().describe('In one of these VPCs, by id.'),
  notSelf: yesNo.optional().describe('Not this instance.'),
};

const min = count.optional().describe('With fewer instances, the file is left as it is.');

const hosts = z
  .strictObject({
    write: filePath.optional().describe('The file in which a block is kept.'),
    dir: path.optional().describe("A folder of files, as dnsmasq's --hostsdir has it."),
    block: block.optional().describe('Name of the block; "default" if it is not said.'),
    domain: domain.optional().describe('Adds each name in this domain too.'),
    address: z.enum(['private', 'public', 'ipv6']).optional().describe('"private" if not said.'),
    legacy: filePath.optional().describe("Its lines come first, as of Aerostat's hosts.legacy."),
    legacyUpdater: text.optional().describe('Runs before; if it fails, nothing is written.'),
    min,
    ...selector,
  })
  .meta({ oneOf: [{ required: ['write'] }, { required: ['dir'] }] });

const render = z.strictObject({
  template: filePath.describe('The template to fill in.'),
  dest: filePath.describe('The file to write.'),
  command: text.optional().describe('Runs when the file has changed.'),
  check: text.optional().describe('Tells by its exit status whether the new file is right.'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'expected a mode in octal, like "0644"')
    .optional()
    .describe('Of the file when it is made, in octal.'),
  escape: z
    .enum(escapeKinds)
    .optional()
    .describe('What values are escaped for, if the name does not tell.'),
  domain: domain.optional().describe('Adds each name in this domain too.'),
  address: z
    .string()
    .refine(isAddressKind, 'expected private, public, ipv6, private-dns, public-dns or tag:KEY')
    .optional()
    .describe('private, public, ipv6, private-dns, public-dns or tag:KEY.'),
  port: wholeNumber(1, 65_535).optional(),
  min,
  ...selector,
});

const handler = z.strictObject({
  events: oneOrMore(z.enum(['*', ...eventNames]))
    .optional()
    .describe('All if not said.'),
  command: text.describe('Run by /bin/sh -c.'),
  timeout: time.optional().describe('Ended when it takes longer.'),
});

const tagKey = text.max(tagKeyLengthMax, `expected at most ${tagKeyLengthMax} characters`);

const vocabulary = z.strictObject({
  claimKey: tagKey.optional(),
  wantsKey: tagKey.optional(),
  aliasesKey: tagKey.optional(),
  nameKey: tagKey.optional(),
  readyKey: tagKey.optional(),
  readyValue: text
    .max(tagValueLengthMax, `expected at most ${tagValueLengthMax} characters`)
    .optional(),
  servicePrefix: tagKey.optional(),
});

const claim = z.strictObject({
  service: text.describe('What the instance does, as web.'),
  type: z
    .enum(['iterative', 'masterful'])
    .optional()
    .describe(
      'iterative: web-0, web-1; masterful: db-master, db-slave-1. "iterative" if not said.',
    ),
  words: text.optional().describe('Of a masterful service, as "primary,replica".'),
  pattern: text.optional().describe('Of iterative names, as "{service}{n:02}": web00.'),
  firstOrdinal: wholeNumber(0, firstOrdinalMax).optional().describe('Number of the first name.'),
  aliases: z.array(text).optional().describe('Claimed too, from whoever has them.'),
  setHostname: yesNo.optional().describe('Makes the name the hostname, once it is held.'),
  reserveStopped: yesNo.optional().describe('A stopped instance keeps its name.'),
});

const log = z.strictObject({
  format: z.enum(logFormats).optional(),
  level: z.enum(logLevels).optional(),
});

const file = z.strictObject({
  $schema: z.string().optional().describe('Where this schema is, for editors.'),
  region: text.optional().describe('AWS region; AWS_REGION and AWS_DEFAULT_REGION win over it.'),
  profile: text.optional().describe('Profile of the AWS config files; AWS_PROFILE wins over it.'),
  scope: z.enum(['region', 'vpc']).optional().describe('Where names are unique.'),
  settle: time.optional().describe('The longest time that EC2 takes to show a change.'),
  vocabulary: vocabulary.optional().describe('Tags that have other keys or values than usual.'),
  interval: time.optional().describe('From one refresh to the next.'),
  maxAge: duration.optional().describe('An answer on disk that is not older is good enough.'),
  maxStale: duration.optional().describe('An answer that is not older is given without EC2.'),
  maxRemove: share.optional().describe('The share of entries that may go without evidence.'),
  splay: splay.optional().describe('A wait of up to this time before EC2 is asked.'),
  log: log.optional().describe('How the watcher logs.'),
  listen: z
    .string()
    .refine(isListenAddress, 'expected a port, or an IP address and a port like 127.0.0.1:9101')
    .optional()
    .describe('Where /metrics, /healthz and /readyz are; nowhere if it is not said.'),
  claim: claim.optional().describe('The name that the watcher claims for this instance.'),
  hosts: z.array(hosts).optional().describe('Hosts files to keep.'),
  render: z.array(render).optional().describe('Files to render.'),
  handlers: z
    .array(z.union([text, handler]))
    .optional()
    .describe('What to run at events; text is as with --handler.'),
  handlersFolder: path.optional().describe('Has a folder for each event, of programs to run.'),
});

function isListenAddress(value: string): boolean {
  return parseListenAddress(value) !== undefined;
}

/** The shape of a config file. */
export const configShape: z.ZodType<ConfigFile> = file;

/** The keys of each object in it, by the key that it is under; those of the file by `''`. */
export const keysUnder: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({ '': file, vocabulary, log, claim, hosts, render, handlers: handler }).map(
    ([key, { shape }]) => [key, Object.keys(shape)],
  ),
);
