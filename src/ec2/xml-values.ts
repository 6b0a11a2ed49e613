/** Values as strings of their own, and equal ones as the same string. */

/** The values that came lately. */
export interface XmlValues {
  /** Gives a value that does not keep the text that it was cut from. */
  keep(value: string): string;
}

// Zones, types, groups and the keys of tags come with every instance, and are soon there again
// after they were forgotten; ids and addresses never come again.
const valuesMax = 2_000;
const keptLengthMax = 64;

/** Makes an empty table. */
export function createXmlValues(): XmlValues {
  const values = new Map<string, string>();
  return {
    keep(value) {
      const known = values.get(value);
      if (known !== undefined) return known;
      // The runtime makes a slice that refers to the whole, unless it is made anew from bytes.
      const own = Buffer.from(value, 'utf8').toString('utf8');
      if (own.length > keptLengthMax) return own;
      if (values.size === valuesMax) values.clear();
      values.set(own, own);
      return own;
    },
  };
}
