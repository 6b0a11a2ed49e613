/** Answers to `DescribeInstances` as EC2 might write them, and as it never would but could. */
import fc from 'fast-check';

/** An element with its children, or with its text as it is to be understood. */
export type Element = readonly [name: string, inside: string | readonly Element[]];

/** How a document is written: which of several ways is taken at each choice. */
export interface Style {
  /** Gives a number below `ways`. */
  readonly choose: (ways: number) => number;
  /** Whether to use what EC2 does not: comments, sections, instructions, attributes, references. */
  readonly isPlain: boolean;
}

/** Writes a document. */
export function toXml(root: Element, style: Style): string {
  const declaration = ['<?xml version="1.0" encoding="UTF-8"?>\n', "<?xml version='1.0'?>", ''];
  return `${declaration[style.choose(3)]}${toTag(root, style, 0)}${style.choose(2) ? '\n' : ''}`;
}

function toTag([name, inside]: Element, style: Style, depth: number): string {
  const attribute = style.isPlain
    ? ''
    : ['', '', ' a="1 > 2"', '\n a=\'&amp;\' b = ""'][style.choose(4)];
  // The SDK takes an attribute for an element, so that a text with one is none to it.
  const tag = typeof inside === 'string' || inside.length === 0 ? name : `${name}${attribute}`;
  if (inside.length === 0 && style.choose(2) === 0)
    return `<${name}${style.choose(2) ? ' ' : ''}/>`;
  if (typeof inside === 'string') return `<${tag}>${toText(inside, style)}</${name}>`;
  const layout = style.choose(3) > 0 ? `\n${'    '.repeat(depth)}` : '';
  const children = inside.map((child) => {
    const other = style.isPlain
      ? ''
      : ['', '', '<!-- a > b, not </item> -->', '<?target some <data> ?>'][style.choose(4)];
    return `${layout}${other}${toTag(child, style, depth + 1)}`;
  });
  return `<${tag}>${children.join('')}${layout}</${name}${style.choose(6) === 0 ? ' ' : ''}>`;
}

function toText(text: string, style: Style): string {
  if (!style.isPlain && text !== '' && style.choose(5) === 0 && !text.includes(']]>')) {
    const characters = [...text];
    const half = style.choose(characters.length + 1);
    const [before, after] = [characters.slice(0, half).join(''), characters.slice(half).join('')];
    return `${escaped(before, style)}<![CDATA[${after}]]>${style.choose(2) ? '<!-- - -->' : ''}`;
  }
  return escaped(text, style);
}

function escaped(text: string, { choose, isPlain }: Style): string {
  return text.replace(/[\s\S]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if ('<&'.includes(character)) return character === '<' ? '&lt;' : '&amp;';
    if (character === '>') return choose(2) ? '&gt;' : '&#62;';
    // A carriage return that is written out would be read as a line feed.
    if (character === '\r') return '&#xD;';
    // The SDK knows no reference beyond the first plane.
    if (isPlain || code > 0xffff || choose(12) > 0) return character;
    if (character === '"') return '&quot;';
    if (character === "'") return '&apos;';
    return choose(2) ? `&#${code};` : `&#x${code.toString(16)};`;
  });
}

const word = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
const text = fc
  .oneof(
    { weight: 4, arbitrary: word },
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom(
      '',
      ' ',
      'a b',
      ' a',
      '\t',
      '<&>"\'',
      ']]',
      'a]]>b',
      '__proto__',
      '#text',
      'a\nb',
    ),
  )
  .map((value) => value.replace(/\p{Cc}|[\ufffe\uffff]/gu, (c) => ('\t\n'.includes(c) ? c : '')));

/** Elements that no field is read from, some of them named like one that is, in another place. */
const unknown: fc.Arbitrary<Element> = fc.letrec<{ element: Element }>((tie) => ({
  element: fc.tuple(
    fc.constantFrom('productCodes', 'item2', 'monitoring', 'item', 'ebs', 'x-1', 'a.b', 'n:s'),
    fc.oneof({ depthSize: 'small' }, text, fc.array(tie('element'), { maxLength: 3 })),
  ),
})).element;

