import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toDirectory } from '../../src/model/directory.ts';
import { type Endpoint, select } from '../../src/model/endpoint.ts';
import {
  renderAddrs,
  renderCsv,
  renderEnv,
  renderHostports,
  renderLines,
  toVariablePrefix,
} from '../../src/render/text.ts';
import { instance, snapshot } from '../helpers/instances.ts';

function endpoints(hosts: readonly string[], port?: number): readonly Endpoint[] {
  const instances = hosts.map((host, i) => instance({ instanceId: `i-${i}`, tags: { a: host } }));
  const question = { selector: {}, address: 'tag:a', port } as const;
  return select(toDirectory(snapshot(...instances)), question).endpoints;
}

const three = ['10.0.0.1', '2001:db8::1', 'db.example.org'];

describe('the text formats', () => {
  test.each([
    ['lines', renderLines, '10.0.0.1\n2001:db8::1\ndb.example.org\n'],
    ['addrs', renderAddrs, '10.0.0.1 2001:db8::1 db.example.org\n'],
    ['hostports', renderHostports, '10.0.0.1:80\n[2001:db8::1]:80\ndb.example.org:80\n'],
    ['csv', renderCsv, '10.0.0.1:80,[2001:db8::1]:80,db.example.org:80\n'],
  ])('write endpoints with a port as %s', (_, render, text) => {
    expect(render(endpoints(three, 80))).toBe(text);
  });

  test.each([
    ['hostports', renderHostports, '10.0.0.1\n2001:db8::1\ndb.example.org\n'],
    ['csv', renderCsv, '10.0.0.1,2001:db8::1,db.example.org\n'],
  ])('write endpoints without a port as %s', (_, render, text) => {
    expect(render(endpoints(three))).toBe(text);
  });

  test.each([
    ['lines', renderLines, ''],
    ['addrs', renderAddrs, '\n'],
    ['hostports', renderHostports, ''],
    ['csv', renderCsv, '\n'],
  ])('write nobody as %s', (_, render, text) => {
    expect(render([])).toBe(text);
  });
});

describe('renderEnv', () => {
  test('writes assignments of all, the first, the count and the port', () => {
    expect(renderEnv('DB', endpoints(['10.0.0.1', '10.0.0.2'], 5432))).toBe(
      "export DB_HOSTS='10.0.0.1 10.0.0.2'\nexport DB_HOST='10.0.0.1'\n" +
        "export DB_COUNT='2'\nexport DB_PORT='5432'\n",
    );
  });

  test('writes empty values for nobody', () => {
    expect(renderEnv('DB', [])).toBe(
      "export DB_HOSTS=''\nexport DB_HOST=''\nexport DB_COUNT='0'\n",
    );
  });

  const [base] = endpoints(['10.0.0.1']);
  const withHost = (host: string): Endpoint => ({ ...base!, host });
  /** What sh(1) has in the variables after it has read the texts. */
  const readBySh = (texts: readonly string[]): string[] => {
    const script = texts.map((text) => `${text}\nprintf '%s\\0' "$X_HOST"\n`).join('');
    const out = execFileSync('/bin/sh', ['-c', script], { env: {}, encoding: 'utf8' });
    return out.split('\0').slice(0, -1);
  };
  const hostile = [
    "it's",
    "'; echo pwned; '",
    '$(echo pwned)',
    '`echo pwned`',
    '"$HOME"',
    'a\\',
    "\\'",
    'a\nexport X_HOST=pwned',
    'a;b&c|d>e<f#g!h*i?j[k]l~m{n}',
    '\u00E4\u{1F600}',
    '',
    ' ',
    "''''",
  ];

  test('quotes whatever is in a value for sh', () => {
    expect(readBySh(hostile.map((host) => renderEnv('X', [withHost(host)])))).toEqual(hostile);
  });

  test('quotes any text for sh', () => {
    const unit = fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', '(', ')', '!', 'a', '\u00E9');
    const values = fc.sample(fc.string({ unit, maxLength: 12 }), { seed: 1, numRuns: 500 });
    expect(readBySh(values.map((host) => renderEnv('X', [withHost(host)])))).toEqual(values);
  });

  test('is not met by quotes that are only put around (the control)', () => {
    const value = "a'; X_HOST='pwned";
    expect(readBySh([`export X_HOST='${value}'`])).toEqual(['pwned']);
    expect(readBySh([renderEnv('X', [withHost(value)])])).toEqual([value]);
  });
});

describe('toVariablePrefix', () => {
  test.each([
    ['db', 'DB'],
    ['my-db', 'MY_DB'],
    ['sg-0a1', 'SG_0A1'],
    ['2nd', '_2ND'],
    ['a b;c$d', 'A_B_C_D'],
    ['b\u00FCcher', 'B_CHER'],
    ['stra\u00DFe', 'STRASSE'],
  ])('makes of %j %j', (text, prefix) => {
    expect(toVariablePrefix(text)).toBe(prefix);
    expect(prefix).toMatch(/^[A-Z_][A-Z0-9_]*$/);
  });
});
