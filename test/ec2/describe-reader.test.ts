import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createDescribeReader,
  type DescribePage,
  type DescribeReader,
} from '../../src/ec2/describe-reader.ts';
import { MalformedAnswer } from '../../src/ec2/malformed-answer.ts';
import { answers, styles, toXml } from './describe-documents.ts';
import { exampleAnswers, mixedAnswer } from './example-answers.ts';
import { readBySdk } from './sdk-reading.ts';

const seed = 5;

function read(document: string | Buffer, reader = createDescribeReader()): DescribePage {
  reader.feed(Buffer.from(document));
  return reader.end();
}

function readInChunks(
  document: Buffer,
  cuts: readonly number[],
  reader: DescribeReader = createDescribeReader(),
): DescribePage {
  let start = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    reader.feed(document.subarray(start, cut));
    start = cut;
  }
  reader.feed(document.subarray(start));
  return reader.end();
}

const answer = (inside: string) =>
  `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${inside}` +
  '</DescribeInstancesResponse>';
const instances = (...inside: readonly string[]) =>
  answer(
    `<reservationSet>${inside
      .map((one) => `<item><instancesSet><item>${one}</item></instancesSet></item>`)
      .join('')}</reservationSet>`,
  );
const bare =
  '<instanceId>i-0a</instanceId><instanceState><name>running</name></instanceState>' +
  '<launchTime>1970-01-01T00:00:01.000Z</launchTime>';

/** Has a text of each kind, two instances laid out alike, and a third that is not. */
const small = Buffer.from(
  `<?xml version="1.0" encoding="UTF-8"?>\n${instances(
    `${bare}<tagSet><item><key>Name</key><value>a&amp;b</value></item></tagSet><productCodes/>`,
    `${bare}<tagSet><item><key>Ünï</key><value>€ 𝄞</value></item></tagSet><productCodes/>`,
    `${bare}<!-- c --><vpcId><![CDATA[vpc]]>-1</vpcId><a b='>'>\r\n</a>`,
  )}\n`,
);

