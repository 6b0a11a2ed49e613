/** What values in a rendered file can be escaped for. */
export const escapeKinds = ['json', 'shell', 'xml', 'yaml', 'word', 'plain'] as const;

/** A language that values are escaped for; `plain` is none, `word` any. */
export type EscapeKind = (typeof escapeKinds)[number];

/** Tells whether this names a kind. */
export function isEscapeKind(text: string): text is EscapeKind {
  return escapeKinds.some((kind) => kind === text);
}
