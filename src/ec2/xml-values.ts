/** Values as strings of their own, and equal ones as the same string. */

/** The values that came lately. */
export interface XmlValues {
  /** Gives the equal value that came lately; `undefined` if none did. */
  find(value: string): string | undefined;
  /** Lets a value be found. It must not be cut from a longer text. */
  remember(value: string): void;
}

// Zones, types, groups and the keys of tags come with every instance, and are soon there again
// after they were forgotten; ids and addresses never come again.
const valuesMax = 2_000;
const keptLengthMax = 64;

/** Makes an empty table. */
export function createXmlValues(): XmlValues {
  const values = new Map<string, string>();
  return {
    find: (value) => values.get(value),
    remember(value) {
      if (value.length > keptLengthMax) return;
      if (values.size === valuesMax) values.clear();
      values.set(value, value);
    },
  };
}

// The runtime makes a slice of a text that refers to the whole of it, but for short ones.
const slicedLengthMin = 13;
const copier = Buffer.allocUnsafeSlow(1024);

/** Copies ASCII text, so that it does not keep the text that it was cut from. */
export function copyText(text: string): string {
  if (text.length < slicedLengthMin) return text;
  if (text.length > copier.length) return Buffer.from(text, 'latin1').toString('latin1');
  return copier.toString('latin1', 0, copier.write(text, 0, 'latin1'));
}
