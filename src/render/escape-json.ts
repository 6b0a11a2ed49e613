import {
  type EscapedValue,
  type Escaper,
  type PrintedValue,
  toWord,
  withText,
} from './escaped-value.ts';

/**
 * Escapes for JSON (RFC 8259): between quotes the inside of a string, elsewhere a whole value.
 *
 * A number or a list stands as such outside quotes. What the whole file says must be JSON.
 */
export function createJsonEscaper(): Escaper {
  let inString = false;
  let escaping = false;
  return {
    literal: (text) => {
      for (const char of text) {
        if (escaping) escaping = false;
        else if (inString && char === '\\') escaping = true;
        else if (char === '"') inString = !inString;
      }
      return undefined;
    },
    value: (value) => {
      if (escaping) {
        escaping = false;
        return toWord(value);
      }
      return inString ? insideString(value) : wholeValue(value);
    },
    end: (whole) => {
      try {
        JSON.parse(whole);
        return undefined;
      } catch (error) {
        const fact = error instanceof SyntaxError ? error.message : String(error);
        return `what it makes is not JSON (${fact})`;
      }
    },
  };
}

function insideString(value: PrintedValue): EscapedValue {
  return withText(value, (text) => JSON.stringify(text).slice(1, -1));
}

function wholeValue(value: PrintedValue): EscapedValue {
  if (value === null || typeof value !== 'object') {
    return withText(value, (text) => (typeof value === 'string' ? JSON.stringify(text) : text));
  }
  return { text: toJson(value) };
}

/** Writes anything that a template has as JSON, on one line. */
export function toJson(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_, part: unknown) =>
    part instanceof Map ? Object.fromEntries(part) : part,
  );
  return text ?? 'null';
}
