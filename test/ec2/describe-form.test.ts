/** The form is the one that the SDK's client sends for the same question, byte for byte. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeForm } from '../../src/ec2/describe-form.ts';
import type { DescribeFilters } from '../../src/model/filters.ts';
import { sdkRequest } from './sdk-requests.ts';

/** As they are written, since how they are written is compared too. */
const fieldsOf = (form: string): string[] => form.split('&').sort();

async function fieldsOfSdk(filters: DescribeFilters, token?: string): Promise<string[]> {
  const Filters = filters.map(({ name, values }) => ({ Name: name, Values: [...values] }));
  const { body } = await sdkRequest({}, { MaxResults: 1000, Filters, NextToken: token });
  return fieldsOf(body);
}

const withWays: (readonly [string, (text: string) => string])[] = [
  ['as browsers do', (text) => new URLSearchParams([['', text]]).toString().slice(1)],
  ['as JavaScript does', encodeURIComponent],
  ['not at all', (text) => text],
];

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(fc.constantFrom(...' +*?!\'()~%&=-_./:;,"<>\\\u0000\t\r\nüß€\u{1f600}aZ0'))
    .map((characters) => characters.join('')),
);
const anyFilters = fc.array(
  fc.record({ name: odd, values: fc.array(odd, { minLength: 1, maxLength: 4 }) }),
  { maxLength: 12 },
);
const anyToken = fc.option(
  odd.filter((text) => text !== ''),
  { nil: undefined },
);
const run = { seed: 7, numRuns: 70, endOnFailure: true };

describe('the form', () => {
  test.each<[string, DescribeFilters, string | undefined]>([
    ['everything', [], undefined],
    ['the next page', [], 'eyJ2IjoiMiIsImMiOiJ+/=='],
    ['a state', [{ name: 'instance-state-name', values: ['running'] }], undefined],
    ['several values', [{ name: 'instance-id', values: ['i-1', 'i-2', 'i-1'] }], undefined],
    ['a wildcard', [{ name: 'tag:Name', values: ['tphon-*', 'a?b', '\\*'] }], undefined],
    ['a blank and a plus', [{ name: 'tag:a b+c', values: ['d e+f', ' ', ''] }], undefined],
    ['marks', [{ name: "tag:!'()*~", values: ['%&=', '%2B', '-_.'] }], undefined],
    ['letters of the world', [{ name: 'tag:Größe', values: ['ü', '\u{1f600}', '名'] }], 'ü'],
    [
      'more than nine filters and values',
      Array.from({ length: 11 }, (_, place) => ({
        name: `tag:${place}`,
        values: Array.from({ length: 11 }, (_, number) => `${number}`),
      })),
      'more',
    ],
  ])('asks for %s as the SDK does', async (_, filters, token) => {
    expect(fieldsOf(describeForm(filters, token))).toEqual(await fieldsOfSdk(filters, token));
  });

  test('asks for anything as the SDK does', async () => {
    await fc.assert(
      fc.asyncProperty(anyFilters, anyToken, async (filters, token) => {
        expect(fieldsOf(describeForm(filters, token))).toEqual(await fieldsOfSdk(filters, token));
      }),
      run,
    );
  });

  test.each(withWays)('would not, were its values encoded %s', async (_, encode) => {
    const property = fc.asyncProperty(odd, async (value) => {
      const filters = [{ name: 'a', values: [value] }];
      const plain = describeForm([{ name: 'a', values: [''] }], undefined);
      expect(fieldsOf(plain + encode(value))).toEqual(await fieldsOfSdk(filters));
    });
    const { failed } = await fc.check(property, run);
    expect(failed).toBe(true);
  });

  test('begins with what it is, and numbers from one', () => {
    expect(describeForm([{ name: 'a', values: ['b', 'c'] }], 'd')).toBe(
      'Action=DescribeInstances&Version=2016-11-15&MaxResults=1000' +
        '&Filter.1.Name=a&Filter.1.Value.1=b&Filter.1.Value.2=c&NextToken=d',
    );
  });
});
