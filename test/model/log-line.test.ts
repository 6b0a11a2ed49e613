import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLogged, type LogRecord, logLevels, renderLogLine } from '../../src/model/log-line.ts';

const timeMs = Date.parse('2026-11-21T05:00:24.123Z');
const record: LogRecord = {
  level: 'warn',
  event: 'refresh-failed',
  message: 'Could not list instances in eu-west-1: throttled.',
  fields: { region: 'eu-west-1', attempts: 3, stale: true, nothing: undefined },
};

describe('renderLogLine', () => {
  it('writes a line for people', () => {
    expect(renderLogLine(record, timeMs, 'text')).toBe(
      '2026-11-21T05:00:24.123Z warn refresh-failed: Could not list instances in eu-west-1: ' +
        'throttled. region="eu-west-1" attempts=3 stale=true\n',
    );
  });

  it('writes JSON for programs', () => {
    expect(renderLogLine(record, timeMs, 'json')).toBe(
      '{"time":"2026-11-21T05:00:24.123Z","level":"warn","event":"refresh-failed","message":' +
        '"Could not list instances in eu-west-1: throttled.","region":"eu-west-1","attempts":3,' +
        '"stale":true}\n',
    );
  });

  it.each([
    ['a\nb', 'a\\nb'],
    ['\x1b[2J', '\\u001b[2J'],
    ['\u202eb', '\\u202eb'],
  ])('writes a message %j for people as %s', (message, shown) => {
    const line = renderLogLine({ ...record, message, fields: {} }, timeMs, 'text');
    expect(line).toBe(`2026-11-21T05:00:24.123Z warn refresh-failed: ${shown}\n`);
  });

  it('lets no field replace what every line has', () => {
    const fields = { time: 'x', level: 'x', event: 'x', message: 'x' };
    const line = JSON.parse(renderLogLine({ ...record, fields }, timeMs, 'json'));
    const { time, level, event, message } = line;
    expect([time, level, event, message]).not.toContain('x');
  });

  const anything = fc.string({ unit: 'binary', maxLength: 30 });

  it('writes one line that no terminal obeys, whatever is in it', () => {
    let escaped = 0;
    fc.assert(
      fc.property(anything, anything, anything, (message, key, value) => {
        const strange = { ...record, message, event: key, fields: { [key]: value } };
        for (const format of ['text', 'json'] as const) {
          const line = renderLogLine(strange, timeMs, format);
          expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
          expect(line.endsWith('\n')).toBe(true);
          if (line.includes('\\u')) escaped += 1;
        }
      }),
      { seed: 3, numRuns: 500 },
    );
    // The control: there was something to escape.
    expect(escaped).toBeGreaterThan(100);
  });

  it('writes JSON that is read back as it was', () => {
    fc.assert(
      fc.property(anything, anything, (message, value) => {
        const line = renderLogLine({ ...record, message, fields: { value } }, timeMs, 'json');
        expect(JSON.parse(line)).toMatchObject({ message, value });
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});

describe('isLogged', () => {
  it('is for a level and all that are more urgent', () => {
    const shown = (level: (typeof logLevels)[number]): readonly string[] =>
      logLevels.filter((each) => isLogged({ ...record, level: each }, level));
    expect(shown('error')).toEqual(['error']);
    expect(shown('info')).toEqual(['error', 'warn', 'info']);
    expect(shown('debug')).toEqual(logLevels);
  });
});
