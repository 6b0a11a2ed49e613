/** What the text of an option is read as; that a wrong one is refused is among the usage. */
import { describe, expect, it } from 'vitest';
import { parseTagTest } from '../../src/cli/values.ts';
import { parseConfig } from '../../src/config/parse-config.ts';

describe('KEY=VALUE', () => {
  it.each([
    ['env=prod', 'env', 'prod'],
    ['env=', 'env', ''],
    ['opts=a=b', 'opts', 'a=b'],
    ['opts==', 'opts', '='],
    ['service:db=ro port=5432', 'service:db', 'ro port=5432'],
  ])('%j is the key %j up to the first =, and the value %j', (text, key, value) => {
    expect(parseTagTest(text)).toEqual({ key, value });
    const hosts = [{ write: '/etc/hosts', tag: text }];
    const config = parseConfig(Buffer.from(JSON.stringify({ hosts })), 'config.json');
    expect(config.hosts[0]?.selector.tags).toEqual([{ key, value }]);
  });
});