describe('a reader', () => {
  test('reads every field, wherever it stands', () => {
    const { instances: read_, nextToken } = read(
      answer(
        '<nextToken>more</nextToken><reservationSet><item><instancesSet><item>' +
          `<networkInterfaceSet><item><groupSet><item><groupId>sg-2</groupId>` +
          '<groupName>second</groupName></item></groupSet><ipv6AddressesSet><item>' +
          '<ipv6Address>2001:db8::1</ipv6Address></item></ipv6AddressesSet></item><item>' +
          '<groupSet><item><groupName>first</groupName><groupId>sg-1</groupId></item><item>' +
          '<groupId>sg-2</groupId><groupName>other</groupName></item></groupSet>' +
          '<ipv6AddressesSet><item><ipv6Address>2001:db8::2</ipv6Address></item><item/>' +
          `</ipv6AddressesSet></item></networkInterfaceSet>${bare}` +
          '<amiLaunchIndex>2</amiLaunchIndex><instanceType>m5.large</instanceType>' +
          '<placement><availabilityZone>eu-west-1a</availabilityZone></placement>' +
          '<vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId><dnsName>one.example.org</dnsName>' +
          '<privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>192.0.2.1</ipAddress>' +
          '<privateDnsName>ip-10-0-0-1.example.org</privateDnsName><groupSet><item>' +
          '<groupId>sg-3</groupId><groupName>third</groupName></item></groupSet><tagSet><item>' +
          '<value>web-1</value><key>Name</key></item><item><key>__proto__</key></item></tagSet>' +
          '</item></instancesSet></item></reservationSet>',
      ),
    );
    expect(nextToken).toBe('more');
    expect(read_).toEqual([
      {
        instanceId: 'i-0a',
        state: 'running',
        launchTimeMs: 1_000,
        launchIndex: 2,
        instanceType: 'm5.large',
        availabilityZone: 'eu-west-1a',
        vpcId: 'vpc-1',
        subnetId: 'subnet-1',
        privateIpAddress: '10.0.0.1',
        publicIpAddress: '192.0.2.1',
        ipv6Addresses: ['2001:db8::1', '2001:db8::2'],
        privateDnsName: 'ip-10-0-0-1.example.org',
        publicDnsName: 'one.example.org',
        securityGroups: [
          { groupId: 'sg-1', groupName: 'first' },
          { groupId: 'sg-2', groupName: 'second' },
          { groupId: 'sg-3', groupName: 'third' },
        ],
        tags: new Map([
          ['Name', 'web-1'],
          ['__proto__', ''],
        ]),
      },
    ]);
  });

  test('reads an empty text as absent, and an instance without anything else', () => {
    const empty = '<dnsName/><privateIpAddress></privateIpAddress><vpcId>\n  </vpcId>';
    expect(read(instances(bare + empty)).instances).toMatchObject([
      {
        publicDnsName: undefined,
        privateIpAddress: undefined,
        vpcId: undefined,
        launchIndex: 0,
        securityGroups: [],
        ipv6Addresses: [],
        tags: new Map(),
      },
    ]);
  });

  test('reads an empty set as nobody, and what follows as another answer', () => {
    const reader = createDescribeReader();
    const nobody = answer('<reservationSet/><nextToken>more</nextToken>');
    expect(read(nobody, reader)).toEqual({ instances: [], nextToken: 'more' });
    expect(read(instances(bare), reader).nextToken).toBeUndefined();
    expect(() => read(answer(''), reader)).toThrow('it has no `reservationSet`');
  });

  const without = (name: string) => bare.replace(new RegExp(`<${name}>.*</${name}>`), '');
  test.each([
    ['an instance has no `instanceId`', without('instanceId')],
    ['instance i-0a has no `instanceState`', without('instanceState')],
    ['instance i-0a has no `launchTime`', without('launchTime')],
    ['instance i-0a has the `launchTime` "soon"', bare.replace(/1970[^<]*/, 'soon')],
    [
      'instance i-0a has the `launchTime` "1970-13-01T00:00:00Z"',
      bare.replace(/1970[^<]*/, '1970-13-01T00:00:00Z'),
    ],
    ['instance i-0a has the `amiLaunchIndex` "x"', `${bare}<amiLaunchIndex>x</amiLaunchIndex>`],
    ['instance i-0a is in the unknown state "asleep"', bare.replace('running', 'asleep')],
    [
      'a tag of instance i-0a has no `key`',
      `${bare}<tagSet><item><value>x</value></item></tagSet>`,
    ],
    ['a `vpcId` is there twice', `${bare}<vpcId>a</vpcId><vpcId>b</vpcId>`],
    ['`tagSet` holds text', `${bare}<tagSet>x</tagSet>`],
    ['`vpcId` holds elements', `${bare}<vpcId><b/></vpcId>`],
  ])('says that %s', (message, inside) => {
    expect(() => read(instances(inside))).toThrow(MalformedAnswer);
    expect(() => read(instances(inside))).toThrow(message);
  });

  test('reads what is laid out as before as it reads it for the first time', () => {
    const one = (id: number, rest: string) =>
      `${bare.replace('i-0a', `i-${id}`)}<vpcId>vpc-${id % 3}</vpcId>${rest}`;
    const rests = ['', '<tagSet><item><key>a</key><value>b</value></item></tagSet>', '<dnsName/>'];
    const all = Array.from({ length: 60 }, (_, id) => one(id, rests[(id * id) % 3] ?? ''));
    const apart = all.flatMap((each) => read(instances(each)).instances);
    expect(read(instances(...all)).instances).toEqual(apart);
  });

  test.each([
    ['a text with markup', '<vpcId>vpc<b/></vpcId>', '`vpcId` holds elements'],
    ['a text with a bare "&"', '<vpcId>a & b</vpcId>', 'an "&" begins no reference'],
    ['a text with a control character', '<vpcId>a\x01b</vpcId>', 'XML does not allow'],
    ['another end tag', '<vpcId>vpc-1</vpcid>', 'is open where another element ends'],
  ])('refuses %s in an instance laid out as the ones before', (_, part, message) => {
    const good = `${bare}<vpcId>vpc-1</vpcId>`;
    expect(() => read(instances(good, good, bare + part, good))).toThrow(message);
    expect(read(instances(good, good, good, good)).instances).toHaveLength(4);
  });

  test.each([
    [
      'a second set of instances',
      '<instancesSet></instancesSet>',
      'a `instancesSet` is there twice',
    ],
    ['text between elements', 'text', '`item` holds text'],
    ['another end tag', '<a></b>', 'is open where another element ends'],
  ])('refuses %s in a reservation laid out as the ones before', (_, part, message) => {
    const reservation = (id: number, rest = '') =>
      `<item><instancesSet><item>${bare.replace('i-0a', `i-${id}`)}</item></instancesSet>` +
      `${rest}</item>`;
    const set = (...all: readonly string[]) =>
      answer(`<reservationSet>${all.join('')}</reservationSet>`);
    const good = [reservation(1), reservation(2), reservation(3)];
    expect(() => read(set(...good, reservation(4, part)))).toThrow(message);
    expect(read(set(...good, reservation(4))).instances).toHaveLength(4);
  });
});

