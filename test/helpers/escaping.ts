/** Values put into a text through an escaper, as a template would. */
import type { EscapeKind } from '../../src/model/escape-kind.ts';
import { createEscaper } from '../../src/render/escape.ts';

export type Filled = { readonly text: string } | { readonly refused: string };

/** Puts a value at each `@` of a text. */
export function fill(kind: EscapeKind, template: string, value: string, isEscaping = true): Filled {
  const escaper = createEscaper(kind);
  let text = '';
  for (const [index, literal] of template.split('@').entries()) {
    if (index > 0) {
      const escaped = isEscaping ? escaper.value(value) : { text: value };
      if ('refused' in escaped) return escaped;
      text += escaped.text;
    }
    const complaint = escaper.literal(literal);
    if (isEscaping && complaint !== undefined) return { refused: complaint };
    text += literal;
  }
  const complaint = escaper.end(text);
  return complaint === undefined ? { text } : { refused: complaint };
}
