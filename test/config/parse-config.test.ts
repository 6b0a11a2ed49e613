import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { configBytesMax } from '../../src/config/config-file.ts';
import { keysUnder } from '../../src/config/config-shape.ts';
import { toJsonSchema } from '../../src/config/json-schema.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { isNametagError } from '../../src/errors.ts';
import { eventNames } from '../../src/model/handler-spec.ts';
import { defaultVocabulary } from '../../src/model/tags.ts';

const read = (text: string): Config =>
  parseConfig(new TextEncoder().encode(text), '/etc/nametag/config.json');

/** What is said to be wrong, as `line:column problem`. */
function problemsOf(content: string | Uint8Array): readonly string[] {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  try {
    parseConfig(bytes, 'x.json');
    return [];
  } catch (error) {
    if (!isNametagError(error, 'NAMETAG_INVALID_CONFIG')) throw error;
    return error.details.problems.map((p) => `${p.line}:${p.column} ${p.problem}`);
  }
}

describe('parseConfig', () => {
  it('reads a whole file', () => {
    const config = read(`{
      "$schema": "/usr/lib/node_modules/nametag/docs/config.schema.json",
      "region": "eu-west-1", "profile": "ops", "scope": "vpc", "settle": "5s",
      "interval": "30s", "maxAge": "10s", "maxStale": "1h", "maxRemove": "30%", "splay": "20s",
      "log": { "format": "json", "level": "debug" },
      "listen": "127.0.0.1:9101",
      "vocabulary": { "readyKey": "af-status" },
      "hosts": [
        { "write": "/etc/hosts", "group": ["a", "b"], "anyGroup": true, "ready": true, "min": 2,
          "legacy": "/etc/hosts.legacy", "legacyUpdater": "true" },
        { "dir": "/etc/hosts.d", "domain": "ec2.example.com", "address": "ipv6", "notSelf": true,
          "tag": "env=prod", "notTag": ["a=b=c"], "name": "web-*", "az": "x", "vpc": "y" }
      ],
      "render": [
        { "template": "/etc/t", "dest": "/etc/o", "command": "reload", "check": "test {{ src }}",
          "mode": "0640", "service": "postgres", "port": 5432 },
        { "template": "/etc/m.liquid", "dest": "/etc/m", "escape": "word" }
      ],
      "handlers": ["member-join,member-leave=/bin/a", "/bin/b",
        { "events": "conflict", "command": "/bin/c", "timeout": "10s" }],
      "handlersFolder": "/etc/nametag/handlers"
    }`);
    expect(config).toEqual({
      vocabulary: { ...defaultVocabulary, readyKey: 'af-status' },
      listen: { host: '127.0.0.1', port: 9101 },
      claim: undefined,
      hosts: [
        {
          ...{ kind: 'file', path: '/etc/hosts', block: 'default', address: 'private' },
          ...{ domain: undefined, legacy: '/etc/hosts.legacy', legacyUpdater: 'true' },
          selector: { groups: ['a', 'b'], anyGroup: true, ready: true },
          ...{ notSelf: false, min: 2 },
        },
        {
          ...{ kind: 'folder', path: '/etc/hosts.d', block: 'default', address: 'ipv6' },
          ...{ domain: 'ec2.example.com', legacy: undefined, legacyUpdater: undefined },
          selector: {
            tags: [{ key: 'env', value: 'prod' }],
            notTags: [{ key: 'a', value: 'b=c' }],
            names: ['web-*'],
            availabilityZones: ['x'],
            vpcIds: ['y'],
          },
          ...{ notSelf: true, min: undefined },
        },
      ],
      render: [
        {
          template: '/etc/t',
          ...{ dest: '/etc/o', command: 'reload', check: 'test {{ src }}', mode: 0o640 },
          ...{ escape: undefined, domain: undefined, address: 'private', port: 5432 },
          ...{ selector: { service: 'postgres' }, notSelf: false, min: undefined },
        },
        {
          template: '/etc/m.liquid',
          ...{ dest: '/etc/m', command: undefined, check: undefined, mode: undefined },
          ...{ escape: 'word', domain: undefined, address: 'private', port: undefined },
          ...{ selector: {}, notSelf: false, min: undefined },
        },
      ],
      handlers: [
        { events: ['member-join', 'member-leave'], command: '/bin/a', timeoutMs: undefined },
        { events: eventNames, command: '/bin/b', timeoutMs: undefined },
        { events: ['conflict'], command: '/bin/c', timeoutMs: 10_000 },
      ],
      handlersFolder: '/etc/nametag/handlers',
      settings: new Map([
        ['region', { text: 'eu-west-1', line: 3, column: 7 }],
        ['profile', { text: 'ops', line: 3, column: 30 }],
        ['scope', { text: 'vpc', line: 3, column: 48 }],
        ['settle', { text: '5s', line: 3, column: 64 }],
        ['interval', { text: '30s', line: 4, column: 7 }],
        ['maxAge', { text: '10s', line: 4, column: 26 }],
        ['maxStale', { text: '1h', line: 4, column: 43 }],
        ['maxRemove', { text: '30%', line: 4, column: 61 }],
        ['splay', { text: '20s', line: 4, column: 81 }],
        ['logFormat', { text: 'json', line: 5, column: 16 }],
        ['logLevel', { text: 'debug', line: 5, column: 34 }],
      ]),
    });
  });

  it('reads a claim as claim-name reads its flags', () => {
    const { claim } = read(`{ "claim": { "service": "db", "type": "masterful",
      "words": "primary,replica", "aliases": ["writer", "cache"], "setHostname": true } }`);
    expect(claim).toMatchObject({
      series: { service: 'db', words: { master: 'primary', slave: 'replica' } },
      ...{ aliases: ['cache', 'writer'], setHostname: true, reserveStopped: false },
    });
    const numbered = read(`{ "claim": { "service": "web", "pattern": "{service}{n:02}",
      "firstOrdinal": 1, "reserveStopped": true } }`);
    expect(numbered.claim).toMatchObject({
      series: { numbering: { prefix: 'web', width: 2, suffix: '', first: 1 } },
      ...{ aliases: [], setHostname: false, reserveStopped: true },
    });
  });

  it.each([
    ['{ "type": "masterful" }', 'claim: needs "service"'],
    [
      '{ "service": "Web" }',
      'claim: no name can be made of it: it is not a lower-case host name label',
    ],
    ['{ "service": "db", "words": "a,b" }', 'claim: "words" is for "type": "masterful"'],
    ['{ "service": "db", "type": "masterful", "words": "a" }', 'claim: expected two words like'],
    ['{ "service": "db", "type": "master" }', 'claim.type: expected iterative or masterful'],
    ['{ "service": "db", "aliases": ["a b"] }', 'claim: the alias "a b" is not a lower-case'],
    ['{ "service": "db", "alias": ["a"] }', 'claim.alias: unknown key (did you mean "aliases"?)'],
  ])('refuses the claim %s', (claim, problem) => {
    expect(problemsOf(`{ "claim": ${claim} }`).join()).toContain(problem);
  });

  it('reads an empty object, with a byte order mark too', () => {
    expect(read('\ufeff{}')).toMatchObject({ hosts: [], render: [], handlers: [] });
  });

  it('tells everything at once, in the order of the file', () => {
    const file = `{
  "intervall": "30s",
  "maxAge": 30,
  "hosts": [
    { "wirte": "/etc/hosts", "grup": "tphon" },
    { "write": "etc/hosts", "group": [], "ready": "yes" }
  ],
  "hosts": [],
  "log": { "levle": "info", "format": "jsn" }
}`;
    // The last one of a repeated key counts, so the first has to be looked at by itself.
    expect(problemsOf(file)).toEqual([
      '2:3 intervall: unknown key (did you mean "interval"?)',
      '3:3 maxAge: expected text',
      '8:3 hosts: is there twice, first on line 4',
      '9:12 log.levle: unknown key (did you mean "level"?)',
      '9:29 log.format: expected text or json (did you mean "json"?)',
    ]);
    expect(problemsOf(file.replace('"hosts": [],\n', ''))).toEqual([
      '2:3 intervall: unknown key (did you mean "interval"?)',
      '3:3 maxAge: expected text',
      '5:7 hosts[0].wirte: unknown key (did you mean "write"?)',
      '5:30 hosts[0].grup: unknown key (did you mean "group"?)',
      '6:7 hosts[1].write: expected a path that begins with "/"',
      '6:29 hosts[1].group: expected at least one',
      '6:42 hosts[1].ready: expected true or false',
      '8:14 log.levle: unknown key (did you mean "level"?)',
      '8:31 log.format: expected text or json (did you mean "json"?)',
    ]);
  });

  it('tells what does not go together too, of all whose shape is right', () => {
    const file = `{
  "intervall": "30s",
  "claim": { "service": "Web" },
  "hosts": [
    { "wirte": "/etc/hosts", "anyGroup": true },
    { "write": "/a", "anyGroup": true },
    { "write": "/a", "min": "1" },
    { "write": "/a" }
  ],
  "render": [
    { "dest": "/b" },
    { "template": "/t", "dest": "/b" },
    { "template": "/u", "dest": "/b" },
    { "template": "/v", "dest": "/t" }
  ],
  "handlers": [7, "member-jion=x", "true"]
}`;
    expect(problemsOf(file)).toEqual([
      '2:3 intervall: unknown key (did you mean "interval"?)',
      expect.stringContaining('3:3 claim: no name can be made of it'),
      '5:7 hosts[0].wirte: unknown key (did you mean "write"?)',
      '6:22 hosts[1].anyGroup: needs "group"',
      '7:22 hosts[2].min: expected a whole number',
      '8:7 hosts[3].write: "the block \\"default\\" of /a" is written by an entry above too',
      '11:5 render[0]: needs "template"',
      '13:25 render[2].dest: "/b" is written by an entry above too',
      '14:25 render[3].dest: "/t" is a template, and would be written over',
      '16:16 handlers[0]: expected text or an object',
      '16:19 handlers[1]: unknown event "member-jion" (did you mean "member-join"?)',
    ]);
  });

  it.each(['/etc/', '/', '/etc/.', '/etc/..', '/..', '/etc//'])(
    'tells that %s is a folder',
    (p) => {
      const file = {
        hosts: [{ write: p }, { write: '/a', legacy: p }],
        render: [{ template: p, dest: p }],
      };
      const told = problemsOf(JSON.stringify(file));
      expect(told).toHaveLength(4);
      for (const each of told)
        expect(each).toContain(': expected the path of a file, not of a folder');
    },
  );

  it.each(['/etc/a', '/a', '/..a', '/etc/...', '/etc/.a', '/a b/c:d'])(
    'takes %s for a file',
    (p) => {
      expect(problemsOf(JSON.stringify({ hosts: [{ write: p, legacy: '/l' }] }))).toEqual([]);
    },
  );

  it.each<[content: string, problem: string]>([
    ['[]', '1:1 expected an object'],
    ['{"interval": "30"}', 'interval: expected a duration like 500ms, 5s, 2m, 1h or 1d'],
    ['{"splay": "2h"}', 'splay: expected at most 1h'],
    ['{"settle": "0s"}', 'settle: expected more than 0'],
    ['{"maxRemove": "130%"}', 'maxRemove: expected a share from 0% to 100%'],
    ['{"scope": "vcp"}', 'scope: expected region or vpc (did you mean "vpc"?)'],
    ['{"listen": ":9101"}', 'listen: expected a port, or an IP address and a port'],
    ['{"listen": "web:9101"}', 'listen: expected a port, or an IP address and a port'],
    ['{"vocabulary": {"redyKey": "a"}}', 'redyKey: unknown key (did you mean "readyKey"?)'],
    ['{"hosts": {"write": "/etc/hosts"}}', 'hosts: expected a list'],
    ['{"hosts": ["/etc/hosts"]}', 'hosts[0]: expected an object'],
    ['{"hosts": [{}]}', 'hosts[0]: expected either "write" or "dir"'],
    ['{"hosts": [{"write": "/a", "dir": "/b"}]}', 'expected either "write" or "dir"'],
    ['{"hosts": [{"write": "/a", "anyGroup": true}]}', 'hosts[0].anyGroup: needs "group"'],
    ['{"hosts": [{"write": "/a", "min": -1}]}', 'expected a whole number from 0 to 1000000'],
    ['{"hosts": [{"write": "/a", "min": 1.5}]}', 'hosts[0].min: expected a whole number'],
    ['{"hosts": [{"write": "/a", "min": "1"}]}', 'hosts[0].min: expected a whole number'],
    ['{"hosts": [{"write": "/a", "tag": ["env"]}]}', 'hosts[0].tag[0]: expected KEY=VALUE'],
    ['{"hosts": [{"write": "/a", "group": 5}]}', 'hosts[0].group: expected text or a list'],
    ['{"hosts": [{"write": "/a", "address": "public-dns"}]}', 'private, public or ipv6'],
    ['{"hosts": [{"write": "/a", "domain": "-x-"}]}', 'a domain like ec2.example.com'],
    ['{"hosts": [{"write": "/a\\u0000b"}]}', 'a path that begins with "/"'],
    ['{"hosts": [{"write": "/a", "legacy": "/a"}]}', 'hosts[0].legacy: is the same file as'],
    ['{"hosts": [{"dir": "/a", "legacy": "/b"}]}', 'hosts[0].legacy: needs "write"'],
    ['{"hosts": [{"write": "/a", "legacyUpdater": "x"}]}', 'legacyUpdater: needs "legacy"'],
    [
      `{"hosts": [{"write": "/a", "legacy": "/b", "block": "${'c'.repeat(57)}"}]}`,
      'hosts[0].block: expected at most 56 characters beside "legacy"',
    ],
    ['{"hosts": [{"write": "/a"}, {"write": "/a"}]}', 'hosts[1].write: "the block'],
    [
      '{"render": [{"template": "/t", "dest": "/a", "escape": "html"}]}',
      'render[0].escape: expected json',
    ],
    ['{"render": [{"template": "/t"}]}', 'render[0]: needs "dest"'],
    ['{"render": [{"dest": "/a"}]}', 'render[0]: needs "template"'],
    [
      '{"render": [{"template": "/t", "dest": "/a", "mode": "rw"}]}',
      'a mode in octal, like "0644"',
    ],
    [
      '{"render": [{"template": "/t", "dest": "/a", "mode": 644}]}',
      'render[0].mode: expected text',
    ],
    [
      '{"hosts": [{"write": "/a"}], "render": [{"template": "/t", "dest": "/a"}]}',
      'render[0].dest',
    ],
    [
      '{"handlers": ["member-jion=/bin/a"]}',
      'unknown event "member-jion" (did you mean "member-jo',
    ],
    ['{"handlers": ["member-join="]}', 'handlers[0]: there is no command'],
    ['{"handlers": [{"command": "a", "events": "join"}]}', 'handlers[0].events: expected'],
    [
      '{"handlers": [{"command": "a", "evnts": []}]}',
      'evnts: unknown key (did you mean "events"?)',
    ],
    ['{"handlers": [7]}', 'handlers[0]: expected text or an object'],
    ['{"__proto__": {}}', '1:2 ["__proto__"]: unknown key'],
    ['{"constructor": 1, "toString": 2}', 'constructor: unknown key'],
    ['{"a\\u001b[2Jb": 1}', '["a\\u001b[2Jb"]: unknown key'],
    ['{"region": ', '1:12 it is not JSON: expected a value, found the end of the file'],
    [`${'['.repeat(1000)}`, 'it is more than 64 levels deep'],
  ])('of %s tells %s', (content, problem) => {
    expect(problemsOf(content).join('\n')).toContain(problem);
  });

  it('refuses what is not UTF-8, and what is too long', () => {
    expect(problemsOf(new Uint8Array([0xff, 0xfe, 0x7b, 0]))).toEqual([
      '1:1 it is not text in UTF-8',
    ]);
    expect(problemsOf(' '.repeat(configBytesMax + 1))).toEqual([
      '1:1 it has more than 1048576 bytes',
    ]);
  });

  it.each<[what: string, file: () => string]>([
    ['unknown keys', () => `{${'"\u1234zz": 1,\n'.repeat(80_000)}"a": 1}`],
    ['keys that are repeated', () => `{${'"region": "x",\n'.repeat(60_000)}"region": "x"}`],
    ['wrong items', () => `{"hosts": [${'1,\n'.repeat(200_000)}1]}`],
    [
      'wrong words',
      () => `{"handlers": [{"command":"a","events": [${'"b",'.repeat(200_000)}"b"]}]}`,
    ],
  ])('ends on a file of nothing but %s', (_, file) => {
    const problems = problemsOf(file());
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(2000);
  });

  it('names few of many problems, and how many more there are', () => {
    const file = `{${Array.from({ length: 900 }, (_, i) => `"zz${i}": 1`).join(',\n')}}`;
    expect(problemsOf(file)).toHaveLength(900);
    expect(() => read(file)).toThrow(
      /^Could not use .*; line 5, column 1: zz4: unknown key; and 895 more\./,
    );
  });
});

const docs = readFileSync(new URL('../../docs/watch.md', import.meta.url), 'utf8');

test('docs/watch.md has an example that is right, and every key', () => {
  const [, example = ''] = /^```json\n(.*?)^```$/ms.exec(docs) ?? [];
  expect(problemsOf(example)).toEqual([]);
  const keys = [...keysUnder.values()].flat();
  expect(keys.length).toBeGreaterThan(50);
  expect(
    keys.filter((key) => !new RegExp(`[\`".]${key.replace('$', '\\$')}[\`"]`).test(docs)),
  ).toEqual([]);
});

// `nametag config schema > docs/config.schema.json`, and `npm run fix`, make it anew.
test('docs/config.schema.json is made from the shape of the file', () => {
  const schema = new URL('../../docs/config.schema.json', import.meta.url);
  expect(JSON.parse(readFileSync(schema, 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(toJsonSchema())),
  );
});