const maybe = (name: string, value: fc.Arbitrary<string | readonly Element[]>) =>
  fc
    .option(value, { nil: undefined })
    .map((inside) => (inside === undefined ? [] : [[name, inside] as const]));

/** Puts the elements in any order, with others between them that do not count. */
const anyOrder = (...parts: readonly fc.Arbitrary<readonly Element[]>[]) =>
  fc
    .tuple(
      fc.tuple(...parts).map((lists) => lists.flat()),
      fc.array(
        unknown.filter(([name]) => name !== 'item'),
        { maxLength: 2 },
      ),
      fc.infiniteStream(fc.nat()),
    )
    .map(([known, others, order]) =>
      [...known, ...others]
        .map((element) => ({ element, rank: order.next().value ?? 0 }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ element }) => element),
    );

const always = (name: string, value: fc.Arbitrary<string | readonly Element[]>) =>
  value.map((inside): readonly Element[] => [[name, inside]]);

const itemsOf = (inside: fc.Arbitrary<readonly Element[]>) =>
  fc.array(inside, { maxLength: 3 }).map((items) => items.map((item): Element => ['item', item]));

const groups = itemsOf(
  anyOrder(maybe('groupId', fc.constantFrom('sg-1', 'sg-2', 'sg-3')), maybe('groupName', text)),
);

const time = fc
  .tuple(
    fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }),
    fc.constantFrom('Z', 'z', '+02:00', '-11:30', '+00:00'),
    fc.constantFrom(undefined, '', '.5', '.123456'),
  )
  .map(([date, zone, fraction]) =>
    date.toISOString().replace(/(\.\d+)Z$/, (_, ms) => `${fraction ?? ms}${zone}`),
  );

const instance = anyOrder(
  always('instanceId', fc.stringMatching(/^i-[0-9a-f]{8,17}$/)),
  always(
    'instanceState',
    anyOrder(
      always('name', fc.constantFrom('pending', 'running', 'stopping', 'stopped', 'terminated')),
      maybe('code', fc.constant('16')),
    ),
  ),
  always('launchTime', time),
  maybe('amiLaunchIndex', fc.nat(1000).map(String)),
  maybe('instanceType', text),
  maybe('placement', anyOrder(maybe('availabilityZone', text), maybe('tenancy', text))),
  maybe('vpcId', text),
  maybe('subnetId', text),
  maybe('privateIpAddress', text),
  maybe('ipAddress', text),
  maybe('privateDnsName', text),
  maybe('dnsName', text),
  maybe('groupSet', groups),
  maybe('tagSet', itemsOf(anyOrder(always('key', text.filter(isValue)), maybe('value', text)))),
  maybe(
    'networkInterfaceSet',
    itemsOf(
      anyOrder(
        maybe('groupSet', groups),
        maybe('ipv6AddressesSet', itemsOf(anyOrder(maybe('ipv6Address', text)))),
        maybe('privateIpAddress', text),
      ),
    ),
  ),
);

function isValue(value: string): boolean {
  return value.trim() !== '';
}

/** Whole answers. */
export const answers: fc.Arbitrary<Element> = anyOrder(
  always(
    'reservationSet',
    itemsOf(anyOrder(maybe('groupSet', groups), maybe('instancesSet', itemsOf(instance)))),
  ),
  maybe('nextToken', text),
  maybe('requestId', text),
).map((inside) => ['DescribeInstancesResponse', inside]);

/** Ways to write them. */
export const styles: fc.Arbitrary<Style> = fc
  .tuple(fc.infiniteStream(fc.nat(1_000_000)), fc.boolean())
  .map(([numbers, isPlain]) => ({
    isPlain,
    choose: (ways) => (numbers.next().value ?? 0) % ways,
  }));
