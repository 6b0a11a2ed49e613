/**
 * Templates in Liquid, of which each output is escaped for the file that it is written in.
 *
 * A template sees a {@link TemplateView} and nothing else: no file, no environment, no clock and no
 * chance, so that the same fleet gives the same bytes. A name that means nothing is an error, and
 * so is printing what has no value.
 */
import {
  AssertionError,
  Context,
  type FilterImplOptions,
  Liquid,
  LiquidError,
  toValueSync,
} from 'liquidjs';
import { NametagError } from '../errors.ts';
import type { EscapeKind } from '../model/escape-kind.ts';
import { suggest } from '../model/suggest.ts';
import type { TemplateEndpoint, TemplateView } from '../model/template-view.ts';
import { toQuoted } from '../model/untrusted-text.ts';
import { createEscaper } from './escape.ts';
import { type PrintedValue, toPlainText } from './escaped-value.ts';
import { filtersOfNothing, liquidFilterNames, ownFilters } from './template-filters.ts';

/** A template that has been read. */
export interface Template {
  /**
   * Renders it; the same view gives the same text.
   *
   * @throws {@link NametagError} with code `NAMETAG_BAD_TEMPLATE`.
   */
  render(view: TemplateView): string;
}

/** A template's text, and what it is for. */
export interface TemplateSource {
  /** Of its file, for messages. */
  readonly path: string;
  readonly text: string;
  /** What the values in it are escaped for. */
  readonly escape: EscapeKind;
}

// Tags that print past the escapes (`echo`, `cycle`, `capture`), read files (`include`, `layout`,
// `render`, `block`) or are for web pages are not among them.
const tagNames: readonly string[] = [
  ...['assign', 'break', 'case', 'comment', 'continue', 'for', 'if', 'raw', 'unless', '#'],
];

// A template is written by a person; this is a hundred times as long as one that is long.
const templateCharsMax = 1_000_000;
// Ten thousand instances with more about each than anybody would say.
const renderedCharsMax = 64_000_000;
// What lists and texts of filters may come to in one rendering, in items and characters.
const memoryMax = 20_000_000;
// Ten thousand instances take well below one second.
const renderLimitMs = 10_000;

/**
 * Reads a template.
 *
 * @throws {@link NametagError} with code `NAMETAG_BAD_TEMPLATE`, for the first mistake in it.
 */
export function parseTemplate(source: TemplateSource): Template {
  const liquid = createLiquid(source.escape);
  const parsed = attempt(source, () => liquid.parse(source.text));
  return {
    render: (view) =>
      attempt(source, () => {
        const emitter = createEmitter(source, view);
        const context = new Context(toScope(view), liquid.options, { sync: true }, { liquid });
        toValueSync(liquid.renderer.renderTemplates(parsed, context, emitter));
        return emitter.finish();
      }),
  };
}

function createLiquid(kind: EscapeKind): Liquid {
  const liquid = new Liquid({
    strictFilters: true,
    strictVariables: true,
    ownPropertyOnly: true,
    // No file is read, whatever a tag says.
    templates: {},
    parseLimit: templateCharsMax,
    renderLimit: renderLimitMs,
    memoryLimit: memoryMax,
    // What it gives is passed on as it is, to the emitter below, which takes more than text.
    outputEscape: (value: unknown) => toPrinted(value) as unknown as string,
  });
  for (const name of Object.keys(liquid.tags)) {
    if (!tagNames.includes(name)) delete liquid.tags[name];
  }
  const known = { ...liquid.filters };
  for (const name of Object.keys(liquid.filters)) delete liquid.filters[name];
  for (const name of liquidFilterNames) {
    const filter = known[name];
    if (filter !== undefined) liquid.registerFilter(name, needingValue(name, filter));
  }
  for (const [name, filter] of Object.entries(ownFilters)) {
    // In its own language a value is escaped for the place where it stands.
    const handler = name === kind ? (value: unknown) => value : filter;
    liquid.registerFilter(name, needingValue(name, handler));
  }
  return liquid;
}

/** Keeps what is not there from becoming an empty text on the way. */
function needingValue(name: string, filter: FilterImplOptions): FilterImplOptions {
  if (filtersOfNothing.includes(name)) return filter;
  const { handler, raw = false } = typeof filter === 'function' ? { handler: filter } : filter;
  return {
    raw,
    handler(value, ...args) {
      if (value !== null && value !== undefined) return handler.call(this, value, ...args);
      throw new AssertionError(
        `\`${name}\` is given no value; ask with \`if\`, or say \`default\``,
      );
    },
  };
}

/** Marks a value that a template prints, so that it is not taken for the template's own text. */
interface Printed {
  readonly printed: PrintedValue;
}

