import type { DescribeFilters } from '../model/filters.ts';

/** How many instances one page may have: the most that EC2 gives. */
const pageSize = 1000;

/**
 * Makes the form that asks for a page of instances.
 *
 * Source: Amazon EC2 API Reference, "DescribeInstances" and "Query requests"; a list is its
 * members, numbered from 1.
 *
 * @param token - of the page before; `undefined` asks for the first
 */
export function describeForm(filters: DescribeFilters, token: string | undefined): string {
  const fields: (readonly [name: string, value: string])[] = [
    ['Action', 'DescribeInstances'],
    ['Version', '2016-11-15'],
    ['MaxResults', String(pageSize)],
  ];
  for (const [index, { name, values }] of filters.entries()) {
    const filter = `Filter.${index + 1}`;
    fields.push([`${filter}.Name`, name]);
    for (const [place, value] of [...values].entries()) {
      fields.push([`${filter}.Value.${place + 1}`, value]);
    }
  }
  if (token !== undefined) fields.push(['NextToken', token]);
  return fields.map(([name, value]) => `${name}=${encode(value)}`).join('&');
}

/** As the SDK does, and not as browsers do, to which `+` is a blank (RFC 3986 section 2.3). */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
