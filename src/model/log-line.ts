/** One thing that happened, as a line for people or as JSON for programs. */

/** How urgent a line is, the most urgent first; a log shows a level and all that are before it. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** How lines are written. */
export const logFormats = ['text', 'json'] as const;

/** One of {@link logFormats}. */
export type LogFormat = (typeof logFormats)[number];

/** What happened. It holds no secret: whoever makes it leaves credentials and requests out. */
export interface LogRecord {
  readonly level: LogLevel;
  /** A word for programs that stays the same, like `refreshed`. */
  readonly event: string;
  /** A sentence for people. */
  readonly message: string;
  /** More for programs; those that are `undefined` are left out. */
  readonly fields?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** Takes what happened, as it happens. */
export type Log = (record: LogRecord) => void;

/** Tells whether a log that shows this level shows the record. */
export function isLogged(record: LogRecord, level: LogLevel): boolean {
  return logLevels.indexOf(record.level) <= logLevels.indexOf(level);
}

/**
 * Writes a record as one line with its newline, whatever is in it.
 *
 * `text` is `2026-11-21T05:00:24.123Z warn refresh-failed: Could not … region="eu-west-1"`; `json`
 * has the keys `time`, `level`, `event` and `message`, which no field can replace, and the fields.
 */
export function renderLogLine(record: LogRecord, timeMs: number, format: LogFormat): string {
  const { level, event, message, fields = {} } = record;
  const time = new Date(timeMs).toISOString();
  if (format === 'json') {
    const line = { time, level, event, message };
    return `${plain(JSON.stringify({ ...line, ...fields, ...line }))}\n`;
  }
  const words = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${plain(key)}=${plain(JSON.stringify(value))}`);
  return `${time} ${level} ${plain(event)}: ${plain(message)}${words.join('')}\n`;
}

// Controls, formatting (which turns text around), separators of lines, halves of characters.
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Writes what a terminal, or a reader of lines, might obey as JSON's escapes. */
function plain(text: string): string {
  return text.replaceAll('\n', '\\n').replace(unsafe, escapeUnits);
}

function escapeUnits(character: string): string {
  const units = character.split('').map((unit) => unit.charCodeAt(0));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