describe('beside the SDK', () => {
  test('a reader reads the same, however the document is written and cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        answers,
        styles,
        fc.array(fc.nat(), { maxLength: 8 }),
        async (root, style, numbers) => {
          const document = Buffer.from(toXml(root, style));
          const cuts = numbers.map((number) => number % (document.length + 1));
          expect(readInChunks(document, cuts)).toEqual(await readBySdk(document));
        },
      ),
      { seed, numRuns: 200, endOnFailure: true },
    );
  });

  test.each(exampleAnswers)('an answer as EC2 writes it is read the same: %s', async (_, text) => {
    const document = Buffer.from(text);
    // The SDK makes another kind of object of what it is given.
    const expected = await readBySdk(Buffer.from(text));
    const reader = createDescribeReader();
    for (let size = 1; size < document.length; size += 997) {
      const cuts = Array.from({ length: Math.floor(document.length / size) }, (_, i) => i * size);
      expect(readInChunks(document, cuts, reader), `in pieces of ${size}`).toEqual(expected);
    }
  });

  test('a fleet of many layouts is read the same', async () => {
    await fc.assert(
      fc.asyncProperty(styles, fc.integer({ min: 1, max: 120 }), async ({ choose }, size) => {
        const document = Buffer.from(mixedAnswer(size, choose));
        expect(readInChunks(document, [])).toEqual(await readBySdk(document));
      }),
      { seed, numRuns: 12, endOnFailure: true },
    );
  });

  test('reservations of one, of several and of no instances are read the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0, 1, 1, 1, 2, 3, 7), { minLength: 20, maxLength: 90 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        async (sizes, numbers) => {
          let id = 0;
          const one = () => {
            id += 1;
            const text = `<item>${bare.replace('i-0a', `i-${id}`)}<vpcId>vpc-${id % 5}</vpcId>`;
            return `${text}${id % 4 === 0 ? '<dnsName/>' : ''}</item>`;
          };
          const reservations = sizes.map(
            (size) =>
              `<item><ownerId>${size}</ownerId><instancesSet>` +
              `${Array.from({ length: size }, one).join('')}</instancesSet></item>`,
          );
          const text = answer(`<reservationSet>${reservations.join('')}</reservationSet>`);
          const document = Buffer.from(text);
          const cuts = numbers.map((number) => number % (document.length + 1));
          const page = readInChunks(document, cuts);
          expect(page).toEqual(await readBySdk(document));
          expect(page.instances).toHaveLength(id);
        },
      ),
      { seed, numRuns: 30, endOnFailure: true },
    );
  });

  // The control: a reader that loses one thing is found out.
  test.each(['groupName', 'ipv6Address', 'value', 'ipAddress', 'nextToken'])(
    'a reader that does not know `%s` reads something else',
    async (name) => {
      const property = fc.asyncProperty(answers, styles, async (root, style) => {
        const document = toXml(root, style);
        const blind = document.replaceAll(new RegExp(`(</?)${name}(?=[\\s/>])`, 'g'), '$1other');
        expect(read(blind)).toEqual(await readBySdk(Buffer.from(document)));
      });
      const { failed } = await fc.check(property, { seed, numRuns: 60, endOnFailure: true });
      expect(failed).toBe(true);
    },
  );

  test('a document with a byte changed is refused, or read as the SDK reads it', async () => {
    const interesting = fc.oneof(
      fc.constantFrom(...Buffer.from('<>/&;!?"\'= \r\n-[]')),
      fc.nat(255),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.nat(small.length - 1),
        interesting,
        fc.constantFrom('put', 'insert', 'remove'),
        async (place, byte, how) => {
          const document = Buffer.concat([
            small.subarray(0, place),
            Buffer.from(how === 'remove' ? [] : [byte]),
            small.subarray(how === 'insert' ? place : place + 1),
          ]);
          // The SDK loses an element with nothing but blanks and no line feed before a child.
          fc.pre(!/>[ \t]+</.test(document.toString('latin1')));
          const ours = attempt(() => readInChunks(document, [place]));
          if (ours instanceof MalformedAnswer) return;
          expect(ours).toEqual(await readBySdk(document));
        },
      ),
      { seed, numRuns: 1_000, endOnFailure: true },
    );
  });
});

function attempt(run: () => DescribePage): DescribePage | MalformedAnswer {
  try {
    return run();
  } catch (error) {
    if (error instanceof MalformedAnswer) return error;
    throw error;
  }
}

describe('a document in pieces', () => {
  const whole = read(small);

  test('is the same wherever it is cut in two', () => {
    expect(whole.instances).toHaveLength(3);
    for (let cut = 0; cut <= small.length; cut += 1) {
      expect(readInChunks(small, [cut]), `cut at ${cut}`).toEqual(whole);
    }
  });

  test('is the same byte by byte', () => {
    expect(readInChunks(small, Array.from(small.keys()))).toEqual(whole);
  });

  test('is the same with a reader that has learnt', () => {
    const reader = createDescribeReader();
    for (let cut = 0; cut <= small.length; cut += 7) {
      expect(readInChunks(small, [cut], reader), `cut at ${cut}`).toEqual(whole);
    }
  });

  test('is refused wherever it breaks off before its end', () => {
    const end = small.lastIndexOf('>');
    for (let length = 0; length <= end; length += 1) {
      expect(() => read(small.subarray(0, length)), `after ${length}`).toThrow(MalformedAnswer);
    }
    // The control: what is after the end is not needed.
    expect(read(small.subarray(0, end + 1))).toEqual(whole);
  });
});
