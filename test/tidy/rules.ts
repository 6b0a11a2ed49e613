/**
 * The rules that a compiler and a linter do not hold, as functions from sources to complaints.
 *
 * Each complaint is one line that says where, what, and what to do instead. No complaints means
 * that the rule holds.
 */
import { posix } from 'node:path';
import { pureRooms, type Room, roomOf } from './rooms.ts';
import type { Source } from './source.ts';

export type Complaints = readonly string[];

const lineCountMax = 400;
const lineLengthMax = 100;

/** The file that a relative import of a source means. */
export function targetOf(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

export function layerComplaints(sources: readonly Source[], table: readonly Room[]): Complaints {
  return sources.flatMap((source) => {
    const name = roomOf(source.path);
    const room = table.find((candidate) => candidate.name === name);
    if (room === undefined) return [`${source.path}: ${name} is not a room of the table`];
    return source.imports.flatMap(({ specifier, typeOnly }) => {
      if (!specifier.startsWith('.')) {
        return isAllowedOutside(room, specifier)
          ? []
          : [`${source.path}: ${name} may not import ${specifier}`];
      }
      const target = roomOf(targetOf(source.path, specifier));
      if (target !== name && !room.project.includes(target)) {
        return [`${source.path}: ${name} may not import ${target} (${specifier})`];
      }
      return name === 'ports' && !typeOnly
        ? [`${source.path}: ports may import types only (${specifier})`]
        : [];
    });
  });
}

function isAllowedOutside(room: Room, specifier: string): boolean {
  return room.outside.some(
    (allowed) => allowed === specifier || (allowed === 'node:*' && specifier.startsWith('node:')),
  );
}

/** Complains of a room that may import one below it: the arrows must all go one way. */
export function tableComplaints(table: readonly Room[]): Complaints {
  return table.flatMap((room, place) =>
    room.project
      .filter((name) => !table.slice(0, place).some((above) => above.name === name))
      .map((name) => `${room.name} may import ${name}, which is not above it`),
  );
}

export interface Ban {
  /** Tested on code without comments and strings. */
  readonly pattern: RegExp;
  readonly instead: string;
  /** Rooms where it is banned; all of them when absent. */
  readonly rooms?: readonly string[];
  /** Rooms where it is allowed. */
  readonly exceptRooms?: readonly string[];
  /** A file and a line of it that break the ban: its control. */
  readonly broken: readonly [path: string, line: string];
}

export const bans: readonly Ban[] = [
  {
    pattern: /\bMath\.random\b/,
    instead: 'a Random that is passed in',
    exceptRooms: ['cli'],
    broken: ['src/claim/x.ts', 'const n = Math.random();'],
  },
  {
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)/,
    instead: 'a Clock that is passed in',
    exceptRooms: ['host', 'ec2'],
    broken: ['src/sandbox/x.ts', 'const n = new Date();'],
  },
  {
    pattern: /\bprocess\s*[.[]/,
    instead: 'settings that are passed in',
    rooms: [...pureRooms, 'use cases'],
    broken: ['src/render/x.ts', "const home = process.env['HOME'];"],
  },
  {
    pattern: /\bprocess\.(?:exit|abort)\b/,
    instead: 'the exit code as a return value',
    broken: ['src/cli/x.ts', 'process.exit(1);'],
  },
  {
    pattern: /\bprocess\.(?:on|once)\b/,
    instead: 'a signal that is passed in',
    exceptRooms: ['cli'],
    broken: ['src/host/x.ts', "process.on('SIGINT', stop);"],
  },
  {
    pattern: /\bconsole\s*[.[]/,
    instead: 'a return value, or the stream that is passed in',
    broken: ['src/cli/x.ts', "console.log('hello');"],
  },
  {
    pattern: /\bthrow new Error\b/,
    instead: 'a NametagError, or a TypeError for a mistake in calling',
    broken: ['src/ec2/x.ts', "throw new Error('no');"],
  },
  {
    pattern: /\binstanceof NametagError\b/,
    instead: 'isNametagError, since two copies of the package can be loaded',
    broken: ['src/cli/x.ts', 'if (error instanceof NametagError) {}'],
  },
  {
    pattern: /\blocaleCompare\b|\btoLocale\w*\b|\bIntl\./,
    instead: 'compareText, which orders alike on every machine',
    broken: ['src/model/x.ts', 'names.sort((a, b) => a.localeCompare(b));'],
  },
  {
    pattern: /\b(?:sgs?|azs?)\b|\b(?:leader|lease|backend|rollback|discover)/i,
    instead: 'the word of the glossary in CONTRIBUTING.md',
    // Options and keys are named after their flags there, `--az` among them.
    exceptRooms: ['cli', 'config'],
    broken: ['src/model/x.ts', 'const sg = instance.securityGroups;'],
  },
  {
    pattern: /hostname/i,
    instead: 'name; a hostname is what the operating system has',
    rooms: ['model', 'claim'],
    broken: ['src/model/x.ts', 'const hostname = 1;'],
  },
  {
    pattern: /\b(?:whitelist|blacklist)/i,
    instead: 'allowed or refused',
    broken: ['src/model/x.ts', 'const whitelist = 1;'],
  },
];

export function banComplaints(sources: readonly Source[]): Complaints {
  return sources.flatMap((source) => {
    const room = roomOf(source.path);
    return bans.flatMap((ban) => {
      if (ban.rooms !== undefined && !ban.rooms.includes(room)) return [];
      if (ban.exceptRooms?.includes(room)) return [];
      const found = ban.pattern.exec(source.code);
      if (found === null) return [];
      const line = source.code.slice(0, found.index).split('\n').length;
      return [`${source.path}:${line}: "${found[0].trim()}" is banned here, use ${ban.instead}`];
    });
  });
}

/**
 * Complains of a type assertion without a comment on the line above that says why it is true.
 *
 * Parsers and adapters read what the type system cannot know; elsewhere it is an exception.
 */
export function assertionComplaints(sources: readonly Source[]): Complaints {
  const asserting = new Set([...pureRooms, 'use cases']);
  return sources
    .filter(({ path }) => asserting.has(roomOf(path)))
    .flatMap(({ path, text, code }) => {
      // `import { a as b }` renames; it asserts nothing.
      const lines = code.replace(/\b(?:import|export)\b[^;]*?\bfrom\b/g, blank).split('\n');
      const above = text.split('\n').map((line) => line.trim());
      return lines.flatMap((line, index) =>
        /\bas (?!const\b)/.test(line) && !/^\/\/|\*\/$/.test(above[index - 1] ?? '')
          ? [`${path}:${index + 1}: say above why \`as\` is true here, or use a type guard`]
          : [],
      );
    });
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

/** Words for people that say nothing or blame: in strings and comments, and in Markdown. */
const idleWords = /\b(?:please|oops|simply|obviously|of course)\b/i;
const notesToSelf = /\b(?:TODO|FIXME|XXX|HACK)\b/;

export function wordComplaints(sources: readonly Source[]): Complaints {
  return sources.flatMap(({ path, comments, strings }) => [
    ...[...comments, ...strings]
      .map((text) => idleWords.exec(text)?.[0])
      .filter((word) => word !== undefined)
      .map((word) => `${path}: "${word}" says nothing, leave it out`),
    ...comments
      .map((text) => notesToSelf.exec(text)?.[0])
      .filter((word) => word !== undefined)
      .map((word) => `${path}: a note to oneself (${word}) is left over`),
  ]);
}

const vagueFile =
  /^src\/(?:.*[/-])?(?:utils?|helpers?|misc|common|manager|shared|types)(?:[./-]|$)/;

export function fileComplaints(sources: readonly Source[]): Complaints {
  return sources.flatMap(({ path, text }) => {
    const lines = text.replace(/\n$/, '').split('\n');
    return [
      ...(vagueFile.test(path) ? [`${path}: name it after the one thing it holds`] : []),
      ...(lines.length > lineCountMax ? [`${path}: ${lines.length} lines; split it`] : []),
      ...lines.flatMap((line, index) =>
        [...line].length > lineLengthMax
          ? [`${path}:${index + 1}: ${[...line].length} columns; break the line`]
          : [],
      ),
    ];
  });
}

/** Complains of each source that no entry reaches through imports. */
export function deadFileComplaints(
  sources: readonly Source[],
  entries: readonly string[],
): Complaints {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const { specifier } of byPath.get(path)?.imports ?? []) {
      if (specifier.startsWith('.')) waiting.push(targetOf(path, specifier));
    }
  }
  return [
    ...[...reached]
      .filter((path) => !byPath.has(path))
      .map((path) => `${path} is imported, or an entry, and is not there`),
    ...sources
      .filter(({ path }) => !reached.has(path))
      .map(({ path }) => `${path} is reached from no entry; remove it`),
  ];
}

const leftOut = /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.(?:only|skip|todo)\b/;

export function testComplaints(sources: readonly Source[]): Complaints {
  return sources.flatMap(({ path, code, strings }) => [
    ...(leftOut.exec(code) ?? []).map((text) => `${path}: "${text}" leaves tests out`),
    ...strings
      .filter((text) => /\bshould\b/i.test(text))
      .map((text) => `${path}: a test says what happens, without that word ("${text}")`),
  ]);
}

export interface Paper {
  readonly path: string;
  readonly text: string;
}

/** Markdown files: one title each, no idle words, and links that lead to files that exist. */
export function paperComplaints(
  papers: readonly Paper[],
  exists: (path: string) => boolean,
): Complaints {
  return papers.flatMap(({ path, text }) => {
    const prose = text.replace(/^(```|~~~)[\s\S]*?^\1$/gm, '').replace(/`[^`\n]*`/g, '');
    const titles = prose.match(/^# .+$/gm) ?? [];
    const idle = idleWords.exec(prose)?.[0];
    const links = [...prose.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map((m) => m[1] ?? '');
    return [
      ...(titles.length === 1 ? [] : [`${path}: ${titles.length} titles; a file has one "# "`]),
      ...(idle === undefined ? [] : [`${path}: "${idle}" says nothing, leave it out`]),
      ...links
        .filter((link) => !exists(posix.join(posix.dirname(path), link)))
        .map((link) => `${path}: the link to ${link} leads nowhere`),
    ];
  });
}

/** Complains of text that only makes sense on the machine where it was written. */
export function machineComplaints(papers: readonly Paper[], root: string): Complaints {
  const homes = /\/(?:home|Users|work|workspace)\/[\w.-]+/;
  return papers.flatMap(({ path, text }) => {
    const found = homes.exec(text)?.[0] ?? (text.includes(root) ? root : undefined);
    return found === undefined ? [] : [`${path}: ${found} is a path of one machine`];
  });
}