function toPrinted(value: unknown): Printed {
  const isKnown = ['string', 'number', 'boolean', 'object'].includes(typeof value);
  // The types of a `PrintedValue`, told apart above.
  return { printed: isKnown ? (value as PrintedValue) : null };
}

function isPrinted(value: unknown): value is Printed {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'printed');
}

interface Emitter {
  buffer: string;
  write(text: unknown): void;
  finish(): string;
}

/** Takes what is rendered, piece by piece, and escapes what is not the template's own. */
function createEmitter({ escape: kind }: TemplateSource, view: TemplateView): Emitter {
  const escaper = createEscaper(kind);
  const emitter: Emitter = {
    buffer: '',
    write: (piece) => {
      if (isPrinted(piece)) {
        const escaped = escaper.value(piece.printed);
        if ('refused' in escaped) throw new AssertionError(told(piece.printed, escaped, view));
        emitter.buffer += escaped.text;
      } else {
        // A raw value is not always text.
        const plain = toPlainText(toPrinted(piece).printed);
        if ('refused' in plain) throw new AssertionError(plain.refused);
        requireRight(escaper.literal(plain.text));
        emitter.buffer += plain.text;
      }
      if (emitter.buffer.length > renderedCharsMax) {
        throw new AssertionError(`it renders to more than ${renderedCharsMax} characters`);
      }
    },
    finish: () => {
      requireRight(escaper.end(emitter.buffer));
      return emitter.buffer;
    },
  };
  return emitter;
}

function requireRight(complaint: string | undefined): void {
  if (complaint !== undefined) throw new AssertionError(complaint);
}

/** Says what was refused and whose it is, if it is as an instance has it. */
function told(
  value: PrintedValue,
  { refused }: { readonly refused: string },
  view: TemplateView,
): string {
  if (typeof value !== 'string') return refused;
  const shown = toQuoted(value.slice(0, 60));
  for (const endpoint of view.instances) {
    const field = findField(endpoint, value);
    if (field !== undefined) return `${shown}, ${field} of ${whoIs(endpoint)}: ${refused}`;
  }
  return `${shown}: ${refused}`;
}

function whoIs({ name, instanceId }: TemplateEndpoint): string {
  return name === null ? instanceId : `${name} (${instanceId})`;
}

function findField(endpoint: TemplateEndpoint, value: string): string | undefined {
  for (const [key, tag] of endpoint.tags) {
    if (tag === value) return `the tag ${toQuoted(key)}`;
    if (key === value) return 'the key of a tag';
  }
  const found = Object.entries(endpoint).find(
    ([, field]) => field === value || (Array.isArray(field) && field.includes(value)),
  );
  return found && `\`${found[0]}\``;
}

function toScope({ region, instances, services }: TemplateView): object {
  const scopeOf = (endpoint: TemplateEndpoint): object => ({
    ...endpoint,
    tags: toLookup(endpoint.tags, () => null),
  });
  const lists = [...services].map(([name, list]) => [name, list.map(scopeOf)] as const);
  return {
    region,
    instances: instances.map(scopeOf),
    services: toLookup(new Map(lists), (name) => {
      const meant = suggest(name, services.keys());
      throw new AssertionError(`no instance here offers the service \`${name}\`${meant}`);
    }),
  };
}

/** An object with these properties and no other, that has a say in what others are. */
function toLookup<Value>(
  values: ReadonlyMap<string, Value>,
  missing: (key: string) => null,
): object {
  const target: Record<string, Value> = Object.create(null);
  for (const [key, value] of values) target[key] = value;
  return new Proxy(target, {
    getOwnPropertyDescriptor: (_, key) => {
      const found = Reflect.getOwnPropertyDescriptor(target, key);
      if (found !== undefined || typeof key !== 'string') return found;
      return { value: missing(key), configurable: true, enumerable: false, writable: true };
    },
    get: (_, key) => Reflect.get(target, key) ?? null,
  });
}

/** Tells every failure of Liquid with its place in the template. */
function attempt<Result>({ path }: TemplateSource, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (LiquidError.is(error)) {
      const [line = 1, column = 1] = error.token.getPosition();
      // Liquid adds the place to its own messages, in another form.
      const problem = (error.originalError ?? error).message.replace(/, line:.*$/s, '');
      const details = { path, place: { line, column }, problem };
      throw new NametagError('NAMETAG_BAD_TEMPLATE', details, { cause: error });
    }
    if (error instanceof AssertionError) {
      const details = { path, place: undefined, problem: error.message };
      throw new NametagError('NAMETAG_BAD_TEMPLATE', details, { cause: error });
    }
    throw error;
  }
}
